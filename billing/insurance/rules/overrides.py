"""Lines that staff bill in another way than the clock codes them. The charge of a line stays where it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from billing.insurance.records import SuperbillLine
from billing.insurance.records.coding import CodingStep, LineChange, LineOverride
from billing.insurance.rules.code_sets import CODE, MODIFIER
from billing.insurance.rules.lines import MOST_POINTERS, POINTERS
from billing.kernel.errors import Flaw

MOST_MODIFIERS = 4
MOST_UNITS = 9_999
MARK = 32
"""Characters."""
INITIAL = frozenset({"96360", "96365", "96374"})
"""One of these a visit; a second one needs a line of its own and a modifier that says so."""
INJECTED = INITIAL | {"96361", "96366", "96367", "96368", "96375"}
APART = frozenset({"59", "XE", "XS", "XP", "XU"})
NOT_BESIDE_INJECTED = "99211"


def as_billed(lines: Sequence[SuperbillLine], override: LineOverride) -> tuple[SuperbillLine, ...]:
    """The lines with what staff changed; each says so, and why."""
    changes = {change.place: change for change in override.changes}
    return tuple(
        _billed(line, changes[place], override.reason) if place in changes else line
        for place, line in enumerate(lines, 1)
    )


def fits(override: LineOverride, lines: Sequence[SuperbillLine]) -> bool:
    """Whether what was changed is still coded as it was then."""
    return all(
        change.place <= len(lines) and _was(change) == _is(lines[change.place - 1])
        for change in override.changes
    )


def mark_of(
    coded: Sequence[SuperbillLine], billed: Sequence[SuperbillLine], override: LineOverride | None
) -> str:
    """What a form carries of the lines that it shows: while it is the same, so is the line of a place."""
    told = [(*_is(line), line.pointers, line.charge.cents, line.description) for line in (*coded, *billed)]
    return sha256(repr((override.version if override else 0, told)).encode()).hexdigest()[:MARK]


def override_flaws(changes: Sequence[LineChange], lines: Sequence[SuperbillLine]) -> list[Flaw]:
    """All that no insurer would take; nothing when the lines can be billed so."""
    flaws = [flaw for number, change in enumerate(changes) for flaw in _flaws(f"/lines/{number}", change)]
    places = [change.place for change in changes]
    for number, place in enumerate(places):
        if not 1 <= place <= len(lines):
            flaws.append(Flaw(f"/lines/{number}/place", f"Choose a line from 1 to {len(lines)}."))
        elif place in places[:number]:
            flaws.append(Flaw(f"/lines/{number}/place", "This line is changed already."))
    return flaws or list(_flaws_together(changes, lines))


def pointing_flaw(lines: Sequence[SuperbillLine], diagnoses: int) -> str | None:
    """Why the lines do not go with so many diagnoses, or None."""
    there = set(POINTERS[:diagnoses])
    for line in lines:
        if missing := sorted(set(line.pointers) - there):
            return (
                f"The line {line.code} points to diagnosis {missing[0]}, and there are {diagnoses}. Add the "
                "diagnosis, or change where the line points to."
            )
    return None


def _billed(line: SuperbillLine, change: LineChange, reason: str) -> SuperbillLine:
    was = " ".join((line.code, *line.modifiers))
    step = CodingStep(rule="override", text=f"Coded as {was}, {line.units}; changed by staff: {reason}")
    return replace(
        line,
        code=change.code,
        units=change.units,
        modifiers=change.modifiers,
        pointers=change.pointers,
        steps=(*line.steps, step),
    )


def _was(change: LineChange) -> tuple[str, int, tuple[str, ...]]:
    return change.was_code, change.was_units, change.was_modifiers


def _is(line: SuperbillLine) -> tuple[str, int, tuple[str, ...]]:
    return line.code, line.units, line.modifiers


def _flaws(at: str, change: LineChange) -> Iterator[Flaw]:
    if not CODE.fullmatch(change.code):
        yield Flaw(f"{at}/code", "Give a CPT or HCPCS code of five characters, such as 96365.")
    if len(change.modifiers) > MOST_MODIFIERS or not all(map(MODIFIER.fullmatch, change.modifiers)):
        yield Flaw(f"{at}/modifiers", f"Give at most {MOST_MODIFIERS} modifiers of two capitals or digits.")
    elif len(set(change.modifiers)) != len(change.modifiers):
        yield Flaw(f"{at}/modifiers", "Give each modifier once.")
    if not 1 <= change.units <= MOST_UNITS:
        yield Flaw(f"{at}/units", f"Give a whole number of units from 1 to {MOST_UNITS}.")
    pointers = change.pointers
    if len(pointers) > MOST_POINTERS or not set(pointers) <= set(POINTERS):
        yield Flaw(f"{at}/pointers", f"Give at most {MOST_POINTERS} letters from A to {POINTERS[-1]}.")
    elif len(set(pointers)) != len(pointers):
        yield Flaw(f"{at}/pointers", "Point to each diagnosis once.")


def _flaws_together(changes: Sequence[LineChange], lines: Sequence[SuperbillLine]) -> Iterator[Flaw]:
    """What only the whole visit shows."""
    billed = [(line.code, line.modifiers) for line in lines]
    for change in changes:
        billed[change.place - 1] = change.code, change.modifiers
    is_injected = any(code in INJECTED for code, _ in billed)
    unmarked = [code for code, modifiers in billed if code in INITIAL and not APART & set(modifiers)]
    for number, change in enumerate(changes):
        if change.code == NOT_BESIDE_INJECTED and is_injected:
            yield Flaw(f"/lines/{number}/code", f"{change.code} is never billed beside an infusion.")
        if change.code in INITIAL and not APART & set(change.modifiers) and len(unmarked) > 1:
            yield Flaw(
                f"/lines/{number}/modifiers",
                f"A second initial code needs a line of its own and one of {', '.join(sorted(APART))}.",
            )
