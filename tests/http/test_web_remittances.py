"""The pages of insurers' answers: what waits and why, the visit of a claim, and what is not ours."""

import re
from datetime import date

import pytest

from billing.insurance.queries import find_remittance, list_remittances
from billing.insurance.use_cases.parked_remittances import REMITTANCE_PARKED
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Role
from billing.platform.data.tasks import stands_open
from tests.factories.care import give
from tests.factories.catalog import seed_sample
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.remittance_835 import Claim, remittance
from tests.factories.web import new_staff, send, sign_in

LIST = "/staff/remittances"
WHY = "Name and day on the letter"


@pytest.fixture
def course(database):
    return a_course(database, sessions=3)


@pytest.fixture
def clerk(pages, database, course, now):
    return sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))


@pytest.fixture
def bills(database, course):
    return [handed_out(database, session_id) for session_id in course.session_ids[:2]]


@pytest.fixture
def office(course):
    return Actor(id="usr_o", entity_id=course.patient.entity_id, permissions=SYSTEM.permissions)


@pytest.fixture
def take(database, office):
    """Import a file of these claims, and say what became of its one transaction."""

    def work(*claims, **payment):
        (transaction,) = imported(database, remittance(claims, **payment), actor=office).transactions
        return transaction

    return work


def of_nobody(now, **more):
    return Claim(control_number="LOST", charge_cents=38_250, paid_cents=18_000, served_on=now.date(), **more)


@pytest.fixture
def parked(bills, take, now):
    return take(of_nobody(now))


def status(database, remittance_id):
    with database.reading() as read:
        return find_remittance(read, remittance_id, SYSTEM).status


def visit_page(clerk, remittance_id):
    """Where the first unmatched claim finds its visit."""
    links = re.findall(
        rf'href="({LIST}/{remittance_id}/claims/[^"]+/visit)"', clerk.get(f"{LIST}/{remittance_id}").text
    )
    return links[0]


def shown_on(clerk, at):
    """The mark of the adjustments that the page shows."""
    return re.search(r'name="shown" value="([^"]+)"', clerk.get(at).text)[1]


def offered(page):
    return re.findall(r'name="session_id" value="([^"]+)"', page.text)


def test_an_office_without_answers_says_so(clerk):
    assert "No insurer has answered yet." in clerk.get(LIST).text
    assert "Nothing waits for you." in clerk.get(f"{LIST}?show=parked").text


def test_the_list_says_how_each_stands_and_filters(clerk, take, parked, bills):
    for _ in range(2):
        take(
            Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=100), trace="GOOD1"
        )
    page = clerk.get(LIST).text
    assert "Waits for you" in page
    assert "has the control number LOST" in page
    assert "came again 1 time, last on" in page
    waiting, again = (clerk.get(f"{LIST}?show={show}").text for show in ("parked", "again"))
    assert ("GOOD1" in waiting, "EFT0001" in waiting) == (False, True)
    assert ("GOOD1" in again, "EFT0001" in again) == (True, False)
    assert "None stands that way." in clerk.get(f"{LIST}?show=put_aside").text
    assert "GOOD1" in clerk.get(f"{LIST}?show=nonsense&after=x").text


def test_the_list_goes_on_by_pages(monkeypatch, clerk, take, bills):
    for number in range(51):
        take(
            Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=0),
            trace=f"N{number:03}",
        )
    first = clerk.get(LIST).text
    assert ("N050" in first, "N000" in first) == (True, False)
    (more,) = re.findall(rf'href="({LIST}\?after=rmt_[^"]+)"', first)
    last = clerk.get(more).text
    assert ("N050" in last, "N000" in last) == (False, True)


def test_the_visit_of_the_insurers_day_and_charge_is_offered_and_posts(database, clerk, course, parked):
    page = clerk.get(visit_page(clerk, parked.id))
    assert set(offered(page)) == set(course.session_ids[:2])
    assert "Sample, Maria" in page.text
    sent = send(
        clerk, visit_page(clerk, parked.id), visit_page(clerk, parked.id).replace("/visit", "/match"),
        session_id=course.session_ids[0], reason=WHY, key="k" * 20,
    )  # fmt: skip
    assert (sent.status_code, sent.location) == (303, f"{LIST}/{parked.id}")
    page = clerk.get(sent.location).text
    assert "It is posted, whole." in page
    assert "$180.00 is the patient&#39;s credit" in page
    assert "Named the visit of claim 1 (Sample, Maria, " in page
    assert WHY in page
    assert "billing@clinic-b.example" in page
    assert status(database, parked.id) == "posted"


@pytest.mark.parametrize(
    ("sought", "how_many"),
    [
        ({"text": "Sampl"}, 2),
        ({"text": "1980-05-17", "charge": "382.50"}, 2),
        ({"text": "Sampl", "on": "2026-11-03"}, 0),
        ({"on": "2026-11-02"}, 2),
        ({"charge": "$382.50"}, 2),
        ({"charge": "382.51"}, 0),
        ({"text": "Nobody"}, 0),
    ],
)
def test_a_visit_is_found_by_patient_day_and_amount(clerk, parked, sought, how_many):
    at = visit_page(clerk, parked.id)
    found = send(clerk, at, at.replace("/visit", "/search"), **sought)
    assert (found.status_code, len(offered(found))) == (200, how_many)


@pytest.mark.parametrize(
    ("sought", "field"),
    [
        ({}, "text"),
        ({"on": "2026-13-01"}, "on"),
        ({"charge": "-1"}, "charge"),
        ({"charge": "1e400"}, "charge"),
    ],
)
def test_a_search_that_makes_no_sense_names_its_field(clerk, parked, sought, field):
    at = visit_page(clerk, parked.id)
    refused = send(clerk, at, at.replace("/visit", "/search"), **sought)
    assert (refused.status_code, f'id="{field}-wrong"' in refused.text) == (422, True)


def test_a_match_without_a_visit_or_reason_keeps_what_was_found(database, clerk, course, parked):
    at = visit_page(clerk, parked.id)
    to = at.replace("/visit", "/match")
    nothing = send(clerk, at, to, text="Sampl", reason=WHY, key="k" * 20)
    assert (nothing.status_code, 'id="session_id-wrong"' in nothing.text) == (422, True)
    assert f'value="{WHY}"' in nothing.text
    silent = send(clerk, at, to, session_id=course.session_ids[1], reason=" ", key="l" * 20)
    assert (silent.status_code, 'id="reason-wrong"' in silent.text) == (422, True)
    assert f'value="{course.session_ids[1]}" checked' in silent.text
    assert status(database, parked.id) == "parked"


def test_a_visit_of_another_clinic_or_to_come_is_refused(database, clerk, course, parked):
    at = visit_page(clerk, parked.id)
    to = at.replace("/visit", "/match")
    early = send(clerk, at, to, session_id=course.session_ids[2], reason=WHY, key="k" * 20)
    assert (early.status_code, "was not given" in early.text) == (409, True)
    unknown = send(clerk, at, to, session_id="ses_" + "0" * 26, reason=WHY, key="l" * 20)
    assert unknown.status_code == 404
    assert status(database, parked.id) == "parked"


def test_a_match_by_hand_is_taken_back_on_the_page_while_another_claim_waits(
    database, clerk, course, take, bills, now
):
    parked = take(of_nobody(now), of_nobody(now, payer_claim_number="P2"))
    at = visit_page(clerk, parked.id)
    send(
        clerk, at, at.replace("/visit", "/match"), session_id=course.session_ids[0], reason=WHY, key="k" * 20
    )
    page = clerk.get(f"{LIST}/{parked.id}").text
    assert "It still waits, for the reason below." in page
    assert "named by hand" in page
    (change,) = re.findall(r'href="([^"]+/visit)">Change or take back', page)
    sent = send(clerk, change, change.replace("/visit", "/unmatch"), reason="Wrong day", key="l" * 20)
    page = clerk.get(sent.location).text
    assert "Took back the visit of claim 1" in page
    assert "2 claims need a visit" in page


def test_a_page_that_grew_old_says_so(clerk, course, parked):
    at = visit_page(clerk, parked.id)
    send(clerk, f"{LIST}/{parked.id}", f"{LIST}/{parked.id}/look-again", key="k" * 20)
    assert clerk.get(at).status_code == 409
    assert "looked at again meanwhile" in clerk.get(at).text


def test_what_is_not_ours_is_set_aside_with_a_reason_and_put_back(database, clerk, parked):
    at = f"{LIST}/{parked.id}"
    silent = send(clerk, at, f"{at}/set-aside", reason="", key="k" * 20)
    assert (silent.status_code, "Fill this in." in silent.text) == (422, True)
    for _ in range(2):
        sent = send(clerk, at, f"{at}/set-aside", reason="Sent back to the other clinic", key="l" * 20)
        assert sent.status_code == 303
    page = clerk.get(at).text
    assert "Sent back to the other clinic" in page
    assert "It is not for these books" in page
    with database.reading() as read:
        assert not stands_open(read, kind=REMITTANCE_PARKED, subject_id=parked.id)
    late = send(clerk, at, f"{at}/set-aside", reason="Again", key="m" * 20)
    assert late.status_code == 303
    assert "It does not wait any more" in clerk.get(at).text
    send(clerk, at, f"{at}/put-back", reason="It was ours", key="n" * 20)
    assert status(database, parked.id) == "parked"


def test_a_day_long_ago_is_called_right_on_the_page_and_one_to_come_is_not(database, clerk, take, bills):
    def answer(paid_on):
        claim = Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=100)
        return take(claim, trace=f"D{paid_on:%Y%m%d}", paid_on=paid_on)

    assert "The day is right" not in clerk.get(f"{LIST}/{answer(date(2027, 12, 31)).id}").text
    old = answer(date(2019, 5, 6))
    at = f"{LIST}/{old.id}"
    silent = send(clerk, at, f"{at}/day-is-right", reason="", key="k" * 20)
    assert (silent.status_code, "Fill this in." in silent.text) == (422, True)
    for _ in range(2):
        sent = send(clerk, at, f"{at}/day-is-right", reason="On the statement of that day", key="l" * 20)
        assert sent.status_code == 303
    assert status(database, old.id) == "posted"
    assert "Said that its day is right" in clerk.get(at).text


def test_what_nobody_can_book_is_looked_at_set_apart_and_settled_on_the_page(
    database, pages, clerk, course, take, bills, now
):
    claim = Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=18_000)
    kept = take(claim, provider_adjustments=[("AH", 100), ("CV:X9", 2_500)])
    at = f"{LIST}/{kept.id}"
    shown = clerk.get(at).text
    assert "Kept $25.00: its code CV" in shown
    assert re.search(r'value="1" disabled', shown)
    mark = shown_on(clerk, at)
    silent = send(clerk, at, f"{at}/set-apart", shown=mark, reason=WHY, key="k" * 20)
    assert (silent.status_code, "Choose what is set apart." in silent.text) == (422, True)
    seen = send(clerk, at, f"{at}/set-apart/preview", place="2", shown=mark, reason=WHY, key="k" * 20).text
    told = dict(re.findall(r"<dt>(\d{4}) [^<]+</dt><dd>([^<]+)</dd>", seen))
    assert told == {"1000": "$154.00", "2200": "-$180.00", "2240": "$25.00", "6100": "$1.00"}
    assert status(database, kept.id) == "parked"
    for _ in range(2):
        sent = send(clerk, at, f"{at}/set-apart", place="2", shown=mark, reason=WHY, key="l" * 20)
        assert sent.status_code == 303
    assert status(database, kept.id) == "posted"
    page = clerk.get(at).text
    assert "Set apart what nobody can book CV $25.00" in page
    assert "Settle what was set apart" not in page
    assert "set apart on 2240" in clerk.get("/staff/tasks").text
    books = sign_in(pages, new_staff(database, Role.ACCOUNTANT, now, entity_id=course.patient.entity_id))
    unsure = send(books, at, f"{at}/settle-apart", reason="Their letter", key="m" * 20)
    assert (unsure.status_code, "Choose what it was." in unsure.text) == (422, True)
    for _ in range(2):
        sent = send(books, at, f"{at}/settle-apart", account="6100", reason="Their letter", key="n" * 20)
        assert sent.status_code == 303
    assert "nothing of it is on 2240 any more" in books.get(at).text
    page = books.get(at).text
    assert "Settle what was set apart" not in page
    assert "It was booked as 6100 Processor fees $25.00." in page
    (shown,) = re.findall(r'name="shown" value="([^"]*)"', page)
    stale = send(books, at, f"{at}/unsettle", reason="Wrong", shown="1000:2500", key="s" * 20)
    assert (stale.status_code, "settled anew since you looked" in stale.text) == (409, True)
    silent = send(books, at, f"{at}/unsettle", key="o" * 20)
    assert (silent.status_code, "Fill this in." in silent.text) == (422, True)
    for _ in range(2):
        told = {"reason": "Another payment's letter", "shown": shown}
        sent = send(books, at, f"{at}/unsettle", **told, key="p" * 20)
        assert sent.status_code == 303
    page = books.get(at).text
    assert "Took back how it was settled" in page
    assert "Settle what was set apart" in page
    late = send(books, at, f"{at}/unsettle", reason="Twice", key="q" * 20)
    assert (late.status_code, "nothing is there to take back" in late.text) == (409, True)


def test_what_would_still_wait_says_so_before_it_is_set_apart(clerk, take, bills):
    claim = Claim(control_number="LOST", charge_cents=38_250, paid_cents=18_000)
    at = f"{LIST}/{take(claim, provider_adjustments=[('CV', 2_500)]).id}"
    mark = shown_on(clerk, at)
    seen = send(clerk, at, f"{at}/set-apart/preview", place="1", shown=mark, reason=WHY, key="k" * 20).text
    assert "It would still wait" in seen


def test_who_chose_on_an_older_page_is_told_what_is_there_now(database, clerk, take, bills):
    claim = Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=18_000)
    plb = [("CV:X9", 2_500), ("ZZ", 70)]
    at = f"{LIST}/{(kept := take(claim, provider_adjustments=plb)).id}"
    mark = shown_on(clerk, at)
    take(claim, provider_adjustments=plb[::-1])
    for deed, key in (("set-apart/preview", "k"), ("set-apart", "l")):
        old = send(clerk, at, f"{at}/{deed}", place="1", shown=mark, reason=WHY, key=key * 20)
        assert (old.status_code, "at place 1 is ZZ of $0.70" in old.text) == (409, True)
        assert 'value="1" checked' not in old.text
        assert f'name="shown" value="{mark}"' not in old.text
    bare = send(clerk, at, f"{at}/set-apart", place="1", reason=WHY, key="m" * 20)
    assert bare.status_code == 422
    assert status(database, kept.id) == "parked"


def test_the_task_says_how_much_of_whom_and_leads_to_the_payment(clerk, parked):
    page = clerk.get("/staff/tasks").text
    assert "An insurer&#39;s payment waits for a person" in page
    assert "$180.00 of" in page
    assert "SAMPLE HEALTH PLAN" in page
    assert f'href="{LIST}/{parked.id}"' in page


def test_an_accountant_reads_without_names_and_decides_nothing(
    pages, database, course, parked, now, take, bills
):
    posted = take(
        Claim(control_number=bills[0].control_number, charge_cents=38_250, paid_cents=100), trace="T2"
    )
    reader = sign_in(pages, new_staff(database, Role.ACCOUNTANT, now, entity_id=course.patient.entity_id))
    page = reader.get(f"{LIST}/{posted.id}").text
    assert ("Sample, Maria" in page, f"Patient {course.patient.number}" in page) == (False, True)
    page = reader.get(f"{LIST}/{parked.id}").text
    assert "Set it aside" not in page
    assert "Find its visit" not in page
    assert (
        send(reader, "/staff/tasks", f"{LIST}/{parked.id}/set-aside", reason="x", key="k" * 20).status_code
        == 403
    )
    assert status(database, parked.id) == "parked"


def test_the_front_desk_sees_nothing_of_it_and_another_clinic_finds_nothing(
    pages, database, course, parked, now
):
    desk = sign_in(pages, new_staff(database, Role.FRONT_DESK, now, entity_id=course.patient.entity_id))
    assert desk.get(LIST).status_code == desk.get(f"{LIST}/{parked.id}").status_code == 403
    stranger = sign_in(
        pages, new_staff(database, Role.BILLING, now, entity_id=seed_sample(database, now, "c").id)
    )
    assert stranger.get(f"{LIST}/{parked.id}").status_code == 404
    assert "EFT0001" not in stranger.get(LIST).text
    with database.reading() as read:
        assert len(list_remittances(read, SYSTEM, limit=9)) == 1


def test_claims_of_a_large_payment_are_shown_by_pages(clerk, take, bills, now):
    claims = [of_nobody(now, payer_claim_number=f"P{number:03}") for number in range(120)]
    parked = take(*claims)
    first = clerk.get(f"{LIST}/{parked.id}").text
    assert "120 claims need a visit" in first
    assert "The first 100 are shown." in first
    assert ("P099" in first, "P119" in first) == (True, False)
    assert "P119" in clerk.get(f"{LIST}/{parked.id}?after=100").text
    assert clerk.get(f"{LIST}/{parked.id}?after=-1").status_code == 200


def test_words_of_an_insurer_are_shown_literally(clerk, take, now, bills):
    parked = take(of_nobody(now, payer_claim_number="<b>P1"), payer_name="<script>PLAN")
    page = clerk.get(f"{LIST}/{parked.id}").text
    assert "<script>PLAN" not in page
    assert "&lt;b&gt;P1" in page


def test_a_visit_without_a_superbill_can_be_named(database, clerk, course, now, take):
    give(database, course.session_ids[0])
    parked = take(of_nobody(now))
    at = visit_page(clerk, parked.id)
    send(
        clerk, at, at.replace("/visit", "/match"), session_id=course.session_ids[0], reason=WHY, key="k" * 20
    )
    assert status(database, parked.id) == "posted"


def test_what_a_claim_did_is_told_to_the_cent(database, take, clerk, bills):
    """Paid $382.50 for the visit: credit as far as that, and the rest is the insurer's."""
    posted = take(
        Claim(control_number=bills[0].control_number, charge_cents=50_000, paid_cents=50_000), trace="MORE"
    )
    page = clerk.get(f"{LIST}/{posted.id}").text
    assert "$382.50 is the patient&#39;s credit, $117.50 is held for the insurer" in page


def test_what_settled_a_visit_that_was_owed_is_told(pages, database, now):
    owing = a_course(database, sessions=1, paid=Money(20_000))
    bill = handed_out(database, owing.session_ids[0])
    claim = Claim(control_number=bill.control_number, charge_cents=38_250, paid_cents=20_000)
    (posted,) = imported(database, remittance([claim])).transactions
    clerk = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=owing.patient.entity_id))
    page = clerk.get(f"{LIST}/{posted.id}").text
    assert "$17.50 is the patient&#39;s credit, $182.50 paid what the visit owed" in page


def test_another_charge_than_was_billed_is_said_on_the_page_and_asked_about(clerk, take, bills):
    """The visit may be the wrong one: both amounts are there to be compared."""
    claim = Claim(control_number=bills[0].control_number, charge_cents=30_000, paid_cents=18_000)
    page = clerk.get(f"{LIST}/{take(claim).id}").text
    assert "$382.50 was billed" in page
    assert "An insurer answered another charge than was billed" in clerk.get("/staff/tasks").text
