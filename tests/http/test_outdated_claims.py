"""Over HTTP and on the command line: claims from before their visit's money changed are not sent."""

import json

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.queries import find_patient
from billing.patients.records import Sex
from billing.patients.use_cases import amend_patient
from billing.payments.queries.payments import list_payments
from tests.factories.care import give
from tests.factories.insurance import a_course

TOLD = {"told_charge_cents": 42_500, "told_paid_cents": 42_500, "charge_cents": 45_000, "paid_cents": 45_000}

CHOSEN = {"diagnoses": ["F33.2"]}


@pytest.fixture
def package(database):
    """A paid six-pack of which two visits were given."""
    course = a_course(database, sessions=None, is_veteran=False)
    for session_id in course.session_ids[:2]:
        give(database, session_id)
    return course


@pytest.fixture
def biller(issue, package):
    return issue(Role.BILLING, entity_id=package.patient.entity_id)


@pytest.fixture
def issued(biller, package):
    """The papers of both visits, at 425 each."""
    for session_id in package.session_ids[:2]:
        assert biller.post(f"/sessions/{session_id}/superbill", CHOSEN).json["charge_cents"] == 42_500
    return [biller.post(f"/sessions/{each}/claim", CHOSEN).json for each in package.session_ids[:2]]


@pytest.fixture
def export(app, tmp_path):
    """`flask claims export`, in either form."""

    def work(form="837p"):
        path = tmp_path / f"{form}.out"
        arguments = ["claims", "export", "--format", form, "--out", str(path), "--json"]
        return app.test_cli_runner().invoke(args=arguments), path

    return work


def stop(biller, package):
    assert biller.post(f"/invoices/{package.invoice_id}/stop").status_code < 300


def open_tasks(biller):
    return [
        (task["kind"], task["subject_id"])
        for task in biller.get("/tasks", query_string={"state": "open"}).json["items"]
    ]


def test_a_stop_asks_of_each_visit_and_its_old_claims_are_not_sent(biller, package, issued):
    stop(biller, package)
    wanted = [("papers-outdated", each) for each in package.session_ids[:2]]
    assert sorted(open_tasks(biller)) == sorted(wanted)
    route = f"/claims/{issued[0]['id']}"
    for refused in (
        biller.post(f"{route}/filed"),
        biller.get(f"{route}/837p"),
        biller.get(f"{route}/cms1500"),
    ):
        assert (refused.status_code, refused.json["code"]) == (409, "claim-outdated")
        assert {name: refused.json[name] for name in TOLD} == TOLD
    assert biller.get(f"{route}/cms1500?view=true").status_code == 200
    assert biller.get(route).json == issued[0]
    for session_id in package.session_ids[:2]:
        assert biller.post(f"/sessions/{session_id}/superbill", CHOSEN).json["charge_cents"] == 45_000
        anew = biller.post(f"/sessions/{session_id}/claim", CHOSEN).json
        assert (anew["charge_cents"], anew["paid_cents"]) == (45_000, 45_000)
        assert biller.post(f"/claims/{anew['id']}/filed").json["state"] == "filed"
    assert open_tasks(biller) == []
    assert biller.get(f"{route}/837p").status_code == 200


@pytest.mark.parametrize("form", ["837p", "cms1500"])
def test_an_export_names_what_is_outdated_and_writes_nothing(biller, package, issued, export, form):
    stop(biller, package)
    anew = biller.post(f"/sessions/{package.session_ids[1]}/claim", CHOSEN).json
    refused, path = export(form)
    assert refused.exit_code != 0
    told = json.loads(refused.output)
    assert [each["pointer"] for each in told["errors"]] == [f"/claims/{issued[0]['number']}"]
    assert not path.exists()
    assert [biller.get(f"/claims/{each['id']}").json["state"] for each in (issued[0], anew)] == [
        "issued",
        "issued",
    ]
    biller.post(f"/sessions/{package.session_ids[0]}/claim", CHOSEN)
    done, path = export(form)
    assert (done.exit_code, path.exists()) == (0, True)


def test_a_claim_of_a_refunded_visit_is_not_filed(database, issue, now):
    course = a_course(database, sessions=1, is_veteran=False)
    (session_id,) = course.session_ids
    give(database, session_id)
    biller = issue(Role.BILLING, entity_id=course.patient.entity_id)
    old = biller.post(f"/sessions/{session_id}/claim", CHOSEN).json
    with database.reading() as read:
        (payment,) = list_payments(read, SYSTEM, invoice_id=course.invoice_id, limit=9)
    asked = {"amount_cents": 45_000, "refundable_cents": 45_000, "reason": "billing_error"}
    assert biller.post(f"/payments/{payment.id}/refunds", asked).json["amount_cents"] == Money(45_000).cents
    refused = biller.post(f"/claims/{old['id']}/filed")
    assert (refused.status_code, refused.json["code"], refused.json["paid_cents"]) == (
        409,
        "claim-outdated",
        0,
    )
    assert open_tasks(biller) == [("papers-outdated", session_id)]
    assert biller.post(f"/sessions/{session_id}/claim", CHOSEN).json["paid_cents"] == 0
    assert open_tasks(biller) == []


def reissue(biller, key="again-1"):
    return biller.post("/outdated-papers/reissue", {}, key=key)


def test_all_that_the_books_have_overtaken_is_issued_again_at_once_and_once(biller, package, issued, export):
    assert biller.get("/outdated-papers").json == {"items": []}
    stop(biller, package)
    waiting = biller.get("/outdated-papers").json["items"]
    assert [(each["kind"], each["session_id"]) for each in waiting] == [
        (kind, each) for each in sorted(package.session_ids[:2]) for kind in ("superbill", "claim")
    ]
    assert {name: waiting[0][name] for name in TOLD} == TOLD
    done = reissue(biller).json
    assert ([each["outcome"] for each in done["items"]], done["left"]) == (["issued"] * 4, 0)
    assert [each["paper"] for each in done["items"]] == waiting
    numbers = {each["number"] for each in done["items"]}
    assert len(numbers) == 4
    assert not numbers & {each["number"] for each in waiting}
    assert biller.get("/outdated-papers").json == {"items": []}
    assert open_tasks(biller) == []
    assert reissue(biller).json == done, "the same key tells the same"
    assert reissue(biller, "again-2").json == {"items": [], "left": 0}
    sent, path = export()
    assert (sent.exit_code, path.exists()) == (0, True)


def test_one_that_is_refused_keeps_no_other_from_being_issued_and_is_told_by_field(
    database, biller, package, issued, now
):
    assert biller.post(f"/claims/{issued[1]['id']}/filed").json["state"] == "filed"
    stop(biller, package)
    first, unknown = package.session_ids[0], {"sex": Sex.UNKNOWN}
    with database.reading() as read:
        of = {
            "patient_id": package.patient.id,
            "expected_version": find_patient(read, package.patient.id, SYSTEM).version,
        }
    database.in_transaction(lambda tx: amend_patient(tx, **of, changes=unknown, actor=SYSTEM, now=now))
    told = {
        (each["paper"]["kind"], each["paper"]["session_id"]): each for each in reissue(biller).json["items"]
    }
    assert told["superbill", first]["outcome"] == "issued"
    refused = told["claim", first]
    assert (refused["outcome"], refused["number"]) == ("refused", None)
    assert [each["pointer"] for each in refused["errors"]] == ["/patient/sex"]
    by_hand = told["claim", package.session_ids[1]]
    assert by_hand["outcome"] == "refused"
    assert "corrected" in by_hand["detail"]
    assert ("papers-outdated", first) in open_tasks(biller)


def test_nobody_else_issues_them_again(issue, package, issued):
    desk = issue(Role.FRONT_DESK, entity_id=package.patient.entity_id)
    assert desk.get("/outdated-papers").status_code == 403
    assert reissue(desk).status_code == 403
    stranger = issue(Role.BILLING)
    assert stranger.get("/outdated-papers").json == {"items": []}
