"""/staff/remittances/upload: an insurer's file, looked at by the path that posts it, then posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.insurance.errors import UnreadableRemittance
from billing.insurance.flows.remittances import import_remittance
from billing.insurance.ports import RemittanceReader
from billing.insurance.queries.remittance_uploads import content_of_upload, find_upload
from billing.insurance.queries.remittances import remittances_among
from billing.insurance.records import ImportedFile, Remittance
from billing.insurance.records.remittances import Upload
from billing.insurance.use_cases.remittance_uploads import finish_upload, keep_upload
from billing.kernel.errors import Flaw
from billing.kernel.money import Money, total
from billing.kernel.permissions import Permission
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web import remittance_words as words
from billing.web.forms import written
from billing.web.refusals import REFUSED, shown_again

ASK, PREVIEW, RESULT = (
    f"staff/remittance_{page}.html" for page in ("upload", "upload_preview", "upload_result")
)
MOST_CLAIMS = 1_000
"""Of one file on a page: a claim takes some milliseconds to post, twice, and others wait meanwhile."""
SHOWN_CLAIMS = 20
CHOOSE = "Choose the insurer's file first."
TOO_MANY = (
    f"The file has more than {MOST_CLAIMS:,} claims, too many for a page. Nothing was posted. Have it "
    "imported on the server: flask remittances import FILE, first with --dry-run."
)


@dataclass(frozen=True)
class Counted:
    """What a file does, in sums: how many payments stand how, and what patients are credited."""

    statuses: Mapping[str, int]
    posted: Money
    credit: Money


def make_blueprint(edge: Edge, reader: RemittanceReader) -> Blueprint:
    routes = Blueprint("staff_remittance_uploads", __name__)
    _add_sending(routes, edge, reader)
    _add_posting(routes, edge, reader)
    return routes


def _add_sending(routes: Blueprint, edge: Edge, reader: RemittanceReader) -> None:
    @routes.get("/staff/remittances/upload")
    @guard(Permission.REMITTANCES_WRITE)
    def ask() -> str:
        return render_template(ASK)

    @routes.post("/staff/remittances/upload")
    @guard(Permission.REMITTANCES_WRITE)
    def send() -> Response | tuple[str, int]:
        """Read to its end, or refused whole with the segment. The file's own name is not kept."""
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            upload_id = keep_upload(tx, content=_content(reader), actor=actor, now=now)
            return url_for("staff_remittance_uploads.upload", upload_id=upload_id)

        try:
            return redirect(edge.database.in_transaction(work), 303)
        except REFUSED as error:
            return shown_again(ASK, error)


def _add_posting(routes: Blueprint, edge: Edge, reader: RemittanceReader) -> None:
    @routes.get("/staff/remittance-uploads/<upload_id>")
    @guard(Permission.REMITTANCES_WRITE)
    def upload(upload_id: str) -> str:
        """What it would do, as long as it is not posted: all of it, rolled back. Then, what it did."""
        actor = current_actor()
        found = edge.audited_read(
            lambda read: find_upload(read, upload_id, actor),
            actor=actor,
            action="page.remittance-upload",
            subject_id=upload_id,
        )
        if found.posted_at is not None:
            return render_template(RESULT, **_result(edge, found))
        seen = edge.database.rehearse(lambda tx: _imported(tx, edge, reader, upload_id))
        return render_template(PREVIEW, upload=found, **_told(seen.transactions))

    @routes.post("/staff/remittance-uploads/<upload_id>/post")
    @guard(Permission.REMITTANCES_WRITE)
    def post(upload_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        page = url_for("staff_remittance_uploads.upload", upload_id=upload_id)

        def work(tx: Tx) -> str:
            done = _imported(tx, edge, reader, upload_id)
            outcome = [(each.id, each.status) for each in done.transactions]
            finish_upload(tx, upload_id=upload_id, outcome=outcome, actor=actor, now=now)
            return page

        try:
            written(edge, work)
        except REFUSED as error:
            flash(error.detail, "refused")
        return redirect(page, 303)


def _imported(tx: Tx, edge: Edge, reader: RemittanceReader, upload_id: str) -> ImportedFile:
    """All transactions of the file in this one. Raises: NoSuchUpload."""
    actor = current_actor()
    content = content_of_upload(tx, upload_id, actor)
    return import_remittance(
        lambda work: work(tx), reader, name="upload", content=content, actor=actor, clock=edge.clock
    )


def _content(reader: RemittanceReader) -> bytes:
    """Raises: InvalidRequest."""
    sent = request.files.get("file")
    content = sent.read() if sent else b""
    if not content:
        raise InvalidRequest(CHOOSE, [Flaw("/file", CHOOSE)])
    try:
        transactions = reader.read(content).transactions
    except UnreadableRemittance as error:
        raise InvalidRequest(error.detail, [Flaw("/file", error.detail)]) from None
    if sum(len(each.claims) for each in transactions) > MOST_CLAIMS:
        raise InvalidRequest(TOO_MANY, [Flaw("/file", TOO_MANY)])
    return content


def _told(transactions: Sequence[Remittance]) -> dict[str, Any]:
    return {
        "transactions": transactions,
        "counted": _counted([(each.status, each) for each in transactions]),
        "shown_claims": SHOWN_CLAIMS,
        "words": words,
    }


def _result(edge: Edge, upload: Upload) -> dict[str, Any]:
    """As it was then; what became of a payment since is on its own page."""
    actor, statuses = current_actor(), dict(upload.outcome)
    found = edge.read(lambda read: remittances_among(read, statuses, actor))
    by_id = {each.id: each for each in found}
    listed = [(status, by_id[each]) for each, status in upload.outcome if each in by_id]
    return {"upload": upload, "listed": listed, "counted": _counted(listed), "words": words}


def _counted(listed: Sequence[tuple[str, Remittance]]) -> Counted:
    statuses: dict[str, int] = {}
    for status, _ in listed:
        statuses[status] = statuses.get(status, 0) + 1
    posted = [each for status, each in listed if status == "posted"]
    return Counted(
        statuses,
        total(each.amount for each in posted),
        total(claim.credit for each in posted for claim in each.claims),
    )
