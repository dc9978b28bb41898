"""Papers that the books have overtaken, issued again in one go: each in a transaction of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from billing.insurance.queries.figures import outdated_papers
from billing.insurance.records import Paper
from billing.insurance.records.figures import OutdatedPaper, PaperKind, Reissue, Reissued
from billing.insurance.use_cases.claims import correct_claim, issue_claim
from billing.insurance.use_cases.outdated_papers import PAPERS_OUTDATED
from billing.insurance.use_cases.superbills import issue_superbill
from billing.kernel.clock import Clock
from billing.kernel.errors import Conflict, Invalid
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Database, Read, Tx
from billing.platform.data.tasks import open_subjects

MOST_AT_ONCE = 200
"""Papers that are issued: a request must end. Further ones are taken by the next."""
NEEDED = {PaperKind.SUPERBILL: Permission.SUPERBILLS_WRITE, PaperKind.CLAIM: Permission.CLAIMS_WRITE}
BY_HAND = "The insurer has this claim. Open it, look at it, and replace it by a corrected one."


@dataclass(frozen=True, kw_only=True)
class Reissues:
    """What became of each, and how many wait for another go."""

    items: tuple[Reissued, ...]
    left: int


def outdated_now(read: Read, actor: Actor) -> list[OutdatedPaper]:
    """Those that the actor may issue again, or replace."""
    found = outdated_papers(read, actor, asked=open_subjects(read, kind=PAPERS_OUTDATED))
    return [paper for paper in found if actor.may(NEEDED[paper.kind])]


def reissue_outdated(database: Database, *, actor: Actor, clock: Clock, most: int = MOST_AT_ONCE) -> Reissues:
    """Issue each outdated paper again with what the last one said of diagnoses, payee and referring provider.

    A paper that is refused keeps no other from being issued. A claim that the insurer has is left to a
    person. A second go finds nothing more to do.
    """
    with database.reading() as read:
        found = outdated_now(read, actor)
    ours = [each for each in found if not each.is_sent]
    told: list[Reissued] = []
    while len(told) < len(ours) and sum(each.outcome is not Reissue.REFUSED for each in told) < most:
        told.append(_again(database, ours[len(told)], actor, clock()))
    by_hand = [
        Reissued(paper=each, outcome=Reissue.REFUSED, detail=BY_HAND) for each in found if each.is_sent
    ]
    return Reissues(items=(*told, *by_hand), left=len(ours) - len(told))


def _again(database: Database, paper: OutdatedPaper, actor: Actor, now: datetime) -> Reissued:
    try:
        anew = database.in_transaction(partial(_issued, paper=paper, actor=actor, now=now))
    except (Conflict, Invalid) as error:
        flaws = tuple(error.flaws) if isinstance(error, Invalid) else ()
        return Reissued(paper=paper, outcome=Reissue.REFUSED, detail=error.detail, flaws=flaws)
    outcome = Reissue.HOLDS if anew.id == paper.id else Reissue.ISSUED
    return Reissued(paper=paper, outcome=outcome, number=anew.number)


def _issued(tx: Tx, *, paper: OutdatedPaper, actor: Actor, now: datetime) -> Paper:
    if paper.kind is PaperKind.SUPERBILL:
        return issue_superbill(tx, session_id=paper.session_id, actor=actor, now=now)
    if paper.is_with_insurer:
        return correct_claim(tx, claim_id=paper.id, actor=actor, now=now)
    return issue_claim(tx, session_id=paper.session_id, actor=actor, now=now)
