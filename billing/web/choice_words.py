"""How pages speak of what patients choose for insurers' money, and of the letters that ask them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from billing.kernel.clock import day_in_words
from billing.payments.records.credits import Chooser, Election
from billing.payments.records.own_choices import OwnCredit
from billing.payments.records.refunds import Refund
from billing.payments.rules.choices import LETTERS_EVERY
from billing.payments.states.choice_letters import ChoiceLetterState
from billing.payments.states.refunds import RefundState
from billing.web.words import told_to_payer

LETTERS = {
    ChoiceLetterState.QUEUED: "Waits to be mailed",
    ChoiceLetterState.SENT: "Was mailed",
    ChoiceLetterState.TO_POST: "To be printed and posted",
    ChoiceLetterState.POSTED: "Was posted",
    ChoiceLetterState.DROPPED: "Not sent: nothing waited for a choice any more",
}
NO_LETTER_YET = f"A letter to ask is written by itself within {LETTERS_EVERY.seconds // 60} minutes."
NO_LETTER_ON_HOLD = "No letter is written while charges are stopped: find out who acts for the patient."
CHOICES = {
    Election.CREDIT: "Take it off my next invoice",
    Election.REFUND: "Send it back to me",
}
"""What a patient is asked."""
ALWAYS = {
    Election.CREDIT: "Whatever an insurer pays for you comes off your next invoice.",
    Election.REFUND: "Whatever an insurer pays for you is sent back to you.",
}
"""What a patient is told of their choice for all of it."""
WITHIN_A_DAY = (Chooser.PATIENT, Chooser.STANDING)
"""By whose word money is sent back without anybody at the clinic doing it."""


def told_of(own: OwnCredit) -> Sequence[str]:
    """How a credit stands, and what came of it, sentence by sentence, to the patient."""
    return (*_came_of(own), *_stands(own))


def _stands(own: OwnCredit) -> Iterator[str]:
    left, election = own.lot.available, own.lot.election
    begin = "No choice came in time" if own.lot.elected_by is Chooser.NOBODY else "You chose"
    if not left:
        yield "Nothing of it is left to choose for."
    elif election is Election.CREDIT:
        yield f"{begin}: {left} comes off your next invoice."
    elif election is None:
        on = day_in_words(own.goes_back_on)
        yield f"{left} waits for your choice. Without a word from you it is sent back to you on {on}."
    elif own.came_back:
        yield f"{begin}: {left} is sent back to you. It could not be sent yet; the clinic looks into it."
    elif own.lot.elected_by in WITHIN_A_DAY:
        yield f"{begin}: {left} is sent back to you. That begins within a day."
    else:
        yield f"{begin}: {left} is sent back to you. The clinic does that."


def _came_of(own: OwnCredit) -> Iterator[str]:
    if own.used:
        yield f"{own.used} was taken off an invoice of yours."
    if own.taken:
        yield f"{own.taken} is not held for you any more: what the insurer had paid was taken back."
    for refund in own.refunds:
        if told := _told_of(refund):
            yield f"{refund.amount} goes back to you. {told}"


def _told_of(refund: Refund) -> str | None:
    if refund.state is RefundState.REQUESTED and not refund.has_left_unbooked:
        return "Somebody at the clinic approves it first."
    return told_to_payer(refund)
