"""Files as answers."""

from __future__ import annotations

from typing import Any

from flask import Response

PDF: dict[str, Any] = {
    "200": {"description": "The document as it was issued.", "content": {"application/pdf": {}}}
}


def pdf_answer(content: bytes, number: str) -> Response:
    """The file, under a name that names nobody."""
    headers = {"Content-Disposition": f'inline; filename="{number}.pdf"', "Cache-Control": "no-store"}
    return Response(content, mimetype="application/pdf", headers=headers)


def file_answer(content: bytes, name: str, media_type: str) -> Response:
    """The file, to be saved under a name that names nobody."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, mimetype=media_type, headers=headers)
