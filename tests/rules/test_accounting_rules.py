"""Chains of moves, names of accounts, exports on offer."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.accounting.errors import NoSuchExport
from billing.accounting.records import Check, Finding, Status, Verdict
from billing.accounting.rules.journals import PATHS, beancount_entry, dollars, hledger_entry
from billing.accounting.rules.moves import Move, chain_flaw
from billing.accounting.rules.offers import export_of
from billing.accounting.rules.verdicts import told, told_in_lines
from billing.ledger.records import Entry, PostedLine
from billing.payments.states.refunds import REFUND_MOVES

APPROVE = Move("requested", "approve", "approved")
SEND = Move("approved", "send", "sent")
SUCCEED = Move("sent", "succeed", "succeeded")
FAIL = Move("succeeded", "fail", "failed")


@given(st.permutations([APPROVE, SEND, SUCCEED, FAIL]))
def test_moves_of_one_instant_may_come_in_any_order(moves):
    assert chain_flaw(REFUND_MOVES, "requested", moves, "failed") is None


@pytest.mark.parametrize(
    ("moves", "end"),
    [
        ([], "approved"),
        ([APPROVE], "requested"),
        ([SEND], "sent"),
        ([APPROVE, SUCCEED], "succeeded"),
        ([APPROVE, APPROVE], "approved"),
        ([Move("requested", "send", "sent")], "sent"),
        ([Move("requested", "approve", "sent")], "sent"),
    ],
)
def test_a_chain_with_a_hole_is_told_apart(moves, end):
    assert chain_flaw(REFUND_MOVES, "requested", moves, end)


def test_a_move_that_stays_strands_nobody():
    table = {("planned", "reschedule"): "planned", ("planned", "cancel"): "cancelled"}
    moves = [Move("planned", "cancel", "cancelled"), Move("planned", "reschedule", "planned")]
    assert chain_flaw(table, "planned", moves, "cancelled") is None


def test_accounts_read_as_plain_text_tools_want_them():
    assert PATHS["1000"] == "Assets:1000-Bank"
    assert PATHS["1130"] == "Assets:1130-Other-payers-receivable"
    assert PATHS["2200"] == "Liabilities:2200-Patient-credits"
    assert PATHS["4900"] == "Income:4900-Discounts"
    assert PATHS["6100"] == "Expenses:6100-Processor-fees"


@given(st.integers(-(10**15), 10**15))
def test_dollars_have_two_decimals_and_lose_nothing(cents):
    whole, part = dollars(cents).lstrip("-").split(".")
    assert len(part) == 2
    assert (int(whole) * 100 + int(part)) * (-1 if dollars(cents).startswith("-") else 1) == cents


@pytest.mark.parametrize("write", [beancount_entry, hledger_entry])
def test_a_hostile_word_stays_inside_its_line(write):
    entry = Entry(
        id="je_1",
        entity_id="ent_1",
        site_id="site_1",
        posted_at=datetime(2026, 11, 2, tzinfo=UTC),
        effective_on=date(2026, 11, 2),
        period="2026-11",
        source_kind='x"\n2026-11-02 close Assets:1000-Bank\n; "',
        source_id="pay_1, entry:je_2",
        purpose="received",
        reverses_id=None,
        actor_id="usr_1",
        lines=(
            PostedLine(account="1000", cents=5, patient_id="pat_1"),
            PostedLine(account="2200", cents=-5, patient_id=None),
        ),
    )
    lines = write(entry).strip().splitlines()
    assert len([line for line in lines if line.startswith("2026")]) == 1
    assert "je_2" not in lines[0].replace(" entry:je_2", "")
    assert "," not in lines[0].split("source", 1)[-1].split("site", 1)[0].rstrip(", ")


@pytest.mark.parametrize(
    ("kind", "form", "says"),
    [
        ("deferred-revenue", "csv", "There is no export of deferred-revenue. There are: journal, payments"),
        ("journal", "xlsx", "journal are exported as csv, beancount, hledger, not as xlsx"),
        ("refunds", "beancount", "refunds are exported as csv, not as beancount"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(kind, form, says):
    with pytest.raises(NoSuchExport, match=says):
        export_of(kind, form, None, None)


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(NoSuchExport, match="before it begins"):
        export_of("journal", "csv", date(2026, 2, 1), date(2026, 1, 1))


def test_a_failed_check_names_its_objects_once_and_not_yet_is_no_failure():
    findings = (Finding("inv_1", "one thing"), Finding("inv_1", "another"))
    failed = Check(number=6, name="Six", status=Status.FAILED, examined=3, found=2, findings=findings)
    later = Check(number=13, name="Thirteen", status=Status.NOT_YET)
    assert told(Verdict((later,)))["ok"]
    answer = told(Verdict((failed, later)))
    assert (answer["ok"], answer["checks"][0]["objects"]) == (False, ["inv_1"])
    assert "objects" not in answer["checks"][1]
    assert any("inv_1: another" in line for line in told_in_lines(Verdict((failed, later))))
