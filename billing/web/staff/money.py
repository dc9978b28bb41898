"""/staff/money: open invoices and recent payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template

from billing.invoices.queries import list_invoices
from billing.invoices.records import Invoice
from billing.invoices.states import InvoiceState
from billing.kernel.money import Money, total
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import names_of
from billing.payments.queries.disputes import held_by_banks
from billing.payments.queries.payments import list_payments
from billing.payments.records.payments import Payment
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.words import marks_of

MOST_OF_EACH = 200


@dataclass(frozen=True, kw_only=True)
class Books:
    """`names` are those of the patients, for readers who may know them."""

    invoices: Sequence[Invoice]
    payments: Sequence[Payment]
    names: Mapping[str, str]
    marks: Mapping[str, Sequence[str]]
    """What became of each payment."""

    @property
    def owed(self) -> Money:
        return total(invoice.open_balance for invoice in self.invoices)


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
    names: dict[str, str] = {}
    if actor.may(Permission.PATIENTS_READ):
        seen = {invoice.patient_id for invoice in invoices} | {payment.patient_id for payment in payments}
        names = names_of(read, seen, actor)
    return Books(invoices=invoices, payments=payments, names=names, marks=marks_of_all(read, payments))


def marks_of_all(read: Read, payments: Sequence[Payment]) -> Mapping[str, Sequence[str]]:
    """What became of payments, in few words, by their ids."""
    disputed = held_by_banks(read, [payment.id for payment in payments])
    return {payment.id: marks_of(payment, disputed.get(payment.id)) for payment in payments}
