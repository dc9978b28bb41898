"""What can go wrong with checks that people hand over, and with transfers to the bank."""

from __future__ import annotations

from billing.kernel.errors import Conflict


class CheckBookedBefore(Conflict):
    """A check of that number from the same patient or payer is booked, with the payment named.

    Send `another_check_with_this_number` if this is another one, or another part of a payer's check.
    """

    code = "check-booked-before"


class CheckNotBanked(Conflict):
    """No bank asks a fee for a check that it never had: bank it first, or take it back without one."""

    code = "check-not-banked"


class TransferBookedBefore(Conflict):
    """That much came for this part of the invoice under the same reference, with the payment named.

    Send `another_transfer_with_this_reference` if it came once more.
    """

    code = "transfer-booked-before"
