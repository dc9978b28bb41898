"""How a visit is coded is explained, and changed with a reason, by the API and on the page alike."""

import re

import pytest
from sqlalchemy import select

from billing.kernel.permissions import Role
from billing.platform.data.audit import AuditRow
from tests.factories.charts import amended, entry, signed
from tests.factories.insurance import a_course
from tests.factories.web import new_staff, send, sign_in


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def visit(database, course):
    signed(database, course.session_ids[0], entry(minutes=100))
    return course.session_ids[0]


@pytest.fixture
def clerk(pages, database, course, now):
    return sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))


@pytest.fixture
def biller(issue, course):
    return issue(Role.BILLING, entity_id=course.patient.entity_id)


def pointers(answer):
    assert answer.status_code == 422, answer.text
    return {error["pointer"] for error in answer.json["errors"]}


def test_each_line_is_explained_and_the_explanation_shows_what_was_changed(biller, database, visit):
    path = f"/sessions/{visit}/coding"
    told = biller.get(path).json
    assert [line["code"] for line in told["coded"]] == ["96365", "96366", "J3490"]
    assert told["coded"] == told["billed"]
    assert told["override"] is None
    assert told["coded"][0]["explanation"][0]["rule"] == "infusion_initial"
    assert "07:20 to 09:00, 100 minutes" in told["coded"][0]["explanation"][0]["text"]
    change = {"lines": [{"place": 2, "modifiers": ["GA"]}], "reason": "as the plan asked"}
    changed = biller.post(path, change)
    assert changed.status_code == 201, changed.text
    line = changed.json["billed"][1]
    assert (line["code"], line["modifiers"], line["charge_cents"]) == ("96366", ["GA"], 19_125)
    assert line["explanation"][-1] == {
        "rule": "override",
        "text": "Coded as 96366, 1; changed by staff: as the plan asked",
    }
    assert changed.json["coded"] == told["coded"]
    with database.reading() as read:
        rows = read.session.scalars(select(AuditRow).where(AuditRow.subject_id == visit)).all()
    assert {"coding.read", "coding.override"} <= {row.action for row in rows}
    assert "plan asked" not in str([row.detail for row in rows])


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        ({"place": 4}, "/lines/0/place"),
        ({"place": 0}, "/lines/0/place"),
        ({"place": 1, "code": "9636"}, "/lines/0/code"),
        ({"place": 1, "code": "9636é"}, "/lines/0/code"),
        ({"place": 1, "units": 0}, "/lines/0/units"),
        ({"place": 1, "units": 1.0}, "/lines/0/units"),
        ({"place": 1, "modifiers": ["2"]}, "/lines/0/modifiers"),
        ({"place": 1, "modifiers": ["25", "25"]}, "/lines/0/modifiers"),
        ({"place": 1, "pointers": "AA"}, "/lines/0/pointers"),
        ({"place": 1, "pointers": "M"}, "/lines/0/pointers"),
        ({"place": 1, "charge_cents": 1}, "/lines/0/charge_cents"),
        ({"place": 3, "code": "99211"}, "/lines/0/code"),
        ({"place": 2, "code": "96365"}, "/lines/0/modifiers"),
    ],
)
def test_what_no_insurer_would_take_is_refused_and_named(biller, visit, line, pointer):
    path = f"/sessions/{visit}/coding"
    assert pointer in pointers(biller.post(path, {"lines": [line], "reason": "x"}))
    assert biller.get(path).json["override"] is None


def test_a_second_initial_code_is_taken_with_a_modifier_that_sets_it_apart(biller, visit):
    line = {"place": 2, "code": "96365", "modifiers": ["XS"]}
    assert (
        biller.post(f"/sessions/{visit}/coding", {"lines": [line], "reason": "two lines"}).status_code == 201
    )


def test_a_reason_is_needed_and_a_visit_that_was_not_given_has_no_lines(biller, course, visit):
    assert pointers(biller.post(f"/sessions/{visit}/coding", {"lines": []})) == {"/reason"}
    missing = biller.get(f"/sessions/{course.session_ids[1]}/coding")
    assert (missing.status_code, missing.json["code"]) == (409, "superbill-not-possible")


def shown_on(clerk, at):
    """The mark of the lines that the page shows."""
    (mark,) = re.findall(r'name="shown" value="([^"]+)"', clerk.get(at).text)
    return mark


def post(clerk, at, **fields):
    return send(clerk, at, at, **{"shown": shown_on(clerk, at)} | fields)


def typed(**changes):
    return {
        "code": ["96365", "96366", "J3490"],
        "modifiers": ["", "", ""],
        "units": ["1", "1", "1"],
        "pointers": ["", "", ""],
        "reason": "as the plan asked",
    } | changes


def test_the_page_explains_changes_and_takes_back(clerk, visit):
    at = f"/staff/sessions/{visit}/coding"
    assert at in clerk.get(f"/staff/sessions/{visit}/superbill/new").text
    page = clerk.get(at).text
    assert "up to 90 minutes are 96365" in page
    assert "Billed as" not in page
    changed = post(clerk, at, **typed(modifiers=["", "ga, xs", ""], units=["1", "2", "1"]), key="a" * 20)
    assert (changed.status_code, changed.location) == (303, at)
    page = clerk.get(at).text
    assert "Billed as <strong>96366-GA-XS</strong>, 2 units" in page
    assert "as the plan asked" in page
    back = post(clerk, at, **typed(), take_back="yes", key="b" * 20)
    assert back.status_code == 303
    assert "Billed as" not in clerk.get(at).text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": ["96365", "9636", "J3490"]}, "code-1"),
        ({"units": ["1", "one", "1"]}, "units-1"),
        ({"pointers": ["", "", "Z"]}, "pointers-2"),
        ({"reason": " "}, "reason"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_stays(clerk, visit, changes, field):
    at = f"/staff/sessions/{visit}/coding"
    answer = post(clerk, at, **typed(modifiers=["ZZ", "", ""]) | changes, key="a" * 20)
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert 'value="ZZ"' in answer.text


def test_a_form_that_lacks_fields_changes_nothing(clerk, visit):
    at = f"/staff/sessions/{visit}/coding"
    assert post(clerk, at, code=["96365"], reason="x", key="a" * 20).status_code == 422
    assert send(clerk, at, at, **typed(), key="a" * 20).status_code == 422


def test_lines_that_changed_since_they_were_shown_are_not_changed_by_their_place(clerk, database, visit, now):
    at = f"/staff/sessions/{visit}/coding"
    shown = shown_on(clerk, at)
    amended(database, visit, entry(minutes=200), now=now)
    answer = post(clerk, at, shown=shown, **typed(modifiers=["", "ZZ", ""]), key="a" * 20)
    assert answer.status_code == 409
    assert "Nothing was changed" in answer.text
    assert 'value="ZZ"' not in answer.text, "what was typed was for other lines"
    again = post(clerk, at, shown=shown_on(clerk, at), **typed(units=["1", "1", "1"]), key="b" * 20)
    assert again.status_code == 303


def test_the_second_of_two_clerks_is_told_of_the_first(clerk, visit):
    at = f"/staff/sessions/{visit}/coding"
    shown = shown_on(clerk, at)
    first = post(clerk, at, shown=shown, **typed(modifiers=["GA", "", ""]), key="a" * 20)
    second = post(clerk, at, shown=shown, **typed(modifiers=["GZ", "", ""]), key="b" * 20)
    third = post(clerk, at, shown=shown, **typed(), take_back="yes", key="c" * 20)
    assert [each.status_code for each in (first, second, third)] == [303, 409, 409]
    assert "96365-GA" in clerk.get(at).text


def test_a_refusal_for_another_reason_does_not_make_an_old_page_new(clerk, database, visit, now):
    at = f"/staff/sessions/{visit}/coding"
    shown = shown_on(clerk, at)
    amended(database, visit, entry(minutes=200), now=now)
    answer = post(clerk, at, shown=shown, **typed(units=["1", "one", "1"]), key="a" * 20)
    assert answer.status_code == 422
    assert f'name="shown" value="{shown}"' in answer.text


def test_a_program_may_say_which_lines_it_saw(biller, database, visit, now):
    path = f"/sessions/{visit}/coding"
    seen = biller.get(path).json["shown"]
    amended(database, visit, entry(minutes=200), now=now)
    change = {"lines": [{"place": 2, "modifiers": ["GA"]}], "reason": "as the plan asked"}
    refused = biller.post(path, change | {"shown": seen})
    assert (refused.status_code, refused.json["code"]) == (409, "lines-changed")
    assert biller.get(path).json["override"] is None
    assert biller.post(path, change | {"shown": biller.get(path).json["shown"]}).status_code == 201


def test_a_visit_to_come_says_what_is_missing(clerk, course):
    page = clerk.get(f"/staff/sessions/{course.session_ids[1]}/coding")
    assert page.status_code == 200
    assert "is planned" in page.text
