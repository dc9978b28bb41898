"""What a bank's reason calls for, what a packet holds of it, and when a dispute takes an answer."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.kernel.errors import IllegalMove
from billing.kernel.money import ZERO, Money
from billing.kernel.states import next_state
from billing.payments.errors import DisputeAnswered, DisputeOverdue, FactNotOnFile
from billing.payments.records.dispute_answers import AnswerKind, DisputeAnswer, EvidenceFact
from billing.payments.records.disputes import Dispute
from billing.payments.rules.dispute_answers import (
    ANYTHING_ELSE,
    CALLED_FOR,
    HEALTH_DATA,
    called_for,
    choose_facts,
    holds_health_data,
    missing_of,
    refuse_second_acceptance,
    refuse_unless_answerable,
)
from billing.payments.states.dispute_answers import ANSWER_MOVES, AnswerEvent, AnswerState
from billing.payments.states.disputes import DisputeState
from billing.sandbox.disputes import REASONS
from tests.conftest import NOW

F, S, E = EvidenceFact, AnswerState, AnswerEvent

TABLE = {
    "bank_cannot_process": "receipt communication",
    "check_returned": "receipt communication",
    "credit_not_processed": "receipt policy refunds communication",
    "customer_initiated": "receipt policy services communication",
    "debit_not_authorized": "receipt communication earlier_payments",
    "duplicate": "receipt services other_payment",
    "fraudulent": "receipt services communication earlier_payments",
    "general": "receipt policy services communication",
    "incorrect_account_details": "receipt communication",
    "insufficient_funds": "receipt communication",
    "noncompliant": "receipt policy services communication",
    "product_not_received": "receipt services communication",
    "product_unacceptable": "receipt policy services refunds communication statement",
    "subscription_canceled": "receipt policy services refunds communication",
    "unrecognized": "receipt services communication earlier_payments",
}
some_facts = st.sets(st.sampled_from(F))
some_reason = st.sampled_from([*TABLE, "of_next_year"])

DISPUTE = Dispute(
    id="dsp_1", entity_id="ent_1", site_id="sit_1", patient_id="pat_1", payment_id="pay_1", reference="du_1",
    state=DisputeState.NEEDS_RESPONSE, reason="general", amount=Money(100), lost=ZERO,
    reimbursed=ZERO,
    due_at=NOW + timedelta(days=1), opened_at=NOW,
)  # fmt: skip
ANSWER = DisputeAnswer(
    id="dan_1", entity_id="ent_1", site_id="sit_1", patient_id="pat_1", dispute_id="dsp_1", number=1,
    kind=AnswerKind.EVIDENCE, state=S.READY, amount=Money(100), facts=(), missing=(), left_out=(),
    has_health_data=False,
    needs_approval=False, document_id=None, sha256=None, asked_by="usr_1", asked_by_person="usr_1",
    asked_at=NOW, approved_by=None,
    approved_at=None, ordered_at=None, file_reference=None, sent_at=None,
)  # fmt: skip


def test_each_reason_that_the_processor_knows_has_its_row():
    assert set(CALLED_FOR) == set(REASONS) == set(TABLE)


@pytest.mark.parametrize(("reason", "fact"), list(product(TABLE, F)))
def test_a_reason_calls_for_what_the_table_says_and_for_nothing_else(reason, fact):
    wanted = fact in TABLE[reason].split()
    assert (fact in called_for(reason)) == wanted
    assert missing_of(reason, set(F) - {fact}) == ((fact,) if wanted else ())


def test_a_reason_that_is_new_calls_for_what_any_dispute_does():
    assert called_for("of_next_year") == ANYTHING_ELSE


@given(some_reason, some_facts)
def test_by_itself_a_packet_holds_no_health_data_but_what_somebody_stated(reason, on_file):
    try:
        chosen = choose_facts(reason, on_file, None)
    except FactNotOnFile:
        chosen = ()
    stated = {F.STATEMENT} & on_file
    assert set(chosen) == ({*called_for(reason)} & on_file - HEALTH_DATA) | stated
    assert holds_health_data(chosen) == bool(stated)


@given(some_reason, some_facts, st.lists(st.sampled_from(F)))
def test_what_is_wanted_is_held_once_in_the_order_of_the_packet_or_refused_by_name(reason, on_file, wanted):
    expected = [fact for fact in F if fact in wanted or (fact is F.STATEMENT and fact in on_file)]
    missing = [fact for fact in expected if fact not in on_file]
    if expected and not missing:
        assert choose_facts(reason, on_file, wanted) == tuple(expected)
        return
    with pytest.raises(FactNotOnFile) as refused:
        choose_facts(reason, on_file, wanted)
    assert refused.value.more["missing"] == missing


@pytest.mark.parametrize(("state", "answer"), list(product(DisputeState, [None, *S])))
def test_a_dispute_takes_one_answer_while_the_bank_waits_for_it(state, answer):
    open_states = (DisputeState.INQUIRY, DisputeState.NEEDS_RESPONSE)
    spent = answer in (S.SENDING, S.SENT)
    answers = [] if answer is None else [replace(ANSWER, state=answer)]
    if state in open_states and not spent:
        refuse_unless_answerable(replace(DISPUTE, state=state), answers, NOW)
        return
    with pytest.raises(DisputeAnswered):
        refuse_unless_answerable(replace(DISPUTE, state=state), answers, NOW)


def test_what_was_answered_as_an_inquiry_is_answered_once_more_as_a_dispute():
    answers = [replace(ANSWER, state=S.SENT, was_to_the_inquiry=True)]
    refuse_unless_answerable(replace(DISPUTE, state=DisputeState.NEEDS_RESPONSE), answers, NOW)
    with pytest.raises(DisputeAnswered):
        refuse_unless_answerable(replace(DISPUTE, state=DisputeState.INQUIRY), answers, NOW)
    on_its_way = [replace(ANSWER, state=S.SENDING, was_to_the_inquiry=True)]
    with pytest.raises(DisputeAnswered):
        refuse_unless_answerable(replace(DISPUTE, state=DisputeState.NEEDS_RESPONSE), on_its_way, NOW)


def test_the_last_moment_is_in_time_and_the_next_one_is_not():
    refuse_unless_answerable(DISPUTE, [], DISPUTE.due_at)
    with pytest.raises(DisputeOverdue):
        refuse_unless_answerable(DISPUTE, [], DISPUTE.due_at + timedelta(microseconds=1))
    refuse_unless_answerable(replace(DISPUTE, due_at=None), [], NOW + timedelta(days=999))


@pytest.mark.parametrize(("kind", "state"), list(product(AnswerKind, S)))
def test_an_acceptance_that_waits_is_asked_for_once(kind, state):
    answers = [replace(ANSWER, kind=kind, state=state)]
    if (kind, state) == (AnswerKind.ACCEPTANCE, S.WAITING):
        with pytest.raises(DisputeAnswered):
            refuse_second_acceptance(answers)
    else:
        refuse_second_acceptance(answers)


@pytest.mark.parametrize(("state", "event"), list(product(S, E)))
def test_an_answer_moves_along_its_table_only(state, event):
    allowed = {
        (S.WAITING, E.APPROVE): S.READY,
        (S.READY, E.SEND): S.SENDING,
        (S.SENDING, E.CALL): S.SENDING,
        (S.SENDING, E.ARRIVE): S.SENT,
        (S.SENDING, E.REFUSE): S.REFUSED,
    }
    if (state, event) in allowed:
        assert next_state(ANSWER_MOVES, state, event) is allowed[state, event]
    else:
        with pytest.raises(IllegalMove):
            next_state(ANSWER_MOVES, state, event)
