"""Files that are sent as the body of a request, as they came."""

from __future__ import annotations

from typing import Any

from flask import abort, request
from werkzeug.exceptions import RequestEntityTooLarge

LARGEST_UPLOAD = 2_000_000
"""Bytes. A claim takes some milliseconds to post, and a request must end."""
MEDIA_TYPES = ("application/edi-x12", "application/octet-stream", "text/plain")


def upload_of(what: str) -> dict[str, Any]:
    """The body of a route that takes such a file."""
    content = {name: {"schema": {"type": "string", "format": "binary"}} for name in MEDIA_TYPES}
    return {"required": True, "description": f"The {what} as it came.", "content": content}


def uploaded(command: str) -> bytes:
    """The body, when it is not too large for a request; `command` takes larger ones."""
    if request.mimetype not in MEDIA_TYPES:
        abort(415, description=f"Send the file as Content-Type: {MEDIA_TYPES[0]}.")
    request.max_content_length = LARGEST_UPLOAD
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        abort(413, description=f"The file has more than 2 MB. Have it read on the server: {command} FILE.")
