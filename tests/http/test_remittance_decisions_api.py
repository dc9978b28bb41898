"""Decisions about parked remittances over HTTP: who may make them, once each, and what they refuse."""

import pytest

from billing.insurance.api import make_blueprint
from billing.kernel.permissions import ROLES, Actor, Role
from billing.wiring import INSURERS
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.remittance_835 import Claim, remittance
from tests.factories.room_app import Door, room_client

WHY = "Name and day on the letter"


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def door(course, now):
    entity_id, permissions = course.patient.entity_id, ROLES[Role.BILLING]
    return Door(Actor(id="usr_biller", entity_id=entity_id, permissions=permissions), now)


@pytest.fixture
def client(database, door):
    return room_client(database, door, lambda edge: make_blueprint(edge, INSURERS))


@pytest.fixture
def parked(database, course, door):
    handed_out(database, course.session_ids[0])
    claims = [Claim(control_number="LOST", charge_cents=38_250, paid_cents=18_000)]
    return imported(database, remittance(claims), actor=door.actor).transactions[0]


@pytest.fixture
def post(client, parked):
    def send(deed, body, key="key-1", remittance_id=parked.id):
        headers = {"Idempotency-Key": key} if key else {}
        return client.post(f"/api/v1/remittances/{remittance_id}/{deed}", json=body, headers=headers)

    return send


@pytest.fixture
def match(course, client, parked):
    (claim,) = client.get(f"/api/v1/remittances/{parked.id}").json["claims"]
    return {"claim_id": claim["id"], "session_id": course.session_ids[0], "reason": WHY}


def test_a_match_posts_once_and_the_same_key_tells_the_same(course, post, match):
    matched = post("matches", match)
    assert (matched.status_code, matched.json["status"]) == (200, "posted")
    (claim,) = matched.json["claims"]
    assert (claim["session_id"], claim["credit_cents"]) == (course.session_ids[0], 18_000)
    assert post("matches", match).data == matched.data
    late = post("matches", match, key="key-2")
    assert (late.status_code, late.json["code"]) == (409, "remittance-not-parked")


def test_each_of_them_may_move_money_and_so_needs_a_key(post, match):
    for deed, body in (("matches", match), ("look-again", {}), ("put-back", {"reason": WHY})):
        refused = post(deed, body, key=None)
        assert (refused.status_code, refused.json["code"]) == (400, "idempotency-key-required")


def test_what_is_not_ours_is_listed_as_set_aside_and_put_back(client, parked, post):
    aside = post("set-aside", {"reason": "Another clinic's"})
    assert (aside.status_code, aside.json["status"]) == (200, "put_aside")
    listed = client.get("/api/v1/remittances", query_string={"state": "put_aside"}).json["items"]
    assert [each["id"] for each in listed] == [parked.id]
    back = post("put-back", {"reason": "Ours after all"}, key="key-2")
    assert back.json["status"] == "parked"
    assert post("look-again", {}, key="key-3").json["status"] == "parked"


@pytest.mark.parametrize(
    ("deed", "change", "pointer"),
    [
        ("matches", {"reason": ""}, "/reason"),
        ("matches", {"reason": "x" * 301}, "/reason"),
        ("matches", {"reason": "4242 4242 4242 4242"}, "/reason"),
        ("matches", {"session_id": "x"}, "/session_id"),
        ("matches", {"claim_id": None}, "/claim_id"),
        ("matches", {"more": 1}, "/more"),
        ("set-aside", {"session_id": "x"}, "/session_id"),
    ],
)
def test_a_wrong_body_names_the_field_and_changes_nothing(client, parked, post, match, deed, change, pointer):
    body = (match if deed == "matches" else {"reason": WHY}) | change
    refused = post(deed, body)
    assert refused.status_code == 422
    assert pointer in [error["pointer"] for error in refused.json["errors"]]
    assert client.get(f"/api/v1/remittances/{parked.id}").json["status"] == "parked"


def test_a_claim_id_of_before_the_last_look_is_told_apart(post, match):
    post("look-again", {})
    stale = post("matches", match, key="key-2")
    assert (stale.status_code, stale.json["code"]) == (409, "answer-changed")


def test_who_may_only_read_decides_nothing_and_another_clinic_finds_nothing(
    door, client, parked, post, match
):
    told = door.actor
    door.actor = Actor(id="usr_a", entity_id=told.entity_id, permissions=ROLES[Role.ACCOUNTANT])
    for deed in (
        "matches",
        "matches/withdraw",
        "look-again",
        "set-aside",
        "put-back",
        "another-payment",
        "day-is-right",
        "payee-is-ours",
    ):
        assert post(deed, match).status_code == 403
    door.actor = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.BILLING])
    assert post("matches", match).status_code == 404
    door.actor = told
    assert client.get(f"/api/v1/remittances/{parked.id}").json["status"] == "parked"


def test_copies_are_listed_by_themselves(database, client, door, course, parked):
    query = {"came_again": "true"}
    assert client.get("/api/v1/remittances", query_string=query).json["items"] == []
    bill = handed_out(database, course.session_ids[1])
    claims = [Claim(control_number=bill.control_number, charge_cents=38_250, paid_cents=100)]
    for _ in range(2):
        imported(database, remittance(claims, trace="TWICE"), actor=door.actor)
    listed = client.get("/api/v1/remittances", query_string=query).json["items"]
    assert [each["trace"] for each in listed] == ["TWICE"]
    assert client.get("/api/v1/remittances", query_string={"came_again": "yes"}).status_code == 422


@pytest.fixture
def typed(database, course):
    """A paper EOB of $180.00 for the second visit."""
    bill = handed_out(database, course.session_ids[1])
    return {
        "payer_name": "Sample Plan",
        "check_number": "5501",
        "amount_cents": 18_000,
        "paid_on": "2026-11-02",
        "claims": [
            {
                "control_number": bill.control_number,
                "charge_cents": 38_250,
                "paid_cents": 18_000,
                "adjustments": [{"group": "PR", "code": "1", "amount_cents": 20_250}],
            }
        ],
    }


@pytest.fixture
def key_in(client):
    def send(body, key="eob-1"):
        headers = {"Idempotency-Key": key} if key else {}
        return client.post("/api/v1/remittances/paper", json=body, headers=headers)

    return send


def test_a_paper_eob_is_keyed_in_once(client, key_in, typed):
    posted = key_in(typed)
    assert (posted.status_code, posted.json["status"], posted.json["is_on_paper"]) == (201, "posted", True)
    assert posted.json["claims"][0]["credit_cents"] == 18_000
    assert key_in(typed).data == posted.data
    again = key_in(typed, key="eob-2")
    assert (again.json["id"], again.json["status"]) == (posted.json["id"], "duplicate")
    assert key_in(typed, key=None).json["code"] == "idempotency-key-required"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"amount_cents": 17_999}, "/amount_cents"),
        ({"amount_cents": -1}, "/amount_cents"),
        ({"amount_cents": 1e400}, "/amount_cents"),
        ({"amount_cents": 2**63}, "/amount_cents"),
        ({"paid_on": "2026-11-03"}, "/paid_on"),
        ({"claims": []}, "/claims"),
        ({"claims": [{"charge_cents": 100, "paid_cents": 1}]}, "/claims/0/paid_cents"),
        ({"claims": [{"charge_cents": 100, "paid_cents": 100, "status": "9"}]}, "/claims/0/status"),
        (
            {"claims": [{"charge_cents": 1, "paid_cents": 1, "adjustments": [{"group": "XX", "code": "1"}]}]},
            "/claims/0/adjustments/0/group",
        ),
        (
            {
                "claims": [
                    {
                        "charge_cents": 18_000,
                        "paid_cents": 18_000,
                        "lines": [{"procedure": "96365", "charge_cents": 5, "paid_cents": 4}],
                    }
                ]
            },
            "/claims/0/lines/0/paid_cents",
        ),
        ({"provider_adjustments": [{"code": "l6", "amount_cents": 1}]}, "/provider_adjustments/0/code"),
        ({"check_number": "\u0000"}, "/check_number"),
        ({"more": 1}, "/more"),
    ],
)
def test_what_is_wrong_with_a_paper_eob_is_named_by_its_pointer(client, key_in, typed, change, pointer):
    refused = key_in(typed | change)
    assert refused.status_code == 422
    assert pointer in [error["pointer"] for error in refused.json["errors"]]
    assert client.get("/api/v1/remittances").json["items"] == []


def test_a_visit_may_be_named_in_the_place_of_the_number(course, key_in, typed):
    (claim,) = typed["claims"]
    named = {**claim, "session_id": course.session_ids[1]}
    named.pop("control_number")
    posted = key_in(typed | {"claims": [named]})
    assert (posted.json["status"], posted.json["claims"][0]["session_id"]) == (
        "posted", course.session_ids[1],
    )  # fmt: skip


def test_a_preview_tells_what_an_upload_would_do_and_leaves_nothing(database, client, course):
    bill = handed_out(database, course.session_ids[1])
    content = remittance([Claim(control_number=bill.control_number, charge_cents=38_250, paid_cents=100)])
    preview = "/api/v1/remittances/preview"
    for _ in range(2):
        seen = client.post(preview, data=content, content_type="application/edi-x12").json["files"][0]
        assert (seen["status"], seen["transactions"][0]["claims"][0]["credit_cents"]) == ("posted", 100)
    assert client.get("/api/v1/remittances").json["items"] == []
    cut = client.post(preview, data=content[:-40], content_type="application/edi-x12").json["files"][0]
    assert (cut["status"], "Segment" in cut["reason"]) == ("refused", True)
    assert client.post(preview, json={}).status_code == 415


@pytest.fixture
def kept(database, course, door):
    """A payment of $180.00 out of which $25.00 were kept under a code that nobody can book."""
    bill = handed_out(database, course.session_ids[1])
    claims = [Claim(control_number=bill.control_number, charge_cents=38_250, paid_cents=18_000)]
    content = remittance(claims, trace="APART", provider_adjustments=[("AH", 100), ("CV:X9", 2_500)])
    return imported(database, content, actor=door.actor).transactions[0]


def test_what_nobody_can_book_is_set_apart_and_settled_by_an_accountant(client, door, post, kept):
    told = {"remittance_id": kept.id, "key": "apart-1"}
    (fee, unknown) = client.get(f"/api/v1/remittances/{kept.id}").json["adjustments"]
    assert (fee["may_be_set_apart"], unknown["may_be_set_apart"]) == (False, True)
    refused = post("set-apart", {"places": [1], "reason": WHY}, **told)
    assert (refused.status_code, refused.json["code"]) == (409, "adjustment-not-set-apart")
    body = {"places": [unknown["place"]], "reason": WHY}
    apart = post("set-apart", body, **told)
    assert (apart.status_code, apart.json["status"]) == (200, "posted")
    assert post("set-apart", body, **told).data == apart.data
    (_, unknown) = client.get(f"/api/v1/remittances/{kept.id}").json["adjustments"]
    assert unknown["is_set_apart"] is True
    settle = {"parts": [{"account": "6100", "amount_cents": 2_500}], "reason": "A fee, as they write"}
    told["key"] = "settle-1"
    assert post("settle-apart", settle, **told).status_code == 403
    door.actor = Actor(id="usr_a", entity_id=door.actor.entity_id, permissions=ROLES[Role.ACCOUNTANT])
    wrong = settle | {"parts": [{"account": "2200", "amount_cents": 2_500}]}
    assert post("settle-apart", wrong, **told).status_code == 422
    settled = post("settle-apart", settle, **told)
    assert (settled.status_code, post("settle-apart", settle, **told).data) == (200, settled.data)
    again = post("settle-apart", settle, remittance_id=kept.id, key="settle-2")
    assert (again.status_code, again.json["code"]) == (409, "nothing-set-apart")
    told["key"] = "unsettle-1"
    back = {"reason": "The letter was about another payment"}
    unsettled = post("unsettle", back, **told)
    assert (unsettled.status_code, post("unsettle", back, **told).data) == (200, unsettled.data)
    twice = post("unsettle", back, remittance_id=kept.id, key="unsettle-2")
    assert (twice.status_code, twice.json["code"]) == (409, "nothing-settled")
    anew = post("settle-apart", settle, remittance_id=kept.id, key="settle-3")
    assert (anew.status_code, anew.json["status"]) == (200, "posted")


def test_what_was_not_shown_at_that_place_is_not_set_apart(client, database, door, course, post):
    """A copy with the adjustments in another order came between the look and the choice."""
    bill = handed_out(database, course.session_ids[1])
    claims = [Claim(control_number=bill.control_number, charge_cents=38_250, paid_cents=18_000)]
    plb = [("CV:X9", 2_500), ("ZZ", 70)]
    (sent,) = imported(database, remittance(claims, provider_adjustments=plb), actor=door.actor).transactions
    path = f"/api/v1/remittances/{sent.id}"
    seen = client.get(path).json["adjustments_shown"]
    imported(database, remittance(claims, provider_adjustments=plb[::-1]), actor=door.actor)
    body = {"places": [1], "reason": WHY, "shown": seen}
    refused = post("set-apart", body, remittance_id=sent.id)
    assert (refused.status_code, refused.json["code"]) == (409, "adjustments-changed")
    assert "at place 1 is ZZ of $0.70" in refused.json["detail"]
    assert client.get(path).json["status"] == "parked"
    again = body | {"places": [1, 2], "shown": client.get(path).json["adjustments_shown"]}
    assert post("set-apart", again, key="key-2", remittance_id=sent.id).json["status"] == "posted"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"shown": 7}, "/shown"),
        ({"places": ["1"]}, "/places/0"),
        ({"places": [0]}, "/places/0"),
        ({"places": [1.0]}, "/places/0"),
        ({"places": 1}, "/places"),
        ({"reason": ""}, "/reason"),
    ],
)
def test_a_wrong_choice_of_what_is_set_apart_names_its_field(client, post, kept, change, pointer):
    body = {"places": [2], "reason": WHY} | change
    refused = post("set-apart", body, remittance_id=kept.id)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == pointer
    assert client.get(f"/api/v1/remittances/{kept.id}").json["status"] == "parked"


def test_a_preview_tells_that_another_charge_was_billed(database, client, course):
    bill = handed_out(database, course.session_ids[1])
    content = remittance([Claim(control_number=bill.control_number, charge_cents=30_000, paid_cents=100)])
    sent = client.post("/api/v1/remittances/preview", data=content, content_type="application/edi-x12")
    (claim,) = sent.json["files"][0]["transactions"][0]["claims"]
    assert (claim["charge_cents"], claim["billed_cents"], claim["is_part"]) == (30_000, 38_250, False)
