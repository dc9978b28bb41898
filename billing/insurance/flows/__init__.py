"""Around the outside: superbills by the batch, and claims as files."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping
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
from billing.insurance.queries import count_present, present_superbills
from billing.insurance.records import BatchForm, Superbill, WhichSuperbills
from billing.insurance.use_cases.superbill_batches import disclose_superbills
from billing.kernel.clock import Clock
from billing.kernel.permissions import Actor
from billing.platform.data.database import Database
from billing.platform.data.documents import find_document, rendered_once

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
