"""What was done at a visit is recorded and signed on its page, by the clinician alone."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.care.queries.charts import charts_of
from billing.kernel.permissions import Role
from tests.factories.care import let_in
from tests.factories.charts import entry, signed
from tests.factories.web import new_staff, send, sign_in

ZONE = ZoneInfo("America/Chicago")


@pytest.fixture
def session_id(clinic):
    return clinic.invoice.lines[0].session_id


@pytest.fixture
def at(session_id):
    return f"/staff/sessions/{session_id}/chart"


@pytest.fixture
def clinician(pages, database, clinic, now):
    return sign_in(pages, new_staff(database, Role.CLINICIAN, now, entity_id=clinic.entity.id))


@pytest.fixture
def typed(now):
    def clock(minutes):
        return f"{(now - timedelta(minutes=minutes)).astimezone(ZONE):%H:%M}"

    return {
        "on": now.astimezone(ZONE).date().isoformat(),
        "started_at": clock(45),
        "stopped_at": clock(0),
        "rows": "1",
        "drugs-0-drug": "ketamine",
        "drugs-0-dose_mg": "40",
        "drugs-0-way": "infusion",
        "drugs-0-order": "first",
    }


def version_on(clinician, at):
    """Of the record that the page shows."""
    return re.search(r'name="version" value="(\d+)"', clinician.get(at).text)[1]


def post(clinician, at, path, **fields):
    return send(clinician, at, path, **{"version": version_on(clinician, at)} | fields)


def charts(database, session_id):
    with database.reading() as read:
        return charts_of(read, session_id)


def test_a_visit_waits_is_signed_and_then_only_amended(database, clinician, session_id, at, typed):
    assert "Nothing waits for a signature." in clinician.get("/staff/charts").text
    let_in(database, session_id)
    waiting = clinician.get("/staff/charts").text
    assert at in waiting
    assert "a record" in waiting
    kept = post(clinician, at, at, **typed | {"stopped_at": ""}, key="a" * 20)
    assert (kept.status_code, kept.location) == (303, at)
    assert "the stop" in clinician.get("/staff/charts").text
    page = clinician.get(at).text
    assert f'value="{typed["started_at"]}"' in page
    version = version_on(clinician, at)
    for _ in range(2):
        done = post(clinician, at, f"{at}/sign", **typed, version=version, key="b" * 20)
        assert (done.status_code, done.location) == (303, at)
    page = clinician.get(at).text
    assert "Signed. The visit is given." in page
    assert "Sign the amendment" in page
    assert [each.is_signed for each in charts(database, session_id)] == [False, True]
    missing = post(clinician, at, f"{at}/amend", **typed, key="c" * 20)
    assert missing.status_code == 422
    assert 'id="reason-wrong"' in missing.text
    amended = post(clinician, at, f"{at}/amend", **typed, reason="wrong vial", key="d" * 20)
    assert amended.status_code == 303
    assert "Amended: wrong vial" in clinician.get(at).text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stopped_at", ""),
        ("started_at", "soon"),
        ("on", "tomorrow"),
        ("drugs-0-dose_mg", "forty"),
        ("drugs-0-way", "swallowed"),
        ("drugs-0-ndc", "123"),
        ("psychotherapy_minutes", "an hour"),
        ("psychotherapy_minutes", "46"),
        ("evaluation-kind", "office"),
        ("hydration-purpose", "vomiting"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_stays(
    database, clinician, session_id, at, typed, field, value
):
    let_in(database, session_id)
    answer = post(clinician, at, f"{at}/sign", **typed | {field: value}, key="a" * 20)
    assert answer.status_code == 422
    beside = {"evaluation-kind": "evaluation-minutes", "hydration-purpose": "hydration-started_at"}
    assert f'id="{beside.get(field, field)}-wrong"' in answer.text
    if field not in ("drugs-0-dose_mg",):
        assert 'id="drugs-0-dose_mg" name="drugs-0-dose_mg" type="text" value="40"' in answer.text
    assert charts(database, session_id) == ()


@pytest.mark.parametrize("deed", ["", "/sign"])
def test_a_draft_that_somebody_else_wrote_meanwhile_is_not_written_over(
    database, clinician, session_id, at, typed, deed
):
    let_in(database, session_id)
    shown = version_on(clinician, at)
    assert post(clinician, at, at, **typed | {"drugs-0-dose_mg": "50"}, key="a" * 20).status_code == 303
    late = post(clinician, at, at + deed, **typed, version=shown, key="b" * 20)
    assert late.status_code == 409
    assert "50 mg" in late.text, "what stands on file"
    assert 'type="text" value="40"' in late.text, "beside what was typed"
    assert len(charts(database, session_id)) == 1
    (version,) = re.findall(r'name="version" value="(\d+)"', late.text)
    assert post(clinician, at, at + deed, **typed, version=version, key="c" * 20).status_code == 303


def test_the_second_of_two_who_amend_is_told_of_the_first(database, clinician, session_id, at, typed):
    signed(database, session_id, entry())
    shown = version_on(clinician, at)
    first, second = (
        post(clinician, at, f"{at}/amend", **typed, reason=each, version=shown, key=each * 5)
        for each in ("vial", "dose")
    )
    assert (first.status_code, second.status_code) == (303, 409)
    assert [each.reason for each in charts(database, session_id)] == [None, "vial"]


def test_a_refusal_for_another_reason_does_not_make_an_old_chart_new(
    database, clinician, session_id, at, typed
):
    let_in(database, session_id)
    shown = version_on(clinician, at)
    assert post(clinician, at, at, **typed, key="a" * 20).status_code == 303
    wrong = post(clinician, at, at, **typed | {"drugs-0-dose_mg": "forty"}, version=shown, key="b" * 20)
    more = post(clinician, at, f"{at}/more", **typed, version=shown)
    for answer in (wrong, more):
        assert f'name="version" value="{shown}"' in answer.text


def test_another_row_keeps_what_was_typed_and_writes_nothing(database, clinician, session_id, at, typed):
    let_in(database, session_id)
    page = post(clinician, at, f"{at}/more", **typed).text
    assert len(re.findall(r'name="drugs-\d+-drug"', page)) == 2
    assert 'value="40"' in page
    assert charts(database, session_id) == ()
    more = {f"drugs-1-{name}": told for name, told in (
        ("drug", "ketamine"), ("dose_mg", "2.5"), ("way", "push"), ("order", "sequential"),
    )}  # fmt: skip
    assert post(clinician, at, f"{at}/sign", **typed | more | {"rows": "2"}, key="b" * 20).status_code == 303
    assert [str(each.dose_mg) for each in charts(database, session_id)[0].drugs] == ["40", "2.5"]


def test_billing_reads_what_was_done_and_records_nothing(database, pages, clinic, session_id, at, now):
    signed(database, session_id, entry())
    clerk = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=clinic.entity.id))
    assert at in clerk.get(f"/staff/patients/{clinic.patient.id}").text
    page = clerk.get(at).text
    assert "Ketamine hydrochloride 50 mg/mL, 40 mg" in page
    assert '<form method="post" action="' + at not in page
    assert clerk.get("/staff/charts").status_code == 403


def test_a_drug_that_ran_outside_of_the_visit_is_told_beside_its_field(
    database, clinician, session_id, at, typed
):
    let_in(database, session_id)
    own = {"drugs-0-started_at": "00:01", "drugs-0-stopped_at": typed["stopped_at"]}
    for deed in ("", "/sign"):
        answer = post(clinician, at, at + deed, **typed | own, key="a" * 20)
        assert answer.status_code == 422
        assert "before the visit&#39;s start" in answer.text
        assert 'id="drugs-0-started_at-wrong"' in answer.text
    assert charts(database, session_id) == ()


def test_what_an_evaluation_took_before_and_after_the_visit_is_kept_and_shown(
    database, clinician, session_id, at, typed
):
    let_in(database, session_id)
    talks = {"evaluation-kind": "office", "evaluation-minutes": "45", "psychotherapy_minutes": "20"}
    refused = post(clinician, at, f"{at}/sign", **typed | talks, key="a" * 20)
    assert refused.status_code == 422
    assert "no minute counts twice" in refused.text
    talks |= {"evaluation-outside_minutes": "20"}
    assert post(clinician, at, f"{at}/sign", **typed | talks, key="b" * 20).status_code == 303
    page = clinician.get(at).text
    assert "45 minutes, 20 of them before or after the visit" in page
    assert 'name="evaluation-outside_minutes" type="text" value="20"' in page


def test_a_visit_across_midnight_is_signed_shown_and_amended(database, clinician, session_id, at, typed, now):
    before = now.astimezone(ZONE).date() - timedelta(days=1)
    let_in(database, session_id, now=now - timedelta(days=1))
    night = typed | {
        "on": before.isoformat(),
        "started_at": "23:30",
        "stopped_at": "00:40",
        "drugs-0-started_at": "23:40",
        "drugs-0-stopped_at": "00:30",
    }
    refused = post(clinician, at, f"{at}/sign", **night, key="a" * 20)
    assert refused.status_code == 422, "not without being told"
    ticked = night | {"past_midnight": "yes"}
    assert post(clinician, at, f"{at}/sign", **ticked, key="b" * 20).status_code == 303
    (chart,) = charts(database, session_id)
    assert chart.stopped_at - chart.started_at == timedelta(minutes=70)
    assert chart.drugs[0].stopped_at - chart.drugs[0].started_at == timedelta(minutes=50)
    page = clinician.get(at).text
    assert re.search(r'name="past_midnight" value="yes" checked', page)
    assert f'value="{before.isoformat()}"' in page
    later = ticked | {"stopped_at": "00:50", "drugs-0-started_at": "00:05"}
    assert post(clinician, at, f"{at}/amend", **later, reason="clock", key="c" * 20).status_code == 303
    last = charts(database, session_id)[-1]
    assert (last.stopped_at - last.started_at, last.drugs[0].stopped_at - last.drugs[0].started_at) == (
        timedelta(minutes=80),
        timedelta(minutes=25),
    )


def test_what_was_typed_the_wrong_way_round_is_no_visit_of_a_day(
    database, clinician, session_id, at, typed, now
):
    let_in(database, session_id, now=now - timedelta(days=3))
    on = (now.astimezone(ZONE).date() - timedelta(days=2)).isoformat()
    wrong = typed | {"on": on, "started_at": "09:00", "stopped_at": "08:15"}
    assert post(clinician, at, f"{at}/sign", **wrong, key="a" * 20).status_code == 422
    assert charts(database, session_id) == ()
