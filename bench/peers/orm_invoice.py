"""The same invoice as an ordinary Flask application writes it: ORM objects, relationships, marshmallow.

It reads what the product reads and leaves the same rows, but for the journal: the product's ledger refuses an
entry that an ORM writes row by row, so that this one has tables of its own, and no check of the balance.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from typing import Any

from flask import Flask, request
from marshmallow import RAISE, Schema, fields
from sqlalchemy import Engine, ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from billing.care.models import SessionRow
from billing.catalog.models import SiteRow
from billing.invoices.models import InvoicedSession, InvoiceLineRow, InvoiceRow
from billing.kernel.ids import new_id
from billing.ledger.records import Account
from billing.patients.models import PatientRow
from billing.people.models import ApiToken
from billing.platform.data.audit import AuditRow
from billing.platform.data.documents import Document
from billing.platform.data.engines import configure_writer, engine_options
from billing.platform.data.idempotency import AnsweredRequest
from billing.platform.data.series import NumberSeries
from billing.platform.data.vault import Vault
from billing.quotes.models import QuoteRow


class Peer(DeclarativeBase):
    """Mapped anew, with the relationships that the product does without."""


class Paper(Peer):
    __table__ = Document.__table__


class Quote(Peer):
    __table__ = QuoteRow.__table__
    document = relationship(Paper, primaryjoin=QuoteRow.document_id == Document.id, viewonly=True)


class Visit(Peer):
    __table__ = SessionRow.__table__


class Standing(Peer):
    __table__ = InvoicedSession.__table__


class Line(Peer):
    __table__ = InvoiceLineRow.__table__
    standing = relationship(Standing, uselist=False)


class Invoice(Peer):
    __table__ = InvoiceRow.__table__
    lines = relationship(Line, order_by=InvoiceLineRow.place, backref="invoice")
    document = relationship(Paper)


class Posting(Peer):
    __tablename__ = "peer_posting"

    entry_id: Mapped[str] = mapped_column(ForeignKey("peer_entry.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    cents: Mapped[int]
    patient_id: Mapped[str]


class Entry(Peer):
    __tablename__ = "peer_entry"

    id: Mapped[str] = mapped_column(primary_key=True)
    entity_id: Mapped[str]
    site_id: Mapped[str]
    posted_at: Mapped[datetime]
    effective_on: Mapped[date]
    source_id: Mapped[str] = mapped_column(unique=True)
    actor_id: Mapped[str]
    postings: Mapped[list[Posting]] = relationship(order_by=Posting.place)


class InvoiceRequest(Schema):
    class Meta:
        unknown = RAISE

    quote_id = fields.String(required=True)
    session_ids = fields.List(fields.String(), required=True)


class LineSchema(Schema):
    session_id = fields.String()
    service = fields.String()
    service_on = fields.Date()
    charge_cents = fields.Integer()
    discount_cents = fields.Integer()
    net_cents = fields.Integer()


class InvoiceSchema(Schema):
    id = fields.String()
    number = fields.Integer()
    patient_id = fields.String()
    quote_id = fields.String()
    kind = fields.String()
    state = fields.String()
    total_cents = fields.Integer()
    open_cents = fields.Integer()
    issued_on = fields.Date()
    issued_at = fields.AwareDateTime()
    lines = fields.List(fields.Nested(LineSchema))


def make_app(url: str, vault: Vault, now: datetime) -> tuple[Flask, Engine]:
    engine = create_engine(url, **engine_options(url))
    configure_writer(engine)
    Peer.metadata.create_all(
        engine, [Entry.metadata.tables["peer_entry"], Posting.metadata.tables["peer_posting"]]
    )
    app = Flask("peer")

    @app.post("/invoices")
    def issue() -> Any:
        body = InvoiceRequest().load(request.get_json())
        with Session(engine) as session:
            token = _token(session, request.headers["Authorization"].removeprefix("Bearer "))
            key = request.headers["Idempotency-Key"]
            assert session.get(AnsweredRequest, (token.id, key)) is None
            invoice = _issue(session, vault, body, token.id, now)
            session.flush()
            answer = InvoiceSchema().dump(invoice)
            session.add(_answered(vault, token.id, key, answer))
            session.commit()
            return answer, 201

    return app, engine


def _issue(session: Session, vault: Vault, body: dict[str, Any], actor_id: str, now: datetime) -> Invoice:
    quote = session.get_one(Quote, body["quote_id"])
    facts = json.loads(vault.open_bytes("document", quote.document_id, quote.document.sealed))
    patient = session.get_one(PatientRow, quote.patient_id, with_for_update=True)
    site = session.get_one(SiteRow, quote.site_id)
    series = session.get_one(NumberSeries, (quote.entity_id, "invoice"), with_for_update=True)
    series.last += 1
    quoted = [{**asked, **priced} for asked, priced in zip(facts["asked"], facts["priced"], strict=True)]
    chosen = [item for item in quoted if item["session_id"] in body["session_ids"]]
    invoice = Invoice(
        id=new_id("inv"),
        number=series.last,
        entity_id=quote.entity_id,
        site_id=site.id,
        patient_id=patient.id,
        quote_id=quote.id,
        kind="session",
        state="open",
        issued_on=now.date(),
        issued_at=now,
    )
    for place, item in enumerate(chosen, 1):
        _add_line(session, invoice, place, item, actor_id, now)
    invoice.total_cents = invoice.open_cents = sum(line.net_cents for line in invoice.lines)
    invoice.document = _document(vault, invoice, now)
    session.add(invoice)
    session.add(_audit(actor_id, "invoice.issue", invoice.id, now))
    return invoice


def _add_line(
    session: Session, invoice: Invoice, place: int, item: dict[str, Any], actor_id: str, now: datetime
) -> None:
    visit = session.get_one(Visit, item["session_id"])
    assert session.get(Standing, visit.id) is None
    line = Line(
        id=new_id("inl"),
        place=place,
        session_id=visit.id,
        service=item["service"],
        service_on=date.fromisoformat(item["on"]),
        charge_cents=item["list_cents"] - item["package_cents"],
        discount_cents=item["discount_cents"],
        net_cents=item["net_cents"],
        standing=Standing(session_id=visit.id),
    )
    invoice.lines.append(line)
    visit.due_cents = line.net_cents
    session.add(_audit(actor_id, "session.price", visit.id, now))
    if visit.state == "given":
        session.add(_entry(invoice, line, actor_id, now))


def _entry(invoice: Invoice, line: Line, actor_id: str, now: datetime) -> Entry:
    amounts = (
        (Account.PATIENT_RECEIVABLE, line.net_cents),
        (Account.DISCOUNTS, line.discount_cents),
        (Account.INFUSION, -line.charge_cents),
    )
    return Entry(
        id=new_id("je"),
        entity_id=invoice.entity_id,
        site_id=invoice.site_id,
        posted_at=now,
        effective_on=now.date(),
        source_id=line.session_id,
        actor_id=actor_id,
        postings=[
            Posting(place=place, account=str(account), cents=cents, patient_id=invoice.patient_id)
            for place, (account, cents) in enumerate(amounts, 1)
        ],
    )


def _document(vault: Vault, invoice: Invoice, now: datetime) -> Paper:
    document_id, content = new_id("doc"), json.dumps(InvoiceSchema().dump(invoice)).encode()
    return Paper(
        id=document_id,
        kind="invoice",
        subject_id=invoice.id,
        version=1,
        sealed=vault.seal_bytes("document", document_id, content),
        sha256=hashlib.sha256(content).hexdigest(),
        frozen_at=now,
    )


def _audit(actor_id: str, action: str, subject_id: str, now: datetime) -> AuditRow:
    return AuditRow(
        id=new_id("aud"), at=now, actor_id=actor_id, action=action, subject_id=subject_id, detail={}
    )


def _answered(vault: Vault, actor_id: str, key: str, answer: dict[str, Any]) -> AnsweredRequest:
    return AnsweredRequest(
        actor_id=actor_id,
        key=key,
        request_sha256=hashlib.sha256(request.get_data()).hexdigest(),
        status=201,
        sealed=vault.seal_bytes("answered_request", f"{actor_id}/{key}", json.dumps(answer).encode()),
    )


def _token(session: Session, secret: str) -> ApiToken:
    hashed = hashlib.sha256(secret.encode()).hexdigest()
    return session.scalars(select(ApiToken).where(ApiToken.secret_sha256 == hashed)).one()
