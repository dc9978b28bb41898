"""What an insurer is told of a session on any paper: who, when, which codes, what was charged and paid."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from billing.care.queries import plans_of
from billing.care.records import Session
from billing.care.states import SessionState
from billing.catalog.queries import (
    drugs,
    find_condition,
    find_entity,
    find_provider,
    find_site,
    schedule_by_id,
)
from billing.catalog.records import TIMED_SERVICES, FeeSchedule
from billing.insurance.records import AddedService, DrugGiven, SuperbillLine
from billing.insurance.rules.coding import evaluation_services, infusion_services
from billing.insurance.rules.lines import charge_lines, drug_given
from billing.insurance.rules.superbill import Encounter, Parties, clock_times, minutes_between
from billing.invoices.queries import line_of_session
from billing.invoices.records import Invoice, InvoiceLine
from billing.kernel.errors import Conflict
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.patients.queries import policy_on
from billing.patients.use_cases import lock_patient
from billing.payments.queries.payments import paid_for_session
from billing.platform.data.database import Tx
from billing.quotes.queries import find_quote

CODED_SERVICES = TIMED_SERVICES | {"evaluation"}
"""Deposits and no-show fees never reach an insurer."""


def gather_facts(
    tx: Tx, session: Session, *, diagnoses: tuple[str, ...], refusal: type[Conflict], now: datetime
) -> tuple[Parties, Encounter]:
    """The facts of a session that was given, as they and the ledger stand now.

    Without diagnoses the first code that is usual for the condition is taken; whether they go together is
    for the paper to check.
    Raises: `refusal`, with what is missing.
    """
    site = find_site(tx, session.site_id)
    invoice, charged = _charged(tx, session, refusal)
    times = clock_times(session, ZoneInfo(site.timezone))
    if times is None:
        raise refusal("The session has no start or stop time yet. It waits for the clinician.")
    started, stopped = times
    chosen = diagnoses or find_condition(tx, session.entity_id, session.condition).icd10[:1]
    schedule = schedule_by_id(tx, find_quote(tx, invoice.quote_id, SYSTEM).schedule_id)
    encounter = Encounter(
        session_id=session.id,
        started=started,
        stopped=stopped,
        diagnoses=chosen,
        lines=_lines(tx, session, minutes_between(started, stopped), charged, schedule, refusal),
        charged=charged,
        payments=paid_for_session(tx, session.id, now),
        is_sample=schedule.is_sample,
    )
    if session.provider_id is None:
        raise refusal("The session names no provider. Enter who gave it first.")
    parties = Parties(
        entity=find_entity(tx, session.entity_id),
        site=site,
        provider=find_provider(tx, session.provider_id),
        patient=lock_patient(tx, session.patient_id),
        policy=policy_on(tx, session.patient_id, started.date()),
    )
    return parties, encounter


def _charged(tx: Tx, session: Session, refusal: type[Conflict]) -> tuple[Invoice, InvoiceLine]:
    if session.state is not SessionState.GIVEN or session.service not in CODED_SERVICES:
        raise refusal(
            f"An insurer is told of an evaluation or infusion that was given; this {session.service} "
            f"is {session.state}."
        )
    found = line_of_session(tx, session.id)
    if found is None:
        raise refusal("The session is not invoiced yet. Issue its invoice first.")
    return found


def _lines(
    tx: Tx,
    session: Session,
    minutes: int,
    charged: InvoiceLine,
    schedule: FeeSchedule,
    refusal: type[Conflict],
) -> tuple[SuperbillLine, ...]:
    if session.service in TIMED_SERVICES:
        services = infusion_services(minutes, charged.service_on)
        drug: DrugGiven | None = _drug(tx, session, refusal)
    else:
        seen_before = _seen_before(tx, session)
        services = evaluation_services(minutes, charged.service_on, seen_before=seen_before)
        drug = None
    if not services:
        raise refusal(f"An evaluation of {minutes} minutes is too short to have a code.")
    return charge_lines(
        services, list_charge=charged.charge, net=charged.net, added=_added(session, schedule), drug=drug
    )


def _drug(tx: Tx, session: Session, refusal: type[Conflict]) -> DrugGiven:
    known = drugs(tx, session.entity_id)
    if not known or session.dose_mg is None:
        raise refusal("The drug and its dose are not recorded; an insurer asks for both.")
    try:
        return drug_given(known[0], session.dose_mg)
    except ValueError as error:
        raise refusal(f"The drug's NDC in the clinic's file is wrong: {error}.") from error


def _added(session: Session, schedule: FeeSchedule) -> tuple[AddedService, ...]:
    """The add-ons that have a code of their own."""
    priced = [(schedule.add_ons_by_code[code], units) for code, units in sorted(session.add_ons.items())]
    return tuple(
        AddedService(
            code=add_on.hcpcs,
            units=units,
            description=add_on.name,
            list_charge=Money(add_on.cents * units),
        )
        for add_on, units in priced
        if add_on.hcpcs and units
    )


def _seen_before(tx: Tx, session: Session) -> bool:
    return any(
        other.state is SessionState.GIVEN and other.planned_on < session.planned_on
        for plan in plans_of(tx, session.patient_id)
        for other in plan.sessions
    )
