"""How pages speak of what patients choose for insurers' money, and of the letters that ask them."""

from __future__ import annotations

from billing.payments.states.choice_letters import ChoiceLetterState

LETTERS = {
    ChoiceLetterState.QUEUED: "Waits to be mailed",
    ChoiceLetterState.SENT: "Was mailed",
    ChoiceLetterState.TO_POST: "To be printed and posted",
    ChoiceLetterState.POSTED: "Was posted",
    ChoiceLetterState.DROPPED: "Not sent: nothing waited for a choice any more",
}
