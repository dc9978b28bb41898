"""What a letter may be: told by its first bytes alone, never by its name or what the sender calls it."""

from __future__ import annotations

from billing.insurance.errors import LetterNotTaken

LARGEST_LETTER = 8_000_000
"""Bytes: a picture of some pages by a phone."""
KINDS = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}
SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


def media_type_of(content: bytes) -> str:
    """Raises: LetterNotTaken."""
    if len(content) > LARGEST_LETTER:
        raise LetterNotTaken(f"The file has more than {LARGEST_LETTER // 1_000_000} MB. Send a smaller one.")
    kind = next((kind for beginning, kind in KINDS.items() if content.startswith(beginning)), None)
    if kind is None:
        raise LetterNotTaken("Send a PDF, or a picture as JPEG or PNG.")
    return kind
