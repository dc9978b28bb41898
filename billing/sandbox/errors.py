"""Errors in the processor's shape and with its statuses."""

from __future__ import annotations

from typing import Any

ERROR_PAGES = "https://docs.stripe.com/error-codes/"
NO_PAGE = frozenset({"forbidden_word"})
"""Codes of the stand-in's own, of which the processor's pages know nothing."""


class ApiError(Exception):
    """What the caller gets instead of an answer. `keeps_writes`: what was written until then stays."""

    keeps_writes = False

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        page = ERROR_PAGES + code.replace("_", "-") if code and code not in NO_PAGE else None
        named = {"code": code, "doc_url": page, "param": param}
        present = {name: value for name, value in named.items() if value is not None}
        self.body = {"error": {"message": message, "type": kind, **present, **(more or {})}}


class CardDeclined(ApiError):
    """The failed attempt is on record, and the answer tells of it in `more`."""

    keeps_writes = True

    def __init__(self, *, code: str, decline_code: str | None, message: str, **more: Any) -> None:
        if decline_code:
            more["decline_code"] = decline_code
        super().__init__(message, status=402, kind="card_error", code=code, more=more)


class NoSuch(ApiError):
    """404 when the address names it; 400 when a parameter does, as the address itself is right then."""

    def __init__(self, noun: str, reference: str, *, param: str) -> None:
        message = f"No such {noun}: '{reference}'"
        super().__init__(message, status=404, code="resource_missing", param=param)
        self.reference = reference


def no_such(noun: str, reference: str, *, param: str = "id") -> NoSuch:
    return NoSuch(noun, reference, param=param)


def unknown_parameter(name: str) -> ApiError:
    return ApiError(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def missing_parameter(name: str) -> ApiError:
    return ApiError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unauthorized(message: str) -> ApiError:
    return ApiError(message, status=401)
