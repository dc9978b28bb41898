"""The page of error codes, made from the error classes: `python -m tests.architecture.error_codes`."""

import inspect
from collections.abc import Iterator

from billing.kernel.errors import BillingError
from billing.platform.http.problems import HTTP_CODES, STATUS
from tests.architecture.source import ROOT, product_modules

PAGE = ROOT / "docs" / "errors.md"
HEAD = """# Error codes

Every refusal is problem+json (RFC 9457) with a `code` that never changes. This page is made from the error
classes by `python -m tests.architecture.error_codes`; a test holds it against them.

| code | status | meaning |
|---|---|---|
"""


def error_classes() -> list[type[BillingError]]:
    """Every error with a code of its own, sorted by code."""
    product_modules()
    return sorted(
        (error for error in _below(BillingError) if "code" in vars(error)), key=lambda error: error.code
    )


def page() -> str:
    rows = {error.code: (_status(error), _meaning(error)) for error in error_classes()}
    plain = {code: (status, f"HTTP's own {status}.") for status, code in HTTP_CODES.items()}
    told = sorted({**plain, **rows}.items())
    return HEAD + "".join(f"| `{code}` | {status} | {meaning} |\n" for code, (status, meaning) in told)


def _below(parent: type[BillingError]) -> Iterator[type[BillingError]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("billing."):
            yield child
        yield from _below(child)


def _status(error: type[BillingError]) -> int:
    return next(status for kind, status in STATUS.items() if issubclass(error, kind))


def _meaning(error: type[BillingError]) -> str:
    return " ".join((inspect.getdoc(error) or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
