from billing.kernel.errors import Conflict, Invalid, NotFound


class NoSuchSuperbill(NotFound):
    code = "no-such-superbill"


class NoSuchRemittance(NotFound):
    code = "no-such-remittance"


class SuperbillNotPossible(Conflict):
    """Something is missing that the insurer needs; the sentence says what."""

    code = "superbill-not-possible"


class UnreadableRemittance(Invalid):
    """The file cannot be read to its end; nothing of it is posted."""

    code = "unreadable-remittance"
