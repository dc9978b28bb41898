"""A whole small clinic with one of everything, for tests that walk over all routes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from billing.care.queries import find_session
from billing.care.use_cases import cancel_session
from billing.catalog.queries import find_entity, providers, sites
from billing.catalog.records import Entity, Site
from billing.insurance.queries import list_remittances
from billing.insurance.use_cases.appeals import write_appeal
from billing.insurance.use_cases.claims import mark_filed
from billing.insurance.use_cases.remittance_uploads import keep_upload
from billing.invoices.records import Bearer, EndReason, Invoice, PayerKind, PayerShare, ShareOrder
from billing.invoices.use_cases.end_share import ask_to_end
from billing.invoices.use_cases.issue import issue_invoice
from billing.invoices.use_cases.payers import add_payer
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import list_entries
from billing.patients.records import Patient
from billing.payments.queries.credits import applied_to, credits_of_patient
from billing.payments.queries.dormant import list_dormant
from billing.payments.queries.payments import charge_of_payment, list_payments
from billing.payments.queries.receipts import list_receipts
from billing.payments.queries.reconciliation import exceptions_of
from billing.payments.records.dispute_answers import EvidenceFact
from billing.payments.records.disputes import DisputeFacts
from billing.payments.records.payments import ChargeFacts, Payment
from billing.payments.records.payouts import PayoutFacts, PayoutLineFacts
from billing.payments.records.reconciliation import Difference, Family
from billing.payments.states.disputes import DisputeEvent
from billing.payments.states.payouts import PayoutEvent
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.choice_letters import ask_to_choose
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.dispute_answers import draft_evidence
from billing.payments.use_cases.disputes import record_dispute
from billing.payments.use_cases.dormant import list_dormant_credits
from billing.payments.use_cases.drawers import bring_float, count_drawer, open_drawer
from billing.payments.use_cases.payouts import record_payout
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.reconciliation import name_exceptions
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.takebacks import demand_takeback
from billing.platform.data.database import Database
from billing.platform.data.tasks import TaskState, close_task, list_tasks, open_task
from billing.quotes.use_cases import quote_plan
from tests.factories.care import SAMPLE_PARTICULARS, new_plan
from tests.factories.catalog import seed_sample
from tests.factories.holds import let_go_on, stopped
from tests.factories.insurance import claim as claim_of
from tests.factories.insurance import claimed, handed_out, imported
from tests.factories.letters import a_letter
from tests.factories.patients import new_patient, new_policy
from tests.factories.remittance_835 import Claim, remittance
from tests.factories.saved_cards import a_saved_card

CLERK = Actor(id="usr_" + "0" * 26, entity_id=None, permissions=frozenset(Permission))
"""Asked for the refund, so that anybody else may approve it."""

RETURN_URL = "https://clinic.example/pay/thanks"


SUBJECTS = {
    "ses": "session_id",
    "sb": "superbill_id",
    "ref": "refund_id",
    "pay": "payment_id",
    "tkb": "takeback_id",
    "dsp": "dispute_id",
    "dan": "answer_id",
    "rcp": "receipt_id",
    "shr": "share_id",
    "nex": "exception_id",
    "pyo": "payout_id",
    "chk": "checkout_id",
    "crl": "lot_id",
    "drm": "dormant_id",
    "nor": "rule_id",
    "svm": "saved_method_id",
    "drw": "drawer_id",
    "clm": "claim_id",
    "rmt": "remittance_id",
    "rup": "upload_id",
    "ltr": "letter_id",
    "clt": "choice_letter_id",
}
"""What of `World.ids` a task may be about, by the prefix of its id."""


@dataclass(frozen=True)
class World:
    """One clinic's site. `ids` holds real ids by the names that routes give them."""

    entity: Entity
    site: Site
    patient: Patient
    ids: dict[str, list[str]]


def a_world(database: Database, now: datetime, *, slug: str = "b", site: int = 0, **person: str) -> World:
    """A patient who has paid, been treated, been reimbursed and asked for money back, at one site."""
    entity = seed_sample(database, now, slug)
    with database.reading() as read:
        at = sites(read, entity.id)[site]
    patient = new_patient(database, entity_id=entity.id, site_id=at.id, now=now, **person)
    new_policy(database, patient.id, now=now)
    given, waiting = _bill(database, patient, now), _bill(database, patient, now)
    payment = database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=given.id, amount=given.total, actor=CLERK, now=now)
    )
    superbill = handed_out(database, given.lines[0].session_id, now=now)
    claim = Claim(
        control_number=superbill.control_number, charge_cents=superbill.charge.cents, paid_cents=18_000
    )
    imported(
        database,
        remittance([claim], trace=f"EFT{patient.id[-12:]}", payee=_payee(database, patient)),
        now=now,
    )
    asked = {"patient_id": patient.id, "sends_mail": False}
    letter = database.in_transaction(lambda tx: ask_to_choose(tx, **asked, actor=CLERK, now=now))
    assert letter is not None
    application_id = _used_credit(database, patient, now)
    checkout_id, card = _card_payment(database, _bill(database, patient, now), now)
    with database.reading() as read:
        lot = next(lot for lot in credits_of_patient(read, patient.id, SYSTEM) if lot.available)
        inside = replace(CLERK, entity_id=entity.id)
        receipts = [each.id for each in list_receipts(read, SYSTEM, patient_id=patient.id, limit=9)]
        remittances = list_remittances(read, inside, limit=9, cursor=None, state=None)
        entries = list_entries(read, inside, cursor=None, limit=9)
    upload = database.in_transaction(
        lambda tx: keep_upload(tx, content=b"ISA", claims=None, actor=inside, now=now)
    )
    refund = database.in_transaction(
        lambda tx: request_refund(
            tx, lot_id=lot.id, amount=Money(100), payment_id=None, limit=Money(0), actor=CLERK, now=now
        )
    )
    takeback = database.in_transaction(
        lambda tx: demand_takeback(
            tx,
            reimbursement_id=lot.source_id,
            demand=f"D-{patient.id[-12:]}",
            amount=Money(50),
            demanded_on=now.date(),
            actor=CLERK,
            now=now,
        )
    )
    dormant_id = _dormant_credit(database, patient, now)
    dispute_id, answer_id = _dispute(database, card, now)
    task = database.in_transaction(
        lambda tx: open_task(
            tx,
            kind="refund-failed",
            subject_id=refund.id,
            entity_id=entity.id,
            site_id=at.id,
            actor=CLERK,
            now=now,
        )
    )
    share = _share(database, _bill(database, patient, now), now)
    hold = let_go_on(database, stopped(database, patient.id, now=now), now=now)
    denied_id, letter_id = _appealed(database, patient, now)
    ids = {
        "patient_id": [patient.id],
        "plan_id": _plans(database, waiting),
        "quote_id": [given.quote_id, waiting.quote_id],
        "session_id": [line.session_id for bill in (given, waiting) for line in bill.lines],
        "invoice_id": [given.id, waiting.id],
        "payment_id": [payment.id, card.id],
        "checkout_id": [checkout_id],
        "hold_id": [hold.id],
        "choice_letter_id": [letter.id],
        "lot_id": [lot.id],
        "receipt_id": receipts,
        "saved_method_id": [a_saved_card(database, patient, now).id],
        "application_id": [application_id],
        "refund_id": [refund.id],
        "task_id": [task.id],
        "payer_id": [share.payer_id],
        "share_id": [share.id],
        "dormant_id": [dormant_id],
        "rule_id": [f"nor_CO_{at.id[4:]}"],
        "deposit_request_id": [_deposit_request(database, patient, now)],
        "takeback_id": [takeback.id],
        "reimbursement_id": [takeback.reimbursement_id],
        "dispute_id": [dispute_id],
        "answer_id": [answer_id],
        "payout_id": [_payout(database, card, now)],
        "exception_id": [_exception(database, card, now)],
        "superbill_id": [superbill.id],
        "claim_id": [claim_of(database, superbill.session_id, now=now).id, denied_id],
        "appeal_id": [letter_id],
        "remittance_id": [each.id for each in remittances],
        "remittance_claim_id": ["rmc_" + "0" * 26],
        "upload_id": [upload.id],
        "letter_id": [a_letter(database, patient, now=now).id],
        "entry_id": [each.id for each in entries],
        "float_id": [_float(database, at, now)],
        "drawer_id": [_drawer(database, at, patient, now)],
        "site_id": [at.id],
        "entity_id": [entity.id],
    }
    return World(entity=entity, site=at, patient=patient, ids=ids)


def _float(database: Database, at: Site, now: datetime) -> str:
    """A cent of change."""
    return database.in_transaction(
        lambda tx: bring_float(
            tx, site_id=at.id, amount=Money(1), brought_on=now.date(), actor=CLERK, now=now
        )
    ).id


def _drawer(database: Database, at: Site, patient: Patient, now: datetime) -> str:
    """One that was opened with the site's change, and that another person has to count."""
    cashier = replace(CLERK, id=f"usr_{patient.id[4:]}")
    opened = database.in_transaction(
        lambda tx: open_drawer(tx, site_id=at.id, float=Money(1), actor=cashier, now=now)
    )
    database.in_transaction(
        lambda tx: count_drawer(
            tx, drawer_id=opened.id, counted=Money(0), limit=Money(0), actor=cashier, now=now
        )
    )
    return opened.id


def _exception(database: Database, payment: Payment, now: datetime) -> str:
    """The processor is said to have moved a cent less for the payment than the books."""
    with database.reading() as read:
        charge = charge_of_payment(read, payment.id)
    found = Difference(
        object_id=charge,
        family=Family.CHARGE,
        processor=payment.amount - Money(1),
        books=payment.amount,
        is_at_processor=True,
        is_in_books=True,
        under_way=False,
        source=charge,
        charge=charge,
        operation=None,
    )
    database.in_transaction(lambda tx: name_exceptions(tx, found=[found], actor=SYSTEM, now=now))
    with database.reading() as read:
        return exceptions_of(read, charge, is_open=True)[0].id


def _bill(database: Database, patient: Patient, now: datetime) -> Invoice:
    """The first two sessions of a series of six, on one invoice."""
    with database.reading() as read:
        provider = providers(read, patient.entity_id)[0]
    particulars = replace(SAMPLE_PARTICULARS, provider_id=provider.id)
    plan = new_plan(database, patient.id, particulars=particulars, now=now)
    quote = database.in_transaction(lambda tx: quote_plan(tx, plan_id=plan.id, actor=CLERK, now=now))
    chosen = [session.id for session in plan.sessions[:2]]
    return database.in_transaction(
        lambda tx: issue_invoice(tx, quote_id=quote.id, session_ids=chosen, actor=CLERK, now=now)
    )


def _dormant_credit(database: Database, patient: Patient, now: datetime) -> str:
    """As a later run of the job lists it; its tasks were closed."""
    later = now + timedelta(days=4 * 365)
    database.in_transaction(lambda tx: list_dormant_credits(tx, actor=SYSTEM, now=later))
    with database.reading() as read:
        rows = list_dormant(read, SYSTEM, limit=99)
        row = next(each for each in rows if each.patient_id == patient.id)
        tasks = list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=99)
    for task in tasks:
        if task.kind.startswith("unclaimed-"):
            database.in_transaction(
                lambda tx, task_id=task.id: close_task(
                    tx, task_id=task_id, note=None, actor=SYSTEM, now=later
                )
            )
    return row.id


def _deposit_request(database: Database, patient: Patient, now: datetime) -> str:
    asked = {"patient_id": patient.id, "amount": Money(10_000), "site_id": None}
    return database.in_transaction(lambda tx: ask_for_deposit(tx, **asked, actor=CLERK, now=now)).id


def _used_credit(database: Database, patient: Patient, now: datetime) -> str:
    """A session paid for was called off; the next invoice took the credit."""
    bill = _bill(database, patient, now)
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=bill.id, amount=bill.total, actor=CLERK, now=now)
    )
    called_off = bill.lines[1].session_id
    database.in_transaction(lambda tx: cancel_session(tx, session_id=called_off, actor=CLERK, now=now))
    next_bill = _bill(database, patient, now)
    with database.reading() as read:
        return applied_to(read, next_bill.id, SYSTEM).applications[0].id


def _plans(database: Database, invoice: Invoice) -> list[str]:
    with database.reading() as read:
        return [find_session(read, invoice.lines[0].session_id, SYSTEM).plan_id]


def _card_payment(database: Database, invoice: Invoice, now: datetime) -> tuple[str, Payment]:
    checkout = database.in_transaction(
        lambda tx: begin_checkout(
            tx, invoice_id=invoice.id, return_url=RETURN_URL, request=None, actor=CLERK, now=now
        )
    )
    charge = a_charge(checkout.id, checkout.amount, now)
    database.in_transaction(
        lambda tx: pay_checkout(
            tx, checkout_id=checkout.id, reference=f"cs_{checkout.id}", charge=charge, actor=SYSTEM, now=now
        )
    )
    with database.reading() as read:
        return checkout.id, list_payments(read, SYSTEM, invoice_id=invoice.id, limit=1)[0]


def _share(database: Database, invoice: Invoice, now: datetime) -> PayerShare:
    """A part of the VA that somebody wants ended, so that anybody else may agree."""
    payer = database.in_transaction(
        lambda tx: add_payer(
            tx,
            site_id=invoice.site_id,
            kind=PayerKind.VA,
            name="Sample Office of Care",
            contact="512-555-0177",
            actor=CLERK,
            now=now,
        )
    )
    order = ShareOrder(
        payer_id=payer.id,
        session_ids=tuple(line.session_id for line in invoice.lines[1:]),
        reference="VA-1",
        from_on=now.date(),
        until_on=now.date() + timedelta(days=365),
    )
    share = database.in_transaction(
        lambda tx: agree_share(tx, invoice_id=invoice.id, order=order, actor=CLERK, now=now)
    )
    return database.in_transaction(
        lambda tx: ask_to_end(
            tx,
            share_id=share.id,
            reason=EndReason.MISTAKE,
            borne_by=Bearer.PATIENT,
            actor=CLERK,
            now=now,
        )
    )


def _dispute(database: Database, payment: Payment, now: datetime) -> tuple[str, str]:
    """The bank asked, evidence was drafted, and it was content: refunds of the patient go on."""
    with database.reading() as read:
        charge = charge_of_payment(read, payment.id)
    facts = DisputeFacts(
        reference=f"du_{payment.id}",
        charge_reference=charge,
        told=DisputeEvent.INQUIRE,
        reason="general",
        amount=payment.amount,
        due_at=now,
        opened_at=now,
        movements=(),
    )
    ended = replace(facts, told=DisputeEvent.CLOSE)
    dispute = database.in_transaction(lambda tx: record_dispute(tx, facts=facts, actor=SYSTEM, now=now))
    answer = database.in_transaction(
        lambda tx: draft_evidence(
            tx,
            dispute_id=dispute.id,
            facts=[EvidenceFact.SERVICES],
            statement=None,
            actor=CLERK,
            now=now,
        )
    )
    database.in_transaction(lambda tx: record_dispute(tx, facts=ended, actor=SYSTEM, now=now))
    return dispute.id, answer.id


def a_charge(name: str, amount: Money, now: datetime, fee: Money = Money(30)) -> ChargeFacts:
    """What the processor says of a card charge that took the money."""
    return ChargeFacts(
        reference=f"ch_{name}",
        payment_intent=f"pi_{name}",
        amount=amount,
        fee=fee,
        net=amount - fee,
        balance_transaction=f"txn_{name}",
        charged_at=now,
        reporting_category="charge",
    )


def _payout(database: Database, payment: Payment, now: datetime) -> str:
    """On its way to the bank: nothing is posted yet."""
    with database.reading() as read:
        charge = charge_of_payment(read, payment.id)
    line = PayoutLineFacts(
        reference=f"txn_{payment.id}", source=charge, reporting_category="charge", net=payment.amount
    )
    facts = PayoutFacts(
        reference=f"po_{payment.id}",
        told=PayoutEvent.LEAVE,
        amount=payment.amount,
        arrives_on=now.date(),
        is_automatic=True,
        lines=(line,),
    )
    kept = database.in_transaction(lambda tx: record_payout(tx, facts=facts, actor=SYSTEM, now=now))
    assert kept is not None
    return kept.id


def _appealed(database: Database, patient: Patient, now: datetime) -> tuple[str, str]:
    """A claim that was denied, and the letter that appeals it."""
    filed = claimed(database, _bill(database, patient, now).lines[0].session_id, now=now)
    database.in_transaction(lambda tx: mark_filed(tx, claim_id=filed.id, actor=CLERK, now=now))
    denied = Claim(
        control_number=filed.control_number,
        charge_cents=filed.charge.cents,
        paid_cents=0,
        adjustments=(("CO", "197", filed.charge.cents),),
    )
    imported(
        database,
        remittance([denied], trace=f"DEN{patient.id[-12:]}", payee=_payee(database, patient)),
        now=now,
    )
    letter = database.in_transaction(lambda tx: write_appeal(tx, claim_id=filed.id, actor=CLERK, now=now))
    return filed.id, letter.id


def _payee(database: Database, patient: Patient) -> str:
    """The patient's clinic, as a payment to it names it."""
    with database.reading() as read:
        return f"XX*{find_entity(read, patient.entity_id).npi}"
