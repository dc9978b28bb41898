"""flask-smorest, taught to answer with problem+json and to describe it in OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from flask import Flask, Response, abort, request
from flask_smorest import Api, Blueprint
from marshmallow import INCLUDE, Schema, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from billing.platform.http.fields import Cents, StrictSchema
from billing.platform.http.problems import problem_of_http
from billing.platform.http.writes import idempotency_key, schema_of

View = TypeVar("View", bound=Callable[..., Any])

LARGEST_BODY = 1_000_000
"""Bytes of one JSON body; uploads have their own limit."""

IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "The same request under the same key happens once. Required where money moves.",
}


class FlawView(Schema):
    pointer = fields.String()
    message = fields.String()


class ProblemView(Schema):
    """RFC 9457. `code` is stable; docs/errors.md lists them all. Some codes bring members of their own."""

    class Meta:
        unknown = INCLUDE

    type = fields.String()
    status = fields.Integer()
    code = fields.String()
    detail = fields.String()
    errors = fields.List(fields.Nested(FlawView))


class StrictParser(FlaskParser):
    """Bodies are JSON objects with the right media type; no body at all is the empty object."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "json": None, "query": None}

    def load_json(self, req: Any, schema: Any) -> Any:
        if not req.get_data():
            return {}
        if not req.is_json:
            abort(415, description="Send the body as Content-Type: application/json.")
        try:
            return super().load_json(req, schema)
        except (RecursionError, ValueError):  # nested too deep, or a number of thousands of digits
            abort(400, description="The body is no JSON that a request can be made of.")


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A room's routes under /api/v1."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, import_name: str, **options: Any) -> None:
        super().__init__(name, import_name, url_prefix="/api/v1", **options)
        self._prepare_doc_cbks.append(_describe_what_all_share)
        self.before_request(_refuse_unusable_key)

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """One method a view: `methods=["POST"]`."""
        wrap: Callable[[View], View] = super().route(rule, **options)
        return wrap

    def arguments(self, schema: type[Schema], **options: Any) -> Callable[[View], View]:
        wrap: Callable[[View], View] = super().arguments(schema_of(schema), **options)
        return wrap

    def response(
        self, status_code: int, schema: type[Schema] | None = None, **options: Any
    ) -> Callable[[View], View]:
        wrap: Callable[[View], View] = super().response(status_code, schema, **options)
        return wrap


class BillingApi(Api):  # type: ignore[misc]
    """The rooms' routes, at once, and their description, once somebody asks for it."""

    ERROR_SCHEMA = ProblemView
    DEFAULT_RESPONSE_CONTENT_TYPE: str = "application/json"

    def __init__(self, app: Flask) -> None:
        self._undescribed: list[ApiBlueprint] = []
        self._describing = Lock()
        super().__init__(app)

    @property
    def spec(self) -> Any:
        """The description of every blueprint registered so far, an apispec.APISpec."""
        with self._describing:
            for blueprint in self._undescribed:
                self._describe(blueprint)
            self._undescribed = []  # not before all of them are: no part is served as the whole
            return self._spec

    @spec.setter
    def spec(self, spec: Any) -> None:
        self._spec = spec

    def register_blueprint(self, blueprint: ApiBlueprint) -> None:
        """Its routes now; describing them takes longer than all else at the start, and few ask."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._undescribed.append(blueprint)

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Errors under /api are problems; pages keep their own."""
        if request.path.startswith(("/api/", "/webhooks/")):
            return problem_of_http(error)
        return error

    def _describe(self, blueprint: ApiBlueprint) -> None:
        name = blueprint.name
        blueprint.register_views_in_doc(self, self._app, self._spec, name=name, parameters=None)
        self._spec.tag({"name": name, "description": blueprint.description})

    def _register_responses(self) -> None:
        default: str = self.DEFAULT_RESPONSE_CONTENT_TYPE
        try:
            self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
            super()._register_responses()
        finally:
            self.DEFAULT_RESPONSE_CONTENT_TYPE = default


def make_api(app: Flask) -> BillingApi:
    app.config.update(
        API_TITLE="Infusion clinic billing",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        API_SPEC_OPTIONS={
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "security": [{"token": []}],
        },
    )
    api = BillingApi(app)
    for describe in (_bounds_of_requests, _portable_pattern, _decimals_as_text):
        api.ma_plugin.converter.add_attribute_function(describe)
    return api


def no_content() -> Response:
    return Response(status=204)


def _refuse_unusable_key() -> None:
    """On each route, also on one that needs no key."""
    idempotency_key(moves_money=False)


def _describe_what_all_share(
    doc: dict[str, Any], _info: dict[str, Any], *, method: str, **_more: Any
) -> dict[str, Any]:
    """Any operation may answer with a problem, and any POST takes a key."""
    doc.setdefault("responses", {}).setdefault("default", "DEFAULT_ERROR")
    if method == "post":
        doc.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    return doc


def _bounds_of_requests(_converter: object, field: fields.Field[Any], **_more: Any) -> dict[str, Any]:
    if isinstance(field, Cents) and isinstance(field.root, StrictSchema):
        return {"minimum": field.least, "maximum": field.most}
    return {}


def _portable_pattern(
    _converter: object, _field: fields.Field[Any], ret: dict[str, Any], **_more: Any
) -> dict[str, Any]:
    r"""JSON Schema ends a pattern with `$`; Python needs `\Z`, since its `$` lets a line break pass."""
    pattern: str | None = ret.get("pattern")
    return {"pattern": pattern.replace(r"\Z", "$")} if pattern else {}


def _decimals_as_text(
    _converter: object, field: fields.Field[Any], ret: dict[str, Any], **_more: Any
) -> dict[str, Any]:
    if not isinstance(field, fields.Decimal) or not field.as_string:
        return {}
    return {"type": ["string", "null"] if "null" in ret["type"] else "string"}
