"""Around the outside: superbills by the batch, and claims as files."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import StringIO
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from billing.catalog.queries import entities
from billing.insurance.errors import NoSuperbills
from billing.insurance.ports import X12_TYPE, PrintSuperbills, RenderClaims, RenderSuperbill
from billing.insurance.queries import count_present, present_among, present_superbills
from billing.insurance.queries.figures import outdated_papers
from billing.insurance.records import Batch, BatchForm, LeftOut, Superbill, WhichSuperbills
from billing.insurance.records.figures import PaperKind
from billing.insurance.use_cases.outdated_papers import PAPERS_OUTDATED
from billing.insurance.use_cases.plan_limits import NOT_ALLOWED
from billing.insurance.use_cases.superbill_batches import disclose_superbills
from billing.insurance.use_cases.superbills import SUPERBILL_AMENDED
from billing.kernel.clock import Clock
from billing.kernel.permissions import Actor
from billing.platform.data.database import Database, Read
from billing.platform.data.documents import find_document, rendered_once
from billing.platform.data.tasks import open_subjects

# ------------------------------------------------------------------------------- superbills by the batch

NONE_THERE = "There is no superbill of these days. Check the dates and the patient."
MOST_NAMED = 20
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
) -> Batch:
    """Write the present superbills to a stream, as they all stood at one moment, and say what is in it.

    The one PDF is printed from the frozen bodies, and says nothing of what is left out: it is sent on as it
    is, to a plan that may not know of it. The ZIP has the bytes that are kept for each of them, and a list.
    Raises: NoSuperbills.
    """
    with database.reading() as read:
        batch = batch_of(read, actor, which)
        if not batch.count:
            raise NoSuperbills(told_left_out(batch.left_out) if batch.left_out else NONE_THERE)
        disclose = partial(
            disclose_superbills,
            which=which,
            form=form,
            count=batch.count,
            left_out=len(batch.left_out),
            actor=actor,
            now=clock(),
        )
        database.in_transaction(disclose)
        slugs = {entity.id: entity.slug for entity in entities(read)}
        kept = partial(rendered_once, database, press.one, now=clock())
        absent = {each.superbill.id for each in batch.left_out}
        with closing(present_superbills(read, actor, which)) as present:
            superbills = watch((each for each in present if each.id not in absent), batch.count)
            if form is BatchForm.PDF:
                bodies = (find_document(read, each.document_id).body for each in superbills)
                press.many(bodies, stream)
            else:
                _write_zip(
                    stream,
                    superbills,
                    slugs,
                    lambda each: kept(document_id=each.document_id),
                    batch.left_out,
                )
    return batch


def batch_of(read: Read, actor: Actor, which: WhichSuperbills) -> Batch:
    """What a batch holds. Only superbills that may have to stay out are looked at one by one."""
    reasons = _not_to_be_used(read, actor)
    kept = present_among(read, actor, which, reasons) if reasons else ()
    left_out = tuple(LeftOut(superbill=each, why=reasons[each.id]) for each in kept)
    return Batch(count=count_present(read, actor, which) - len(left_out), left_out=left_out)


def told_left_out(left_out: Sequence[LeftOut]) -> str:
    """How many, and which, with the reasons; the first of very many."""
    told = "; ".join(f"{each.superbill.number}: {each.why}" for each in left_out[:MOST_NAMED])
    more = f"; and {len(left_out) - MOST_NAMED} more" if len(left_out) > MOST_NAMED else ""
    are = "is" if len(left_out) == 1 else "are"
    return f"{len(left_out)} {are} left out, see the tasks about them. {told}{more}."


def _not_to_be_used(read: Read, actor: Actor) -> dict[str, str]:
    """Why a superbill is in no batch, by its id: a person was asked what becomes of it."""
    asked = open_subjects(read, kind=PAPERS_OUTDATED)
    outdated = [
        each.id for each in outdated_papers(read, actor, asked=asked) if each.kind is PaperKind.SUPERBILL
    ]
    return {
        **dict.fromkeys(outdated, "the books say another charge or payment"),
        **dict.fromkeys(open_subjects(read, kind=SUPERBILL_AMENDED), "the visit was amended since"),
        **dict.fromkeys(open_subjects(read, kind=NOT_ALLOWED), "the plan may not see it"),
    }


def _write_zip(
    stream: BinaryIO,
    superbills: Iterable[Superbill],
    slugs: Mapping[str, str],
    content_of: Callable[[Superbill], bytes],
    left_out: Sequence[LeftOut],
) -> None:
    """A file each, in a folder for each clinic; the last one lists them, and what is left out. No name tells
    of a patient."""
    manifest = StringIO()
    told = csv.writer(manifest)
    told.writerow(("number", "version", "file", "sha256", "service_on", "control_number", "left_out"))
    with ZipFile(stream, "w") as archive:
        for each in superbills:
            name, content = f"{slugs[each.entity_id]}/{each.number}.pdf", content_of(each)
            sha256 = hashlib.sha256(content).hexdigest()
            archive.writestr(_member(name), content)
            told.writerow((each.number, each.version, name, sha256, each.service_on, each.control_number, ""))
        for absent in left_out:
            bill = absent.superbill
            told.writerow(
                (bill.number, bill.version, "", "", bill.service_on, bill.control_number, absent.why)
            )
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
