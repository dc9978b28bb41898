"""/staff/money: open invoices and recent payments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template

from billing.invoices.queries import list_invoices
from billing.invoices.queries.owed import Owed, owed_in_all
from billing.invoices.records import Invoice
from billing.invoices.states import InvoiceState
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.deposits import never_banked
from billing.payments.queries.disputes import held_by_banks
from billing.payments.queries.gone import went_back
from billing.payments.queries.payments import list_payments
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import WentBack
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.patient_words import called, page_of_patients
from billing.web.words import marks_of

MOST_OF_EACH = 200


@dataclass(frozen=True, kw_only=True)
class Books:
    """`names` are what the reader may call the patients, and `patient_page` is where they are looked at.

    `owed` is of all open invoices, also of those that are not listed.
    """

    invoices: Sequence[Invoice]
    owed: Owed
    payments: Sequence[Payment]
    names: Mapping[str, str]
    patient_page: str
    marks: Mapping[str, Sequence[tuple[str, str]]]
    """What became of each payment."""


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_money", __name__)

    @routes.get("/staff/money")
    @guard(Permission.INVOICES_READ)
    def money() -> str:
        actor = current_actor()
        books = edge.audited_read(
            lambda read: books_of(read, actor, MOST_OF_EACH),
            actor=actor,
            action="page.money",
            subject_id=actor.id,
        )
        return render_template(
            "staff/money.html", books=books, sees_payments=actor.may(Permission.PAYMENTS_READ)
        )

    return routes


def books_of(read: Read, actor: Actor, limit: int) -> Books:
    invoices = list_invoices(read, actor, state=InvoiceState.OPEN, limit=limit)
    payments = list_payments(read, actor, limit=limit) if actor.may(Permission.PAYMENTS_READ) else ()
    seen = {invoice.patient_id for invoice in invoices} | {payment.patient_id for payment in payments}
    return Books(
        invoices=invoices,
        owed=owed_in_all(read, actor),
        payments=payments,
        names=called(read, seen, actor),
        patient_page=page_of_patients(actor),
        marks=marks_of_all(read, payments, actor),
    )


def marks_of_all(
    read: Read,
    payments: Sequence[Payment],
    actor: Actor,
    marks: Callable[..., Sequence[tuple[str, str]]] = marks_of,
) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Whose payments are and what became of them, in few words with their color, by their ids.

    What went back is for those who may read refunds.
    """
    ids = [payment.id for payment in payments]
    disputed, unbanked = held_by_banks(read, ids), never_banked(read, payments)
    back = went_back(read, ids) if actor.may(Permission.REFUNDS_READ) else {}
    return {
        payment.id: marks(
            payment,
            back.get(payment.id, WentBack()),
            disputed.get(payment.id),
            was_banked=payment.id not in unbanked,
        )
        for payment in payments
    }
