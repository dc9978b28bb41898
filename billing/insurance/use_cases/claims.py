"""Claims: issued from the facts of the superbill, checked, frozen, corrected, taken back. Never edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.care.queries import find_session
from billing.care.records import Session
from billing.catalog.queries import find_site
from billing.insurance.errors import ClaimFlawed, ClaimKept, ClaimNotPossible, SentDayWrong
from billing.insurance.models import ClaimRow
from billing.insurance.queries import edition_on
from billing.insurance.queries.claim_answers import answered_unsent
from billing.insurance.queries.claims import (
    claim_on_file,
    claims_of_session,
    facts_of_claim,
    find_claim,
    payers_number,
    standing_claim,
)
from billing.insurance.queries.diagnoses import on_superbill
from billing.insurance.queries.sending import CLAIM_AMENDED, refuse_to_send
from billing.insurance.records.claims import Claim, Frequency, Interchange, IssuedClaim
from billing.insurance.records.superbills import AS_BEFORE, Wishes
from billing.insurance.rules.claim_checks import claim_flaws
from billing.insurance.rules.claim_file import interchange_body
from billing.insurance.rules.claim_text import basic
from billing.insurance.rules.claims import Filing, day_of_service, file_by, same_claim
from billing.insurance.rules.diagnoses import newly_excluding
from billing.insurance.states import (
    CLAIM_MARKS,
    CLAIM_MOVES,
    CLAIM_UNSENT,
    ClaimEvent,
    ClaimMark,
    ClaimState,
)
from billing.insurance.use_cases.claim_answers import settle_claim
from billing.insurance.use_cases.claim_facts import gather_claim
from billing.insurance.use_cases.claim_moves import SENT_ANYWAY, file_claim, move_claim
from billing.insurance.use_cases.filing_days import set_deadline
from billing.kernel.clock import local_date
from billing.kernel.errors import Flaw, IllegalMove
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.kernel.states import next_state
from billing.patients.queries import policy_on
from billing.patients.records import Policy
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.documents import freeze
from billing.platform.data.jobs import enqueue
from billing.platform.data.series import next_number
from billing.platform.data.tasks import ask_again, end_tasks

DOCUMENT_KIND = "claim"
NUMBERS, CONTROL_NUMBERS = "claim", "interchange"
"""Series: of claims, and of the files that one clinic sends."""
RENDER_CLAIMS = "render_claims"
"""The job that writes a file of claims; its key is the document's id."""
ANSWERED_UNSENT = (
    "An answer was read since this claim was issued, and nobody said that it was sent. If it was, mark it as "
    "filed, then correct it. If the patient's superbill was answered, withdraw it, then issue it again."
)

SENT_ALL_THE_SAME = "If it went out all the same, give the reason."


def issue_claim(
    tx: Tx,
    *,
    session_id: str,
    diagnoses: Sequence[str] = (),
    are_unrelated: bool = False,
    wishes: Wishes = AS_BEFORE,
    actor: Actor,
    now: datetime,
) -> IssuedClaim:
    """The claim of a session that was given, as the facts and the ledger stand now.

    Unchanged facts return the present version. Changed ones make the next, as long as the insurer has none.
    Two diagnoses that exclude each other are refused unless the present claim or superbill has the same ones,
    or the provider says that they `are_unrelated`. For `diagnoses` and `wishes` see `gather_claim`.
    Raises: NoSuchSession, ClaimNotPossible, DiagnosisNotChosen, ClaimFlawed.
    """
    lock_patient(tx, find_session(tx, session_id, actor).patient_id)
    session = find_session(tx, session_id, actor)
    present = standing_claim(_locked_versions(tx, session_id))
    facts = gather_claim(tx, session, present, diagnoses=diagnoses, wishes=wishes, filing=Filing(), now=now)
    put = partial(_put, tx, session, facts, present, are_unrelated=are_unrelated, actor=actor, now=now)
    if present is None:
        return put()
    if present.frequency is Frequency.VOID:
        if present.state in CLAIM_UNSENT:
            raise ClaimNotPossible("A claim that takes the former one back waits to be sent. File it first.")
        return put(event=ClaimEvent.CLOSE)
    told = facts_of_claim(tx, present)
    if present.state is not ClaimState.REJECTED and same_claim(told, facts):
        end_tasks(tx, kind=CLAIM_AMENDED, subject_ids=[present.id], actor=actor, now=now)
        return set_deadline(tx, claim_id=present.id, actor=actor, now=now)
    if present.is_with_insurer:
        raise ClaimNotPossible(
            "The insurer has a claim of this session, and it says something else. Correct it."
        )
    if present.state is ClaimState.ISSUED and answered_unsent(tx, present):
        raise ClaimNotPossible(ANSWERED_UNSENT)
    return put()


def correct_claim(
    tx: Tx,
    *,
    claim_id: str,
    diagnoses: Sequence[str] = (),
    are_unrelated: bool = False,
    wishes: Wishes = AS_BEFORE,
    payer_claim_number: str | None = None,
    actor: Actor,
    now: datetime,
) -> IssuedClaim:
    """Replace a claim that the insurer has, by the facts as they stand now (frequency 7).

    Without the payer's own number of the claim, that of its latest answer is taken; for the rest
    see `issue_claim`.
    Raises: NoSuchClaim, IllegalMove, ClaimNotPossible, ClaimFlawed.
    """
    claim = _locked(tx, claim_id, actor)
    next_state(CLAIM_MOVES, claim.state, ClaimEvent.REPLACE)
    if claim.frequency is Frequency.VOID and claim.state not in CLAIM_UNSENT:
        raise ClaimNotPossible("This claim was taken back. Issue a new one.")
    if not claim.is_with_insurer:
        if answered_unsent(tx, claim):
            raise ClaimNotPossible(
                "An answer to this claim was read, and nobody said that it was sent. Mark it as filed first."
            )
        raise ClaimNotPossible("The insurer has no claim of this session yet: issue it again.")
    session = find_session(tx, claim.session_id, actor)
    filing = Filing(
        frequency=Frequency.REPLACEMENT, original_reference=_reference(tx, claim, payer_claim_number)
    )
    facts = gather_claim(tx, session, claim, diagnoses=diagnoses, wishes=wishes, filing=filing, now=now)
    told = facts_of_claim(tx, claim)
    if claim.state is ClaimState.ISSUED and told == facts:
        return claim
    if claim.state not in CLAIM_UNSENT and same_claim(told, facts):
        raise ClaimNotPossible("Nothing has changed since this claim was issued.")
    return _put(tx, session, facts, claim, are_unrelated=are_unrelated, actor=actor, now=now)


def void_claim(
    tx: Tx, *, claim_id: str, payer_claim_number: str | None = None, actor: Actor, now: datetime
) -> IssuedClaim:
    """Take a claim back. One that the insurer does not have is withdrawn; else one that voids it is issued.

    That one (frequency 8) repeats what it takes back, and is filed as any other.
    Raises: NoSuchClaim, IllegalMove, ClaimNotPossible, ClaimFlawed.
    """
    claim = _locked(tx, claim_id, actor)
    next_state(CLAIM_MOVES, claim.state, ClaimEvent.VOID)
    if claim.frequency is Frequency.VOID and claim.state is not ClaimState.REJECTED:
        raise ClaimNotPossible("This takes back a claim already.")
    if not claim.is_with_insurer:
        return move_claim(tx, claim_id=claim.id, event=ClaimEvent.VOID, actor=actor, now=now)
    reference = basic(_reference(tx, claim, payer_claim_number))
    session = find_session(tx, claim.session_id, actor)
    facts = replace(facts_of_claim(tx, claim), frequency=Frequency.VOID, original_reference=reference)
    return _put(tx, session, facts, claim, event=ClaimEvent.VOID, actor=actor, now=now)


def mark_filed(
    tx: Tx,
    *,
    claim_id: str,
    sent_on: date | None = None,
    reason: str | None = None,
    actor: Actor,
    now: datetime,
) -> IssuedClaim:
    """A person has sent the claim: by the insurer's page, or in a file of its own.

    `sent_on` is the clinic's day; without it the claim was sent today. Said only after its answer was read,
    it was sent by then, and the claim is as that answer makes it. One that would not be sent by now was
    sent all the same when a `reason` is given: that is kept sealed, and a person is asked what becomes of it.
    Raises: NoSuchClaim, IllegalMove, SentDayWrong; ClaimKept, ClaimOutdated without answer and reason.
    """
    claim = _locked(tx, claim_id, actor)
    next_state(CLAIM_MOVES, claim.state, ClaimEvent.FILE)
    told_at = _instant_sent(tx, claim, sent_on, now) if sent_on else None
    answered_at = answered_unsent(tx, claim)
    is_answered = answered_at is not None and (told_at is None or told_at <= answered_at)
    is_kept = not is_answered and _is_kept(tx, claim, reason)
    if reason:
        row = tx.session.get_one(ClaimRow, claim.id)
        row.sent_reason = tx.vault.seal(ClaimRow.__tablename__, claim.id, {"reason": reason})
    filed = file_claim(tx, claim_id=claim.id, sent_at=told_at or answered_at or now, actor=actor, now=now)
    if is_kept:
        record_audit(tx, actor=actor, action="claim.sent-anyway", subject_id=claim.id, now=now)
        ask_again(tx, kind=SENT_ANYWAY, about=filed, actor=actor, now=now)
    return settle_claim(tx, filed, actor=actor, now=now)


def _instant_sent(tx: Tx, claim: IssuedClaim, sent_on: date, now: datetime) -> datetime:
    """When that day began at the clinic, or the claim was issued on it: what was answered on it came later.

    Raises: SentDayWrong.
    """
    zone = ZoneInfo(find_site(tx, claim.site_id).timezone)
    if sent_on > local_date(now, zone):
        wrong = "That day is in the future. Give the day on which it was sent."
    elif sent_on < local_date(claim.issued_at, zone):
        wrong = "That is before the claim was issued. Give the day on which this version was sent."
    else:
        return max(claim.issued_at, datetime.combine(sent_on, time.min, zone).astimezone(UTC))
    raise SentDayWrong(wrong, [Flaw("/sent_on", wrong)])


def _is_kept(tx: Tx, claim: IssuedClaim, reason: str | None) -> bool:
    """Whether it would not be sent by now. Raises: ClaimKept, ClaimOutdated, without a reason."""
    try:
        refuse_to_send(tx, claim)
    except ClaimKept as error:
        if reason:
            return True
        raise type(error)(f"{error.detail} {SENT_ALL_THE_SAME}", **error.more) from error
    return False


def mark_claim(tx: Tx, *, claim_id: str, event: ClaimMark, actor: Actor, now: datetime) -> IssuedClaim:
    """A person appealed, was asked for records or sent them, or leaves it at that.

    Raises: NoSuchClaim, IllegalMove.
    """
    claim = _locked(tx, claim_id, actor)
    states, move = CLAIM_MARKS[event]
    if claim.state not in states:
        raise IllegalMove(f"A claim that is {claim.state} cannot be marked as {event}.".replace("_", " "))
    return move_claim(tx, claim_id=claim.id, event=move, actor=actor, now=now)


def _locked(tx: Tx, claim_id: str, actor: Actor) -> IssuedClaim:
    """The claim as it is once its patient and itself are held."""
    lock_patient(tx, find_claim(tx, claim_id, actor).patient_id)
    return claim_on_file(tx.session.get_one(ClaimRow, claim_id, populate_existing=True, with_for_update=True))


def _locked_versions(tx: Tx, session_id: str) -> list[IssuedClaim]:
    """Every version of a session's claim, oldest first, held: nobody files one meanwhile."""
    query = select(ClaimRow).where(ClaimRow.session_id == session_id).order_by(ClaimRow.version)
    held = query.with_for_update().execution_options(populate_existing=True)
    return [claim_on_file(row) for row in tx.session.scalars(held)]


def _policy_of(tx: Tx, session: Session, facts: Claim) -> Policy | None:
    return policy_on(tx, session.patient_id, day_of_service(facts))


def _reference(tx: Tx, claim: IssuedClaim, given: str | None) -> str:
    """Raises: ClaimNotPossible when nobody knows the payer's number."""
    number = given or claim.original_reference or payers_number(tx, claim.session_id)
    if not number:
        raise ClaimNotPossible("Give the payer's own number of the claim: it stands on its answer.")
    return number


def _put(
    tx: Tx,
    session: Session,
    facts: Claim,
    former: IssuedClaim | None,
    *,
    event: ClaimEvent = ClaimEvent.REPLACE,
    are_unrelated: bool = False,
    actor: Actor,
    now: datetime,
) -> IssuedClaim:
    """Freeze the next version, which begins as a draft; the former one leaves by the event.

    Raises: ClaimFlawed.
    """
    zone = ZoneInfo(find_site(tx, session.site_id).timezone)
    _check(tx, session, facts, former, are_unrelated=are_unrelated, actor=actor, now=now)
    if former:
        move_claim(tx, claim_id=former.id, event=event, actor=actor, now=now)
    version = len(claims_of_session(tx, session.id)) + 1
    control = next_number(tx, entity_id=session.entity_id, series=CONTROL_NUMBERS)
    interchange = Interchange(control_number=control, made_at=now.astimezone(zone), claims=(facts,))
    document = freeze(
        tx,
        kind=DOCUMENT_KIND,
        subject_id=session.id,
        version=version,
        body=interchange_body(interchange),
        now=now,
    )
    enqueue(tx, kind=RENDER_CLAIMS, key=document.id, due_at=now)
    row = ClaimRow(
        id=new_id("clm"),
        entity_id=session.entity_id,
        site_id=session.site_id,
        patient_id=session.patient_id,
        session_id=session.id,
        number=f"CLM-{next_number(tx, entity_id=session.entity_id, series=NUMBERS):06d}",
        version=version,
        state=ClaimState.DRAFT,
        frequency=facts.frequency,
        original_reference=facts.original_reference or None,
        supersedes_id=former.id if former else None,
        control_number=facts.control_number,
        document_id=document.id,
        sha256=document.sha256,
        service_on=day_of_service(facts),
        charge_cents=facts.charge.cents,
        paid_cents=facts.paid.cents,
        issued_at=now,
        file_by=file_by(day_of_service(facts), _policy_of(tx, session, facts)),
        interchange_number=control,
    )
    tx.session.add(row)
    tx.session.flush()
    return move_claim(tx, claim_id=row.id, event=ClaimEvent.ISSUE, actor=actor, now=now)


def _check(
    tx: Tx,
    session: Session,
    facts: Claim,
    former: IssuedClaim | None,
    *,
    are_unrelated: bool,
    actor: Actor,
    now: datetime,
) -> None:
    """Two diagnoses that exclude each other are asked about once; the provider's word goes on the trail.

    Raises: ClaimFlawed.
    """
    as_of = local_date(now, ZoneInfo(find_site(tx, session.site_id).timezone))
    edition = edition_on(tx, day_of_service(facts))
    accepted = [on_superbill(tx, session.id), *([facts_of_claim(tx, former).diagnoses] if former else ())]
    excluding = newly_excluding(edition, facts.diagnoses, accepted)
    is_answered = are_unrelated or excluding is None
    if flaws := claim_flaws(facts, edition, as_of=as_of, are_unrelated=is_answered):
        raise ClaimFlawed("An insurer would refuse this claim. Correct what is named, then issue it.", flaws)
    if excluding:
        record_audit(tx, actor=actor, action="claim.diagnoses-unrelated", subject_id=session.id, now=now)
