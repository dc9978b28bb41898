"""How the control API's actions are declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from billing.sandbox.calls import Call
from billing.sandbox.parameters import Form
from billing.sandbox.storage import Thing


def planned_with(plans: Sequence[Thing], plan: Thing, body: Thing) -> list[Thing]:
    """What is to happen to the next ones, with one plan more; `times` 0 ends those of what `body` names."""
    if plan["times"]:
        return [*plans, plan]
    named = {name: value for name, value in body.items() if name != "times"}
    return [each for each in plans if any(each[name] != value for name, value in named.items())]


@dataclass(frozen=True)
class Action:
    """What changes the stored state; `act` answers what the caller is shown."""

    form: Form
    act: Callable[[Call, Thing], object]
