"""What an accountant takes away: whole, opaque, harmless to a spreadsheet, the same every time."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from billing.accounting.queries.exports import exported
from billing.accounting.rules.offers import export_of
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.queries import trial_balance
from billing.ledger.records import Account, Posting, credit, debit
from billing.ledger.use_cases import post
from billing.platform.data.documents import Document
from tests.factories.accounting import a_journey, behind_the_back
from tests.factories.insurance import a_course, handed_out
from tests.factories.patients import SAMPLE_PERSON
from tests.factories.remittance_story import Story

BEAN_CHECK = Path(sys.executable).parent / "bean-check"
KINDS = ["journal", "payments", "refunds", "credits", "superbills"]


@pytest.fixture
def taken(database):
    def take(kind, form="csv", since=None, until=None, actor=SYSTEM):
        with database.reading() as read:
            return "".join(exported(read, export_of(kind, form, since, until), actor))

    return take


@pytest.fixture
def rows(taken):
    return lambda *wanted, **more: list(csv.DictReader(io.StringIO(taken(*wanted, **more), newline="")))


def post_hostile(database, now, text):
    posting = Posting(
        entity_id="ent_1",
        site_id="site_1",
        effective_on=date(2026, 11, 2),
        source_kind=text,
        source_id="bank_1",
        purpose="received",
        lines=(debit(Account.BANK, Money(5)), credit(Account.INFUSION, Money(5))),
    )
    database.in_transaction(lambda tx: post(tx, posting, actor=SYSTEM, now=now))


def cents(text):
    whole, part = text.lstrip("-").split(".")
    assert len(part) == 2
    return (int(whole) * 100 + int(part)) * (-1 if text.startswith("-") else 1)


def test_the_journal_holds_every_line_and_sums_to_the_trial_balance(database, rows):
    a_journey(database)
    sums = Counter()
    for row in rows("journal"):
        sums[row["account"]] += cents(row["amount"])
        assert cents(row["debit"]) - cents(row["credit"]) == cents(row["amount"])
    with database.reading() as read:
        assert dict(sums) == trial_balance(read)


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_is_the_same_each_time_and_ends_its_lines_as_rfc_4180_says(database, taken, kind):
    a_journey(database)
    text = taken(kind)
    assert taken(kind) == text
    assert text.count("\n") == text.count("\r\n") == len(text.splitlines()) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_office_gives_the_headings(rows, taken, kind):
    assert rows(kind) == []
    assert len(taken(kind).splitlines()) == 1


def test_registers_say_what_the_rooms_know(database, rows):
    journey = a_journey(database)
    payments = {row["tender"]: row for row in rows("payments")}
    assert (payments["cash"]["amount"], payments["card"]["fee"]) == ("1147.50", "13.35")
    refunds = rows("refunds")
    assert sorted((row["amount"], row["state"]) for row in refunds) == [
        ("-20.00", "failed"),
        ("10.00", "sent"),
        ("20.00", "sent"),
        ("20.00", "sent"),
    ]
    assert {row["reference"] for row in refunds if row["amount"] == "10.00"} == {"check 1001"}
    assert {row["source"] for row in rows("credits")} == {"reimbursement", "overpayment", "return"}
    bills = rows("superbills")
    assert [(row["version"], row["charge"], row["paid"]) for row in bills] == [("1", "382.50", "382.50")] * 2
    assert {row["patient_id"] for row in [*bills, *refunds]} == {journey.patient_id}


def test_what_is_left_of_each_credit_is_what_the_ledger_holds(database, rows):
    """What was asked for and not approved is credit still."""
    a_journey(database)
    with database.reading() as read:
        held = -trial_balance(read)[Account.PATIENT_CREDITS]
    assert sum(cents(row["available"]) for row in rows("credits")) == held
    assert all(
        cents(row["used"]) + cents(row["taken_back"]) + cents(row["available"]) == cents(row["amount"])
        for row in rows("credits")
    )


def test_what_an_insurer_took_back_of_a_credit_was_not_used(database, rows):
    course = a_course(database)
    story = Story(database, course, [handed_out(database, each) for each in course.session_ids])
    story.send(story.answer(18_000))
    story.send(story.answer(-18_000), story.answer(20_000))
    told = [(row["amount"], row["used"], row["taken_back"], row["available"]) for row in rows("credits")]
    assert ("180.00", "0.00", "180.00", "0.00") in told


def test_dates_are_included_on_both_sides(database, rows):
    a_journey(database)
    days = [row["date"] for row in rows("journal")]
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    assert days == sorted(days)
    assert len(rows("journal", since=first, until=last)) == len(days)
    assert {row["date"] for row in rows("journal", since=last, until=last)} == {days[-1]}
    assert rows("journal", since=date(2030, 1, 1)) == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_looks_like_a_formula_is_made_harmless(database, now, rows, start):
    hostile = f'{start}1+cmd|"/C calc",\n2'
    post_hostile(database, now, hostile)
    told = rows("journal")
    assert [row["source_kind"] for row in told] == [f"'{hostile}"] * 2
    assert [row["amount"] for row in told] == ["0.05", "-0.05"]


@pytest.mark.parametrize("form", ["csv", "beancount", "hledger"])
def test_nothing_of_a_person_or_a_treatment_leaves(database, taken, form):
    a_journey(database)
    texts = [taken("journal", form), *(taken(kind) for kind in KINDS if form == "csv")]
    words = [SAMPLE_PERSON.given_name, SAMPLE_PERSON.family_name, "depression", "F32.", "F33.", "minutes"]
    assert [word for word in words for text in texts if word.lower() in text.lower()] == []


@pytest.mark.parametrize("since", [None, date(2026, 11, 20)])
def test_beancount_itself_accepts_the_journal(database, taken, tmp_path, since):
    a_journey(database)
    file = tmp_path / "journal.beancount"
    file.write_text(taken("journal", "beancount", since=since))
    checked = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_an_empty_journal_is_a_journal_too(taken, tmp_path):
    file = tmp_path / "journal.beancount"
    file.write_text(taken("journal", "beancount"))
    assert subprocess.run([BEAN_CHECK, file], capture_output=True, check=False).returncode == 0
    assert "account Assets:1000-Bank" in taken("journal", "hledger")


def test_beancount_accepts_hostile_words(database, now, taken, tmp_path):
    post_hostile(database, now, '"\\\n2026-01-01 x')
    file = tmp_path / "journal.beancount"
    file.write_text(taken("journal", "beancount"))
    assert subprocess.run([BEAN_CHECK, file], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("form", ["beancount", "hledger"])
def test_plain_text_journals_balance_entry_by_entry_and_as_a_whole(database, taken, form):
    a_journey(database)
    sums, entries = Counter(), 0
    for entry in re.split(r"\n(?=\d{4}-\d\d-\d\d \*)", taken("journal", form))[1:]:
        posted = re.findall(r"^  [A-Z][a-z]+:(\d{4})-[A-Za-z0-9-]+  (-?\d+\.\d\d) USD$", entry, re.MULTILINE)
        assert sum(cents(amount) for _, amount in posted) == 0
        assert re.search(r"entry: ?\"?je_", entry)
        assert re.search(r"source: ?\"?(payment|session|credit|refund|return|reimbursement) [a-z]+_", entry)
        entries += 1
        for account, amount in posted:
            sums[account] += cents(amount)
    with database.reading() as read:
        assert dict(sums) == trial_balance(read)
    assert entries == len(set(re.findall(r"je_\w+", taken("journal", form))))


@pytest.mark.parametrize("form", ["csv", "beancount", "hledger"])
def test_another_entity_or_site_has_nothing_to_take(database, taken, form):
    journey = a_journey(database)
    other_entity = Actor(id="usr_1", entity_id="ent_other", permissions=SYSTEM.permissions)
    other_site = Actor(
        id="usr_2",
        entity_id=journey.entity_id,
        permissions=SYSTEM.permissions,
        site_ids=frozenset({"site_x"}),
    )
    for actor in (other_entity, other_site):
        assert "je_" not in taken("journal", form, actor=actor)
    assert "je_" in taken("journal", form, actor=Actor(
        id="usr_3", entity_id=journey.entity_id, permissions=SYSTEM.permissions))  # fmt: skip


def test_a_long_journal_comes_in_pieces(database, now):
    post_hostile(database, now, "bank")
    with database.reading() as read:
        told = list(exported(read, export_of("journal", "csv", None, None), SYSTEM))
        assert len(told) == 2
    behind_the_back(
        database,
        "INSERT INTO ledger_line (entry_id, place, account, cents)"
        " WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 12002)"
        " SELECT e.id, i, '1000', 1 FROM n, ledger_entry e",
    )
    with database.reading() as read:
        told = list(exported(read, export_of("journal", "csv", None, None), SYSTEM))
        assert len(told) == 4
        assert read.session.scalar(select(func.count()).select_from(Document)) == 0
    assert [row["line"] for row in csv.DictReader(io.StringIO("".join(told), newline=""))] == [
        str(place) for place in range(1, 12_003)
    ]
