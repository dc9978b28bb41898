"""What waits of insurers' answers: asked about once, matched by hand, set aside, posted by the same path."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DBAPIError

from billing.adapters.remittance_835 import Edi835Reader
from billing.care.errors import NoSuchSession
from billing.insurance.errors import (
    AnswerChanged,
    AnswerNotMatchable,
    NoSuchRemittance,
    RemittanceNotKept,
    RemittanceNotParked,
)
from billing.insurance.models.remittances import RemittanceContentRow, RemittanceDecisionRow, RemittanceRow
from billing.insurance.queries import find_remittance
from billing.insurance.queries.remittances import copies_of, decisions_of, told_claims, waiting_of
from billing.insurance.rules.answers import fingerprint
from billing.insurance.rules.kept import claim_keys, transaction_from, values_of
from billing.insurance.rules.lines import control_number
from billing.insurance.use_cases.parked_remittances import REMITTANCE_PARKED
from billing.insurance.use_cases.remittance_decisions.matches import match_claim, unmatch_claim
from billing.insurance.use_cases.remittance_decisions.payments import look_again, put_back, set_aside
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.platform.data.audit import AuditRow
from billing.platform.data.documents import canonical_json
from billing.platform.data.tasks import TaskState, list_tasks, stands_open
from tests.factories.care import give
from tests.factories.insurance import a_course, handed_out, imported, superbill
from tests.factories.remittance_835 import Claim, Envelope, remittance

WHY = "The insurer left our number out; the member and the day agree"


@pytest.fixture
def course(database):
    return a_course(database, sessions=3)


@pytest.fixture
def clerk(course):
    return Actor(id="usr_clerk", entity_id=course.patient.entity_id, permissions=ROLES[Role.BILLING])


@pytest.fixture
def bills(database, course):
    """Of the first two visits; the third is still to come."""
    return [handed_out(database, session_id) for session_id in course.session_ids[:2]]


@pytest.fixture
def of_nobody(bills):
    """Claims without our numbers, for the two visits, the second of them twice as much."""
    return [
        Claim(control_number="0", charge_cents=38_250, paid_cents=paid, payer_claim_number=f"P{paid}")
        for paid in (10_000, 20_000)
    ]


@pytest.fixture
def parked(database, clerk, of_nobody):
    (transaction,) = imported(database, remittance(of_nobody), actor=clerk).transactions
    assert transaction.status == "parked"
    return transaction


@pytest.fixture
def match(database, do, clerk, course):
    """Say whose the claim at a place is, as the remittance stands now."""

    def by_hand(remittance_id, place, session_id=None, **more):
        with database.reading() as read:
            claim = told_claims(
                read, remittance_id, waiting_of(read, remittance_id), after=place - 1, limit=1
            )[0]
        told = {"remittance_id": remittance_id, "claim_id": claim.id, "reason": WHY, "by": clerk} | more
        return do(match_claim, session_id=session_id or course.session_ids[place - 1], **told)

    return by_hand


def is_asked(database, remittance_id):
    with database.reading() as read:
        return stands_open(read, kind=REMITTANCE_PARKED, subject_id=remittance_id)


def test_a_parked_payment_asks_a_person_of_its_clinic_once_however_often_it_comes(
    database, clerk, of_nobody, parked
):
    imported(database, remittance(of_nobody, envelope=Envelope(line_end="\r\n")), actor=clerk)
    with database.reading() as read:
        tasks = list_tasks(read, clerk, state=TaskState.OPEN, limit=9)
        one_site = Actor(
            id="usr_s",
            entity_id=clerk.entity_id,
            permissions=clerk.permissions,
            site_ids=frozenset({"sit_1"}),
        )
        assert list_tasks(read, one_site, limit=9) == []
    assert [(task.kind, task.subject_id) for task in tasks] == [(REMITTANCE_PARKED, parked.id)]


def test_one_without_a_sign_of_its_clinic_asks_the_only_clinic_there_is(database, of_nobody, clerk):
    (transaction,) = imported(database, remittance(of_nobody)).transactions
    with database.reading() as read:
        assert find_remittance(read, transaction.id, clerk).status == "parked"
    assert is_asked(database, transaction.id)


def test_the_task_ends_when_the_same_file_can_be_posted(database, clerk, course):
    give(database, course.session_ids[0])
    number = control_number(course.session_ids[0])
    content = remittance([Claim(control_number=number, charge_cents=38_250, paid_cents=18_000)])
    (waits,) = imported(database, content, actor=clerk).transactions
    assert is_asked(database, waits.id)
    superbill(database, course.session_ids[0])
    assert imported(database, content, actor=clerk).status == "posted"
    assert not is_asked(database, waits.id)


def test_claims_matched_by_hand_post_whole_with_the_last_of_them(
    database, do, books, found, course, match, parked
):
    before = books()
    first = match(parked.id, 1)
    assert (first.status, [claim.credit.cents for claim in first.claims]) == ("parked", [0, 0])
    assert "segment" in first.reason
    assert books() == before
    posted = match(parked.id, 2)
    assert (posted.status, posted.reason) == ("posted", None)
    assert [claim.session_id for claim in posted.claims] == list(course.session_ids[:2])
    assert [claim.credit.cents for claim in posted.claims] == [10_000, 20_000]
    after = books()
    assert after["1000"] - before.get("1000", 0) == 30_000
    assert after["2200"] - before.get("2200", 0) == -30_000
    assert not is_asked(database, parked.id)
    assert found() == set()


def test_whatever_the_copy_looks_like_a_match_stays_with_its_claim(
    database, clerk, course, match, of_nobody, parked
):
    match(parked.id, 2)
    copy = remittance(of_nobody[::-1], envelope=Envelope(control_number=9, line_end="\r\n"))
    (again,) = imported(database, copy, actor=clerk).transactions
    assert (again.id, again.status) == (parked.id, "parked")
    with database.reading() as read:
        told = told_claims(read, parked.id, waiting_of(read, parked.id), limit=9)
    assert [(claim.paid.cents, claim.session_id) for claim in told] == [
        (20_000, course.session_ids[1]),
        (10_000, None),
    ]
    assert match(parked.id, 2, course.session_ids[0]).status == "posted"


def test_claims_that_say_the_very_same_are_matched_one_by_one(database, clerk, course, match, bills):
    twins = [Claim(control_number="0", charge_cents=38_250, paid_cents=5_000)] * 2
    (parked,) = imported(database, remittance(twins), actor=clerk).transactions
    assert match(parked.id, 1).status == "parked"
    posted = match(parked.id, 2)
    assert [claim.session_id for claim in posted.claims] == list(course.session_ids[:2])


def test_a_match_is_taken_back_before_it_is_posted_and_both_are_on_file(
    database, do, clerk, course, match, parked
):
    half = match(parked.id, 1)
    taken_back = do(
        unmatch_claim, remittance_id=parked.id, claim_id=half.claims[0].id, reason="Wrong day", by=clerk
    )
    assert taken_back.status == "parked"
    match(parked.id, 2, course.session_ids[1])
    assert is_asked(database, parked.id)
    with database.reading() as read:
        told = told_claims(read, parked.id, waiting_of(read, parked.id), limit=9)
        decisions = decisions_of(read, parked.id, SYSTEM)
        sealed = read.session.scalars(select(RemittanceDecisionRow.sealed)).all()
        trail = read.session.scalars(select(AuditRow.action).where(AuditRow.subject_id == parked.id)).all()
    assert [claim.session_id for claim in told] == [None, course.session_ids[1]]
    assert [(each.kind, each.place, each.reason) for each in decisions] == [
        ("match", 1, WHY), ("unmatch", 1, "Wrong day"), ("match", 2, WHY),
    ]  # fmt: skip
    assert {each.decided_by for each in decisions} == {"usr_clerk"}
    assert all(WHY.encode() not in each for each in sealed)
    assert [trail.count(action) for action in ("remittance.match", "remittance.unmatch")] == [2, 1]


def test_another_visit_takes_the_place_of_one_that_was_named(database, course, match, parked):
    match(parked.id, 1, course.session_ids[1])
    match(parked.id, 1, course.session_ids[0])
    posted = match(parked.id, 2, course.session_ids[1])
    assert [claim.session_id for claim in posted.claims] == list(course.session_ids[:2])


def test_what_else_is_in_the_way_keeps_a_matched_payment_parked(database, clerk, match, of_nobody):
    content = remittance(of_nobody[:1], amount_cents=10_001)
    (unbalanced,) = imported(database, content, actor=clerk).transactions
    still = match(unbalanced.id, 1)
    assert (still.status, "does not balance" in still.reason) == ("parked", True)


def test_only_a_visit_that_was_given_at_this_clinic_is_named(database, do, course, match, parked):
    with pytest.raises(AnswerNotMatchable, match="was not given"):
        match(parked.id, 1, course.session_ids[2])
    with pytest.raises(NoSuchSession):
        match(parked.id, 1, "ses_00000000000000000000000000")
    with pytest.raises(AnswerChanged):
        match(parked.id, 1, claim_id="rmc_00000000000000000000000000")
    stranger = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.BILLING])
    with pytest.raises(NoSuchRemittance):
        match(parked.id, 1, by=stranger)
    with database.reading() as read:
        assert decisions_of(read, parked.id, SYSTEM) == ()


def test_a_claim_that_has_its_visit_by_number_or_is_not_ours_is_not_matched(
    database, clerk, course, bills, match
):
    claims = [
        Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=1_000),
        Claim(
            control_number="X", charge_cents=100, paid_cents=0, status="23", adjustments=(("OA", "1", 100),)
        ),
        Claim(control_number="0", charge_cents=38_250, paid_cents=2_000),
    ]
    (parked,) = imported(database, remittance(claims), actor=clerk).transactions
    with pytest.raises(AnswerNotMatchable, match="by the number on it"):
        match(parked.id, 1, course.session_ids[1])
    with pytest.raises(AnswerNotMatchable, match="another provider's"):
        match(parked.id, 2, course.session_ids[1])
    assert match(parked.id, 3, course.session_ids[1]).status == "posted"
    with pytest.raises(RemittanceNotParked):
        match(parked.id, 3, course.session_ids[1])


def test_what_is_not_ours_is_set_aside_with_its_reason_and_stays_there(
    database, do, books, clerk, course, bills, of_nobody, parked
):
    before = books()
    aside = do(set_aside, remittance_id=parked.id, reason="Another clinic's check", by=clerk)
    assert (aside.status, books() == before, is_asked(database, parked.id)) == ("put_aside", True, False)
    file = imported(database, remittance(of_nobody), actor=clerk)
    assert (file.status, file.transactions[0].id) == ("duplicate", parked.id)
    with database.reading() as read:
        assert find_remittance(read, parked.id, clerk).status == "put_aside"
        assert [each.kind for each in decisions_of(read, parked.id, SYSTEM)] == ["set_aside"]
        assert copies_of(read, [parked.id])[parked.id].count == 1
    for late in (set_aside, look_again):
        with pytest.raises(RemittanceNotParked):
            do(late, remittance_id=parked.id, by=clerk, **({"reason": "x"} if late is set_aside else {}))
    assert books() == before


def test_what_was_set_aside_by_mistake_is_put_back_and_looked_at(database, do, clerk, course, match, parked):
    match(parked.id, 1)
    do(set_aside, remittance_id=parked.id, reason="Not ours", by=clerk)
    back = do(put_back, remittance_id=parked.id, reason="It is ours", by=clerk)
    assert (back.status, is_asked(database, parked.id)) == ("parked", True)
    assert match(parked.id, 2).status == "posted"
    with pytest.raises(RemittanceNotParked):
        do(put_back, remittance_id=parked.id, reason="Again", by=clerk)


def test_a_look_posts_what_can_be_posted_by_now_without_its_file(database, do, clerk, course):
    give(database, course.session_ids[0])
    number = control_number(course.session_ids[0])
    content = remittance([Claim(control_number=number, charge_cents=38_250, paid_cents=18_000)])
    (waits,) = imported(database, content, actor=clerk).transactions
    assert do(look_again, remittance_id=waits.id, by=clerk).status == "parked"
    superbill(database, course.session_ids[0])
    seen = do(look_again, remittance_id=waits.id, by=clerk)
    assert (seen.status, seen.claims[0].credit) == ("posted", Money(18_000))
    assert imported(database, content, actor=clerk).status == "duplicate"


def test_one_that_was_parked_before_contents_were_kept_is_sent_again_first(
    database, do, clerk, of_nobody, parked
):
    database.in_transaction(lambda tx: tx.session.execute(delete(RemittanceContentRow)))
    with pytest.raises(RemittanceNotKept):
        do(look_again, remittance_id=parked.id, by=clerk)
    imported(database, remittance(of_nobody), actor=clerk)
    assert do(look_again, remittance_id=parked.id, by=clerk).status == "parked"


def test_a_task_that_somebody_closed_too_early_is_open_again_when_it_comes_again(
    database, do, clerk, now, of_nobody, parked
):
    database.in_transaction(
        lambda tx: tx.session.execute(text("UPDATE task SET state = 'done', closed_at = opened_at"))
    )
    imported(database, remittance(of_nobody), actor=clerk, now=now + timedelta(days=1))
    assert is_asked(database, parked.id)


def test_decisions_and_copies_are_never_changed(database, match, parked):
    match(parked.id, 1)
    for change in ("UPDATE remittance_decision SET kind = 'unmatch'", "DELETE FROM remittance_decision"):
        with pytest.raises(DBAPIError):
            database.in_transaction(lambda tx, said=change: tx.session.execute(text(said)))


def test_every_posted_copy_is_counted(database, clerk, bills):
    claims = [Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=1_000)]
    (posted,) = imported(database, remittance(claims), actor=clerk).transactions
    for _ in range(2):
        imported(database, remittance(claims), actor=clerk)
    with database.reading() as read:
        assert copies_of(read, [posted.id])[posted.id].count == 2
        assert read.session.scalar(select(func.count(RemittanceRow.id))) == 1


def test_what_is_kept_is_the_transaction_itself(of_nobody):
    content = remittance(of_nobody, provider_adjustments=[("WO:P10000", 500), ("L6", -100)])
    (transaction,) = Edi835Reader().read(content).transactions
    kept = transaction_from(json.loads(canonical_json(values_of(transaction))))
    assert kept == transaction
    assert fingerprint(kept) == fingerprint(transaction)
    assert len(set(claim_keys(transaction))) == 2


def test_of_clerks_who_name_visits_at_the_same_moment_one_decides(
    database, clerk, course, books, found, bills, now
):
    claim = Claim(control_number="0", charge_cents=38_250, paid_cents=10_000)
    (parked,) = imported(database, remittance([claim]), actor=clerk).transactions
    before = books()

    def name(session_id):
        told = {"remittance_id": parked.id, "claim_id": parked.claims[0].id, "reason": WHY}
        try:
            return database.in_transaction(
                lambda tx: match_claim(tx, session_id=session_id, **told, actor=clerk, now=now)
            ).status
        except (RemittanceNotParked, AnswerChanged) as refused:
            return refused.code

    with ThreadPoolExecutor(4) as clerks:
        told = list(clerks.map(name, list(course.session_ids[:2]) * 2))
    assert sorted(told) == ["posted", *["remittance-not-parked"] * 3]
    assert books()["1000"] - before.get("1000", 0) == 10_000
    assert found() == set()


def test_nothing_is_half_decided_when_a_match_breaks_off(database, clerk, course, books, match, parked):
    before = books()

    def break_off(tx):
        told = {"remittance_id": parked.id, "session_id": course.session_ids[0], "reason": WHY}
        match_claim(tx, claim_id=parked.claims[0].id, **told, actor=clerk, now=parked.received_at)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.in_transaction(break_off)
    with database.reading() as read:
        assert decisions_of(read, parked.id, SYSTEM) == ()
        assert [claim.id for claim in find_remittance(read, parked.id, clerk).claims] == [
            claim.id for claim in parked.claims
        ]
    assert books() == before
