"""/staff/patients: find somebody, and see what they owe and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, render_template, request

from billing.care.queries import plans_of, seen_sessions
from billing.care.records import SeenSession
from billing.care.states import SessionState
from billing.catalog.queries import find_site
from billing.insurance.api.superbills import superbill_pdf
from billing.insurance.ports import RenderSuperbill
from billing.insurance.queries import list_superbills
from billing.insurance.queries.claims import list_claims
from billing.insurance.records import Paper, Superbill
from billing.insurance.records.claims import IssuedClaim
from billing.invoices.queries import list_invoices
from billing.invoices.queries.arose import arose_on
from billing.invoices.records import Invoice, InvoiceKind, InvoiceLine
from billing.invoices.states import InvoiceState
from billing.kernel.clock import local_date
from billing.kernel.errors import Invalid
from billing.kernel.money import Money, total
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient, may_be_charged, search_patients, standing_holds
from billing.patients.records import AccountHold, Patient
from billing.payments.flows.room import Payments
from billing.payments.queries.checkouts import is_on_its_way, refused_debits, standing_checkout
from billing.payments.queries.choice_letters import asked_about_credits
from billing.payments.queries.choices import standing_choice
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.deposit_requests import asked_of
from billing.payments.queries.disputes import list_disputes
from billing.payments.queries.payments import list_payments
from billing.payments.queries.receipts import receipts_by_payment
from billing.payments.records.checkouts import Checkout
from billing.payments.records.choice_letters import ChoiceLetter
from billing.payments.records.credits import CreditLot, Election
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.records.disputes import Dispute
from billing.payments.records.payments import Payment
from billing.payments.rules.choices import goes_back_on
from billing.payments.states.disputes import ENDED
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import choice_words, words
from billing.web.invoice_words import Told, told_of
from billing.web.readers import have_ended, latest_declines, told_of_decline, why_declined
from billing.web.staff.money import marks_of_all
from billing.web.staff.patient_deposits import deposits_being_paid
from billing.web.staff.refused_debits import RefusedOfPayer, refused_of_payers
from billing.web.visit_words import loose_cover

P = TypeVar("P", bound=Paper)
PAGE = "staff/patient.html"
MOST_OF_EACH = 100


@dataclass(frozen=True)
class Visit:
    """A session on its day and with its minutes: as it was, or as it is planned until then."""

    session: SeenSession
    on: date
    minutes: int | None


@dataclass(frozen=True, kw_only=True)
class Account:
    """A patient and all that the reader may see of their money and care."""

    patient: Patient
    holds: Sequence[AccountHold]
    """The stops of charges that stand."""
    chargeable: frozenset[str]
    """The invoices that a card may be charged for, or a link sent: on hold, those of after a filing alone."""
    visits: Sequence[Visit]
    loose: Mapping[str, Sequence[str]]
    """By session, what of its cover lets nobody in."""
    invoices: Sequence[Invoice]
    told: Mapping[str, Told]
    """How each invoice stands, and what comes off its total."""
    paying: Mapping[str, Checkout]
    """By invoice, what its payer may be paying by at this moment: a card page, a reader or a saved card."""
    declined: Mapping[str, Checkout]
    """By invoice or deposit that was asked for, the card that was declined at a reader lately."""
    refused: Mapping[str, Checkout]
    """By the same, the debit that a bank did not pay, until something else was tried."""
    refused_of_payers: Sequence[RefusedOfPayer]
    on_their_way: frozenset[str]
    """The invoices whose money comes from a bank account in some days."""
    disputes: Sequence[Dispute]
    """Those that no bank has decided yet."""
    deposits: Sequence[DepositRequest]
    """What was asked for ahead of any invoice and is not paid yet."""
    paying_deposits: Mapping[str, Checkout]
    payments: Sequence[Payment]
    marks: Mapping[str, Sequence[tuple[str, str]]]
    """Whose each payment is, and what became of it."""
    receipts: Mapping[str, str]
    """Its receipt's id by payment."""
    credits: Sequence[CreditLot]
    """The patient's own, but for what was gathered for a refund and went out with it."""
    of_payers: Money
    """What is held for other payers, to whom it goes back."""
    asked: Mapping[str, ChoiceLetter]
    """By credit that waits for the patient's choice, the letter that asks."""
    always: Election | None
    """The patient's choice for all that insurers pay; None asks each time."""
    superbills: Mapping[str, Sequence[Superbill]]
    claims: Mapping[str, Sequence[IssuedClaim]]
    """By session, the newest version first."""

    @property
    def stoppable(self) -> frozenset[str]:
        """The invoices of packages with a visit still to come."""
        ahead = {each.session.id for each in self.visits if each.session.state is SessionState.PLANNED}
        return frozenset(
            invoice.id
            for invoice in self.invoices
            if invoice.kind is InvoiceKind.PACKAGE and any(line.session_id in ahead for line in invoice.lines)
        )

    def moved_to(self, line: InvoiceLine) -> date | None:
        """The day of a visit that is another one than its invoice has, which never changes."""
        on = next((each.on for each in self.visits if each.session.id == line.session_id), line.service_on)
        return on if on != line.service_on else None

    def why_declined(self, request_id: str) -> str | None:
        """Of a deposit that was asked for on a reader, or that a bank account was to pay."""
        return why_declined(self.declined.get(request_id)) or words.told_of_debit(
            self.refused.get(request_id)
        )

    @property
    def spared(self) -> Sequence[int]:
        """The numbers of open invoices that a stop of charges leaves as they are."""
        open_ones = (each for each in self.invoices if each.open_balance)
        return sorted(each.number for each in open_ones if each.id in self.chargeable)

    @property
    def owed(self) -> Money:
        return total(invoice.open_balance for invoice in self.invoices)

    @property
    def held(self) -> Money:
        return total(lot.available for lot in self.credits)

    def goes_back_on(self, lot: CreditLot) -> date | None:
        """When an insurer's money that nobody chose anything for goes back by itself."""
        return goes_back_on(lot) if lot.waits else None

    @property
    def has_elected_credit(self) -> bool:
        return any(lot.available and lot.election is Election.CREDIT for lot in self.credits)


def make_blueprint(edge: Edge, room: Payments, render: RenderSuperbill) -> Blueprint:
    routes = Blueprint("staff_patients", __name__)

    @routes.post("/staff/patients")
    @guard(Permission.PATIENTS_READ)
    def search() -> str:
        """A POST, so that a name or birth date stands in no address and no log."""
        actor, text = current_actor(), request.form.get("text", "")[:200]
        refusal: str | None = None
        found: Sequence[Patient] = ()
        try:
            found = edge.audited_read(
                lambda read: search_patients(read, text, actor),
                actor=actor,
                action="page.search",
                subject_id=actor.id,
            )
        except Invalid as error:
            refusal = error.detail
        return render_template("staff/search.html", text=text, found=found, refusal=refusal)

    @routes.get("/staff/patients/<patient_id>")
    @guard(Permission.PATIENTS_READ)
    def patient(patient_id: str) -> str:
        return render_template(PAGE, **patient_page(edge, room, patient_id))

    @routes.get("/staff/superbills/<superbill_id>")
    @guard(Permission.SUPERBILLS_READ)
    def superbill(superbill_id: str) -> Response:
        """The PDF as it was issued; a copy of what was withdrawn or replaced says so."""
        return superbill_pdf(edge, render, superbill_id)

    return routes


def patient_page(edge: Edge, room: Payments, patient_id: str) -> dict[str, Any]:
    """What the page shows, also when a form on it is shown again. Raises: NoSuchPatient."""
    actor, now = current_actor(), edge.clock()

    def look(read: Read) -> Account:
        return _account(read, patient_id, actor, now)

    account = edge.audited_read(look, actor=actor, action="page.patient", subject_id=patient_id)
    if have_ended(room, [*account.paying.values(), *account.paying_deposits.values()]):
        account = edge.read(look)
    return {
        "account": account,
        "told_of_decline": told_of_decline,
        "may": actor.may,
        "Permission": Permission,
        "hold_reasons": words.HOLDS,
        "words": words,
        "choice_words": choice_words,
    }


def _account(read: Read, patient_id: str, actor: Actor, now: datetime) -> Account:
    """Each part for those who may read it; the rest stays empty."""
    found, holds = find_patient(read, patient_id, actor), standing_holds(read, patient_id)
    may = actor.may
    limits: dict[str, Any] = {"patient_id": patient_id, "limit": MOST_OF_EACH}
    lots = credits_of_patient(read, patient_id, actor) if may(Permission.CREDITS_READ) else ()
    invoices = list_invoices(read, actor, **limits) if may(Permission.INVOICES_READ) else ()
    payments = list_payments(read, actor, **limits) if may(Permission.PAYMENTS_READ) else ()
    disputes = list_disputes(read, actor, **limits) if may(Permission.PAYMENTS_READ) else ()
    visits = _visits(read, patient_id, actor) if may(Permission.CARE_READ) else ()
    deposits = asked_of(read, patient_id, actor) if may(Permission.PAYMENTS_READ) else ()
    return Account(
        patient=found,
        holds=holds,
        chargeable=frozenset(each.id for each in invoices if not holds or _may_be_charged(read, each)),
        visits=visits,
        loose=loose_cover(read, [visit.session for visit in visits]),
        invoices=invoices,
        told=told_of(read, invoices),
        paying=dict(_paying(read, invoices)) if may(Permission.PAYMENTS_TAKE) else {},
        declined=latest_declines(read, patient_id, now) if may(Permission.PAYMENTS_TAKE) else {},
        refused=refused_debits(read, patient_id) if may(Permission.PAYMENTS_TAKE) else {},
        refused_of_payers=refused_of_payers(read, patient_id, invoices, actor),
        on_their_way=frozenset(each.id for each in invoices if is_on_its_way(read, each.id)),
        disputes=[each for each in disputes if each.state not in ENDED],
        deposits=deposits,
        paying_deposits=deposits_being_paid(read, deposits),
        payments=payments,
        marks=marks_of_all(read, payments, actor),
        receipts=receipts_by_payment(read, [each.id for each in payments])
        if may(Permission.RECEIPTS_READ)
        else {},
        credits=[lot for lot in lots if lot.payer_id is None and lot.is_shown],
        asked=asked_about_credits(read, lots),
        always=standing_choice(read, patient_id) if may(Permission.CREDITS_READ) else None,
        of_payers=total(lot.available for lot in lots if lot.payer_id is not None),
        superbills=_by_session(list_superbills(read, actor, **limits))
        if may(Permission.SUPERBILLS_READ)
        else {},
        claims=_by_session(list_claims(read, actor, **limits)) if may(Permission.CLAIMS_READ) else {},
    )


def _may_be_charged(read: Read, invoice: Invoice) -> bool:
    return may_be_charged(read, invoice.patient_id, arose_on=arose_on(read, invoice))


def _visits(read: Read, patient_id: str, actor: Actor) -> Sequence[Visit]:
    """The newest plan first, each by the days on which its visits take place."""
    visits: list[Visit] = []
    for plan in plans_of(read, patient_id):
        seen = [each for each in plan.sessions if actor.sees(entity_id=each.entity_id, site_id=each.site_id)]
        shown = (_visit(read, session) for session in seen_sessions(read, seen))
        visits += sorted(shown, key=lambda visit: (visit.on, visit.session.number))
    return visits


def _visit(read: Read, session: SeenSession) -> Visit:
    if session.started_at is None or session.stopped_at is None:
        return Visit(session, session.planned_on, session.planned_minutes)
    zone = ZoneInfo(find_site(read, session.site_id).timezone)
    minutes = (session.stopped_at - session.started_at) // timedelta(minutes=1)
    return Visit(session, local_date(session.started_at, zone), minutes)


def _paying(read: Read, invoices: Sequence[Invoice]) -> Iterator[tuple[str, Checkout]]:
    for invoice in invoices:
        if invoice.state is InvoiceState.OPEN and (standing := standing_checkout(read, invoice.id)):
            yield invoice.id, standing


def _by_session(papers: Sequence[P]) -> Mapping[str, Sequence[P]]:
    sorted_out: dict[str, list[P]] = defaultdict(list)
    for paper in papers:
        sorted_out[paper.session_id].append(paper)
    return sorted_out
