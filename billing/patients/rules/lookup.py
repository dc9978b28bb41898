"""What a patient can be found by: beginnings of names, the birth date, the phone, the number.

Names are sealed in the database, so each of these is kept as a keyed fingerprint of a comparable text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from billing.kernel.errors import Flaw
from billing.patients.errors import UnusableSearch
from billing.patients.records import Patient, Person, Search
from billing.patients.rules.people import tidy_phone

SHORTEST_PREFIX = 2
LONGEST_PREFIX = 8
"""Beginnings of this many letters are kept; longer words are compared after unsealing."""

LARGEST_NUMBER = 999_999_999

_APOSTROPHES = re.compile(r"['’ʼ`]")
_US_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_PHONE = re.compile(r"[\d\s().+-]{10,}", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


def name_words(*names: str) -> tuple[str, ...]:
    """The words of names without accents, capitals and apostrophes: O'Brien-Núñez is obrien, nunez."""
    bare = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", " ".join(names)))
    letters = "".join(letter for letter in bare if not unicodedata.combining(letter)).casefold()
    return tuple("".join(c if c.isalnum() else " " for c in letters).split())


def name_prefixes(person: Person) -> frozenset[str]:
    """Every beginning of every word of the name that a search may use."""
    words = name_words(person.given_name, person.family_name)
    return frozenset(
        word[:length]
        for word in words
        for length in range(min(SHORTEST_PREFIX, len(word)), min(LONGEST_PREFIX, len(word)) + 1)
    )


def search_key(word: str) -> str:
    """The prefix under which a searched word is looked up."""
    return word[:LONGEST_PREFIX]


def read_search(text: str) -> Search:
    """What somebody typed: a phone number, or any of name beginnings, a birth date, a patient number.

    Raises: UnusableSearch when nothing in it can be looked up.
    """
    if _PHONE.fullmatch(text.strip()) and (phone := tidy_phone(text)):
        return Search(phone=phone)
    dates, numbers, words = _sort_out(text.split())
    if len(dates) > 1 or len(numbers) > 1 or not (dates or numbers or words):
        raise UnusableSearch(
            "Search by the beginning of a name (two letters or more), a birth date such as 1980-05-17, "
            "a phone number with its area code, or a patient number.",
            [Flaw("/text", "Nothing in it can be looked up.")],
        )
    return Search(words=words, born_on=next(iter(dates), None), number=next(iter(numbers), None))


def matches(patient: Patient, search: Search) -> bool:
    """Whether the unsealed patient is meant; the fingerprints know the first letters of long words only."""
    own = name_words(patient.given_name, patient.family_name)
    return all(any(word.startswith(sought) for word in own) for sought in search.words)


def _sort_out(tokens: Iterable[str]) -> tuple[list[date], list[int], tuple[str, ...]]:
    dates: list[date] = []
    numbers: list[int] = []
    words: list[str] = []
    for token in tokens:
        if day := _read_date(token):
            dates.append(day)
        elif _NUMBER.fullmatch(token.removeprefix("#")):
            numbers.append(int(token.removeprefix("#")))
        else:
            words.extend(name_words(token))
    return dates, numbers, tuple(words)


def _read_date(token: str) -> date | None:
    us_date = _US_DATE.fullmatch(token)
    text = "{2}-{0:0>2}-{1:0>2}".format(*us_date.groups()) if us_date else token
    try:
        return date.fromisoformat(text) if "-" in text else None
    except ValueError:
        return None
