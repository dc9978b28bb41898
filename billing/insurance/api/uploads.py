"""Files that are sent as the body of a request, as they came; large ones are the worker's."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, request
from werkzeug.exceptions import RequestEntityTooLarge

from billing.insurance.queries.remittance_uploads import find_upload
from billing.insurance.records.uploads import Upload
from billing.insurance.schemas.remittances import LookAgain
from billing.insurance.schemas.uploads import UploadView
from billing.insurance.use_cases.remittance_uploads import keep_upload, order_posting
from billing.kernel.permissions import Permission
from billing.platform.data.database import Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write

LARGEST_UPLOAD = 2_000_000
"""Bytes that one request reads by itself: a request must end."""
LARGEST_FILE = 25_000_000
"""Bytes that the worker takes on: some 60,000 claims."""
MOST_CLAIMS = 1_000
"""That one request posts: a claim takes some milliseconds, and others wait meanwhile."""
SECONDS = "2"
"""After which it is worth asking how far it is."""
MEDIA_TYPES = ("application/edi-x12", "application/octet-stream", "text/plain")


def upload_of(what: str) -> dict[str, Any]:
    """The body of a route that takes such a file."""
    content = {name: {"schema": {"type": "string", "format": "binary"}} for name in MEDIA_TYPES}
    return {"required": True, "description": f"The {what} as it came.", "content": content}


def uploaded(command: str, most: int = LARGEST_UPLOAD) -> bytes:
    """The body, when it is not too large; `command` takes larger ones."""
    if request.mimetype not in MEDIA_TYPES:
        abort(415, description=f"Send the file as Content-Type: {MEDIA_TYPES[0]}.")
    request.max_content_length = most
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        told = f"The file has more than {most // 1_000_000} MB."
        abort(413, description=f"{told} Have it read on the server: {command} FILE.")


def is_for_the_worker(content: bytes) -> bool:
    """Whether it is too large for one request, by its length and by how many claims there seem to be."""
    return len(content) > LARGEST_UPLOAD or content.count(b"CLP") > MOST_CLAIMS


def leave_to_worker(edge: Edge, content: bytes) -> Response:
    """Keep a large file and have it posted: 202, and where it is told how far that is."""
    actor, now = current_actor(), edge.clock()

    def work(tx: Tx) -> Upload:
        kept = keep_upload(tx, content=content, claims=None, actor=actor, now=now)
        return order_posting(tx, upload_id=kept.id, actor=actor, now=now)

    return _accepted(edge_write(edge, work, UploadView, status=202, moves_money=True))


def add_uploads(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/remittance-uploads", methods=["POST"])
    @routes.doc(requestBody=upload_of("835 file"))  # type: ignore[untyped-decorator]
    @routes.response(202, UploadView)
    @guard(Permission.REMITTANCES_WRITE)
    def send() -> Response:
        """Have an 835 file of up to 25 MB read, and told what it would do. Nothing of it is posted yet."""
        content = uploaded("flask remittances import", LARGEST_FILE)
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> Upload:
            return keep_upload(tx, content=content, claims=None, actor=actor, now=now)

        return _accepted(edge_write(edge, work, UploadView, status=202))

    @routes.route("/remittance-uploads/<upload_id>", methods=["GET"])
    @routes.response(200, UploadView)
    @guard(Permission.REMITTANCES_WRITE)
    def show(upload_id: str) -> Any:
        """How far it is, what it would do, and what it did; for who sent it alone."""
        actor = current_actor()
        return edge.read(lambda read: find_upload(read, upload_id, actor))

    @routes.route("/remittance-uploads/<upload_id>/post", methods=["POST"])
    @routes.arguments(LookAgain)
    @routes.response(202, UploadView)
    @guard(Permission.REMITTANCES_WRITE)
    def post(_body: dict[str, Any], upload_id: str) -> Response:
        """Have it posted, transaction by transaction, each whole or not at all; ordered twice, it is once."""
        actor, now = current_actor(), edge.clock()
        return _accepted(
            edge_write(
                edge,
                lambda tx: order_posting(tx, upload_id=upload_id, actor=actor, now=now),
                UploadView,
                status=202,
                moves_money=True,
            )
        )


def _accepted(response: Response) -> Response:
    """With the address to ask, and when."""
    told = response.get_json()
    if response.status_code == 202:
        response.headers["Location"] = f"/api/v1/remittance-uploads/{told['id']}"
        response.headers["Retry-After"] = SECONDS
    return response
