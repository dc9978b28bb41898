"""What a decline means, what patients agree to, and the life of a saved card."""

import hashlib
from itertools import product

import pytest

from billing.kernel.errors import IllegalMove
from billing.kernel.states import next_state
from billing.payments.records.saved_methods import AfterDecline, Purpose
from billing.payments.rules.saved_methods import after_decline, consent_text
from billing.payments.states.saved_methods import KEPT, SAVED_MOVES, SavedEvent, SavedState

S, E = SavedState, SavedEvent

ALLOWED = {
    S.PENDING: {E.ACTIVATE: S.ACTIVE, E.ABANDON: S.ABANDONED},
    S.ABANDONED: {E.ACTIVATE: S.ACTIVE},
    S.ACTIVE: {E.BLOCK: S.BLOCKED, E.REMOVE: S.REMOVING, E.DETACH: S.DETACHED},
    S.BLOCKED: {E.RENEW: S.ACTIVE, E.REMOVE: S.REMOVING, E.DETACH: S.DETACHED},
    S.REMOVING: {E.DETACH: S.DETACHED},
    S.DETACHED: {},
}


@pytest.mark.parametrize(("state", "event"), list(product(S, E)))
def test_a_saved_card_moves_along_its_table_only(state, event):
    if event in ALLOWED[state]:
        assert next_state(SAVED_MOVES, state, event) == ALLOWED[state][event]
    else:
        with pytest.raises(IllegalMove):
            next_state(SAVED_MOVES, state, event)


def test_whoever_removes_a_card_can_and_nobody_charges_it_afterwards():
    assert all((state, E.REMOVE) in SAVED_MOVES for state in KEPT)
    assert not {S.REMOVING, S.DETACHED} & set(KEPT)


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("insufficient_funds", AfterDecline.TRY_LATER),
        ("processing_error", AfterDecline.TRY_LATER),
        ("generic_decline", AfterDecline.TRY_LATER),
        ("a_word_that_banks_invent_next_year", AfterDecline.TRY_LATER),
        ("lost_card", AfterDecline.NEW_CARD),
        ("stolen_card", AfterDecline.NEW_CARD),
        ("expired_card", AfterDecline.NEW_CARD),
        ("revocation_of_all_authorizations", AfterDecline.NEW_CARD),
        ("authentication_required", AfterDecline.ASK_PAYER),
    ],
)
def test_what_can_be_done_after_a_decline(code, step):
    assert after_decline(code) is step


@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_text_names_the_clinic_and_its_hash_is_of_what_is_read(purpose):
    text = consent_text(purpose, "Clinic B")
    assert "Clinic B" in text.text
    assert "{" not in text.text
    assert text.sha256 == hashlib.sha256(text.text.encode()).hexdigest()
    assert text.sha256 != consent_text(purpose, "Clinic C").sha256


@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_text_says_what_a_card_scheme_wants_said(purpose):
    """How much, when, and how to end it; nothing of anybody's health."""
    words = consent_text(purpose, "Clinic B").text
    assert {"amounts", "date" if purpose is Purpose.PLAN_INSTALMENTS else "day", "take this back"} <= {
        each for each in ("amounts", "date", "day", "take this back") if each in words
    }
    assert not any(each in words.lower() for each in ("infusion", "ketamine", "depression", "treatment"))


def test_a_text_that_was_changed_has_a_new_version():
    """Whoever changes a text gives it a new version, and its hash here."""
    shown = {(each.version, each.sha256[:16]) for each in (consent_text(p, "Clinic B") for p in Purpose)}
    assert shown == {("2026-11", "673613d458e93d0b"), ("2026-11", "4eef863a39e23daa")}
