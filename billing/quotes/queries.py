"""Reads: stored quotes, and their prices once more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from billing.catalog.queries import schedule_by_id
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.documents import find_document
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import row_where
from billing.quotes.errors import NoSuchQuote
from billing.quotes.models import QuoteRow
from billing.quotes.records import (
    Line,
    PricedPlan,
    PricedSession,
    Quote,
    QuotedSession,
    QuoteHead,
    QuoteOrder,
    SessionToPrice,
)
from billing.quotes.rules import price


def find_quote(read: Read, quote_id: str, actor: Actor) -> Quote:
    """Raises: NoSuchQuote, also for one of a site that the actor may not know of."""
    row = row_where(read, QuoteRow, id=quote_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise NoSuchQuote("There is no such quote. Check the id.")
    return quote_of(row, find_document(read, row.document_id).body)


def list_quotes(
    read: Read,
    *,
    actor: Actor,
    patient_id: str | None = None,
    plan_id: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> list[QuoteHead]:
    """The actor's quotes, newest first, one more than `limit` when there are more."""
    query = (
        select(QuoteRow).where(*within_reach(actor, QuoteRow)).order_by(QuoteRow.id.desc()).limit(limit + 1)
    )
    if patient_id is not None:
        query = query.where(QuoteRow.patient_id == patient_id)
    if plan_id is not None:
        query = query.where(QuoteRow.plan_id == plan_id)
    if cursor is not None:
        query = query.where(QuoteRow.id < cursor)
    return [QuoteHead(**_head(row)) for row in read.session.scalars(query)]


def quote_naming(read: Read, plan_id: str, session_id: str, actor: Actor) -> Quote | None:
    """The newest quote of a plan that priced one of its sessions."""
    rows = read.session.scalars(
        select(QuoteRow.id)
        .where(QuoteRow.plan_id == plan_id, *within_reach(actor, QuoteRow))
        .order_by(QuoteRow.id.desc())
    )
    quotes = (find_quote(read, quote_id, actor) for quote_id in rows.all())
    return next((each for each in quotes if any(of.session_id == session_id for of in each.asked)), None)


def fee_under(read: Read, quote: Quote, session_id: str, service: str) -> Money | None:
    """What a fee costs for a session of a quote: by its own condition, in the quote's schedule, if there.

    No discount is taken off a fee.
    """
    schedule = schedule_by_id(read, quote.schedule_id)
    asked = next(each for each in quote.asked if each.session_id == session_id)
    rate = schedule.rates_by_kind.get((service, schedule.categories[asked.condition or quote.condition]))
    return None if rate is None else Money(rate.cents)


def replay(read: Read, quote: Quote) -> PricedPlan:
    """The same inputs under the same schedule once more: the same cents and rule ids, for ever."""
    return _price_again(read, quote, quote.asked)


def price_of_some(read: Read, quote: Quote, session_ids: Collection[str]) -> tuple[QuotedSession, ...]:
    """What sessions of a quote cost without the others, under its own schedule, eligibilities and date.

    A package that they do not reach by themselves takes nothing off; all of them cost what was quoted.
    """
    some = tuple(session for session in quote.asked if session.session_id in session_ids)
    if len(some) == len(quote.asked):
        return quote.sessions
    priced = _price_again(read, quote, some)
    return tuple(_quoted(session, each) for session, each in zip(some, priced.sessions, strict=True))


def price_of_given(
    read: Read,
    quote: Quote,
    session_ids: Collection[str],
    session_id: str,
    *,
    minutes: int,
    dose_mg: Decimal,
) -> QuotedSession:
    """What one of these sessions of a quote costs beside the others by its actual minutes and dose.

    Raises: CannotPrice.
    """
    some = tuple(
        replace(each, planned_minutes=each.minutes, minutes=minutes, dose_mg=dose_mg)
        if each.session_id == session_id
        else each
        for each in quote.asked
        if each.session_id in session_ids
    )
    priced = _price_again(read, quote, some)
    pairs = zip(some, priced.sessions, strict=True)
    return next(_quoted(each, price) for each, price in pairs if each.session_id == session_id)


def _quoted(asked: SessionToPrice, priced: PricedSession) -> QuotedSession:
    return QuotedSession(
        session_id=asked.session_id,
        service=asked.service,
        on=asked.on,
        list=Money(priced.list_cents),
        package=Money(priced.package_cents),
        discount=Money(priced.discount_cents),
        net=Money(priced.net_cents),
        explanation=priced.explanation,
    )


def _price_again(read: Read, quote: Quote, sessions: tuple[SessionToPrice, ...]) -> PricedPlan:
    schedule = schedule_by_id(read, quote.schedule_id)
    return price(schedule, quote.condition, sessions, quote.eligibilities, quote.quoted_on)


# --- the frozen document -------------------------------------------------------------------------------


def body_of(order: QuoteOrder, eligibilities: tuple[str, ...], priced: PricedPlan) -> dict[str, Any]:
    """What a quote's document says: what was asked, and the price with its reasons."""
    return {
        "condition": order.condition,
        "eligibilities": list(eligibilities),
        "schedule": priced.schedule,
        "list_cents": priced.list_cents,
        "package_cents": priced.package_cents,
        "discount_cents": priced.discount_cents,
        "total_cents": priced.total_cents,
        "asked": [_asked_body(session) for session in order.sessions],
        "priced": [_priced_body(session) for session in priced.sessions],
    }


def quote_of(row: QuoteRow, body: Mapping[str, Any]) -> Quote:
    asked = tuple(_asked(session) for session in body["asked"])
    return Quote(
        **_head(row),
        condition=body["condition"],
        eligibilities=tuple(body["eligibilities"]),
        asked=asked,
        sessions=tuple(
            QuotedSession(
                session_id=session.session_id,
                service=session.service,
                on=session.on,
                list=Money(priced["list_cents"]),
                package=Money(priced["package_cents"]),
                discount=Money(priced["discount_cents"]),
                net=Money(priced["net_cents"]),
                explanation=tuple(Line(*line) for line in priced["explanation"]),
            )
            for session, priced in zip(asked, body["priced"], strict=True)
        ),
    )


def _head(row: QuoteRow) -> dict[str, Any]:
    """The fields of records.QuoteHead."""
    amounts = {
        name: Money(getattr(row, f"{name}_cents")) for name in ("list", "package", "discount", "total")
    }
    others = {field.name for field in fields(QuoteHead)} - set(amounts)
    return {**{name: getattr(row, name) for name in others}, **amounts}


def _asked_body(session: SessionToPrice) -> dict[str, Any]:
    """Add-ons keep their order, which the explanation shows; decimals become texts."""
    return {
        **asdict(session),
        "on": session.on.isoformat(),
        "dose_mg": _text_or_none(session.dose_mg),
        "weight_kg": _text_or_none(session.weight_kg),
        "add_ons": list(session.add_ons.items()),
    }


def _asked(body: Mapping[str, Any]) -> SessionToPrice:
    decimals = {name: _decimal_or_none(body[name]) for name in ("dose_mg", "weight_kg")}
    added = dict(body["add_ons"])
    return SessionToPrice(**{**body, **decimals, "on": date.fromisoformat(body["on"]), "add_ons": added})


def _priced_body(session: PricedSession) -> dict[str, Any]:
    """The date and the service stand in what was asked."""
    return {
        "list_cents": session.list_cents,
        "package_cents": session.package_cents,
        "discount_cents": session.discount_cents,
        "net_cents": session.net_cents,
        "explanation": [list(line) for line in session.explanation],
    }


def _text_or_none(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _decimal_or_none(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
