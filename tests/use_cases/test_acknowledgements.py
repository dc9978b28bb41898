"""What is sent back for claims moves them, once."""

from datetime import timedelta

import pytest

from billing.adapters.acknowledgements import X12AcknowledgementReader
from billing.insurance.flows.acknowledgements import take_acknowledgement
from billing.insurance.models import ClaimRow
from billing.insurance.queries.acknowledgements import notices_of
from billing.insurance.queries.claims import find_claim
from billing.insurance.records.acknowledgements import Verdict
from billing.insurance.states import ClaimState
from billing.insurance.use_cases.claims import correct_claim, mark_filed
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from tests.factories.accounting import behind_the_back
from tests.factories.acknowledgements import of_claims, of_form, of_no_claim
from tests.factories.insurance import a_course, claim, claimed, filed, imported
from tests.factories.remittance_835 import Claim as Answer
from tests.factories.remittance_835 import remittance
from tests.factories.rivals import at_once

S = ClaimState
STRANGER = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.BILLING])


def take(database, content, *, now, actor=SYSTEM):
    return take_acknowledgement(
        database.in_transaction,
        X12AcknowledgementReader(),
        name="ack.x12",
        content=content,
        actor=actor,
        now=now,
    )


@pytest.fixture
def file(database):
    """Two claims in one file."""
    for course in (a_course(database), a_course(database, sessions=1)):
        claimed(database, course.session_ids[0])
    (sent,) = filed(database)
    return sent


@pytest.fixture
def taken(database, now):
    return lambda content, **more: take(database, content, now=now + timedelta(days=1), **more)


@pytest.fixture
def states(database, file):
    def look(*claims):
        with database.reading() as read:
            return [find_claim(read, each.id, SYSTEM).state for each in claims or file.claims]

    return look


@pytest.fixture
def notices(database):
    def look(claim):
        with database.reading() as read:
            return notices_of(read, [claim.id]).get(claim.id, [])

    return look


def test_each_claim_is_accepted_or_rejected_with_its_codes(taken, file, states, notices, found):
    first, second = file.claims
    told = taken(
        of_claims(
            (first.control_number, "A2:20"),
            (second.control_number.lower(), "A7:562:85"),
            interchange=file.control_number,
            number="P9",
        )
    )
    assert (told.status, [each.status for each in told.claims]) == ("taken", ["moved", "moved"])
    assert [each.number for each in told.claims] == [first.number, second.number]
    assert states() == [S.ACCEPTED, S.REJECTED]
    (notice,) = notices(second)
    assert (notice.kind, notice.verdict, notice.codes) == ("277CA", Verdict.REJECTED, ("STC:A7:562:85",))
    assert notice.payer_claim_number == "P9"
    assert found() == set()


def test_what_came_before_changes_nothing_in_whatever_file(taken, file, states, notices):
    first, second = file.claims
    content = of_claims((first.control_number, "A2:20"), interchange=file.control_number)
    assert taken(content).status == "taken"
    for again in (
        content,
        content.replace(b"*", b"|"),
        of_claims((first.control_number, "A2:20"), interchange=file.control_number, control_number=99),
    ):
        told = taken(again)
        assert (told.status, [each.status for each in told.claims]) == ("duplicate", ["duplicate"])
    assert len(notices(first)) == 1
    assert states() == [S.ACCEPTED, S.FILED]
    assert notices(second) == []


def test_a_refused_form_rejects_every_claim_of_the_file(taken, file, states, notices):
    told = taken(of_form(file.control_number, ("R", ("IK3*NM1*25*2010BA*8",))))
    assert [each.status for each in told.claims] == ["moved", "moved"]
    assert states() == [S.REJECTED, S.REJECTED]
    assert notices(file.claims[1])[0].codes == ("IK3:NM1:2010BA:8", "IK5:R:I5", "AK9")
    assert taken(of_form(file.control_number, ("R", ("IK3*NM1*25*2010BA*8",)))).status == "duplicate"


def test_a_right_form_is_noted_and_accepts_nothing(taken, file, states, notices):
    """The insurer has not looked at any claim yet."""
    told = taken(of_form(file.control_number, ("A", ())))
    assert [each.status for each in told.claims] == ["noted", "noted"]
    assert states() == [S.FILED, S.FILED]
    assert notices(file.claims[0])[0].verdict is Verdict.NOTED


def test_a_277ca_that_looks_at_no_claim_rejects_the_file(taken, file, states):
    assert taken(of_no_claim(file.control_number, "A7:23", "A8:496:85")).status == "taken"
    assert states() == [S.REJECTED, S.REJECTED]


def test_what_a_clearinghouse_accepted_the_payer_may_reject(taken, file, states):
    first = file.claims[0]
    taken(of_claims((first.control_number, "A2:20"), interchange=file.control_number))
    taken(of_claims((first.control_number, "A3:21"), interchange=file.control_number))
    assert states(first) == [S.REJECTED]
    taken(of_claims((first.control_number, "A2:16"), interchange=file.control_number))
    assert states(first) == [S.REJECTED]


def test_what_the_payer_decided_is_not_undone_by_a_late_acknowledgement(database, taken, file, states, now):
    first = file.claims[0]
    answer = Answer(control_number=first.control_number, charge_cents=38_250, paid_cents=18_000)
    imported(database, remittance([answer]), now=now + timedelta(hours=2))
    told = taken(of_claims((first.control_number, "A7:21"), interchange=file.control_number))
    assert [each.status for each in told.claims] == ["noted"]
    assert states(first) == [S.PAID]


def test_what_is_about_no_claim_of_ours_is_told_and_the_rest_is_taken(taken, file, states):
    first = file.claims[0]
    told = taken(of_claims(("NOBODY", "A2:20"), (first.control_number, "A2:20")))
    assert (told.status, [each.status for each in told.claims]) == ("unmatched", ["unmatched", "moved"])
    assert told.claims[0].named == "NOBODY"
    assert states() == [S.ACCEPTED, S.FILED]
    assert taken(of_form(999, ("A", ()))).status == "unmatched"
    assert taken(of_form(file.control_number, ("A", ()), ("R", ()))).claims[-1].status == "unmatched"


def test_a_claim_that_was_not_sent_has_no_acknowledgement(database, taken):
    unsent = claimed(database, a_course(database, sessions=1).session_ids[0])
    assert taken(of_claims((unsent.control_number, "A2:20"))).status == "unmatched"


def test_a_claim_sent_by_hand_is_found_by_the_number_of_its_own_file(database, taken, states, now):
    alone = claimed(database, a_course(database, sessions=1).session_ids[0])
    database.in_transaction(lambda tx: mark_filed(tx, claim_id=alone.id, actor=SYSTEM, now=now))
    with database.reading() as read:
        number = read.session.get_one(ClaimRow, alone.id).interchange_number
    assert taken(of_form(number, ("R", ()))).claims[0].number == alone.number


def test_an_answer_about_the_former_version_is_kept_with_it(database, taken, file, states, notices, now):
    first = file.claims[0]
    correct = {"diagnoses": ["F33.1"], "payer_claim_number": "P1"}
    second = database.in_transaction(
        lambda tx: correct_claim(tx, claim_id=first.id, **correct, actor=SYSTEM, now=now)
    )
    (later,) = filed(database)
    told = taken(of_claims((first.control_number, "A7:21"), interchange=file.control_number))
    assert (told.claims[0].number, told.claims[0].status) == (first.number, "noted")
    assert states(first, second) == [S.REPLACED, S.FILED]
    taken(of_claims((first.control_number, "A2:20"), interchange=later.control_number))
    assert states(first, second) == [S.REPLACED, S.ACCEPTED]
    taken(of_claims((first.control_number, "A6:21")))
    assert states(first, second) == [S.REPLACED, S.REJECTED], "without a file it is the newest one"
    assert [len(notices(each)) for each in (first, second)] == [1, 2]


def test_two_clinics_that_count_alike_are_told_apart_by_whom_it_was_sent_to(database, taken, file, states):
    behind_the_back(
        database,
        "INSERT INTO claim_file (id, entity_id, control_number, receiver_id, claims, charge_cents,"
        " document_id, sha256, made_at) SELECT 'clf_other', 'ent_x', control_number, receiver_id, claims,"
        " charge_cents, (SELECT document_id FROM claim ORDER BY id LIMIT 1), sha256, made_at FROM claim_file",
    )
    assert taken(of_form(file.control_number, ("R", ()), receiver_id="OTHER")).status == "unmatched"
    assert states() == [S.FILED, S.FILED]


def test_the_payers_number_of_an_acknowledgement_serves_a_correction(database, taken, file, now):
    first = file.claims[0]
    taken(of_claims((first.control_number, "A2:20"), interchange=file.control_number, number="P9"))
    second = database.in_transaction(
        lambda tx: correct_claim(tx, claim_id=first.id, diagnoses=["F33.1"], actor=SYSTEM, now=now)
    )
    assert second.original_reference == "P9"


def test_a_rejected_claim_is_issued_again_as_the_first(database, taken, file, states):
    first = file.claims[0]
    taken(of_claims((first.control_number, "A7:21"), interchange=file.control_number))
    again = claim(database, first.session_id)
    assert (again.version, again.frequency, again.state) == (2, "1", S.ISSUED)


def test_claims_of_another_clinic_are_not_found(taken, file, states):
    first = file.claims[0]
    content = of_claims((first.control_number, "A7:21"), interchange=file.control_number)
    assert taken(content, actor=STRANGER).status == "unmatched"
    assert taken(of_form(file.control_number, ("R", ())), actor=STRANGER).status == "unmatched"
    assert states() == [S.FILED, S.FILED]


def _take(database, content, now):
    return take(database, content, now=now).claims[0].status


def test_two_who_take_the_same_at_the_same_moment_take_it_once(database, database_url, file, notices, now):
    content = of_claims((file.claims[0].control_number, "A2:20"), interchange=file.control_number)
    assert sorted(at_once(database_url, _take, [(content, now)] * 2)) == ["duplicate", "moved"]
    assert len(notices(file.claims[0])) == 1
