"""What can go wrong with what patients choose and with the letters that ask them."""

from __future__ import annotations

from billing.kernel.errors import Conflict, NotFound


class NoSuchChoiceLetter(NotFound):
    code = "no-such-choice-letter"


class ChoiceChanged(Conflict):
    """The credit is not as it was shown: less is left of it, or something was chosen meanwhile."""

    code = "choice-changed"


class LetterChanged(Conflict):
    """What the letter says is not true any more: print it again, or do not post it."""

    code = "letter-changed"
