"""A payment that names another payee than the clinic waits until somebody says that it is ours."""

import pytest
from sqlalchemy import text

from billing.insurance.flows.remittances import resume_after
from billing.insurance.queries import find_remittance_alone
from billing.insurance.use_cases.remittance_decisions.payments import call_payee_ours, set_aside
from billing.insurance.use_cases.remittances.posting import RESUME_REMITTANCES
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.platform.data.jobs import Worker
from tests.conftest import NOW
from tests.factories.catalog import seed_sample
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.remittance_story import Story
from tests.factories.uploads import Handlers

OTHERS = ["XX*1999999992", "FI*987654321"]


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


@pytest.mark.parametrize("payee", OTHERS)
def test_a_payment_for_somebody_else_waits_until_it_is_called_ours_and_then_later_ones_do_not(
    database, do, story, found, payee
):
    sent = story.send(story.answer(18_000), payee=payee)
    assert (sent.status, story.moved()) == ("parked", {})
    assert "none of ours" in str(sent.reason)
    assert "987654321" not in str(sent.reason)
    said = do(call_payee_ours, remittance_id=sent.id, reason="Our number until March")
    assert said.status == "posted"
    assert story.send(story.answer(9_000, of=1), payee=payee).status == "posted"
    assert story.moved() == {"1000": 27_000, "2200": -27_000}
    with database.reading() as read:
        kept = read.session.execute(text("SELECT * FROM remittance")).all()
    assert "987654321" not in str(kept)
    assert found() == set()


@pytest.mark.parametrize("kind", ["npi", "tin", "provider"])
def test_the_clinic_and_who_treats_there_are_ours(database, story, kind):
    with database.reading() as read:
        tin = read.session.scalar(text("SELECT tin FROM entity"))
        provider = read.session.scalar(text("SELECT npi FROM provider ORDER BY id"))
    payee = {
        "npi": "XX*2000000010",
        "tin": f"FI*{tin.replace('-', '')}",
        "provider": f"XX*{provider}",
    }[kind]
    assert story.send(story.answer(18_000), payee=payee).status == "posted"


@pytest.mark.parametrize("kind", ["npi", "tin"])
def test_a_number_of_another_of_our_clinics_is_none_of_this_ones(database, story, now, kind):
    seed_sample(database, now, "a")
    with database.reading() as read:
        told = text("SELECT npi, tin FROM entity WHERE id != :ours")
        npi, tin = read.session.execute(told, {"ours": story.course.patient.entity_id}).one()
    payee = {"npi": f"XX*{npi}", "tin": f"FI*{tin.replace('-', '')}"}[kind]
    sent = story.send(story.answer(18_000), payee=payee)
    assert (sent.status, story.moved()) == ("parked", {})
    assert "none of ours" in str(sent.reason)


def test_who_sets_the_payment_aside_takes_back_that_its_payee_is_the_clinic(do, story):
    sent = story.send(story.answer(18_000), payee=OTHERS[0], plb=[("CV", 100)])
    assert do(call_payee_ours, remittance_id=sent.id, reason="A wrong click").status == "parked"
    do(set_aside, remittance_id=sent.id, reason="It is not our payee after all")
    assert story.send(story.answer(9_000, of=1), payee=OTHERS[0]).status == "parked"


def work_off(database):
    work = Handlers()
    work[RESUME_REMITTANCES] = lambda task: resume_after(
        database.in_transaction, remittance_id=task.payload["remittance_id"], clock=lambda: NOW
    )
    Worker(database, lambda: NOW, work).run_once()


def states(ask, *sent):
    return [ask(find_remittance_alone, each.id, SYSTEM).status for each in sent]


@pytest.mark.parametrize("payee", OTHERS)
@pytest.mark.parametrize("of_named", [{}, {"plb": [("CV", 100)]}])
def test_others_that_wait_for_the_same_payee_are_posted_once_it_is_called_ours(
    database, do, ask, story, found, payee, of_named
):
    """Also of another payer, and while the one that was named waits for something else."""
    named = story.send(story.answer(18_000), payee=payee, **of_named)
    same = story.send(story.answer(9_000, of=1), payee=payee)
    elsewhere = story.send(story.answer(1_000, of=1), payee=payee, payer_id="1999999999")
    (other,) = (each for each in OTHERS if each != payee)
    another = story.send(story.answer(500, of=1), payee=other)
    assert states(ask, named, same, elsewhere, another) == ["parked"] * 4
    said = do(call_payee_ours, remittance_id=named.id, reason="Our number until March").status
    work_off(database)
    assert states(ask, named, same, elsewhere, another) == [said, "posted", "posted", "parked"]
    assert found() == set()


def test_said_again_of_a_payment_that_waits_those_that_came_meanwhile_are_looked_at(database, do, ask, story):
    first, second = (
        story.send(story.answer(9_000, of=of), payee=OTHERS[0], plb=[("CV", 1)]) for of in (0, 1)
    )
    for _ in range(2):
        do(call_payee_ours, remittance_id=first.id, reason="Our number until March")
        work_off(database)
    assert states(ask, first, second) == ["parked", "parked"]
    assert "none of ours" not in ask(find_remittance_alone, second.id, SYSTEM).reason


def test_what_another_clinic_has_to_say_itself_waits_on(database, do, ask, story, now):
    theirs = seed_sample(database, now, "a").id
    stranger = Actor(id="usr_x", entity_id=theirs, permissions=ROLES[Role.BILLING])
    content = story.file(plb=[("L6", -100)], payee=OTHERS[0])
    (waits,) = imported(database, content, actor=stranger).transactions
    ours = story.send(story.answer(18_000), payee=OTHERS[0])
    do(call_payee_ours, remittance_id=ours.id, reason="Our number until March")
    work_off(database)
    assert states(ask, ours, waits) == ["posted", "parked"]
    assert "none of ours" in ask(find_remittance_alone, waits.id, SYSTEM).reason
