"""Who pays for others: /staff/payers, and the statement of one, which may be sent to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import entities, sites
from billing.catalog.records import Site
from billing.invoices.queries import find_payer, list_payers, shares_of_payer
from billing.invoices.records import Payer, PayerKind, PayerShare
from billing.invoices.use_cases.payers import add_payer
from billing.kernel.money import Money, total
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.checkouts import refused_debits_of_payers
from billing.payments.queries.credits import held_for_payer
from billing.payments.queries.gone import asked_of_held, went_back
from billing.payments.queries.payments import payments_of_payer
from billing.payments.records.checkouts import Checkout
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import WentBack
from billing.payments.states.payments import PaymentState
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import payer_words, words
from billing.web.forms import written
from billing.web.refusals import REFUSED, choice_of, shown_again, text_of

PAGE = "staff/payers.html"
MOST = 200
CHOOSE_KIND = "Choose who pays."


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a payer may see: amounts and days of their own, and nothing of any patient."""

    payer: Payer
    shares: Sequence[PayerShare]
    payments: Sequence[Payment]
    """Those that are money still."""
    back: Mapping[str, WentBack]
    """By payment, what was given back."""
    held: Money
    """What paid nothing, or was freed, also where a refund of it waits for approval."""
    refused: Mapping[str, Checkout]
    """By part, the debit that a bank did not pay, until something else was tried."""

    def paid(self, share: PayerShare | None = None) -> Money:
        """For one part, or in all."""
        return total(payment.amount for payment in self._payments(share))

    def given_back(self, share: PayerShare | None = None) -> Money:
        return total(back.sent for back in self._back(share))

    def promised(self, share: PayerShare | None = None) -> Money:
        """Approved and not sent yet: what only waits for approval is promised to nobody."""
        return total(back.waits for back in self._back(share))

    def _back(self, share: PayerShare | None) -> Sequence[WentBack]:
        return [self.back[each.id] for each in self._payments(share) if each.id in self.back]

    def _payments(self, share: PayerShare | None) -> Sequence[Payment]:
        return [each for each in self.payments if share is None or each.share_id == share.id]

    @property
    def owed(self) -> Money:
        return total(share.open_balance for share in self.shares)


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_payers", __name__)

    @routes.get("/staff/payers")
    @guard(Permission.PAYERS_READ)
    def payers() -> str:
        return render_template(PAGE, **_page(edge))

    @routes.post("/staff/payers")
    @guard(Permission.PAYERS_WRITE)
    def add() -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            payer = add_payer(
                tx,
                site_id=request.form.get("site_id", ""),
                kind=choice_of(PayerKind, "kind", CHOOSE_KIND),
                name=text_of("name", 100),
                contact=text_of("contact", 300),
                actor=actor,
                now=now,
            )
            return url_for("staff_payers.statement", payer_id=payer.id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge))
        flash("The payer is taken in. Agree on their part from the patient's invoice.", "done")
        return redirect(to, 303)

    @routes.get("/staff/payers/<payer_id>")
    @guard(Permission.PAYERS_READ)
    def statement(payer_id: str) -> str:
        actor = current_actor()
        found = edge.audited_read(
            lambda read: _statement(read, payer_id, actor),
            actor=actor,
            action="page.payer",
            subject_id=payer_id,
        )
        return render_template(
            "staff/payer.html", statement=found, words=payer_words, told_of_debit=words.told_of_debit
        )

    return routes


def _statement(read: Read, payer_id: str, actor: Actor) -> Statement:
    """Raises: NoSuchPayer."""
    payer, shares = find_payer(read, payer_id, actor), shares_of_payer(read, payer_id, actor)
    payments = payments_of_payer(read, payer_id, actor)
    return Statement(
        payer=payer,
        shares=shares,
        payments=[each for each in payments if each.state is PaymentState.RECEIVED],
        back=went_back(read, [each.id for each in payments]),
        held=held_for_payer(read, payer_id, actor) + asked_of_held(read, payer_id, actor),
        refused=refused_debits_of_payers(read, shares),
    )


def _page(edge: Edge) -> dict[str, Any]:
    actor = current_actor()
    payers, at = edge.audited_read(
        lambda read: (list_payers(read, actor, limit=MOST), _sites(read, actor)),
        actor=actor,
        action="page.payers",
        subject_id=actor.id,
    )
    may_add = actor.may(Permission.PAYERS_WRITE)
    return {"payers": payers, "sites": at, "may_add": may_add, "most": MOST, "words": payer_words}


def _sites(read: Read, actor: Actor) -> Sequence[Site]:
    """Where the actor may take somebody in."""
    clinics = [actor.entity_id] if actor.entity_id else [each.id for each in entities(read)]
    return [
        site
        for entity_id in clinics
        for site in sites(read, entity_id)
        if actor.sees(entity_id=entity_id, site_id=site.id)
    ]
