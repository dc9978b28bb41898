"""The page of error codes, made from the error classes: `python -m tests.architecture.error_codes`."""

from collections.abc import Iterator

from billing.kernel.errors import BillingError
from billing.platform.http.problems import meanings
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
    product_modules()
    told = sorted(
        (code, meaning.status, meaning.text.replace("|", "\\|")) for code, meaning in meanings().items()
    )
    return HEAD + "".join(f"| `{code}` | {status} | {text} |\n" for code, status, text in told)


def _below(parent: type[BillingError]) -> Iterator[type[BillingError]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("billing."):
            yield child
        yield from _below(child)


if __name__ == "__main__":
    PAGE.write_text(page())
