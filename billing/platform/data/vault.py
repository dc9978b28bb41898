"""Health data at rest: sealed before it reaches a column, found again by keyed hashes.

AES-256-GCM; the key's id travels with the sealed bytes, the table and row are associated data, so that a
sealed value copied to another row does not open. Source: design rule "health data stays home"; 45 CFR
164.312(a)(2)(iv).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from billing.platform.data.errors import VaultClosed

NONCE_BYTES = 12


class Vault:
    """`keys` maps a key id to 32 bytes; the first seals, all open, the last one makes fingerprints.

    Rotation puts a new key in front. The last key stays until the look-ups are made anew.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys or any(len(key) != 32 for key in keys.values()):
            raise ValueError("the vault needs at least one key, each of 32 bytes")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._sealing_id = next(iter(keys))
        self._fingerprint_key = hashlib.blake2b(list(keys.values())[-1], person=b"fingerprints").digest()

    def seal(self, table: str, row_id: str, values: Mapping[str, Any]) -> bytes:
        """Seal JSON-able values (dates become ISO 8601 text) for one row of one table."""
        return self.seal_bytes(table, row_id, orjson.dumps(dict(values)))

    def open(self, table: str, row_id: str, sealed: bytes) -> dict[str, Any]:
        """Raises: VaultClosed when no key opens it, or when it was sealed for another row."""
        values: dict[str, Any] = orjson.loads(self.open_bytes(table, row_id, sealed))
        return values

    def seal_bytes(self, table: str, row_id: str, content: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        key_id = self._sealing_id.encode()
        sealed = self._ciphers[self._sealing_id].encrypt(nonce, content, _place(table, row_id))
        return bytes([len(key_id)]) + key_id + nonce + sealed

    def open_bytes(self, table: str, row_id: str, sealed: bytes) -> bytes:
        """Raises: VaultClosed."""
        key_end = 1 + sealed[0]
        cipher = self._ciphers.get(sealed[1:key_end].decode(errors="replace"))
        nonce, content = sealed[key_end : key_end + NONCE_BYTES], sealed[key_end + NONCE_BYTES :]
        try:
            if cipher is not None:
                return cipher.decrypt(nonce, content, _place(table, row_id))
        except InvalidTag:
            pass
        raise VaultClosed(f"A row of {table} does not open with the configured FIELD_KEYS.")

    def fingerprint(self, purpose: str, text: str) -> str:
        """A keyed hash (hex) to look a sealed value up by; the caller normalises the text first."""
        return hmac.new(self._fingerprint_key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def _place(table: str, row_id: str) -> bytes:
    return f"{table}\0{row_id}".encode()
