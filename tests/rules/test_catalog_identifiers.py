import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.rules.identifiers import (
    is_ein,
    is_icd10,
    is_ndc,
    is_npi,
    is_statement_descriptor,
    is_timezone,
)


@pytest.mark.parametrize("npi", ["1234567893", "2000000010"])
def test_a_provider_identifier_passes_by_its_check_digit(npi):
    assert is_npi(npi)


@pytest.mark.parametrize(
    "npi",
    ["1234567890", "123456789", "12345678930", "3234567893", "123456789x", "", " 1234567893", "１234567893"],
)
def test_what_is_no_provider_identifier(npi):
    assert not is_npi(npi)


@given(st.integers(100_000_000, 299_999_999))
def test_of_ten_check_digits_exactly_one_is_right(body):
    assert sum(is_npi(f"{body}{digit}") for digit in range(10)) == 1


@pytest.mark.parametrize(
    ("ein", "right"), [("12-3456789", True), ("00-1234567", False), ("123456789", False)]
)
def test_employer_numbers_have_a_prefix_that_is_used(ein, right):
    assert is_ein(ein) is right


@pytest.mark.parametrize(
    ("code", "right"),
    [
        ("F33.1", True),
        ("M79.7", True),
        ("R45.851", True),
        ("U09.9", True),
        ("QA0.011", True),
        ("C4A.0", True),
        ("f33.1", False),
        ("F331", False),
        ("F", False),
    ],
)
def test_diagnosis_codes_have_their_form(code, right):
    assert is_icd10(code) is right


@pytest.mark.parametrize(
    ("ndc", "right"),
    [
        ("1234-5678-90", True),
        ("12345-678-90", True),
        ("12345-6789-0", True),
        ("12345-6789-01", True),
        ("12345678901", False),
    ],
)
def test_drug_codes_have_their_hyphens(ndc, right):
    assert is_ndc(ndc) is right


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("America/Chicago", True),
        ("America/Nowhere", False),
        ("", False),
        ("../../etc", False),
        ("America", False),
    ],
)
def test_time_zones_are_known(name, right):
    assert is_timezone(name) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("CLINIC B AUSTIN", True),
        ("Clinic", True),
        ("A" * 22, True),
        ("A" * 23, False),
        ("CLIN", False),
        ("12345", False),
        ("12345A", True),
        (" CLINIC", False),
        ("CLINIC *B", False),
        ("CLINIC'S", False),
        ('CLINIC "B"', False),
        ("CLINIC <B>", False),
        ("CLINIC \\B", False),
        ("CL\u00cdNICA", False),
        ("CLINIC\nB", False),
    ],
)
def test_what_a_card_statement_can_say(text, right):
    assert is_statement_descriptor(text) is right
