"""What insurers answered, as a patient reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from billing.accounting.records.statements import Answer, AnswerKind
from billing.insurance.records import Outcome
from billing.insurance.records.claims import ClaimAnswer
from billing.insurance.records.letters import LetterOutcome
from billing.insurance.rules.answers import PAID_TO_PATIENT, REVERSAL
from billing.insurance.rules.claim_answers import event_of, standing_answers
from billing.insurance.states import ClaimEvent
from billing.kernel.money import ZERO, Money, total
from billing.payments.records.takebacks import Takeback

LETTERS = {
    LetterOutcome.PAID_ME: AnswerKind.TOLD_PAID,
    LetterOutcome.DENIED: AnswerKind.TOLD_DENIED,
    LetterOutcome.DEDUCTIBLE: AnswerKind.TOLD_DEDUCTIBLE,
    LetterOutcome.OTHER: AnswerKind.TOLD_OTHER,
}


def told_by(
    posted: Sequence[ClaimAnswer],
    *,
    waits_since: date | None,
    letters: Iterable[tuple[LetterOutcome, date]],
    takebacks: Sequence[Takeback],
) -> Iterator[Answer]:
    """All that is known of one visit: what was posted, what waits, what the patient told, what is wanted.

    What was reversed without any money says nothing any more.
    """
    standing = standing_answers(posted)
    for answer in posted:
        if answer.paid or any(answer is each for each in standing):
            yield from _posted(answer)
    for outcome, on in letters:
        yield Answer(kind=LETTERS[outcome], on=on)
    for takeback in takebacks:
        if takeback.owed:
            yield Answer(kind=AnswerKind.WANTS_BACK, on=takeback.demanded_on, amount=takeback.owed)
    if waits_since is not None:
        yield Answer(kind=AnswerKind.WAITS, on=waits_since)


def answers_in_order(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """By day, and of one day what was taken back after its payment and before what was paid instead.

    A claim that waits is the last word.
    """
    by_day = sorted(answers, key=lambda each: (each.kind is AnswerKind.WAITS, each.on))
    paid = [each for each in by_day if each.kind is AnswerKind.PAID_CLINIC]
    taken = [each for each in by_day if each.kind is AnswerKind.TOOK_BACK]
    reversed_today = []
    for reversal in taken:
        original = next((each for each in paid if _may_be_of(reversal, each)), None)
        if original is not None:
            paid = [each for each in paid if each is not original]
            if original.on == reversal.on:
                reversed_today.append(original)

    def place(answer: Answer) -> int:
        if any(answer is each for each in reversed_today):
            return 0
        return 1 if answer.kind is AnswerKind.TOOK_BACK else 2

    return tuple(sorted(by_day, key=lambda each: (each.kind is AnswerKind.WAITS, each.on, place(each))))


def _may_be_of(reversal: Answer, paid: Answer) -> bool:
    return paid.amount == reversal.amount and paid.on <= reversal.on


def _posted(answer: ClaimAnswer) -> Iterator[Answer]:
    """Nothing of an estimate, of a claim of others, and of one that is not decided."""
    if answer.status == REVERSAL:
        yield _told(answer, AnswerKind.TOOK_BACK, -answer.paid)
    elif answer.outcome is Outcome.REIMBURSED:
        yield _told(answer, AnswerKind.PAID_CLINIC, answer.paid)
    elif answer.outcome is Outcome.PAID_TO_PATIENT:
        yield _told(answer, AnswerKind.PAID_YOU, _given_to_patient(answer))
    elif answer.outcome is Outcome.PAID_TO_OTHER:
        yield _told(answer, AnswerKind.PAID_OTHER)
    elif answer.outcome is Outcome.NOTHING_PAID and event_of(answer) is ClaimEvent.DEDUCT:
        yield _told(answer, AnswerKind.DEDUCTIBLE, answer.patient_share)
    elif answer.outcome is Outcome.NOTHING_PAID:
        yield _told(answer, AnswerKind.DENIED)


def _told(answer: ClaimAnswer, kind: AnswerKind, amount: Money = ZERO) -> Answer:
    return Answer(kind=kind, amount=amount, on=answer.paid_on, insurer=answer.payer_name)


def _given_to_patient(answer: ClaimAnswer) -> Money:
    return total(each.amount for each in answer.reasons if each.code == PAID_TO_PATIENT)
