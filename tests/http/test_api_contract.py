"""The API against its own description: generated and hostile requests, and no surprise in any answer."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.schemas import APIOperation

from billing.kernel.permissions import ROLES, Role
from billing.platform.http.guard import permission_of
from tests.factories.world import World, a_world

load_all_checks()
CHECKED = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    )
]
EXAMPLES = 8
METHODS = ("get", "post", "put", "patch", "delete")
POWERFUL = (Role.SUPERVISOR, Role.ACCOUNTANT, Role.CLINICIAN, Role.ADMIN)
"""Who together may do everything."""

CODES = {
    "condition": "depression",
    "protocol": "series_of_six",
    "service": "infusion",
    "verified_on": "2026-11-02",
    "planned_on": "2026-11-03",
    "starts_on": "2026-11-03",
    "quoted_on": "2026-11-02",
    "on": "2026-11-03",
    "seen_by": "front desk",
    "state": "TX",
    "postal_code": "78701",
}
"""Of the sample clinic, by the fields that name them."""

HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, 10**400, 0.001, 1e308, float("nan"), float("inf"), "", " ", "\x00",
    "a\x00b", "\ud800", "\u202e", "١٢", "0001-01-01", "9999-12-31", "2026-02-30", "2026-11-02T00:00:00",
    "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", "'; DROP TABLE invoice; --", "../../etc/passwd",
    "x" * 100_000, [], [None], {}, {"": ""}, [[[[]]]],
)  # fmt: skip
"""What no field should trip over."""

HOSTILE_HEADERS = (
    "", '""', "*", '"', '"1', 'W/"1"', '"1", "2"', '"-1"', '"' + "9" * 400 + '"', '"\xb2"', "x" * 5_000,
    "\xff", "application/json; charset=nonsense", "a b", "0", "-1", "0x10", "1e9",
)  # fmt: skip

HOSTILE_SEGMENTS = (
    "%00", "a%00b", "%ff%fe", "%ed%a0%80", "%F0%9F%98%80", "..%2f..%2fetc", "%27", "x" * 5_000, "0", "-1",
    "9" * 400, "inv_", "inv_" + "0" * 26, "pat_" + "z" * 26, "*", "%20", "null", ";", "%25",
)  # fmt: skip


class Api:
    """The application, its description, a clinic with one of everything, and tokens that may do it all."""

    def __init__(self, app: Flask, world: World, tokens: dict[Role, dict[str, str]]) -> None:
        self.app = app
        self.client = app.test_client()
        self.world = world
        self.document: dict[str, Any] = self.client.get("/api/v1/openapi.json").json
        self._tokens = tokens
        self.routes = app.url_map.bind("localhost")

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Path, method and description of each."""
        for path, about in self.document["paths"].items():
            for method in METHODS:
                if method in about:
                    yield path, method, about[method]

    def headers(self, path: str, method: str) -> dict[str, str]:
        """Of a token that may do this."""
        endpoint, _ = self.routes.match(self.filled(path), method=method.upper())
        needed = permission_of(self.app, endpoint)
        return self._tokens[next(role for role in POWERFUL if needed in ROLES[role])]

    def real(self, path: str) -> dict[str, str]:
        return {name: ids[-1] for name, ids in self.world.ids.items() if f"{{{name}}}" in path}

    def filled(self, path: str, segment: str | None = None) -> str:
        """The path with real ids, or with the same text for each of them."""
        for name, one in self.world.ids.items():
            path = path.replace(f"{{{name}}}", segment or one[-1])
        return path


@pytest.fixture
def api(app, issue, database, now) -> Api:
    world = a_world(database, now)
    tokens = {role: issue(role, entity_id=world.entity.id) for role in POWERFUL}
    world.ids["token_id"] = ["tok_" + "0" * 26]
    return Api(app, world, {role: client._headers for role, client in tokens.items()})


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_is_sent_the_answer_is_as_described(api, mode, subtests):
    described = copy.deepcopy(api.document)
    del described["security"]  # else tokens are made up as well
    schema = schemathesis.openapi.from_dict(described)
    schema.app = api.app
    for found in schema.get_all_operations():
        operation = found.ok()
        with subtests.test(operation.label):
            _send_examples(api, operation, mode)


def test_no_value_in_a_body_or_a_query_makes_the_server_fail(api, subtests):
    for path, method, about in api.operations():
        for name, sample in _samples(api.document, about):
            with subtests.test(f"{method} {path} {name}"):
                for value in HOSTILE:
                    _send_one(api, path, method, sample | {name: value})


def test_no_text_in_a_path_makes_the_server_fail(api, subtests):
    for path, method, _ in api.operations():
        for segment in HOSTILE_SEGMENTS if "{" in path else ():
            with subtests.test(f"{method} {path} {segment[:20]}"):
                address, headers = api.filled(path, segment), api.headers(path, method)
                answer = api.client.open(address, method=method.upper(), headers=headers, json={})
                assert answer.status_code in {204, 400, 404, 405, 409, 415, 422, 428, 412}
                assert answer.status_code == 204 or answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("name", ["If-Match", "Idempotency-Key", "Content-Type", "Accept", "Content-Length"])
def test_no_header_makes_the_server_fail(api, name):
    patient, bill = api.filled("/api/v1/patients/{patient_id}"), api.filled("/api/v1/invoices/{invoice_id}")
    for method, path, body in (
        ("PATCH", patient, {"given_name": "Mary"}),
        ("POST", f"{bill}/cash-payments", {"amount_cents": 100}),
    ):
        headers = api.headers(path, method) | {"If-Match": '"1"', "Idempotency-Key": uuid.uuid4().hex}
        for value in HOSTILE_HEADERS:
            answer = api.client.open(path, method=method, json=body, headers=headers | {name: value})
            assert answer.status_code < 500, f"{method} {name}: {value}"


def test_a_method_that_is_not_described_is_answered_405_with_those_that_are(api):
    for path, about in api.document["paths"].items():
        known = [method for method in METHODS if method in about]
        headers = api.headers(path, known[0])
        for method in (*METHODS, "trace"):
            if method.upper() not in api.routes.allowed_methods(api.filled(path)):
                answer = api.client.open(api.filled(path), method=method.upper(), headers=headers, json={})
                assert (answer.status_code, answer.mimetype) == (405, "application/problem+json"), path
                assert {each.upper() for each in known} <= answer.allow


def test_each_operation_says_how_it_fails_and_who_may_ask(api):
    problem = {"$ref": "#/components/responses/DEFAULT_ERROR"}
    assert [path for path, _, about in api.operations() if about["responses"].get("default") != problem] == []
    described = api.document["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert list(described) == ["application/problem+json"]
    assert api.document["security"] == [{"token": []}]


def test_each_post_takes_an_idempotency_key(api):
    for path, method, about in api.operations():
        names = {each.get("name") for each in about.get("parameters", ())}
        assert ("Idempotency-Key" in names) == (method == "post"), path


def test_the_description_is_whole_and_its_schemas_are_valid(api):
    references = {ref for ref in _references(api.document) if not _resolves(api.document, ref)}
    assert references == set()
    for name, schema in api.document["components"]["schemas"].items():
        jsonschema_rs.validator_for(
            {"$ref": f"#/components/schemas/{name}", "components": api.document["components"]}
        )
        assert jsonschema_rs.meta.is_valid(schema), name
    assert r"\Z" not in json.dumps(api.document).replace(r"\\", "\\")


def _send_examples(api: Api, operation: APIOperation, mode: GenerationMode) -> None:
    """Some requests with real ids, some with made-up ones."""
    real = api.real(operation.path)
    if mode is GenerationMode.NEGATIVE and not (operation.headers or operation.query or operation.body):
        return  # nothing of it can be wrong
    cases = operation.as_strategy(mode)
    if real:
        cases = operation.as_strategy(mode, path_parameters=real) | cases
    headers = api.headers(operation.path, operation.method)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, is_known=st.booleans())
    def send(case: schemathesis.Case, is_known: bool) -> None:
        if is_known and mode is GenerationMode.POSITIVE:
            case.body = _known(case.body, api.world)
        answer = case.call(headers=headers)
        if answer.status_code == 503:
            assert answer.json()["code"] == "processor-unavailable"  # nothing listens in its place
        else:
            case.validate_response(answer, checks=CHECKED)

    send()


def _known(body: Any, world: World) -> Any:
    """The same body about things that exist."""
    if isinstance(body, list):
        return [_known(each, world) for each in body]
    if not isinstance(body, dict):
        return body
    names = {**CODES, **{name: ids[-1] for name, ids in world.ids.items()}}
    lists = {f"{name}s": ids for name, ids in world.ids.items()}
    return {
        name: value and (names.get(name) or lists.get(name) or _known(value, world))
        for name, value in body.items()
    }


def _send_one(api: Api, path: str, method: str, values: dict[str, Any]) -> None:
    headers = {**api.headers(path, method), "Idempotency-Key": uuid.uuid4().hex, "If-Match": '"1"'}
    if method == "get":
        texts = {name: str(value) for name, value in values.items()}
        query = {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}
        answer = api.client.get(api.filled(path), query_string=query, headers=headers)
    else:
        body = json.dumps(values, ensure_ascii=True)
        answer = api.client.open(
            api.filled(path),
            method=method.upper(),
            data=body,
            content_type="application/json",
            headers=headers,
        )
    assert answer.status_code < 500 or answer.json["code"] == "processor-unavailable", values
    assert answer.status_code < 400 or answer.mimetype == "application/problem+json", values


def _samples(document: dict[str, Any], about: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each field of a request, and a request that is otherwise plausible."""
    properties = {
        each["name"]: each["schema"] for each in about.get("parameters", ()) if each["in"] == "query"
    }
    body = about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body is not None:
        properties = document["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]].get("properties", {})
    plausible = {name: _plausible(document, schema) for name, schema in properties.items()}
    told = {name: value for name, value in plausible.items() if value is not None}
    for name in properties:
        yield name, told


def _plausible(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value that the schema lets pass, None where that may be left out."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if "null" in schema.get("type", ()) or "default" in schema:
        return None
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        parts = {name: _plausible(document, each) for name, each in schema["properties"].items()}
        return {name: value for name, value in parts.items() if value is not None}
    if schema.get("format") == "date":
        return "2026-11-02"
    if schema.get("format") == "date-time":
        return "2026-11-02T09:00:00-06:00"
    if "pattern" in schema:
        return schema["pattern"][1:].split("[")[0] + "0" * 26
    return {"integer": 1, "number": 1, "array": [], "object": {}}.get(schema.get("type", ""), "TX")


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == "$ref")
        yield from (ref for value in part.values() for ref in _references(value))
    elif isinstance(part, list):
        yield from (ref for value in part for ref in _references(value))


def _resolves(document: dict[str, Any], ref: str) -> bool:
    part: Any = document
    for step in ref.removeprefix("#/").split("/"):
        part = part.get(step, {})
    return bool(part)
