"""Superbills of a period or patient in one file, over HTTP and for the page of them."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from flask import Response

from billing.insurance.errors import TooManySuperbills
from billing.insurance.flows import Press, batch_of, hand_out_batch
from billing.insurance.queries import count_present
from billing.insurance.records import Batch, BatchForm, Superbill, WhichSuperbills
from billing.insurance.schemas import BatchView, SuperbillBatchQuery, SuperbillsOfBatch
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.papers import file_answer

MOST_IN_A_REQUEST = 1_000
"""A request must end. A thousand that were never printed take some seconds as a ZIP."""
LEFT_OUT = "Superbills-Left-Out"
MEDIA_TYPES = {BatchForm.PDF: "application/pdf", BatchForm.ZIP: "application/zip"}
FILES: dict[str, Any] = {
    "200": {
        "description": "The present superbills, by clinic and day of service.",
        "content": {media_type: {} for media_type in MEDIA_TYPES.values()},
        "headers": {
            LEFT_OUT: {
                "description": "How many are left out; `/superbill-batches/contents` says which, and why.",
                "schema": {"type": "integer"},
            }
        },
    }
}


def make_batch_blueprint(edge: Edge, press: Press, *, most: int = MOST_IN_A_REQUEST) -> ApiBlueprint:
    routes = ApiBlueprint("superbill_batches", __name__, description="Superbills by the batch")

    @routes.route("/superbill-batches", methods=["GET"])
    @routes.arguments(SuperbillBatchQuery, location="query")
    @routes.doc(responses=FILES)  # type: ignore[untyped-decorator]
    @guard(Permission.SUPERBILLS_WRITE)
    def show_batch(query: dict[str, Any]) -> Response:
        """All present superbills of days of service or of a patient, as one PDF or as a ZIP with a manifest.

        Up to a thousand; more are written on the server by `flask superbills render`. Each file is on the
        trail.
        """
        form = query.pop("format")
        return batch_answer(edge, press, WhichSuperbills(**query), form, most=most)

    @routes.route("/superbill-batches/contents", methods=["GET"])
    @routes.arguments(SuperbillsOfBatch, location="query")
    @routes.response(200, BatchView)
    @guard(Permission.SUPERBILLS_WRITE)
    def show_contents(query: dict[str, Any]) -> Batch:
        """How many superbills a batch holds, and which it leaves out, each with the reason."""
        actor, which = current_actor(), WhichSuperbills(**query)
        return edge.read(lambda read: batch_of(read, actor, which))

    return routes


def batch_answer(
    edge: Edge, press: Press, which: WhichSuperbills, form: BatchForm, *, most: int = MOST_IN_A_REQUEST
) -> Response:
    """The file, under a name that names nobody; a thousand are some 14 MB as a ZIP.

    Raises: NoSuperbills, TooManySuperbills.
    """
    actor = current_actor()
    count = edge.read(lambda read: count_present(read, actor, which))
    if count > most:
        raise TooManySuperbills(
            f"These are {count:,} superbills, and a download holds {most:,}. Choose fewer days, "
            "or have them written on the server: flask superbills render.",
            count=count,
        )
    file = BytesIO()
    batch = hand_out_batch(
        edge.database, press, file, which=which, form=form, actor=actor, clock=edge.clock, watch=_unseen
    )
    answer = file_answer(file.getvalue(), f"superbills.{form.value}", MEDIA_TYPES[form])
    answer.headers[LEFT_OUT] = str(len(batch.left_out))
    return answer


def _unseen(superbills: Iterable[Superbill], _count: int) -> Iterable[Superbill]:
    return superbills
