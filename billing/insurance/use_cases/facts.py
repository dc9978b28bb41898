"""What an insurer is told of a session on any paper: who, when, which codes, what was charged and paid."""

from __future__ import annotations

from datetime import datetime

from billing.care.records import Session
from billing.catalog.queries import find_condition, find_entity, find_provider, find_site
from billing.insurance.errors import DiagnosisNotChosen
from billing.insurance.queries.coding import coded_session
from billing.insurance.queries.figures import payments_of
from billing.insurance.queries.other_payers import why_another_pays
from billing.insurance.rules.superbill import Encounter, Parties
from billing.kernel.errors import Conflict, Flaw
from billing.patients.queries import policy_on
from billing.patients.use_cases import lock_patient
from billing.platform.data.database import Tx

STALE = (
    "What was signed of this visit has changed since staff changed its lines. Look at how it is coded, and "
    "change the lines anew or take the changes back."
)


def gather_facts(
    tx: Tx, session: Session, *, diagnoses: tuple[str, ...], refusal: type[Conflict], now: datetime
) -> tuple[Parties, Encounter]:
    """The facts of a session that was given, as they and the ledger stand now.

    Whether the diagnoses go together is for the paper to check; that somebody chose them is asked here.
    Raises: `refusal`, with what is missing, or who else is billed; DiagnosisNotChosen.
    """
    if reason := why_another_pays(tx, session.id):
        raise refusal(reason)
    coded = coded_session(tx, session, refusal)
    if coded.is_stale:
        raise refusal(STALE)
    if not diagnoses:
        raise _not_chosen(tx, session)
    started, stopped = coded.times
    encounter = Encounter(
        session_id=session.id,
        started=started,
        stopped=stopped,
        diagnoses=diagnoses,
        lines=coded.billed,
        charged=coded.charged,
        payments=payments_of(tx, session.id, now),
        is_sample=coded.is_sample,
    )
    if session.provider_id is None:
        raise refusal("The session names no provider. Enter who gave it first.")
    parties = Parties(
        entity=find_entity(tx, session.entity_id),
        site=find_site(tx, session.site_id),
        provider=find_provider(tx, session.provider_id),
        patient=lock_patient(tx, session.patient_id),
        policy=policy_on(tx, session.patient_id, started.date()),
    )
    return parties, encounter


def _not_chosen(tx: Tx, session: Session) -> DiagnosisNotChosen:
    condition = find_condition(tx, session.entity_id, session.condition)
    usual = f" These are usual for {condition.name}: {', '.join(condition.icd10)}."
    told = f"Choose the diagnosis.{usual if condition.icd10 else ''}"
    return DiagnosisNotChosen(told, [Flaw("/diagnoses", told)])
