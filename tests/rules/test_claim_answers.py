"""Where an insurer's answers take a claim."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from billing.insurance.records import Outcome
from billing.insurance.records.claims import AnswerReason, ClaimAnswer
from billing.insurance.rules.claim_answers import denying, move_by_answers, standing_answers
from billing.insurance.states import ClaimEvent, ClaimState
from billing.kernel.money import Money

S, E = ClaimState, ClaimEvent


def answer(paid=0, *reasons, charge=38_250, outcome=Outcome.NOTHING_PAID, status="1", number="P1"):
    return ClaimAnswer(
        remittance_id="rmt_1",
        payer_name="SAMPLE HEALTH PLAN",
        trace="EFT0001",
        paid_on=date(2026, 11, 20),
        received_at=datetime(2026, 11, 21, tzinfo=UTC),
        status=status,
        outcome=Outcome.REIMBURSED if paid else outcome,
        payer_claim_number=number,
        charge=Money(charge),
        paid=Money(paid),
        patient_share=Money(0),
        reasons=tuple(
            AnswerReason(group=group, code=code, amount=Money(cents), procedure="")
            for group, code, cents in reasons
        ),
        remarks=(),
    )


PAID, DENIED = answer(18_000, ("PR", "1", 20_250)), answer(0, ("CO", "197", 38_250))
DEDUCTED = answer(0, ("PR", "1", 38_250))
REVERSED = answer(-18_000, charge=-38_250, status="22")


@pytest.mark.parametrize(
    ("said", "event"),
    [
        (PAID, E.PAY),
        (answer(0, ("PR", "100", 38_250), outcome=Outcome.PAID_TO_PATIENT), E.PAY),
        (answer(0, ("OA", "293", 38_250), outcome=Outcome.PAID_TO_OTHER), E.PAY),
        (DENIED, E.DENY),
        (answer(0, ("CO", "197", 38_250), status="4"), E.DENY),
        (answer(0), E.DENY),
        (DEDUCTED, E.DEDUCT),
        (answer(0, ("PR", "1", 20_000), ("CO", "45", 18_250)), E.DEDUCT),
        (answer(0, ("PR", "1", 20_000), ("PR", "45", 18_250)), E.DEDUCT),
        (answer(0, ("PR", "2", 20_000), ("PR", "3", 18_250)), E.DEDUCT),
        (answer(0, ("PR", "1", 38_250), ("CO", "97", 0)), E.DEDUCT),
        (answer(0, ("PR", "1", 10_000), ("CO", "55", 28_250)), E.DENY),
        (answer(0, ("CO", "45", 38_250)), E.DENY),
        (answer(0, ("PR", "45", 38_250)), E.DENY),
        (answer(0, ("PR", "1", 20_000), ("OA", "45", 18_250)), E.DENY),
        (answer(0, ("PR", "96", 38_250)), E.DENY),
    ],
)
def test_what_an_answer_makes_of_a_claim_that_was_filed(said, event):
    assert move_by_answers(S.FILED, [said]) is event


@pytest.mark.parametrize("outcome", [Outcome.NOT_OURS, Outcome.ESTIMATE_ONLY, None])
def test_what_decides_nothing_moves_nothing(outcome):
    assert move_by_answers(S.FILED, [answer(outcome=outcome)]) is None


@pytest.mark.parametrize(
    ("state", "said", "event"),
    [
        (S.PAID, [PAID], None),
        (S.PAID, [PAID, DENIED], E.DENY),
        (S.DENIED, [DENIED, PAID], E.PAY),
        (S.PAID, [PAID, REVERSED], E.ACCEPT),
        (S.PAID, [], E.ACCEPT),
        (S.PAID, [PAID, REVERSED, DENIED], E.DENY),
        (S.PAID, [PAID, DENIED, REVERSED], E.DENY),
        (S.DENIED, [REVERSED, DENIED], None),
        (S.FILED, [REVERSED], None),
        (S.FILED, [], None),
        (S.ACCEPTED, [PAID, REVERSED], None),
    ],
)
def test_the_last_answer_that_stands_decides(state, said, event):
    assert move_by_answers(state, said) is event


def test_a_reversal_takes_back_one_answer_of_its_amounts():
    twice = [PAID, replace(PAID, trace="EFT0002"), REVERSED]
    assert standing_answers(twice) == [twice[1]]
    other = replace(REVERSED, payer_claim_number="OTHER")
    assert standing_answers([PAID, other]) == [PAID]


def test_what_denies_is_told_by_its_codes_each_once():
    said = answer(0, ("PR", "1", 100), ("CO", "55", 50), ("CO", "55", 50), ("PI", "16", 25), ("CO", "45", 5))
    assert denying(said) == ("CO-55", "PI-16")
