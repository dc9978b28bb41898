"""What ran into a vein, was pushed into it, or was given as fluid. Source: CPT, hydration and infusions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from billing.care.records import GivenDrug, HydrationPurpose, Order, Way
from billing.insurance.records import CodedService
from billing.insurance.records.coding import CodeRow, CodeRule, CodeSet, CodingStep
from billing.insurance.rules.coding.visit import (
    HOUR,
    Found,
    Run,
    Times,
    Visit,
    add,
    clock,
    minutes_between,
    on_the_clock,
    runs_of,
    service_of,
    times_of,
)
from billing.kernel.clock import told_minutes


def infused(visit: Visit, codes: CodeSet) -> Found:
    runs = runs_of(visit)
    push, initial = codes.of(CodeRule.INFUSION_PUSH), codes.of(CodeRule.INFUSION_INITIAL)
    if push is None or initial is None or push.most is None:
        return [], [CodingStep(rule="infusion", text="The clinic's codes have none for an infusion.")]
    long = [run for run in runs if run.minutes > push.most]
    first = _first_of(long)
    services: list[CodedService] = []
    notes: list[CodingStep] = []
    if first:
        services += _hours(first, CodeRule.INFUSION_INITIAL, codes)
    for run in long:
        if run is first:
            continue
        if run.drug.order is Order.CONCURRENT:
            add(_beside(run, services, codes), services, notes)
        elif run.drug.is_at_second_site:
            services += _at_second_site(run, codes)
        else:
            services += _hours(run, CodeRule.INFUSION_SEQUENTIAL, codes)
    short = [run.drug for run in runs if run not in long]
    pushed, push_notes = _pushed(short, visit, codes, {run.drug.drug for run in long})
    return [*services, *pushed], [*notes, *push_notes]


def _first_of(long: Sequence[Run]) -> Run | None:
    """What the visit is for, or else what ran long enough to be an infusion at all."""
    after_each_other = [run for run in long if run.drug.order is not Order.CONCURRENT]
    named = [r for r in after_each_other if r.drug.order is Order.FIRST and not r.drug.is_at_second_site]
    return next(iter([*named, *after_each_other, *long]), None)


def _hours(run: Run, rule: CodeRule, codes: CodeSet) -> list[CodedService]:
    """A first hour and each further one: from 91 minutes on, every started hour is one unit more."""
    row, initial = codes.of(rule), codes.of(CodeRule.INFUSION_INITIAL)
    further = codes.of(CodeRule.INFUSION_ADDITIONAL)
    if row is None or initial is None or initial.most is None:
        return []
    until = initial.most
    step = CodingStep(rule=rule, text=f"{run.told}: up to {until} minutes are {row.code}.")
    services = [service_of(row, times=run.times, steps=[step])]
    units = -(-max(0, run.minutes - until) // HOUR)
    if units and further:
        text = f"{run.told}: each started hour after {until} minutes is one unit of {further.code}."
        step = CodingStep(rule=CodeRule.INFUSION_ADDITIONAL, text=text)
        services.append(service_of(further, units=units, times=run.times, steps=[step]))
    return services


def _at_second_site(run: Run, codes: CodeSet) -> list[CodedService]:
    """A second initial code needs a line of its own, and a modifier that says so."""
    modifier = codes.of(CodeRule.SECOND_SITE_MODIFIER)
    services = _hours(run, CodeRule.INFUSION_INITIAL, codes)
    if modifier is None or not services:
        return _hours(run, CodeRule.INFUSION_SEQUENTIAL, codes)
    text = f"A second initial code, through a line of its own: modifier {modifier.code}."
    step = CodingStep(rule=CodeRule.SECOND_SITE_MODIFIER, text=text)
    first, *further = services
    marked = replace(first, modifiers=(modifier.code,), steps=(*first.steps, step))
    return [marked, *further]


def _beside(run: Run, so_far: Sequence[CodedService], codes: CodeSet) -> CodedService | CodingStep:
    row = codes.of(CodeRule.INFUSION_CONCURRENT)
    if row is None:
        return CodingStep(rule=CodeRule.INFUSION_CONCURRENT, text=f"{run.told}: no code for it is kept.")
    if any(service.code == row.code for service in so_far):
        return CodingStep(
            rule=CodeRule.INFUSION_CONCURRENT, text=f"{run.told}: {row.code} counts once a visit."
        )
    step = CodingStep(rule=CodeRule.INFUSION_CONCURRENT, text=f"{run.told}, beside the first: {row.code}.")
    return service_of(row, times=run.times, steps=[step])


def _pushed(short: Sequence[GivenDrug], visit: Visit, codes: CodeSet, infused: set[str]) -> Found:
    """Each new drug counts once; the first is the initial code when nothing was infused."""
    services: list[CodedService] = []
    notes: list[CodingStep] = []
    known = set(infused)
    for drug in [*short, *(each for each in visit.drugs if each.way is Way.PUSH and each.dose_mg)]:
        told = f"{drug.listed.name}, given by push"
        if drug.drug in known:
            text = f"{told}: the same drug counts once."
            notes.append(CodingStep(rule=CodeRule.PUSH_ADDITIONAL, text=text))
            continue
        rule = CodeRule.PUSH_ADDITIONAL if known else CodeRule.INFUSION_PUSH
        known.add(drug.drug)
        add(_push(drug, rule, told, visit, codes), services, notes)
    return services, notes


def _push(
    drug: GivenDrug, rule: CodeRule, told: str, visit: Visit, codes: CodeSet
) -> CodedService | CodingStep:
    row = codes.of(rule)
    if row is None:
        return CodingStep(rule=rule, text=f"{told}: no code for it is kept.")
    has_times = drug.way is Way.INFUSION or drug.started_at is not None
    times = times_of(drug, visit) if has_times else None
    ran = f", {told_minutes(minutes_between(*times))}" if times else ""
    what = "the first and only initial code" if rule is CodeRule.INFUSION_PUSH else "a further drug"
    step = CodingStep(rule=rule, text=f"{told}{ran}, {what}: {row.code}.")
    return service_of(row, times=times, steps=[step])


def fluid(visit: Visit, codes: CodeSet, *, after: bool) -> Found:
    """Fluid for its own sake, more than half an hour while no drug ran. `after`: beside an initial code."""
    hydration = visit.entry.hydration
    if hydration is None or hydration.started_at is None or hydration.stopped_at is None:
        return [], []
    if hydration.purpose is HydrationPurpose.CARRIER:
        text = "Fluid that carries a drug belongs to its infusion."
        return [], [CodingStep(rule=CodeRule.HYDRATION_INITIAL, text=text)]
    times = (
        on_the_clock(hydration.started_at, visit.zone),
        on_the_clock(hydration.stopped_at, visit.zone),
    )
    minutes = minutes_between(*times) - _covered(times, [run.times for run in runs_of(visit)])
    told = f"Fluid, {clock(times)}, {told_minutes(minutes)} of it without a drug running"
    row, further = codes.of(CodeRule.HYDRATION_INITIAL), codes.of(CodeRule.HYDRATION_ADDITIONAL)
    if row is None or row.least is None or row.most is None or minutes < row.least:
        least = row.least if row and row.least else 31
        return [], [
            CodingStep(rule=CodeRule.HYDRATION_INITIAL, text=f"{told}: fewer than {least} have no code.")
        ]
    return _fluid_hours(row, further, minutes, times, told, after=after), []


def _fluid_hours(
    row: CodeRow, further: CodeRow | None, minutes: int, times: Times, told: str, *, after: bool
) -> list[CodedService]:
    """Beside another initial code fluid has its further code alone, for its first hour too."""
    services = []
    units = -(-max(0, minutes - (row.most or 0)) // HOUR)
    if after and further:
        text = f"{told}, beside another initial code: {further.code}."
        step = CodingStep(rule=CodeRule.HYDRATION_ADDITIONAL, text=text)
        return [service_of(further, units=units + 1, times=times, steps=[step])]
    if not after:
        step = CodingStep(rule=CodeRule.HYDRATION_INITIAL, text=f"{told}: up to {row.most} are {row.code}.")
        services.append(service_of(row, times=times, steps=[step]))
    if units and further and not after:
        text = f"{told}: each started hour after {row.most} minutes is one unit of {further.code}."
        step = CodingStep(rule=CodeRule.HYDRATION_ADDITIONAL, text=text)
        services.append(service_of(further, units=units, times=times, steps=[step]))
    return services


def _covered(times: Times, runs: Sequence[Times]) -> int:
    """How many minutes of it a drug ran."""
    started, stopped = times
    total, until = 0, started
    for begin, end in sorted(runs):
        begin, end = max(begin, until), min(end, stopped)
        if end > begin:
            total += minutes_between(begin, end)
            until = end
    return total
