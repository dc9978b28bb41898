"""The pages with a database, a movable clock and a card processor of ours, without any other process."""

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from flask import Flask, session
from flask.testing import FlaskClient
from flask_security import login_user
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

import billing
from billing.adapters.appeal_pdf import render_appeal
from billing.adapters.claim_837p import render_837p
from billing.adapters.claim_cms1500 import print_cms1500
from billing.adapters.remittance_835 import Edi835Reader
from billing.adapters.statement_pdf import render_statement, render_year_end
from billing.catalog.queries import providers, sites
from billing.catalog.records import Entity, Site
from billing.insurance.flows import Press
from billing.invoices.records import Invoice
from billing.invoices.use_cases.issue import issue_invoice
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.records import Patient
from billing.payments.flows.room import Payments
from billing.payments.ports import (
    CheckoutState,
    CheckoutStatus,
    Gateway,
    GatewayRefused,
    GatewayTimeout,
    OpenedCheckout,
)
from billing.payments.records.checkouts import Reader
from billing.payments.records.payments import ChargeFacts
from billing.payments.use_cases.links import make_pay_link
from billing.people.api import make_authenticate, make_blueprint
from billing.people.models import StaffUser
from billing.people.queries import staff_of
from billing.people.records import Staff
from billing.platform.data.database import Database, Tx
from billing.platform.http import headers
from billing.platform.http.api import make_api
from billing.platform.http.edge import Edge
from billing.platform.http.guard import install_guard
from billing.platform.http.problems import answer_with_problems
from billing.quotes.use_cases import quote_plan
from billing.web.pages import PUBLIC_ENDPOINTS, Installation, register_pages
from tests.factories.care import SAMPLE_PARTICULARS, new_plan
from tests.factories.catalog import seed_sample
from tests.factories.patients import new_patient

REFUND_LIMIT = Money(50_000)
DRAWER_LIMIT = Money(2_000)
PASSWORD = "copper-lantern-vogue"
CHECKOUT_ORIGIN = "https://checkout.example"
PDF = b"%PDF-1.4 a superbill"


TEMPLATES = FileSystemBytecodeCache()
"""Each template is compiled once, however many applications the tests make."""


@dataclass(eq=False)
class MovableClock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Processor:
    """Opens checkouts and knows what became of them.

    `is_away` makes it answer nothing, `is_busy` its readers refuse.
    """

    states: dict[str, CheckoutState] = field(default_factory=dict)
    success_urls: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)
    gave_up: dict[str, str | None] = field(default_factory=dict)
    """What its readers wait for no more: the bank's word where a card was declined."""
    is_away: bool = False
    is_busy: bool = False

    def open_checkout(
        self,
        *,
        key: str,
        amount: Money,
        expires_at: datetime,
        success_url: str,
        cancel_url: str,
        descriptor: str | None,
    ) -> OpenedCheckout:
        self._answer()
        reference = f"cs_{key}"
        self.success_urls.append(success_url)
        self.told.append(f"{key} {amount} {success_url} {cancel_url}")
        self.states[reference] = CheckoutState(
            reference=reference, operation=key, status=CheckoutStatus.OPEN, paid=None, charge=None
        )
        return OpenedCheckout(reference=reference, url=f"{CHECKOUT_ORIGIN}/c/{reference}")

    def read_checkout(self, reference: str) -> CheckoutState:
        self._answer()
        return self.states[reference]

    def complete(self, reference: str, amount: Money, at: datetime) -> None:
        """The payer paid."""
        charge = ChargeFacts(
            reference=f"ch_{reference}",
            payment_intent=f"pi_{reference}",
            amount=amount,
            fee=Money(30),
            net=amount - Money(30),
            balance_transaction=f"txn_{reference}",
            charged_at=at,
            reporting_category="charge",
        )
        self.states[reference] = CheckoutState(
            reference=reference,
            operation=self.states[reference].operation,
            status=CheckoutStatus.COMPLETE,
            paid=amount,
            charge=charge,
        )

    def expire_checkout(self, reference: str) -> None:
        self._answer()
        if self.states[reference].status is not CheckoutStatus.OPEN:
            raise GatewayRefused("resource_missing")
        self.states[reference] = replace(self.states[reference], status=CheckoutStatus.EXPIRED)

    def list_readers(self) -> list[Reader]:
        return self.readers

    def ask_on_reader(
        self, *, key: str, amount: Money, reader_id: str, descriptor: str | None
    ) -> OpenedCheckout:
        self._answer()
        if self.is_busy:
            raise GatewayRefused("terminal_reader_busy")
        reference = f"pi_{key}"
        self.told.append(f"{key} {amount} {reader_id}")
        self.states[reference] = CheckoutState(
            reference=reference, operation=key, status=CheckoutStatus.OPEN, paid=None, charge=None
        )
        return OpenedCheckout(reference=reference, url=None)

    def is_asking(self, reference: str, *, reader_id: str) -> bool:
        self._answer()
        return reference not in self.gave_up

    def cancel_on_reader(self, reference: str, *, reader_id: str) -> None:
        self.expire_checkout(reference)
        if decline := self.gave_up.get(reference):
            declined = replace(self.states[reference], status=CheckoutStatus.DECLINED, decline=decline)
            self.states[reference] = declined

    def _answer(self) -> None:
        if self.is_away:
            raise GatewayTimeout


def web_app(
    edge: Edge,
    gateway: Gateway,
    *,
    checkout_origin: str = CHECKOUT_ORIGIN,
    render: Callable[..., bytes] = lambda _body: PDF,
    sends_mail: bool = True,
) -> Flask:
    """Sign-in, pages and tokens, guarded as in the product."""
    app = Flask("billing.web", root_path=str(Path(billing.__file__).parent))
    app.config["SECRET_KEY"] = "s" * 40
    app.jinja_options = {"bytecode_cache": TEMPLATES}
    answer_with_problems(app)
    make_api(app).register_blueprint(make_blueprint(edge))
    authenticate = make_authenticate(edge)
    register_pages(
        app,
        edge,
        authenticate=authenticate,
        payments=Payments(edge.database, gateway, edge.clock),
        installation=Installation(
            zone=ZoneInfo("America/Chicago"),
            checkout_origin=checkout_origin,
            render_claims=render_837p,
            print_claims=print_cms1500,
            render_appeal=render_appeal,
            render=render,
            press=Press(one=render, many=lambda bodies, stream: stream.writelines(map(render, bodies))),
            render_receipt=render,
            render_evidence=render,
            render_choice_letter=render,
            render_statement=render_statement,
            render_year_end=render_year_end,
            reader=Edi835Reader(),
            sends_mail=sends_mail,
            refund_limit=REFUND_LIMIT,
            drawer_limit=DRAWER_LIMIT,
        ),
    )
    headers.install(app, edge.public_url)
    public = PUBLIC_ENDPOINTS | {"static", "api-docs.openapi_json"}
    install_guard(app, authenticate, public=public, sign_in_page="/staff/sign-in")
    return app


@dataclass(frozen=True)
class Clinic:
    """Clinic B, its first patient with a plan of six, and their package invoice."""

    entity: Entity
    site: Site
    patient: Patient
    invoice: Invoice


def open_clinic(database: Database, now: datetime) -> Clinic:
    entity = seed_sample(database, now)
    with database.reading() as read:
        site = sites(read, entity.id)[0]
    patient = new_patient(database, entity_id=entity.id, site_id=site.id, now=now)
    return Clinic(entity, site, patient, new_package(database, patient, now))


def new_package(
    database: Database, patient: Patient, now: datetime, *, site_id: str | None = None
) -> Invoice:
    """Six infusions, quoted and invoiced as a package: $2,550; at the patient's own site unless told."""
    with database.reading() as read:
        provider = providers(read, patient.entity_id)[0]
    particulars = replace(SAMPLE_PARTICULARS, provider_id=provider.id, site_id=site_id)
    plan = new_plan(database, patient.id, particulars=particulars, now=now)
    quote = database.in_transaction(lambda tx: quote_plan(tx, plan_id=plan.id, actor=SYSTEM, now=now))
    return database.in_transaction(lambda tx: issue_invoice(tx, quote_id=quote.id, actor=SYSTEM, now=now))


def new_staff(
    database: Database,
    role: Role,
    now: datetime,
    *,
    entity_id: str | None = None,
    site_ids: Sequence[str] | None = None,
) -> Staff:
    """Somebody who signs in with PASSWORD; it is hashed once, since that is made to be slow."""

    def work(tx: Tx) -> Staff:
        row = StaffUser(
            id=new_id("usr"),
            email=f"{role.value.replace('_', '-')}@clinic-b.example",
            password_hash=_password_hash(),
            fs_uniquifier=secrets.token_hex(32),
            active=True,
            roles=[role.value],
            entity_id=entity_id,
            site_ids=list(site_ids) if site_ids is not None else None,
            added_at=now,
        )
        tx.session.add(row)
        tx.session.flush()
        return staff_of(row)

    return database.in_transaction(work)


@lru_cache
def _password_hash() -> str:
    return PasswordHasher().hash(PASSWORD)


def sign_in(app: Flask, staff: Staff) -> FlaskClient:
    """A browser in which somebody has signed in. The form itself is the matter of test_web_sign_in."""
    client = app.test_client()
    with app.test_request_context():
        login_user(app.extensions["security"].datastore.find_user(email=staff.email))
        signed_in = dict(session)
    with client.session_transaction() as cookie:
        cookie.update(signed_in)
    return client


def token_of(client: FlaskClient, page: str) -> str:
    """The form token of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found is not None, f"no form on {page}"
    return found[1]


def send(client: FlaskClient, page: str, path: str, **fields: str) -> TestResponse:
    """Submit a form of a page; one that only looks at what would happen by GET, unless it says POST."""
    if path.endswith("/look") and f'method="post" action="{path}"' not in client.get(page).text:
        return client.get(path, query_string=fields)
    return client.post(path, data={"csrf_token": token_of(client, page), **fields})


def new_pay_link(database: Database, invoice_id: str, now: datetime) -> str:
    """The token of a link."""
    _, secret = database.in_transaction(
        lambda tx: make_pay_link(tx, invoice_id=invoice_id, actor=SYSTEM, now=now)
    )
    return secret
