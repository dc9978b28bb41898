"""Superbills: what they say, when they are refused, and that they never change."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from billing.care.models import SessionRow
from billing.care.records import DrugEntry, Way
from billing.insurance.errors import DiagnosesExclude, InvalidSuperbill, NoSuchSuperbill, SuperbillNotPossible
from billing.insurance.queries import find_superbill, list_superbills, versions_of_session
from billing.insurance.records.superbills import ReferringProvider, Wishes
from billing.insurance.states import SuperbillState
from billing.insurance.use_cases import superbills
from billing.insurance.use_cases.superbills import RENDER_JOB, void_superbill
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.patients.use_cases import amend_patient, lock_patient
from billing.payments.use_cases.receive import take_cash
from billing.platform.data.audit import AuditRow
from billing.platform.data.documents import find_document, find_rendering, rendered_once
from billing.platform.data.jobs import Job
from tests.factories.care import give, let_in, new_session
from tests.factories.charts import KETAMINE, entry, signed
from tests.factories.insurance import a_course, handed_out, superbill
from tests.factories.invoices import a_patient, billed

STRANGER = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.BILLING])


def body_of(database, issued):
    with database.reading() as read:
        return find_document(read, issued.document_id).body


def versions(database, session_id):
    with database.reading() as read:
        return versions_of_session(read, session_id)


def void(database, issued, now):
    return database.in_transaction(
        lambda tx: void_superbill(tx, superbill_id=issued.id, actor=SYSTEM, now=now)
    )


@pytest.fixture
def course(database):
    return a_course(database)


def test_a_superbill_says_who_what_when_and_how_much(database, course, now):
    issued = handed_out(database, course.session_ids[0])
    body = body_of(database, issued)
    assert (issued.number, issued.version, issued.state) == ("SB-000001", 1, SuperbillState.ISSUED)
    assert body["clinic"]["npi"] == "2000000010"
    assert body["provider"]["name"] == "Avery Sample"
    assert body["patient"]["name"] == "Maria Sample"
    assert body["patient"]["born_on"] == "1980-05-17"
    assert body["insurance"] == {
        "payer": "Sample Health Plan", "payer_id": "SHP01", "subscriber": "Maria Sample",
        "relationship": "self", "member_id": "W123456", "group": "G-7",
    }  # fmt: skip
    assert body["service"] == {
        "on": "2026-11-02", "place": "11", "started": "08:15", "stopped": "09:00", "minutes": 45,
    }  # fmt: skip
    assert body["diagnoses"] == [{"pointer": "A", "code": "F32.1"}]
    assert [(line["code"], line["charge_cents"]) for line in body["lines"]] == [
        ("96365", 38_250),
        ("J3490", 0),
    ]
    assert body["lines"][1]["ndc"] == {"code": "99999-0050-10", "quantity": "0.8", "unit": "ML"}
    assert body["totals"] == {
        "list_cents": 45_000, "discount_cents": 6_750, "net_cents": 38_250, "paid_cents": 38_250,
        "balance_cents": 0,
    }  # fmt: skip
    assert body["is_sample"] is True
    assert (issued.charge, issued.paid, issued.service_on) == (
        Money(38_250),
        Money(38_250),
        date(2026, 11, 2),
    )
    assert "The patient has paid $382.50 for the services above, in full." in body["statement"]


def test_four_hours_are_one_initial_and_three_further_hours(database):
    course = a_course(database, sessions=1, protocol="pain_5_days", condition="crps", is_veteran=False)
    issued = handed_out(database, course.session_ids[0], minutes=240)
    lines = body_of(database, issued)["lines"]
    assert [(line["code"], line["units"]) for line in lines] == [("96365", 1), ("96366", 3), ("J3490", 1)]
    assert sum(line["charge_cents"] for line in lines) == issued.charge.cents


def test_an_unchanged_superbill_is_the_same_one(database, course, now):
    first = handed_out(database, course.session_ids[0])
    assert superbill(database, course.session_ids[0], now=now + timedelta(days=3)) == first


def test_a_payment_that_comes_later_makes_a_new_version_that_names_the_old_one(database, now):
    course = a_course(database, sessions=1, paid=Money(0))
    first = handed_out(database, course.session_ids[0])
    assert first.paid == Money(0)
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=course.invoice_id, amount=first.charge, actor=SYSTEM, now=now)
    )
    second = superbill(database, course.session_ids[0], now=now + timedelta(hours=1))
    assert (second.number, second.version, second.supersedes_id) == ("SB-000002", 2, first.id)
    assert second.paid == first.charge
    assert second.control_number == first.control_number
    assert body_of(database, second)["supersedes"] == "SB-000001"
    assert body_of(database, first)["totals"]["paid_cents"] == 0
    assert [each.state for each in versions(database, course.session_ids[0])] == ["superseded", "issued"]


def test_a_new_address_makes_a_new_version(database, course, now):
    first = handed_out(database, course.session_ids[0])
    changes = {"given_name": "Mariá"}
    database.in_transaction(
        lambda tx: amend_patient(
            tx,
            patient_id=course.patient.id,
            changes=changes,
            expected_version=course.patient.version,
            actor=SYSTEM,
            now=now,
        )
    )
    second = superbill(database, course.session_ids[0])
    assert second.version == 2
    assert body_of(database, first)["patient"]["name"] == "Maria Sample"
    assert body_of(database, second)["patient"]["name"] == "Mariá Sample"


def test_the_providers_diagnoses_stay_until_others_are_given(database, course):
    session_id = course.session_ids[0]
    give(database, session_id)
    first = superbill(database, session_id, diagnoses=["F33.2", "F41.1"])
    assert [each["code"] for each in body_of(database, first)["diagnoses"]] == ["F33.2", "F41.1"]
    assert superbill(database, session_id) == first
    assert superbill(database, session_id, diagnoses=["F33.1"]).version == 2


@pytest.mark.parametrize(
    ("codes", "words"), [(["F33"], "no billable"), (["F32.1", "F33.2"], "exclude each other")]
)
def test_a_diagnosis_that_an_insurer_would_refuse_is_refused(database, course, codes, words):
    give(database, course.session_ids[0])
    with pytest.raises(SuperbillNotPossible, match=words):
        superbill(database, course.session_ids[0], diagnoses=codes)


def test_diagnoses_that_exclude_each_other_are_taken_once_they_are_said_to_be_unrelated(database, now):
    course = a_course(database, sessions=1, paid=Money(0))
    session_id, codes = course.session_ids[0], ["G89.4", "R52"]
    give(database, session_id)
    with pytest.raises(DiagnosesExclude, match=r"G89\.4 and R52 exclude each other"):
        superbill(database, session_id, diagnoses=codes)
    first = superbill(database, session_id, diagnoses=codes, are_unrelated=True)
    assert superbill(database, session_id, diagnoses=codes) == first
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=course.invoice_id, amount=first.charge, actor=SYSTEM, now=now)
    )
    second = superbill(database, session_id)
    assert [each["code"] for each in body_of(database, second)["diagnoses"]] == codes
    with pytest.raises(DiagnosesExclude):
        superbill(database, session_id, diagnoses=codes[::-1])
    with database.reading() as read:
        said = read.session.query(AuditRow).filter_by(action="superbill.diagnoses-unrelated").all()
    assert [row.subject_id for row in said] == [session_id]


def test_a_voided_superbill_stays_on_file_and_its_number_is_not_used_again(database, course, now):
    first = handed_out(database, course.session_ids[0])
    voided = void(database, first, now)
    assert voided.state is SuperbillState.VOID
    second = superbill(database, course.session_ids[0])
    assert (second.number, second.version, second.supersedes_id) == ("SB-000002", 2, None)
    with pytest.raises(IllegalMove):
        void(database, first, now)


def test_a_session_to_come_has_no_superbill(database, course):
    with pytest.raises(SuperbillNotPossible, match="this infusion is planned"):
        superbill(database, course.session_ids[0])


def test_a_session_without_a_stop_time_waits_for_the_clinician(database, course, now):
    session_id = course.session_ids[0]
    let_in(database, session_id)
    with pytest.raises(SuperbillNotPossible):
        superbill(database, session_id)


def test_a_session_that_is_not_invoiced_has_no_superbill(database):
    session = new_session(database, a_patient(database).id)
    give(database, session.id)
    with pytest.raises(SuperbillNotPossible, match="not invoiced"):
        superbill(database, session.id)


def test_a_session_without_a_provider_has_no_superbill(database):
    bill = billed(database, a_patient(database), only_first=1)
    give(database, bill.session_ids[0])
    with pytest.raises(SuperbillNotPossible, match="no provider"):
        superbill(database, bill.session_ids[0])


def test_a_session_of_another_clinic_does_not_exist(database, course):
    issued = handed_out(database, course.session_ids[0])
    with database.reading() as read, pytest.raises(NoSuchSuperbill):
        find_superbill(read, issued.id, STRANGER)
    with database.reading() as read:
        assert list_superbills(read, STRANGER, limit=10) == []


def test_the_list_goes_by_patient_and_day_of_service(database, course, now):
    issued = handed_out(database, course.session_ids[0])
    with database.reading() as read:
        assert list_superbills(read, SYSTEM, patient_id=course.patient.id, limit=10) == [issued]
        assert list_superbills(read, SYSTEM, starts_on=date(2026, 11, 3), limit=10) == []
        assert list_superbills(read, SYSTEM, ends_on=date(2026, 11, 2), limit=10) == [issued]
        assert list_superbills(read, SYSTEM, cursor=issued.id, limit=10) == []


def test_a_superbill_is_drawn_once_and_kept(database, course, now):
    issued = handed_out(database, course.session_ids[0])
    drawn = []

    def draw(body):
        drawn.append(body["number"])
        return b"%PDF " + body["number"].encode()

    first, second = (rendered_once(database, draw, document_id=issued.document_id, now=now) for _ in range(2))
    assert first == second == b"%PDF SB-000001"
    assert drawn == ["SB-000001"]


def test_who_draws_it_at_the_same_moment_gets_the_bytes_that_are_kept(database, course, now):
    issued = handed_out(database, course.session_ids[0])

    def draw(body):
        rendered_once(database, lambda _: b"%PDF other", document_id=issued.document_id, now=now)
        return b"%PDF own"

    drawn = rendered_once(database, draw, document_id=issued.document_id, now=now)
    with database.reading() as read:
        assert drawn == find_rendering(read, issued.document_id) == b"%PDF other"


def test_a_session_is_judged_as_it_is_once_its_patient_is_held(database, course, monkeypatch):
    give(database, course.session_ids[0])

    def lock_after_a_change(tx, patient_id):
        change = update(SessionRow).where(SessionRow.id == course.session_ids[0])
        tx.session.execute(change.values(provider_id=None))
        return lock_patient(tx, patient_id)

    monkeypatch.setattr(superbills, "lock_patient", lock_after_a_change)
    with pytest.raises(SuperbillNotPossible, match="no provider"):
        superbill(database, course.session_ids[0])


def test_issuing_leaves_a_job_to_draw_it(database, course):
    issued = handed_out(database, course.session_ids[0])
    with database.reading() as read:
        job = read.session.query(Job).filter_by(kind=RENDER_JOB).one()
    assert job.key == issued.document_id


def test_coded_add_ons_stand_on_lines_of_their_own(database):
    course = a_course(database, sessions=1, add_ons={"midazolam": 1, "anti_nausea": 1})
    given = [DrugEntry(drug=each, dose_mg=Decimal(2), way=Way.PUSH) for each in ("midazolam", "ondansetron")]
    signed(database, course.session_ids[0], entry(KETAMINE, *given))
    issued = superbill(database, course.session_ids[0])
    charges = {line["code"]: line["charge_cents"] for line in body_of(database, issued)["lines"]}
    assert charges == {
        "96365": 12_750,
        "96375": 12_750,
        "J2405": 1_275,
        "J2250": 1_700,
        "J3490": 0,
    }
    assert sum(charges.values()) + 12_750 == issued.charge.cents, "two drugs were pushed"


def test_a_superbill_that_would_print_a_name_wrong_is_refused_by_field_and_takes_no_number(database, course):
    give(database, course.session_ids[0])
    referring = ReferringProvider(name="Dr. 陳大文", npi="")
    with pytest.raises(InvalidSuperbill) as refused:
        superbill(database, course.session_ids[0], wishes=Wishes(referring_provider=referring))
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/referring_provider/name"]
    assert not versions(database, course.session_ids[0])
    assert superbill(database, course.session_ids[0]).number == "SB-000001"
