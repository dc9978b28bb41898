"""What the stand-in needs to know, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from billing.kernel.clock import Clock, clock_from


class BadSetting(Exception):
    """A setting that the stand-in cannot start with; one sentence says what to do."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    port: int
    """0 takes a free one; the first line printed says which."""
    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    public_url: str
    """Webhooks go to its `/webhooks/stripe`."""
    clock: Clock
    clock_file: Path | None
    """None when the system's clock is used, which nobody can advance."""
    database: Path
    refused_words: tuple[str, ...] = ()
    """What the control API's `refuse-words` is given at the start; nothing leaves it as it was."""


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Raises: BadSetting."""
    env = {name: text for name, text in environ.items() if text}
    return Settings(
        port=_port(env.get("SANDBOX_PORT", "8001")),
        secret_key=_secret_key(env.get("STRIPE_SECRET_KEY", "")),
        webhook_secret=_webhook_secret(env.get("STRIPE_WEBHOOK_SECRET", "")),
        public_url=_address(env.get("PUBLIC_URL", "http://127.0.0.1:8000")),
        clock=clock_from(env.get("CLINIC_CLOCK")),
        clock_file=Path(env["CLINIC_CLOCK"]) if "CLINIC_CLOCK" in env else None,
        database=Path(env.get("SANDBOX_DB", "var/sandbox.db")),
        refused_words=_words(env.get("SANDBOX_REFUSED_WORDS", "")),
    )


def _words(text: str) -> tuple[str, ...]:
    """Separated by commas, as a name may hold a space."""
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65_536):
        raise BadSetting(f"SANDBOX_PORT is {text!r}: set it to a port from 1 to 65535, or 0 for any.")
    return int(text)


def _secret_key(key: str) -> str:
    if not key.startswith("sk_test_"):
        raise BadSetting("STRIPE_SECRET_KEY must begin with sk_test_: the stand-in never sees a live key.")
    return key


def _webhook_secret(secret: str) -> str:
    if not secret.startswith("whsec_"):
        raise BadSetting("STRIPE_WEBHOOK_SECRET must begin with whsec_: webhooks are signed with it.")
    return secret


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise BadSetting("PUBLIC_URL must begin with http:// or https://: webhooks are sent there.")
    return url.rstrip("/")
