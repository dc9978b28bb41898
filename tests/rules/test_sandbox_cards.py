"""The published test cards and accounts are told apart by what is kept of them."""

import pytest

from billing.sandbox import banks, cards


def test_the_last_four_digits_tell_all_cards_and_accounts_apart():
    assert len(cards.BY_LAST4) == len(cards.BY_NUMBER)
    assert len(banks.BY_LAST4) == len(banks.BY_NUMBER)


@pytest.mark.parametrize("number", cards.BY_NUMBER)
def test_each_number_is_one_that_a_card_can_have(number):
    assert cards.passes_luhn(number)


@pytest.mark.parametrize("name", cards.BY_NAME)
def test_each_name_is_of_a_card(name):
    assert name.startswith("pm_card_")
    assert cards.BY_NAME[name].number in cards.BY_NUMBER


def test_each_failure_of_an_account_has_its_words():
    assert {account.failure for account in banks.BY_NUMBER.values()} - {None} == set(banks.FAILURES)
