"""One file may pay several clinics: what is another's waits for them, and is theirs alone to decide."""

import pytest

from billing.catalog.queries import find_entity, providers
from billing.insurance.queries import list_remittances
from billing.insurance.queries.remittances import decisions_of
from billing.insurance.use_cases.remittance_decisions.payments import set_aside
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.remittance_835 import Claim, remittance

STRANGER = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.BILLING])
OF_NOBODY = "1999999992"
"""An NPI that no clinic of the installation has, as of a group."""


@pytest.fixture
def bill(database):
    return handed_out(database, a_course(database).session_ids[0])


@pytest.fixture
def ours(bill):
    return Actor(id="usr_c", entity_id=bill.entity_id, permissions=ROLES[Role.BILLING])


@pytest.fixture
def our_npi(database, bill):
    with database.reading() as read:
        return find_entity(read, bill.entity_id).npi


@pytest.fixture
def provider_npi(database, bill):
    """Of somebody who treats here: no clinic of the installation is known by it alone."""
    with database.reading() as read:
        return providers(read, bill.entity_id)[0].npi


def answer(bill, cents=18_000):
    return Claim(control_number=bill.control_number, charge_cents=bill.charge.cents, paid_cents=cents)


def paid_to(npi, claims=(), **more):
    return remittance(claims, **more).replace(b"XX*2000000010", f"XX*{npi}".encode())


def seen_by(database, actor):
    with database.reading() as read:
        return [each.id for each in list_remittances(read, actor, limit=9)]


def test_what_a_clinic_set_aside_as_not_its_own_is_posted_for_the_clinic_that_it_paid(
    database, do, bill, ours, provider_npi, books
):
    before, content = books(), paid_to(provider_npi, [answer(bill)])
    imported(database, content, actor=STRANGER)
    (theirs,) = seen_by(database, STRANGER)
    do(set_aside, remittance_id=theirs, reason="Not ours", by=STRANGER)
    assert imported(database, content, actor=STRANGER).status == "duplicate"
    posted = imported(database, content, actor=ours)
    assert (posted.status, posted.transactions[0].id) == ("posted", theirs)
    assert books()["1000"] - before.get("1000", 0) == 18_000
    assert imported(database, content, actor=ours).status == "duplicate"


def test_what_a_clinic_set_aside_and_another_cannot_match_yet_waits_for_that_other_one(database, do, ours):
    content = paid_to(OF_NOBODY, [Claim(control_number="0", charge_cents=100, paid_cents=100)])
    (theirs,) = imported(database, content, actor=STRANGER).transactions
    do(set_aside, remittance_id=theirs.id, reason="Not ours", by=STRANGER)
    assert imported(database, content, actor=ours).status == "parked"
    assert (seen_by(database, ours), seen_by(database, STRANGER)) == ([theirs.id], [])


def test_what_a_clinic_set_aside_itself_stays_there(database, do, ours):
    content = paid_to(OF_NOBODY, [Claim(control_number="0", charge_cents=100, paid_cents=100)])
    (waits,) = imported(database, content, actor=ours).transactions
    do(set_aside, remittance_id=waits.id, reason="Returned", by=ours)
    assert imported(database, content, actor=ours).status == "duplicate"
    assert imported(database, content).status == "duplicate"


def test_a_payment_that_names_our_npi_waits_for_us_whoever_sends_it(database, ours, our_npi, books):
    before, content = books(), paid_to(our_npi, provider_adjustments=(("L6", -100),))
    (waits,) = imported(database, content, actor=STRANGER).transactions
    assert (waits.status, waits.id, books() == before) == ("parked", "", True)
    assert "another clinic" in waits.reason
    assert (len(seen_by(database, ours)), seen_by(database, STRANGER)) == (1, [])
    assert imported(database, content, actor=ours).status == "posted"


def test_a_payment_that_names_its_payee_by_taxpayer_number_alone_is_that_clinics(database, bill, ours):
    with database.reading() as read:
        tin = find_entity(read, bill.entity_id).tin.replace("-", "")
    content = remittance(payee=f"FI*{tin}", provider_adjustments=(("L6", -100),))
    (waits,) = imported(database, content, actor=STRANGER).transactions
    assert (waits.status, waits.id) == ("parked", "")
    assert (len(seen_by(database, ours)), seen_by(database, STRANGER)) == (1, [])
    assert imported(database, content, actor=ours).status == "posted"


def test_what_waits_at_a_clinic_is_not_taken_from_it_by_who_sends_it_again(database, bill, ours):
    content = paid_to(OF_NOBODY, [answer(bill)], amount_cents=1)
    (waits,) = imported(database, content, actor=ours).transactions
    assert imported(database, content, actor=STRANGER).status == "parked"
    assert (seen_by(database, ours), seen_by(database, STRANGER)) == ([waits.id], [])


def ids_of(remittance):
    """What names something of a clinic in what somebody is told."""
    claims = remittance.claims
    return {remittance.id, *(each.id for each in claims), *(each.session_id for each in claims)} - {"", None}


def test_who_sends_what_another_clinic_posted_is_told_nothing_of_that_clinic(
    database, bill, ours, provider_npi
):
    content = paid_to(provider_npi, [answer(bill)])
    (posted,) = imported(database, content, actor=ours).transactions
    assert len(ids_of(posted)) == 3
    for _ in range(2):
        copy = imported(database, content, actor=STRANGER)
        (told,) = copy.transactions
        assert (copy.status, ids_of(told)) == ("duplicate", set())
        assert [(each.control_number, each.paid) for each in told.claims] == [
            (each.control_number, each.paid) for each in posted.claims
        ]
        assert "another clinic" in told.reason
    assert ids_of(imported(database, content, actor=ours).transactions[0]) == ids_of(posted)


def test_what_had_waited_and_is_posted_by_a_file_is_told_to_the_clinic_that_it_is_of(
    database, bill, ours, provider_npi
):
    reversal = Claim(
        control_number=bill.control_number,
        charge_cents=-bill.charge.cents,
        paid_cents=-18_000,
        status="22",
        adjustments=(("PR", "1", -(bill.charge.cents - 18_000)),),
    )
    weeks = paid_to(provider_npi, [reversal, answer(bill, 20_000)], trace="SECOND")
    assert imported(database, weeks, actor=ours).status == "parked"
    first = paid_to(provider_npi, [answer(bill)], trace="FIRST")
    told = imported(database, first, actor=ours)
    assert [each.trace for each in told.resumed] == ["SECOND"]


def test_why_a_clinic_set_a_payment_aside_is_for_that_clinic_alone(database, do, ours):
    content = paid_to(OF_NOBODY, [Claim(control_number="0", charge_cents=100, paid_cents=100)])
    imported(database, content, actor=STRANGER)
    (remittance_id,) = seen_by(database, STRANGER)
    do(set_aside, remittance_id=remittance_id, reason="Their patient moved away", by=STRANGER)
    imported(database, content, actor=ours)
    do(set_aside, remittance_id=remittance_id, reason="Nor is it ours", by=ours)
    with database.reading() as read:
        shown = [each.reason for each in decisions_of(read, remittance_id, ours)]
        kept = [each.reason for each in decisions_of(read, remittance_id, SYSTEM)]
    assert shown == ["Nor is it ours"]
    assert kept == ["Their patient moved away", "Nor is it ours"]
