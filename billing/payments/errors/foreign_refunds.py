"""Refusals about refunds that were made in the processor's dashboard."""

from __future__ import annotations

from billing.kernel.errors import Conflict


class NotAPatientsRefund(Conflict):
    """An exception that did not give back money of a payment which is booked here."""

    code = "not-a-patients-refund"


class RefundKnown(Conflict):
    """Somebody asked for that refund to be booked; it waits for another person, or is booked."""

    code = "refund-known"
