"""What patients are found by."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.patients.errors import UnusableSearch
from billing.patients.records import Address, Patient, Search
from billing.patients.rules.lookup import matches, name_prefixes, name_words, read_search, search_key

HOME = Address(line1="12 Elm Street", city="Austin", state="TX", postal_code="78701")


def patient(given_name: str, family_name: str) -> Patient:
    return Patient(
        id="pat_1",
        entity_id="ent_1",
        site_id="site_1",
        number=1,
        version=1,
        added_at=datetime(2026, 11, 2, tzinfo=UTC),
        given_name=given_name,
        family_name=family_name,
        born_on=date(1980, 5, 17),
        address=HOME,
    )


def test_accents_capitals_and_apostrophes_do_not_matter():
    assert name_words("Siobhán", "O'Brien-Núñez") == ("siobhan", "obrien", "nunez")


def test_every_beginning_of_every_word_is_kept():
    assert name_prefixes(patient("Li", "Christopherson")) == {
        "li", "ch", "chr", "chri", "chris", "christ", "christo", "christop",
    }  # fmt: skip


def test_a_name_of_one_letter_is_found_by_it():
    assert "e" in name_prefixes(patient("Xi", "E"))


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("mar gar", Search(words=("mar", "gar"))),
        ("García 1980-05-17", Search(words=("garcia",), born_on=date(1980, 5, 17))),
        ("5/17/1980", Search(born_on=date(1980, 5, 17))),
        ("(512) 555-0123", Search(phone="+15125550123")),
        ("#42", Search(number=42)),
        ("1042 smith", Search(words=("smith",), number=1042)),
    ],
)
def test_a_search_is_read_as_people_type_it(text, search):
    assert read_search(text) == search


@pytest.mark.parametrize("text", ["", "  ", "!!", "1 2", "1980-05-17 1981-05-17"])
def test_a_search_without_anything_to_look_up_is_refused(text):
    with pytest.raises(UnusableSearch):
        read_search(text)


def test_a_long_word_is_compared_to_its_end():
    search = read_search("christophina")
    assert search_key(search.words[0]) == "christop"
    assert matches(patient("Anna", "Christophina"), search)
    assert not matches(patient("Anna", "Christopher"), search)


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40), st.integers(1, 12))
def test_a_patient_is_found_by_the_beginning_of_any_name(given_name, family_name, letters):
    known = patient(given_name, family_name)
    for word in name_words(given_name, family_name):
        begun = word[: max(2, letters)]
        assert search_key(begun) in name_prefixes(known)
        assert matches(known, Search(words=(begun,)))


@given(st.text())
def test_no_search_text_breaks_the_reader(text):
    try:
        search = read_search(text)
    except UnusableSearch:
        return
    assert search != Search()
