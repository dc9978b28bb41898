"""Files given as evidence. What is in them is not kept: nobody here reads it."""

from __future__ import annotations

from billing.sandbox.calls import Call, Route, page, reader, shown
from billing.sandbox.errors import ApiError
from billing.sandbox.parameters import EXPAND, NOTHING, PAGED, Form, choice, text, whole
from billing.sandbox.storage import Condition, Thing, new_reference

EVIDENCE = "dispute_evidence"
TYPES = {".pdf": "pdf", ".jpg": "jpg", ".jpeg": "jpg", ".png": "png"}
MOST_BYTES = 5_000_000
"""Source: docs.stripe.com/disputes/best-practices (all files of one dispute: 4.5 MB)."""


def _create(call: Call, params: Thing) -> Thing:
    name, size = params["file"]["name"], params["file"]["size"]
    kind = next((TYPES[ending] for ending in TYPES if name.lower().endswith(ending)), None)
    if kind is None:
        raise ApiError("Evidence is a PDF, JPEG or PNG file.", param="file")
    if not 0 < size <= MOST_BYTES:
        raise ApiError(f"Evidence has from 1 to {MOST_BYTES} bytes; this has {size}.", param="file")
    reference = new_reference("file")
    file = call.shelf.add({
        "id": reference,
        "object": "file",
        "created": call.now,
        "expires_at": None,
        "filename": name,
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={reference}"},
        "purpose": params["purpose"],
        "size": size,
        "title": None,
        "type": kind,
        "url": f"{call.base_url}/v1/files/{reference}/contents",
    })  # fmt: skip
    return shown(call, file, params.get("expand", ()))


def _list(call: Call, params: Thing) -> Thing:
    conditions: list[Condition] = [("purpose", "=", params["purpose"])] if "purpose" in params else []
    return page(call, "file", params, url="/v1/files", conditions=conditions)


_FILE = Form(
    {"name": text(500), "size": whole(), "sha256": text(64)},
    required=frozenset({"name", "size"}),
)
ROUTES = [
    Route(
        "POST",
        "/v1/files",
        Form({**EXPAND, "file": _FILE, "purpose": choice(EVIDENCE)}, required=frozenset({"file", "purpose"})),
        _create,
    ),
    Route("GET", "/v1/files/<reference>", NOTHING, reader("file")),
    Route("GET", "/v1/files", Form({**PAGED, "purpose": text(100)}), _list),
]
