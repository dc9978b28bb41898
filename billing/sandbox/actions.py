"""How the control API's actions are declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from billing.sandbox.calls import Call
from billing.sandbox.parameters import Form
from billing.sandbox.storage import Thing


@dataclass(frozen=True)
class Action:
    """What changes the stored state; `act` answers what the caller is shown."""

    form: Form
    act: Callable[[Call, Thing], object]
