"""The page of error codes, made from the error classes: `python -m tests.architecture.error_codes`."""

import inspect
from collections.abc import Iterator

from billing.kernel.errors import BillingError, Conflict, Denied, Invalid, NotFound, Unavailable
from tests.architecture.source import ROOT, product_modules

PAGE = ROOT / "docs" / "errors.md"
KINDS = {NotFound: 404, Conflict: 409, Invalid: 422, Denied: 403, Unavailable: 503}
HEAD = """# Error codes

Every refusal is problem+json (RFC 9457) with a `code` that never changes. This page is made from the error
classes by `python -m tests.architecture.error_codes`; a test holds it against them.

| code | kind | meaning |
|---|---|---|
"""


def error_classes() -> list[type[BillingError]]:
    """Every error with a code of its own, sorted by code."""
    product_modules()
    return sorted(
        (error for error in _below(BillingError) if "code" in vars(error)), key=lambda error: error.code
    )


def page() -> str:
    return HEAD + "".join(
        f"| `{error.code}` | {_kind(error)} | {_meaning(error)} |\n" for error in error_classes()
    )


def _below(parent: type[BillingError]) -> Iterator[type[BillingError]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("billing."):
            yield child
        yield from _below(child)


def _kind(error: type[BillingError]) -> str:
    return next((str(status) for kind, status in KINDS.items() if issubclass(error, kind)), "by itself")


def _meaning(error: type[BillingError]) -> str:
    return " ".join((inspect.getdoc(error) or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
