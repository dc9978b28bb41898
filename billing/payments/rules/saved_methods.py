"""What a patient agrees to of a saved card, and what a decline of it means."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import yaml

from billing.payments.records.saved_methods import AfterDecline, ConsentText, Purpose

CONSENTS = yaml.safe_load(files("billing.payments").joinpath("consents.yaml").read_text(encoding="utf-8"))
"""The texts of today, by purpose."""

NEVER_AGAIN = frozenset({
    "card_not_supported", "expired_card", "incorrect_number", "invalid_account", "invalid_number",
    "lost_card", "pickup_card", "restricted_card", "revocation_of_all_authorizations",
    "revocation_of_authorization", "stolen_card", "stop_payment_order",
})  # fmt: skip
"""Declines after which the same card is not tried again. Source: docs.stripe.com/declines/codes."""

ONLY_THE_PAYER = frozenset({"authentication_required"})


def after_decline(code: str) -> AfterDecline:
    """What can be done after a bank declined a saved card in these words."""
    if code in NEVER_AGAIN:
        return AfterDecline.NEW_CARD
    return AfterDecline.ASK_PAYER if code in ONLY_THE_PAYER else AfterDecline.TRY_LATER


def consent_text(purpose: Purpose, clinic: str) -> ConsentText:
    """What a patient of that clinic is asked to agree to now; another clinic's text is another text."""
    said = CONSENTS[purpose]
    words = said["text"].format(clinic=clinic)
    sha256 = hashlib.sha256(words.encode()).hexdigest()
    return ConsentText(purpose=purpose, version=said["version"], text=words, sha256=sha256)
