"""Evaluations, psychotherapy, and the nasal spray whose code has the evaluation in it.

Sources: CPT, office visits by time, psychotherapy; HCPCS G2082, G2083.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from billing.care.records import Evaluation, EvaluationKind, Way
from billing.insurance.records import CodedService
from billing.insurance.records.coding import CodeRule, CodeSet, CodingStep
from billing.insurance.rules.coding.visit import Found, Visit, add, mg, minutes_between, service_of
from billing.kernel.clock import told_minutes

NO_INFUSION_BESIDE = frozenset({"99211"})
"""A visit without the provider is never billed beside what was infused or injected."""
BESIDE_PSYCHOTHERAPY = frozenset({CodeRule.EVALUATION_FIRST, CodeRule.EVALUATION_LATER})


def nasal(visit: Visit, codes: CodeSet) -> list[CodedService]:
    """Esketamine with the drug, the visit and the watching in one code, by its mg."""
    sprays = [drug for drug in visit.drugs if drug.way is Way.NASAL]
    dose = sum((drug.dose_mg for drug in sprays), start=Decimal(0))
    row = codes.of(CodeRule.NASAL_BUNDLE, dose) if dose else None
    if row is None:
        return []
    step = CodingStep(rule=CodeRule.NASAL_BUNDLE, text=f"{mg(dose)} by nasal spray: {row.code}.")
    words = f"{row.words or 'Nasal spray'}; {mg(dose)} given"
    return [replace(service_of(row, times=visit.times, steps=[step]), description=words)]


def talks(visit: Visit, codes: CodeSet, *, is_procedure: bool, is_bundled: bool) -> Found:
    services: list[CodedService] = []
    notes: list[CodingStep] = []
    evaluation = visit.entry.evaluation or _of_the_visit(visit)
    rule = None
    if evaluation and is_bundled:
        text = "The evaluation is part of the code of the nasal spray."
        notes.append(CodingStep(rule=CodeRule.NASAL_BUNDLE, text=text))
    elif evaluation:
        rule = _rule_of(evaluation, visit)
        coded = _evaluated(evaluation, rule, visit, codes, is_procedure=is_procedure)
        add(coded, services, notes)
    if (minutes := visit.entry.psychotherapy_minutes) is not None:
        has_visit = bool(services) and rule in BESIDE_PSYCHOTHERAPY
        add(_psychotherapy(minutes, codes, has_visit=has_visit), services, notes)
    return services, notes


def _of_the_visit(visit: Visit) -> Evaluation | None:
    """Its whole time, but for the psychotherapy: no minute counts for both."""
    minutes = max(0, minutes_between(*visit.times) - (visit.entry.psychotherapy_minutes or 0))
    return Evaluation(kind=EvaluationKind.OFFICE, minutes=minutes) if visit.is_evaluation else None


def _rule_of(evaluation: Evaluation, visit: Visit) -> CodeRule:
    if evaluation.kind is EvaluationKind.PSYCHIATRIC:
        return CodeRule.EVALUATION_PSYCHIATRIC
    return CodeRule.EVALUATION_LATER if visit.seen_before else CodeRule.EVALUATION_FIRST


def _evaluated(
    evaluation: Evaluation, rule: CodeRule, visit: Visit, codes: CodeSet, *, is_procedure: bool
) -> CodedService | CodingStep:
    by_minutes = rule is not CodeRule.EVALUATION_PSYCHIATRIC
    row = codes.of(rule, evaluation.minutes or 0) if by_minutes else codes.of(rule)
    lasted = f", {told_minutes(evaluation.minutes)}" if evaluation.minutes else ""
    known = ", of a patient who was seen within three years" if visit.seen_before else ", on a first visit"
    told = f"Evaluation{lasted}{known}" if by_minutes else f"Psychiatric evaluation{lasted}"
    if row is None:
        return CodingStep(rule=rule, text=f"{told}: too short to have a code.")
    if is_procedure and row.code in NO_INFUSION_BESIDE:
        return CodingStep(rule=rule, text=f"{told}: {row.code} is never billed beside an infusion.")
    times = visit.times if visit.is_evaluation else None
    service = service_of(row, times=times, steps=[CodingStep(rule=rule, text=f"{told}: {row.code}.")])
    modifier = codes.of(CodeRule.EVALUATION_MODIFIER)
    if not (by_minutes and is_procedure and modifier):
        return service
    text = f"An evaluation of its own on the day of an infusion: modifier {modifier.code}."
    step = CodingStep(rule=CodeRule.EVALUATION_MODIFIER, text=text)
    return replace(service, modifiers=(modifier.code,), steps=(*service.steps, step))


def _psychotherapy(minutes: int, codes: CodeSet, *, has_visit: bool) -> CodedService | CodingStep:
    rule, told = CodeRule.PSYCHOTHERAPY, f"Psychotherapy, {told_minutes(minutes)}"
    row = codes.of(rule, minutes)
    if not has_visit:
        return CodingStep(rule=rule, text=f"{told}: has a code beside an evaluation by minutes alone.")
    if row is None:
        return CodingStep(rule=rule, text=f"{told}: too short to have a code.")
    return service_of(row, steps=[CodingStep(rule=rule, text=f"{told}, beside the evaluation: {row.code}.")])
