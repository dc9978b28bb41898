"""flask-smorest, taught to answer with problem+json and to describe it in OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, abort, request
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from billing.platform.http.problems import problem_of_http

View = TypeVar("View", bound=Callable[..., Any])

LARGEST_BODY = 1_000_000
"""Bytes of one JSON body; uploads have their own limit."""


class FlawView(Schema):
    pointer = fields.String()
    message = fields.String()


class ProblemView(Schema):
    """RFC 9457. `code` is stable; docs/errors.md lists them all."""

    type = fields.String()
    status = fields.Integer()
    code = fields.String()
    detail = fields.String()
    errors = fields.List(fields.Nested(FlawView))


class StrictParser(FlaskParser):
    """Bodies are JSON objects, whole, with the right media type; a wrong type is 415, not ignored."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "json": None, "query": None}

    def load_json(self, req: Any, schema: Any) -> Any:
        if not req.is_json:
            abort(415, description="Send the body as Content-Type: application/json.")
        return super().load_json(req, schema)


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A room's routes under /api/v1."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, name: str, import_name: str, **options: Any) -> None:
        super().__init__(name, import_name, url_prefix="/api/v1", **options)

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """One method a view: `methods=["POST"]`."""
        wrap: Callable[[View], View] = super().route(rule, **options)
        return wrap

    def arguments(self, schema: type[Schema], **options: Any) -> Callable[[View], View]:
        wrap: Callable[[View], View] = super().arguments(schema, **options)
        return wrap

    def response(
        self, status_code: int, schema: type[Schema] | None = None, **options: Any
    ) -> Callable[[View], View]:
        wrap: Callable[[View], View] = super().response(status_code, schema, **options)
        return wrap


class BillingApi(Api):  # type: ignore[misc]
    ERROR_SCHEMA = ProblemView
    DEFAULT_RESPONSE_CONTENT_TYPE: str = "application/json"

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Errors under /api are problems; pages keep their own."""
        if request.path.startswith(("/api/", "/webhooks/")):
            return problem_of_http(error)
        return error

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
    return BillingApi(app)


def no_content() -> Response:
    return Response(status=204)
