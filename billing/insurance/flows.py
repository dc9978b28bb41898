"""Around the outside: files are read before their transactions are posted, batches and claims are written."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import StringIO
from typing import BinaryIO, Protocol, TypeVar
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from billing.catalog.queries import entities
from billing.insurance.errors import NoSuperbills, UnreadableAcknowledgement, UnreadableRemittance
from billing.insurance.ports import (
    X12_TYPE,
    AcknowledgementReader,
    PrintSuperbills,
    RemittanceReader,
    RenderClaims,
    RenderSuperbill,
)
from billing.insurance.queries import count_present, present_superbills
from billing.insurance.queries.remittances import waiting_remittances
from billing.insurance.records import BatchForm, ImportedFile, Remittance, Superbill, WhichSuperbills
from billing.insurance.records.acknowledgements import AcknowledgedClaim, AcknowledgedFile
from billing.insurance.use_cases.acknowledgements import DUPLICATE, UNMATCHED, acknowledge_claims
from billing.insurance.use_cases.remittances import post_parked, post_remittance
from billing.insurance.use_cases.superbill_batches import disclose_superbills
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Database, Tx
from billing.platform.data.documents import find_document, rendered_once

T = TypeVar("T")

PARKED, REFUSED, TAKEN = "parked", "refused", "taken"
WELL = frozenset({"posted", "duplicate"})
WORSE = ("posted", "duplicate", PARKED, REFUSED)
"""Statuses, the worst last."""


class Run(Protocol):
    """Runs one piece of work in a transaction: `database.in_transaction`, or inside a rehearsal."""

    def __call__(self, work: Callable[[Tx], T]) -> T: ...


def import_remittance(
    run: Run, reader: RemittanceReader, *, name: str, content: bytes, actor: Actor, clock: Clock
) -> ImportedFile:
    """Read a file to its end, then post its transactions one by one, each whole or not at all.

    What cannot be read to its end is refused with all its transactions; else the file has the worst status
    of theirs. What waited for one of them is posted then, of whatever file it is.
    """
    try:
        transactions = reader.read(content).transactions
    except UnreadableRemittance as error:
        return ImportedFile(name=name, status=REFUSED, reason=error.detail)
    sha256 = hashlib.sha256(content).hexdigest()
    posted = []
    for transaction in transactions:
        work = partial(post_remittance, transaction=transaction, file_sha256=sha256, actor=actor, now=clock())
        posted.append(run(work))
    resumed = {each.id: each for each in resume_parked(run, posted=posted, clock=clock)}
    told = [resumed.pop(each.id, each) if each.status == PARKED else each for each in posted]
    worst = max((each.status for each in told), key=WORSE.index)
    return ImportedFile(name=name, status=worst, transactions=tuple(told), resumed=tuple(resumed.values()))


def resume_parked(run: Run, *, posted: Iterable[Remittance], clock: Clock) -> list[Remittance]:
    """Post what waited for these payments, such as a reversal for its original, and what waited for that."""
    resumed: list[Remittance] = []
    payers = {each.payer_id for each in posted if each.status in WELL}
    while payers:
        waiting = run(partial(waiting_remittances, payer_ids=payers))
        looked_at = [
            run(partial(post_parked, remittance_id=each, actor=SYSTEM, now=clock())) for each in waiting
        ]
        news = [each for each in looked_at if each.status in WELL]
        resumed += news
        payers = {each.payer_id for each in news}
    return resumed


# ------------------------------------------------------------------------------- acknowledgements of claims


def take_acknowledgement(
    run: Run, reader: AcknowledgementReader, *, name: str, content: bytes, actor: Actor, now: datetime
) -> AcknowledgedFile:
    """Read a 999 or 277CA to its end, then take all of it in one transaction."""
    try:
        told = reader.read(content)
    except UnreadableAcknowledgement as error:
        return AcknowledgedFile(name=name, status=REFUSED, reason=error.detail)
    return taken_file(name, run(partial(acknowledge_claims, told=told, actor=actor, now=now)))


def taken_file(name: str, claims: tuple[AcknowledgedClaim, ...]) -> AcknowledgedFile:
    statuses = {claim.status for claim in claims}
    if UNMATCHED in statuses:
        return AcknowledgedFile(name=name, status=UNMATCHED, claims=claims)
    return AcknowledgedFile(name=name, status=DUPLICATE if statuses == {DUPLICATE} else TAKEN, claims=claims)


# ------------------------------------------------------------------------------- superbills by the batch

Watch = Callable[[Iterable[Superbill], int], Iterable[Superbill]]
"""Hands on each superbill of a batch, and is told how many there are: to show how far it is."""


@dataclass(frozen=True)
class Press:
    """How superbills are printed: one by one, or all into one file."""

    one: RenderSuperbill
    many: PrintSuperbills


def hand_out_batch(
    database: Database,
    press: Press,
    stream: BinaryIO,
    *,
    which: WhichSuperbills,
    form: BatchForm,
    actor: Actor,
    clock: Clock,
    watch: Watch,
) -> int:
    """Write the present superbills to a stream, as they all stood at one moment, and say how many they are.

    The one PDF is printed from the frozen bodies. The ZIP has the bytes that are kept for each of them.
    Raises: NoSuperbills.
    """
    with database.reading() as read:
        count = count_present(read, actor, which)
        if not count:
            raise NoSuperbills("There is no superbill of these days. Check the dates and the patient.")
        disclose = partial(disclose_superbills, which=which, form=form, count=count, actor=actor, now=clock())
        database.in_transaction(disclose)
        slugs = {entity.id: entity.slug for entity in entities(read)}
        kept = partial(rendered_once, database, press.one, now=clock())
        with closing(present_superbills(read, actor, which)) as present:
            superbills = watch(present, count)
            if form is BatchForm.PDF:
                press.many((find_document(read, each.document_id).body for each in superbills), stream)
            else:
                _write_zip(stream, superbills, slugs, lambda each: kept(document_id=each.document_id))
    return count


def _write_zip(
    stream: BinaryIO,
    superbills: Iterable[Superbill],
    slugs: Mapping[str, str],
    content_of: Callable[[Superbill], bytes],
) -> None:
    """A file each, in a folder for each clinic; the last one lists them. No name tells of a patient."""
    manifest = StringIO()
    told = csv.writer(manifest)
    told.writerow(("number", "version", "file", "sha256", "service_on", "control_number"))
    with ZipFile(stream, "w") as archive:
        for each in superbills:
            name, content = f"{slugs[each.entity_id]}/{each.number}.pdf", content_of(each)
            sha256 = hashlib.sha256(content).hexdigest()
            archive.writestr(_member(name), content)
            told.writerow((each.number, each.version, name, sha256, each.service_on, each.control_number))
        archive.writestr(_member("manifest.csv"), manifest.getvalue())


def _member(name: str) -> ZipInfo:
    """Without the time of the day, so that the same superbills give the same bytes."""
    member = ZipInfo(name)
    member.compress_type, member.external_attr = ZIP_DEFLATED, 0o600 << 16
    return member


# ------------------------------------------------------------------------------- claims


def claim_bytes(database: Database, render: RenderClaims, *, document_id: str, now: datetime) -> bytes:
    """A file of claims as it is sent, the same bytes for ever."""
    return rendered_once(database, render, document_id=document_id, now=now, media_type=X12_TYPE)
