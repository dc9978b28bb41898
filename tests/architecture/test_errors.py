"""Every error code is stable, unique and documented."""

import re
from collections import Counter

from billing.kernel.errors import NotFound
from tests.architecture.error_codes import PAGE, error_classes, page


def test_every_error_code_is_documented():
    assert PAGE.read_text() == page(), "run: .venv/bin/python -m tests.architecture.error_codes"


def test_every_error_says_what_it_means():
    """A thing that is not there needs no more words than its name."""
    silent = [error for error in error_classes() if not error.__doc__ and not issubclass(error, NotFound)]
    assert [error.__qualname__ for error in silent] == []


def test_one_code_belongs_to_one_error():
    codes = Counter(error.code for error in error_classes())
    assert [code for code, times in codes.items() if times > 1] == []


def test_codes_are_kebab_case():
    assert [
        error.code for error in error_classes() if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", error.code)
    ] == []
