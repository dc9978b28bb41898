"""A patient's statement as paper: what they look for stands on it as text, in the order of reading."""

from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.accounting.records.statements import Facts
from billing.accounting.rules.statements import statement_of, year_end_of
from billing.adapters.statement_pdf import render_statement, render_year_end
from tests.factories.statement_papers import about, long_statement, long_year

LONG = "Wolfeschlegelsteinhausenbergerdorff-Montmorency de la Fontaine y Rodriguez"


def pages_of(content):
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


def text_of(content):
    return "\n".join(pages_of(content))


@pytest.mark.parametrize(
    "told",
    [
        "STATEMENT", "As things stand on Nov 20, 2026", "Maria Sample", "Jan 1, 2026", "Dec 31, 2026",
        "12-3456789", "You still owe", "You may expect", "Sent back to you", "$12,345.67",
        "Claims without an answer; we cannot say what comes of them", "Jan 12, 2026 (planned)",
        "Invoice 1042: 2 of 6 visits are still to come", "Held for you",
        "Card (visa 4242), from a health account",
        "Your bank holds a payment until it has decided",
    ],
)  # fmt: skip
def test_a_statement_says(told):
    assert told in text_of(render_statement(long_statement()))


def test_it_is_read_from_the_sums_to_the_visits_to_the_money():
    told = text_of(render_statement(long_statement(3)))
    order = [
        "You still owe", "You may expect", "Sent back to you", "Your visits", "Jan 5, 2026", "Jan 12, 2026",
        "You paid\n", "Back to you, or on its way", "Held for you",
    ]  # fmt: skip
    places = []
    for each in order:
        places.append(told.index(each, places[-1] if places else 0))
    assert places == sorted(places)


def test_no_amount_has_a_sign():
    assert "-$" not in text_of(render_statement(long_statement())) + text_of(render_year_end(long_year()))


def test_thirty_visits_go_on_to_further_pages_each_with_the_head_of_its_table():
    pages = pages_of(render_statement(long_statement(30)))
    assert len(pages) > 5
    assert all("Still owed" in page for page in pages[:-2])
    assert f"Page {len(pages)} of {len(pages)}" in pages[-1]
    assert "continued" in pages[1]


def test_a_visit_is_not_torn_from_what_is_said_of_it():
    for page in pages_of(render_statement(long_statement(30)))[1:-2]:
        head, *_ = [line for line in page.splitlines() if "2026" in line and "Nov 20" not in line]
        assert not head.startswith("Blue Shield")


def test_long_names_and_those_from_right_to_left_stay_on_the_page():
    assert "Wolfeschlegelsteinhausenbergerdorff" in text_of(render_statement(long_statement(2, patient=LONG)))
    clinic = replace(about().clinic, trade_name="The Very Long And Winding Name Of A Clinic " * 4)
    (first, *_) = pages_of(render_statement(long_statement(2, patient="יוסף כהן", clinic=clinic)))
    assert "The Very Long And Winding Name" in first
    assert "כהן" in first or "ןהכ" in first


def test_who_works_at_some_sites_alone_hands_out_a_paper_that_says_so():
    notice = "some of the clinic's sites only"
    assert notice in text_of(render_statement(long_statement(1, of_sites=True)))
    assert notice not in text_of(render_statement(long_statement(1)))


def test_where_charges_are_stopped_it_says_that_it_asks_for_no_payment():
    notice = "asks for no payment"
    for paper in (
        render_statement(long_statement(1, is_on_hold=True)),
        render_year_end(long_year(1, is_on_hold=True)),
    ):
        assert notice in text_of(paper)
    assert notice not in text_of(render_statement(long_statement(1)))


def test_a_statement_of_nothing_says_that_there_is_nothing():
    empty = statement_of(Facts(), about(), long_statement(1).period)
    (told,) = pages_of(render_statement(empty))
    assert "No visits in this time." in told
    assert "We hold no money for you" in told


def test_a_year_has_both_tables_with_their_sums_and_says_what_counts_when():
    told = text_of(render_year_end(long_year()))
    for each in (
        "STATEMENT FOR 2026", "By date paid", "By date of service", "You paid, less what came back to you",
        "A refund is of the year in which it was sent.", "The clinic gives no tax advice.", "$193,720.00",
    ):  # fmt: skip
        assert each in told


def test_a_year_without_money_or_a_health_account_says_neither():
    told = text_of(render_year_end(year_end_of(Facts(), about(), 2025)))
    assert "No money moved in this time." in told
    assert "tax advice" not in told


def test_the_same_statement_is_the_same_bytes():
    assert render_statement(long_statement()) == render_statement(long_statement())
    assert render_year_end(long_year()) == render_year_end(long_year())
