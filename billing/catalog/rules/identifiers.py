"""Whether a number can be what it claims to be. Whether it was ever given out, only its issuer knows."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import us
from stdnum import luhn
from stdnum.us import ein

_NPI = re.compile(r"[12]\d{9}", re.ASCII)
_EIN = re.compile(r"\d{2}-\d{7}", re.ASCII)
_ICD10 = re.compile(r"[A-Z][0-9A-Z]{2}(\.[0-9A-Z]{1,4})?")
_NDC = re.compile(r"\d{4}-\d{4}-\d{2}|\d{5}-\d{3}-\d{2}|\d{5}-\d{4}-\d{1,2}", re.ASCII)

_DESCRIPTOR = re.compile(r"""[^<>\\'"*\x00-\x1f\x7f-\U0010ffff]{5,22}""")
_MAIL_NAME = re.compile(r"[\w .,&'-]{3,60}")

STATES = frozenset(state.abbr for state in [*us.STATES_AND_TERRITORIES, us.states.DC])


def is_npi(text: str) -> bool:
    """Ten digits, the first 1 or 2, whose check digit is Luhn's over 80840 and all ten.

    Source: 45 CFR 162.406; the check digit of ISO/IEC 7812 with the prefix for US health care.
    """
    return bool(_NPI.fullmatch(text)) and luhn.is_valid("80840" + text)


def is_ein(text: str) -> bool:
    """An employer identification number as printed, `12-3456789`, with a prefix that the IRS uses."""
    return bool(_EIN.fullmatch(text)) and ein.is_valid(text)


def is_icd10(text: str) -> bool:
    """The form of an ICD-10-CM code; which of them are billable is the coding tables' business."""
    return bool(_ICD10.fullmatch(text))


def is_statement_descriptor(text: str) -> bool:
    """What a payer reads on a card statement: 5 to 22 Latin characters with a letter, without < > \\ ' " *.

    Source: docs.stripe.com/get-started/account/statement-descriptors.
    """
    is_written = text == text.strip() and any(letter.isalpha() for letter in text)
    return is_written and bool(_DESCRIPTOR.fullmatch(text))


def is_mail_name(text: str) -> bool:
    """What stands before the address of a mail's sender: 3 to 60 letters, digits, spaces and . , & ' -"""
    return text == text.strip() and bool(_MAIL_NAME.fullmatch(text))


def is_ndc(text: str) -> bool:
    """A National Drug Code with its hyphens: 4-4-2, 5-3-2, 5-4-1 or 5-4-2."""
    return bool(_NDC.fullmatch(text))


def is_timezone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
