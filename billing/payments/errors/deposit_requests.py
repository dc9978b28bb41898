"""Refusals about deposits that are asked for."""

from __future__ import annotations

from billing.kernel.errors import Conflict, NotFound


class NoSuchDepositRequest(NotFound):
    code = "no-such-deposit-request"


class DepositNotAsked(Conflict):
    """The deposit was paid or withdrawn meanwhile, so nothing is asked for any more."""

    code = "deposit-not-asked"
