"""The rows of a statement's tables, as pages show them."""

from __future__ import annotations

from collections.abc import Sequence

from billing.accounting.records.statements import Statement
from billing.accounting.records.year_statements import YearEnd
from billing.accounting.rules import statement_words as words
from billing.kernel.clock import day_in_words
from billing.kernel.money import Money

Row = Sequence[str | Money]


def received(statement: Statement) -> list[Row]:
    return [
        (day_in_words(each.on), words.received_in_words(each), each.amount) for each in statement.received
    ]


def back(statement: Statement) -> list[Row]:
    """Refunds, wherever they are, and what a bank took; the day stands there once it went."""
    refunds = [
        (day_in_words(each.on) if each.on else "Not sent yet", words.refund_in_words(each), each.amount)
        for each in statement.refunds
    ]
    banks = [(day_in_words(each.on), words.bank_in_words(each), each.kept) for each in statement.banks]
    return [*refunds, *banks]


def held(statement: Statement) -> list[Row]:
    return [
        (
            day_in_words(each.on),
            words.source_in_words(each),
            words.choice_in_words(each),
            each.amount,
            each.used,
            each.back,
            each.gone,
            each.left,
        )
        for each in statement.held
    ]


def by_payment(year_end: YearEnd) -> list[Row]:
    return [
        (day_in_words(each.on), each.told, each.paid or "", each.back or "") for each in year_end.payments
    ]


def by_visit(year_end: YearEnd) -> list[Row]:
    """With the sum of what they cost in the last row."""
    rows: list[Row] = [
        (
            day_in_words(each.on),
            each.description,
            each.net,
            each.paid,
            each.back,
            each.reimbursed,
            words.cost_in_words(each.cost),
        )
        for each in year_end.visits
    ]
    return [*rows, ("In all", "", "", "", "", "", words.cost_in_words(year_end.cost))] if rows else []
