"""What each task is about, so that two of one kind can be told apart: how much, of when, and whose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from billing.care.queries import sessions_among
from billing.insurance.queries import superbills_among
from billing.insurance.queries.claims import claims_by_id
from billing.insurance.queries.letters import letters_among
from billing.insurance.queries.remittance_uploads import when_sent
from billing.insurance.queries.remittances import remittances_among
from billing.invoices.queries.payers import shares_with_payers
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.queries.asked_about import asked_about
from billing.payments.records.dormant import MissingRule
from billing.platform.data.database import Read
from billing.platform.data.tasks import StaffTask
from billing.web.dispute_words import told_beside_loss
from billing.web.patient_words import OF_ANOTHER_SITE, called
from billing.web.task_words import PLACES
from billing.web.words import card_in_words


@dataclass(frozen=True, kw_only=True)
class Subject:
    """`on` is a day or a moment, `who` the payer, card or sums beside the patient."""

    amount: Money | None = None
    on: date | None = None
    patient_id: str | None = None
    who: str | None = None


@dataclass(frozen=True, kw_only=True)
class About:
    """A subject as it is shown, the patient by the name or number that its reader may know."""

    amount: Money | None
    on: date | None
    whose: str


def about(read: Read, tasks: Sequence[StaffTask], actor: Actor) -> Mapping[str, About]:
    """By the task's id; nothing is said of what the actor may not open."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for task in tasks:
        wanted[task.subject_id.partition("_")[0]].add(task.subject_id)
    found: dict[str, Subject] = {}
    for prefix, subject_ids in wanted.items():
        if prefix in PLACES and actor.may(PLACES[prefix].permission):
            found |= _subjects(read, prefix, subject_ids, actor)
    patient_ids = {each.patient_id for each in found.values() if each.patient_id}
    names = called(read, patient_ids, actor) if patient_ids else {}
    subjects = {task.id: found.get(task.subject_id, Subject()) for task in tasks}
    return {
        task_id: About(amount=each.amount, on=each.on, whose=", ".join(_whose(each, names)))
        for task_id, each in subjects.items()
    }


def _subjects(read: Read, prefix: str, subject_ids: Collection[str], actor: Actor) -> Mapping[str, Subject]:
    if prefix == "nor":
        return {each: Subject(who=MissingRule.state_of(each)) for each in subject_ids}
    if prefix == "sb":
        return {
            each.id: Subject(
                amount=each.charge, on=each.service_on, patient_id=each.patient_id, who=each.number
            )
            for each in superbills_among(read, subject_ids, actor)
        }
    if prefix == "ltr":
        return {
            each.id: Subject(on=each.received_at, patient_id=each.patient_id)
            for each in letters_among(read, subject_ids, actor)
        }
    if prefix == "rmt":
        return {
            each.id: Subject(amount=each.amount, on=each.paid_on, who=each.payer_name or each.payer_id)
            for each in remittances_among(read, subject_ids, actor)
        }
    if prefix == "rup":
        return {each: Subject(on=at) for each, at in when_sent(read, subject_ids, actor).items()}
    if prefix == "shr":
        return {
            share.id: Subject(
                amount=share.agreed, on=share.agreed_on, patient_id=share.patient_id, who=payer.name
            )
            for share, payer in shares_with_payers(read, subject_ids, actor).values()
        }
    if prefix == "ses":
        return {
            each.id: Subject(on=each.started_at or each.planned_on, patient_id=each.patient_id)
            for each in sessions_among(read, subject_ids).values()
            if actor.sees(entity_id=each.entity_id, site_id=each.site_id)
        }
    if prefix == "clm":
        claims = claims_by_id(read, subject_ids, actor)
        return {
            each.id: Subject(amount=each.charge, on=each.service_on, patient_id=each.patient_id)
            for each in claims
        }
    return {
        subject_id: Subject(
            amount=each.amount,
            on=each.on,
            patient_id=each.patient_id,
            who=card_in_words(each.card) if each.card else told_beside_loss(each.paid_twice, each.reimbursed),
        )
        for subject_id, each in asked_about(read, prefix, subject_ids, actor).items()
    }


def _whose(subject: Subject, names: Mapping[str, str]) -> Sequence[str]:
    patient = names.get(subject.patient_id, OF_ANOTHER_SITE) if subject.patient_id else None
    return [told for told in (patient, subject.who) if told]
