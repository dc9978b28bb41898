"""The only place that knows all rooms: it builds the adapters, subscribes to facts, registers routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from werkzeug.middleware.proxy_fix import ProxyFix

import billing.accounting.api
import billing.accounting.cli
import billing.care.api
import billing.catalog.api
import billing.catalog.cli
import billing.insurance.api
import billing.insurance.cli
import billing.insurance.cli.remittances
import billing.invoices.api
import billing.ledger.api
import billing.patients.api
import billing.payments.api.blueprint
import billing.payments.api.webhooks
import billing.payments.cli
import billing.people.api
import billing.people.cli
import billing.quotes.api
import billing.quotes.cli
from billing.adapters.acknowledgements import X12AcknowledgementReader
from billing.adapters.appeal_pdf import render_appeal
from billing.adapters.choice_letter_pdf import render_choice_letter
from billing.adapters.claim_837p import render_837p
from billing.adapters.claim_cms1500 import print_cms1500
from billing.adapters.evidence_pdf import render_evidence
from billing.adapters.mailer import SmtpMailer
from billing.adapters.receipt_pdf import render_receipt
from billing.adapters.remittance_835 import Edi835Reader
from billing.adapters.statement_pdf import render_statement, render_year_end
from billing.adapters.stripe_gateway import StripeGateway
from billing.adapters.superbill_pdf import print_superbills, render_superbill
from billing.care.states import (
    ChartAmended,
    CoverMoved,
    PatientTurnedAway,
    SessionCancelled,
    SessionGiven,
    SessionMissed,
)
from billing.catalog.queries import entities, find_site
from billing.insurance.api.batches import make_batch_blueprint
from billing.insurance.cli import claims, denials
from billing.insurance.cli.codes import make_code_commands
from billing.insurance.flows import Press, claim_bytes
from billing.insurance.handlers import (
    on_chart_amended,
    on_cover_moved,
    on_plan_limits_recorded,
    on_visit_signed,
    on_visits_cost_more,
    on_visits_covered_by_others,
)
from billing.insurance.ports import Outside
from billing.insurance.queries import edition_on, told_of_edition
from billing.insurance.rules.diagnoses import is_billable
from billing.insurance.use_cases.appeals import RENDER_APPEAL
from billing.insurance.use_cases.claims import RENDER_CLAIMS
from billing.insurance.use_cases.superbills import RENDER_JOB
from billing.invoices.handlers import on_chart_amended as on_amended_after_pricing
from billing.invoices.handlers import on_session_given, on_session_not_given
from billing.invoices.states import (
    CostsMore,
    InvoiceIssued,
    InvoiceVoided,
    ItemReturned,
    NothingOwed,
    ShareAgreed,
)
from billing.jobs import RECURRING, ignored, job_handlers
from billing.kernel.clock import clock_from, local_date
from billing.kernel.money import Money
from billing.patients.records import ChargesStopped, PlanLimitsRecorded
from billing.payments.flows.mail import Mailroom
from billing.payments.flows.room import Payments
from billing.payments.handlers import (
    on_charges_stopped,
    on_costs_more,
    on_invoice_issued,
    on_invoice_voided,
    on_item_returned,
    on_nothing_owed,
    on_share_agreed,
)
from billing.payments.use_cases.dispute_answers import RENDER_EVIDENCE
from billing.payments.use_cases.receipts import RENDER_RECEIPT
from billing.platform import cli
from billing.platform.data.base import Base
from billing.platform.data.database import Database, Read
from billing.platform.data.documents import rendered_once
from billing.platform.data.engines import engine_options
from billing.platform.data.jobs import Handler, Worker
from billing.platform.data.vault import Vault
from billing.platform.http import headers, health, tasks
from billing.platform.http.api import BillingApi, make_api
from billing.platform.http.edge import Edge
from billing.platform.http.guard import Authenticate, install_guard
from billing.platform.http.problems import answer_with_problems
from billing.platform.logs import configure_logging
from billing.web import pages
from config import ROOT, STRIPE_API, Settings

SAMPLE_CLINIC = ROOT / "billing" / "catalog" / "samples" / "b.yaml"
STRIPE_CHECKOUT = "https://checkout.stripe.com"
INSURERS = Outside(
    print_superbill=render_superbill,
    write_claims=render_837p,
    print_claims=print_cms1500,
    print_appeal=render_appeal,
    remittances=Edi835Reader(),
    acknowledgements=X12AcknowledgementReader(),
)
PUBLIC_ENDPOINTS = (
    frozenset({"static", "webhooks.stripe", "api-docs.openapi_json"})
    | health.PUBLIC_ENDPOINTS
    | pages.PUBLIC_ENDPOINTS
)


PRESS = Press(one=render_superbill, many=print_superbills)


@dataclass(frozen=True)
class House:
    """What the process is made of, once built."""

    settings: Settings
    edge: Edge
    payments: Payments
    worker: Worker

    @property
    def refund_limit(self) -> Money:
        return Money(self.settings.refund_limit_cents)

    @property
    def drawer_limit(self) -> Money:
        return Money(self.settings.drawer_limit_cents)

    @property
    def sends_mail(self) -> bool:
        return self.settings.mail_url is not None


def create_app(settings: Settings) -> Flask:
    """The application: web, worker and command line are made of the same one."""
    configure_logging()
    app = Flask("billing", root_path=str(Path(__file__).parent))
    app.config["SECRET_KEY"] = settings.secret_key
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=1, x_host=0)  # type: ignore[method-assign]
    app.extensions["billing"] = house = _build(app, settings)
    subscribe(house.edge.database)
    answer_with_problems(app)
    _register_api(make_api(app), house)
    authenticate = billing.people.api.make_authenticate(house.edge)
    _register_browser(app, house, authenticate)
    install_guard(app, authenticate, public=PUBLIC_ENDPOINTS, sign_in_page="/staff/sign-in")
    _register_commands(app, house)
    return app


def subscribe(database: Database) -> None:
    """Who hears of what, in this order, inside the transaction of the fact."""
    database.subscribe(SessionGiven, on_session_given)
    database.subscribe(SessionCancelled, on_session_not_given)
    database.subscribe(SessionMissed, on_session_not_given)
    database.subscribe(PatientTurnedAway, on_session_not_given)
    database.subscribe(InvoiceIssued, on_invoice_issued)
    database.subscribe(InvoiceVoided, on_invoice_voided)
    database.subscribe(ItemReturned, on_item_returned)
    database.subscribe(ShareAgreed, on_share_agreed)
    database.subscribe(ShareAgreed, on_visits_covered_by_others)
    database.subscribe(CostsMore, on_costs_more)
    database.subscribe(CostsMore, on_visits_cost_more)
    database.subscribe(CoverMoved, on_cover_moved)
    database.subscribe(NothingOwed, on_nothing_owed)
    database.subscribe(ChargesStopped, on_charges_stopped)
    database.subscribe(PlanLimitsRecorded, on_plan_limits_recorded)
    database.subscribe(ChartAmended, on_amended_after_pricing)
    database.subscribe(ChartAmended, on_chart_amended)
    database.subscribe(SessionGiven, on_visit_signed)


def _renderings(edge: Edge) -> dict[str, Handler]:
    """Documents are drawn by the worker, so that nobody waits for them."""
    database, clock = edge.database, edge.clock

    def drawing(render: Callable[..., bytes], keep: Callable[..., bytes] = rendered_once) -> Handler:
        return lambda task: ignored(keep(database, render, document_id=task.key, now=clock()))

    return {
        RENDER_JOB: drawing(render_superbill),
        RENDER_CLAIMS: drawing(render_837p, claim_bytes),
        RENDER_APPEAL: drawing(render_appeal),
        RENDER_RECEIPT: drawing(render_receipt),
        RENDER_EVIDENCE: drawing(render_evidence),
    }


def _build(app: Flask, settings: Settings) -> House:
    database = _open_database(app, settings)
    clock = clock_from(str(settings.clinic_clock) if settings.clinic_clock else None)
    gateway = StripeGateway(
        secret_key=settings.stripe_secret_key,
        webhook_secret=settings.stripe_webhook_secret,
        api_base=settings.stripe_api_base,
    )
    edge = Edge(database=database, clock=clock, public_url=settings.public_url)
    payments = Payments(database, gateway, clock)
    worker = Worker(
        database,
        clock,
        _renderings(edge)
        | job_handlers(
            edge,
            payments,
            _mailroom(edge, settings),
            Edi835Reader(),
            Money(settings.refund_limit_cents),
            timedelta(days=settings.stale_check_days),
        ),
        RECURRING,
    )
    return House(settings=settings, edge=edge, payments=payments, worker=worker)


def _mailroom(edge: Edge, settings: Settings) -> Mailroom:
    domain = urlsplit(settings.public_url).hostname or "localhost"
    mailer = SmtpMailer(settings.mail_url, domain) if settings.mail_url else None
    return Mailroom(edge.database, edge.clock, mailer, settings.public_url)


def _open_database(app: Flask, settings: Settings) -> Database:
    url, options = settings.database_url, engine_options(settings.database_url)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=url,
        SQLALCHEMY_ENGINE_OPTIONS=options,
        SQLALCHEMY_BINDS={"reader": {"url": url, **options}},
    )
    db = SQLAlchemy(app, metadata=Base.metadata, disable_autonaming=True)
    Migrate(app, db, directory=str(ROOT / "migrations"))
    with app.app_context():
        return Database(write=db.engine, read=db.engines["reader"], vault=Vault(settings.field_keys))


def _register_api(api: BillingApi, house: House) -> None:
    edge = house.edge
    for blueprint in (
        billing.people.api.make_blueprint(edge),
        billing.catalog.api.make_blueprint(edge),
        billing.patients.api.make_blueprint(edge, _entity_of_site),
        billing.care.api.make_blueprint(edge),
        billing.quotes.api.make_blueprint(edge),
        billing.invoices.api.make_blueprint(edge),
        billing.payments.api.blueprint.make_blueprint(
            edge,
            house.payments,
            house.refund_limit,
            render_receipt,
            render_evidence,
            render_choice_letter,
            sends_mail=house.sends_mail,
            drawer_limit=house.drawer_limit,
        ),
        billing.insurance.api.make_blueprint(edge, INSURERS),
        make_batch_blueprint(edge, PRESS),
        billing.ledger.api.make_blueprint(edge),
        billing.accounting.api.make_blueprint(edge, house.refund_limit, render_statement, render_year_end),
        tasks.make_blueprint(edge),
    ):
        api.register_blueprint(blueprint)


def _register_browser(app: Flask, house: House, authenticate: Authenticate) -> None:
    app.register_blueprint(health.make_blueprint(house.edge))
    app.register_blueprint(
        billing.payments.api.webhooks.make_webhook_blueprint(house.edge, house.payments.gateway)
    )
    pages.register_pages(
        app,
        house.edge,
        authenticate=authenticate,
        payments=house.payments,
        installation=pages.Installation(
            zone=ZoneInfo(house.settings.clinic_timezone),
            checkout_origin=_checkout_origin(house.settings),
            render=render_superbill,
            render_claims=render_837p,
            print_claims=print_cms1500,
            render_appeal=render_appeal,
            press=PRESS,
            render_receipt=render_receipt,
            render_evidence=render_evidence,
            render_choice_letter=render_choice_letter,
            render_statement=render_statement,
            render_year_end=render_year_end,
            reader=Edi835Reader(),
            sends_mail=house.sends_mail,
            refund_limit=house.refund_limit,
            drawer_limit=house.drawer_limit,
        ),
    )
    headers.install(app, public_url=house.settings.public_url)


def _register_commands(app: Flask, house: House) -> None:
    edge = house.edge
    for command in (
        *cli.make_commands(_office(house)),
        *billing.people.cli.make_commands(edge, _entities_by_slug),
        *billing.catalog.cli.make_commands(
            edge, lambda read, code: is_billable(edition_on(read, _today(house)), code)
        ),
        *billing.quotes.cli.make_commands(edge),
        *billing.payments.cli.make_commands(
            house.payments, house.refund_limit, house.settings.stripe_api_base
        ),
        billing.insurance.cli.remittances.make_commands(edge.database, edge.clock, Edi835Reader()),
        billing.insurance.cli.make_diagnosis_commands(edge.database, edge.clock),
        make_code_commands(edge.database, edge.clock),
        billing.insurance.cli.make_superbill_commands(edge.database, edge.clock, PRESS),
        denials.make_denial_commands(edge.database, edge.clock),
        claims.make_claim_commands(
            edge.database, edge.clock, render_837p, print_cms1500, X12AcknowledgementReader()
        ),
        *billing.accounting.cli.make_commands(edge, house.refund_limit),
    ):
        app.cli.add_command(command)


def _today(house: House) -> date:
    return local_date(house.edge.clock(), ZoneInfo(house.settings.clinic_timezone))


def _office(house: House) -> cli.Office:
    settings = house.settings
    return cli.Office(
        root=ROOT,
        var_dir=settings.var_dir,
        database=house.edge.database,
        database_url=settings.database_url,
        clock=house.edge.clock,
        worker=house.worker,
        is_empty=lambda read: not entities(read),
        sample_clinic=None if settings.in_production else SAMPLE_CLINIC,
        port=settings.port,
        sandbox_port=settings.sandbox_port if settings.has_stand_in else None,
        sandbox_environment=settings.stand_in_environment,
        public_url=settings.public_url,
        processor_base=settings.stripe_api_base,
        sends_mail=house.sends_mail,
        tell_of_codes=lambda read, now: told_of_edition(
            read, local_date(now, ZoneInfo(settings.clinic_timezone))
        ),
    )


def _checkout_origin(settings: Settings) -> str:
    """Where the processor's pages are, which a form of ours may lead to."""
    return STRIPE_CHECKOUT if settings.stripe_api_base == STRIPE_API else settings.stripe_api_base


def _entity_of_site(read: Read, site_id: str) -> str:
    return find_site(read, site_id).entity_id


def _entities_by_slug(read: Read) -> Mapping[str, str]:
    return {entity.slug: entity.id for entity in entities(read)}
