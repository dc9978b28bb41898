"""/staff/remittances/upload: an insurer's file, looked at by the path that posts it, then posted.

A small one is looked at and posted while its sender waits; a large one is the worker's, and its page tells
how far that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.insurance.api.uploads import LARGEST_FILE, MOST_CLAIMS, is_for_the_worker
from billing.insurance.errors import UnreadableRemittance
from billing.insurance.flows.remittances import import_remittance
from billing.insurance.ports import RemittanceReader
from billing.insurance.queries.remittance_uploads import (
    MOST_PARTS,
    Counted,
    content_of_upload,
    counted_parts,
    find_upload,
)
from billing.insurance.records import ImportedFile, Remittance, RemittanceTransaction
from billing.insurance.records.uploads import Upload
from billing.insurance.states import UploadState
from billing.insurance.use_cases.remittance_uploads import (
    WORKED_ON,
    finish_upload,
    hold_upload,
    keep_upload,
    order_posting,
)
from billing.kernel.errors import Flaw
from billing.kernel.money import ZERO, total
from billing.kernel.permissions import Permission
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web import remittance_words as words
from billing.web.forms import takes_files, written
from billing.web.refusals import REFUSED, shown_again

ASK, PREVIEW, PROGRESS, EXPECTED, RESULT, UNREADABLE = (
    f"staff/remittance_upload{page}.html"
    for page in ("", "_preview", "_progress", "_expected", "_result", "_refused")
)
FORM_BYTES = 100_000
"""What a form may have beside its file."""
SHOWN_CLAIMS = 20
CHOOSE = "Choose the insurer's file first."


def make_blueprint(edge: Edge, reader: RemittanceReader) -> Blueprint:
    routes = Blueprint("staff_remittance_uploads", __name__)
    _add_sending(routes, edge, reader)
    _add_posting(routes, edge, reader)
    return routes


def _add_sending(routes: Blueprint, edge: Edge, reader: RemittanceReader) -> None:
    @routes.get("/staff/remittances/upload")
    @guard(Permission.REMITTANCES_WRITE)
    def ask() -> str:
        return render_template(ASK, **_limits())

    @routes.post("/staff/remittances/upload")
    @takes_files(LARGEST_FILE + FORM_BYTES)
    @guard(Permission.REMITTANCES_WRITE)
    def send() -> Response | tuple[str, int]:
        """Read to its end, or refused whole with the segment. The file's own name is not kept."""
        actor, now = current_actor(), edge.clock()
        try:
            content, claims = _sent(reader)
            kept = edge.database.in_transaction(
                lambda tx: keep_upload(tx, content=content, claims=claims, actor=actor, now=now)
            )
            return redirect(url_for("staff_remittance_uploads.upload", upload_id=kept.id), 303)
        except REFUSED as error:
            return shown_again(ASK, error, **_limits())


def _add_posting(routes: Blueprint, edge: Edge, reader: RemittanceReader) -> None:
    @routes.get("/staff/remittance-uploads/<upload_id>")
    @guard(Permission.REMITTANCES_WRITE)
    def upload(upload_id: str) -> str:
        """How far it is; what it would do, as long as it is not posted; then, what it did."""
        actor = current_actor()
        found = edge.read(lambda read: find_upload(read, upload_id, actor))
        if found.state in WORKED_ON:
            return render_template(PROGRESS, upload=found, percent=_percent(found))
        if found.state is UploadState.REFUSED:
            return render_template(UNREADABLE, upload=found)
        counted = edge.audited_read(
            lambda read: counted_parts(read, upload_id),
            actor=actor,
            action="page.remittance-upload",
            subject_id=upload_id,
        )
        if _is_small(found):
            seen = edge.database.rehearse(lambda tx: _imported(tx, edge, reader, upload_id))
            return render_template(PREVIEW, upload=found, **_told(seen.transactions))
        page = EXPECTED if found.state is UploadState.READ else RESULT
        return render_template(page, upload=found, counted=counted, most=MOST_PARTS, words=words)

    @routes.post("/staff/remittance-uploads/<upload_id>/post")
    @guard(Permission.REMITTANCES_WRITE)
    def post(upload_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        page = url_for("staff_remittance_uploads.upload", upload_id=upload_id)

        def work(tx: Tx) -> str:
            if _is_small(find_upload(tx, upload_id, actor)):
                _post_now(tx, edge, reader, upload_id)
            else:
                order_posting(tx, upload_id=upload_id, actor=actor, now=now)
            return page

        try:
            written(edge, work)
        except REFUSED as error:
            flash(error.detail, "refused")
        return redirect(page, 303)


def _post_now(tx: Tx, edge: Edge, reader: RemittanceReader, upload_id: str) -> None:
    """Unless another tab posted it before: its page tells what it did."""
    actor, now = current_actor(), edge.clock()
    if not hold_upload(tx, upload_id=upload_id, actor=actor, now=now):
        return
    done = _imported(tx, edge, reader, upload_id)
    said = reader.read(content_of_upload(tx, upload_id, actor)).transactions
    became = list(zip(said, done.transactions, strict=True))
    finish_upload(tx, upload_id=upload_id, became=became, actor=actor, now=now)


def _imported(tx: Tx, edge: Edge, reader: RemittanceReader, upload_id: str) -> ImportedFile:
    """All transactions of the file in this one. Raises: NoSuchUpload."""
    actor = current_actor()
    content = content_of_upload(tx, upload_id, actor)
    return import_remittance(
        lambda work: work(tx), reader, name="upload", content=content, actor=actor, clock=edge.clock
    )


def _sent(reader: RemittanceReader) -> tuple[bytes, int | None]:
    """The file, and how many claims it has; None for one that the worker is to read.

    Raises: InvalidRequest.
    """
    sent = request.files.get("file")
    content = sent.read() if sent else b""
    if not content:
        raise InvalidRequest(CHOOSE, [Flaw("/file", CHOOSE)])
    if is_for_the_worker(content):
        return content, None
    try:
        return content, _claims_in(reader.read(content).transactions)
    except UnreadableRemittance as error:
        raise InvalidRequest(error.detail, [Flaw("/file", error.detail)]) from None


def _claims_in(transactions: Sequence[RemittanceTransaction]) -> int:
    return sum(len(each.claims) for each in transactions)


def _is_small(upload: Upload) -> bool:
    """Whether it was read while its sender waited, and is posted so: the worker did nothing about it."""
    return upload.state is UploadState.READ and not upload.parts


def _limits() -> dict[str, Any]:
    return {"megabytes": LARGEST_FILE // 1_000_000, "most_claims": MOST_CLAIMS}


def _percent(upload: Upload) -> int | None:
    return 100 * upload.claims_done // upload.claims if upload.claims else None


def _told(transactions: Sequence[Remittance]) -> dict[str, Any]:
    return {
        "transactions": transactions,
        "counted": _counted(transactions),
        "credit": total(
            claim.credit for each in transactions if each.status == "posted" for claim in each.claims
        ),
        "shown_claims": SHOWN_CLAIMS,
        "words": words,
    }


def _counted(transactions: Sequence[Remittance]) -> dict[str, Counted]:
    counted: dict[str, Counted] = {}
    for each in transactions:
        before = counted.get(each.status, Counted(0, ZERO))
        counted[each.status] = Counted(before.count + 1, before.amount + each.amount)
    return counted
