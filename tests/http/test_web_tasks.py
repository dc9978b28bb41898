"""Each kind of task on its page: said in words, and leading to where it is answered."""

import html
import re

import pytest

from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.records.bounces import BounceReason
from billing.payments.records.refunds import RefundReason
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import fail_refund
from billing.platform.data.tasks import open_task
from billing.web.staff.tasks import shown_tasks
from billing.web.task_words import TOLD
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_card, paid_by_check, statements_of
from tests.factories.patients import new_patient
from tests.factories.web import new_package, new_staff, open_clinic, sign_in
from tests.factories.world import SUBJECTS, a_world


@pytest.fixture
def world(database, now):
    return a_world(database, now)


@pytest.fixture
def ask(database, world, now):
    def work(kind, prefix):
        return database.in_transaction(
            lambda tx: open_task(
                tx,
                kind=kind,
                subject_id=world.ids[SUBJECTS[prefix]][0],
                entity_id=world.entity.id,
                site_id=world.site.id,
                actor=SYSTEM,
                now=now,
            )
        )

    return work


def test_every_task_says_what_it_is_and_leads_to_a_page_that_opens(app, database, world, ask, now):
    clerk = sign_in(app, new_staff(database, Role.SUPERVISOR, now, entity_id=world.entity.id))
    for kind, told in TOLD.items():
        for prefix in told.of:
            task = ask(kind, prefix)
            with database.reading() as read:
                (shown,) = shown_tasks(read, [task], SYSTEM)
            assert shown.about.on or shown.about.whose, (kind, prefix)
            assert (shown.title, shown.advice) == (told.title, told.advice)
            assert clerk.get(shown.url, follow_redirects=True).status_code == 200, (kind, prefix)


def test_the_page_shows_a_task_with_its_link_to_those_who_may_open_it(app, database, world, ask, now):
    ask("check-bounced", "pay")
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=world.entity.id))
    page = clerk.get("/staff/tasks").text
    assert "A check bounced" in page
    assert f'href="/staff/payments/{world.ids["payment_id"][0]}"' in page


def test_a_task_of_another_clinic_leads_nowhere(app, database, world, ask, now):
    task = ask("unclaimed-letter", "drm")
    other = a_world(database, now, slug="a")
    stranger = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=other.entity.id))
    assert stranger.get(f"/staff/tasks/{task.id}/subject").status_code == 404


def test_a_kind_that_no_program_opens_any_more_is_shown_by_its_name(app, database, world, ask, now):
    ask("moon-phase", "ref")
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=world.entity.id))
    assert "Moon phase" in clerk.get("/staff/tasks").text


def in_words(shown):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", shown).split()))


@pytest.fixture
def two_refunds(database, now):
    """Of two patients, $25.00 and $40.00, that came back."""
    clinic = open_clinic(database, now)
    other = new_patient(
        database,
        entity_id=clinic.entity.id,
        site_id=clinic.site.id,
        now=now,
        given_name="Ines",
        family_name="Quill",
    )
    for invoice, cents in ((clinic.invoice, 2_500), (new_package(database, other, now), 4_000)):
        payment = paid_by_card(database, invoice, now)
        refund = database.in_transaction(
            lambda tx, payment=payment, cents=cents: refund_payment(
                tx,
                payment_id=payment.id,
                amount=Money(cents),
                refundable=payment.amount,
                reason=RefundReason.OTHER,
                method=None,
                limit=Money(50_000),
                actor=SYSTEM,
                now=now,
            )
        )
        database.in_transaction(
            lambda tx, refund=refund: fail_refund(tx, refund_id=refund.id, actor=SYSTEM, now=now)
        )
    return clinic


def test_tasks_of_one_kind_are_told_apart_by_amount_day_and_patient(app, database, two_refunds, now):
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=two_refunds.entity.id))
    for page in ("/staff/tasks", "/staff/today"):
        said = in_words(clerk.get(page).text)
        assert "$25.00 of Nov 2, 2026 , Sample, Maria" in said
        assert "$40.00 of Nov 2, 2026 , Quill, Ines" in said
    labels = re.findall(r'aria-label="(Close the task[^"]*)"', clerk.get("/staff/tasks").text)
    assert len(set(labels)) == len(labels) == 2


def test_who_may_not_know_patients_tells_tasks_apart_by_numbers(app, database, two_refunds, now):
    accountant = sign_in(app, new_staff(database, Role.ACCOUNTANT, now, entity_id=two_refunds.entity.id))
    said = in_words(accountant.get("/staff/tasks").text)
    assert "$25.00 of Nov 2, 2026 , Patient 1" in said
    assert "$40.00 of Nov 2, 2026 , Patient 2" in said
    assert "Maria" not in said
    assert "Quill" not in said


def test_a_list_of_many_tasks_asks_the_database_as_often_as_one_of_few(database, clinic, clerk, now):
    asked = []
    for number in range(3):
        bill = billed(database, a_patient(database), only_first=1)
        check = paid_by_check(database, bill.invoice, now, Money(45_000), number=f"{number}")
        named = {"payment_id": check.id, "reason": BounceReason.OTHER, "bounced_on": now.date(), "fee": ZERO}
        database.in_transaction(lambda tx, named=named: bounce_check(tx, **named, actor=SYSTEM, now=now))
        with statements_of(database) as told:
            assert "$450.00" in clerk.get("/staff/tasks").text
        asked.append(len(told))
    assert asked[0] == asked[-1]
