"""The settings, read from the environment once, when a process starts.

Outside production every setting has a default: secrets are made on first use and kept under `var/`.
In production the process refuses to start with anything made up, in one sentence that says what to set.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from billing.kernel.clock import file_clock

ROOT = Path(__file__).resolve().parent

SHORTEST_SECRET = 32
FIELD_KEY_BYTES = 32
STRIPE_API = "https://api.stripe.com"
LONGEST_DAYS = 3_650
SAMPLE_WORDS = ("change-me", "changeme", "sample", "example", "default", "insecure")
DATABASE_SCHEMES = ("sqlite:///", "postgresql+psycopg://")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class BadSetting(Exception):
    """A setting that the product cannot or must not start with; one sentence says what to do."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says. Secrets stay out of the representation, and so out of logs."""

    environment: Environment
    """BILLING_ENV: development (default), test or production."""
    database_url: str = field(repr=False)
    """DATABASE_URL: sqlite:///FILE (default: under VAR_DIR) or postgresql+psycopg://USER@HOST/NAME."""
    redis_url: str | None = field(repr=False)
    """REDIS_URL, optional: kept for limits and wake-ups; nothing needs it so far, nothing is stored there."""
    secret_key: str = field(repr=False)
    """SECRET_KEY: signs cookies and form tokens; 32 characters or more."""
    field_keys: Mapping[str, bytes] = field(repr=False)
    """FIELD_KEYS: `kid:base64key[,kid:base64key...]`, 32 bytes each. The first seals, all open."""
    stripe_secret_key: str = field(repr=False)
    """STRIPE_SECRET_KEY: the processor's key, sk_test_... or sk_live_..."""
    stripe_webhook_secret: str = field(repr=False)
    """STRIPE_WEBHOOK_SECRET: signs the processor's webhooks, whsec_..."""
    stripe_api_base: str
    """STRIPE_API_BASE: where the processor answers. Default: the stand-in; in production Stripe itself."""
    public_url: str
    """PUBLIC_URL: the address that patients see, without a slash at its end."""
    port: int
    """PORT: where web listens (8000)."""
    sandbox_port: int
    """SANDBOX_PORT: where the processor's stand-in listens (8001)."""
    clinic_timezone: str
    """CLINIC_TIMEZONE: the zone of dates that no site decides (America/Chicago)."""
    clinic_clock: Path | None
    """CLINIC_CLOCK: a file that holds the instant, ISO 8601 with offset. Refused in production."""
    trusted_proxies: int
    """TRUSTED_PROXIES: how many proxies of yours stand before web and add X-Forwarded-For (0)."""
    refund_limit_cents: int
    """REFUND_LIMIT_CENTS: the largest refund that needs no second person (50000)."""
    drawer_limit_cents: int
    """DRAWER_LIMIT_CENTS: what a cash drawer may be over or short without a second person (2000)."""
    stale_check_days: int
    """STALE_CHECK_DAYS: after how many days a person is asked about a refund check nobody cashed (180)."""
    mail_url: str | None = field(repr=False)
    """MAIL_URL: smtp[s]://USER:PASSWORD@HOST:PORT?from=ADDRESS; without it no mail leaves the machine."""
    var_dir: Path
    """VAR_DIR: what the product writes beside its database: logs, pid files, development secrets (var)."""

    @property
    def in_production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    @property
    def has_stand_in(self) -> bool:
        """Whether the card processor is the stand-in of this installation."""
        return self.stripe_api_base == f"http://127.0.0.1:{self.sandbox_port}" and not self.in_production

    @property
    def stand_in_environment(self) -> dict[str, str]:
        """What the stand-in is started with, beside the environment of whoever starts it."""
        return {
            "SANDBOX_PORT": str(self.sandbox_port),
            "SANDBOX_DB": str(self.var_dir / "sandbox.db"),
            "STRIPE_SECRET_KEY": self.stripe_secret_key,
            "STRIPE_WEBHOOK_SECRET": self.stripe_webhook_secret,
            "PUBLIC_URL": self.public_url,
        }


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the process's environment, or from the mapping given.

    Raises: BadSetting.
    """
    env = {name: text for name, text in (os.environ if environ is None else environ).items() if text}
    environment = _environment(env)
    if environment is Environment.PRODUCTION:
        _refuse_what_production_must_not_have(env)
    else:
        env = {**_development_secrets(_var_dir(env)), **env}
    settings = _settings(environment, env)
    _refuse_live_key_elsewhere(settings)
    return settings


def _settings(environment: Environment, env: Mapping[str, str]) -> Settings:
    var_dir = _var_dir(env)
    port, sandbox_port = _port(env, "PORT", 8000), _port(env, "SANDBOX_PORT", 8001)
    in_production = environment is Environment.PRODUCTION
    return Settings(
        environment=environment,
        database_url=_database_url(env.get("DATABASE_URL", f"sqlite:///{var_dir / 'billing.db'}")),
        redis_url=env.get("REDIS_URL"),
        secret_key=_secret_key(env["SECRET_KEY"]),
        field_keys=parse_field_keys(env["FIELD_KEYS"]),
        stripe_secret_key=env["STRIPE_SECRET_KEY"],
        stripe_webhook_secret=env["STRIPE_WEBHOOK_SECRET"],
        stripe_api_base=env.get(
            "STRIPE_API_BASE", STRIPE_API if in_production else f"http://127.0.0.1:{sandbox_port}"
        ).rstrip("/"),
        public_url=env.get("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        port=port,
        sandbox_port=sandbox_port,
        clinic_timezone=_timezone(env.get("CLINIC_TIMEZONE", "America/Chicago")),
        clinic_clock=_clock_file(env.get("CLINIC_CLOCK")),
        trusted_proxies=_count(env, "TRUSTED_PROXIES", 0),
        refund_limit_cents=_count(env, "REFUND_LIMIT_CENTS", 50_000),
        drawer_limit_cents=_count(env, "DRAWER_LIMIT_CENTS", 2_000),
        stale_check_days=_days(env, "STALE_CHECK_DAYS", 180),
        mail_url=_mail_url(env.get("MAIL_URL")),
        var_dir=var_dir,
    )


def _var_dir(env: Mapping[str, str]) -> Path:
    return (ROOT / env.get("VAR_DIR", "var")).resolve()


def _environment(env: Mapping[str, str]) -> Environment:
    name = env.get("BILLING_ENV", Environment.DEVELOPMENT)
    try:
        return Environment(name)
    except ValueError:
        raise BadSetting(f"BILLING_ENV is {name!r}: set it to development, test or production.") from None


def _database_url(url: str) -> str:
    if not url.startswith(DATABASE_SCHEMES):
        raise BadSetting("DATABASE_URL must begin with sqlite:/// or postgresql+psycopg:// (psycopg 3).")
    return url


def _secret_key(key: str) -> str:
    if len(key) < SHORTEST_SECRET:
        raise BadSetting(f"SECRET_KEY is too short: give it {SHORTEST_SECRET} random characters or more.")
    return key


def parse_field_keys(text: str) -> dict[str, bytes]:
    """`kid:base64key[,...]`, the sealing key first.

    Raises: BadSetting, which never repeats the text.
    """
    keys: dict[str, bytes] = {}
    for part in text.split(","):
        kid, _, encoded = part.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not kid or kid in keys or len(key) != FIELD_KEY_BYTES:
            raise BadSetting(
                "FIELD_KEYS must be kid:base64key[,...] with distinct ids and 32 bytes in each key; "
                "make one with: python3 -c \"import base64, os; print('k1:' + "
                'base64.b64encode(os.urandom(32)).decode())"'
            )
        keys[kid] = key
    return keys


def _mail_url(url: str | None) -> str | None:
    if url is not None and not url.startswith(("smtp://", "smtps://")):
        raise BadSetting("MAIL_URL must begin with smtp:// (STARTTLS) or smtps://.")
    return url


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise BadSetting(f"{name} is {text!r}: set it to a port from 1 to 65535.")
    return int(text)


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise BadSetting(f"{name} is {text!r}: set it to a whole number, 0 or more.")
    return int(text)


def _days(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= LONGEST_DAYS):
        raise BadSetting(f"{name} is {text!r}: set it to a whole number of days from 1 to {LONGEST_DAYS}.")
    return int(text)


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadSetting(f"CLINIC_TIMEZONE is {name!r}: set it to a zone such as America/Chicago.") from None
    return name


def _clock_file(name: str | None) -> Path | None:
    if name is None:
        return None
    try:
        file_clock(Path(name))()
    except (OSError, ValueError):
        raise BadSetting(
            f"CLINIC_CLOCK is {name!r}: name a file that holds an instant, such as 2026-11-02T09:00:00-06:00."
        ) from None
    return Path(name)


def _refuse_what_production_must_not_have(env: Mapping[str, str]) -> None:
    for name in ("SECRET_KEY", "FIELD_KEYS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "PUBLIC_URL"):
        if name not in env:
            raise BadSetting(f"{name} is not set: production starts with nothing made up; see .env.example.")
        if name != "PUBLIC_URL" and any(word in env[name].lower() for word in SAMPLE_WORDS):
            raise BadSetting(f"{name} holds a sample value: put your own there before production.")
    if "CLINIC_CLOCK" in env:
        raise BadSetting("CLINIC_CLOCK is set: production runs on the real time, so unset it.")
    if env.get("FLASK_DEBUG", "0").lower() not in ("0", "false", "no"):
        raise BadSetting("FLASK_DEBUG is on: production never shows its insides, so unset it.")
    if not env["PUBLIC_URL"].startswith("https://"):
        raise BadSetting("PUBLIC_URL must begin with https:// in production: cookies are sent over TLS only.")


def _refuse_live_key_elsewhere(settings: Settings) -> None:
    live = settings.stripe_secret_key.startswith(("sk_live_", "rk_live_"))
    if live and settings.stripe_api_base != STRIPE_API:
        raise BadSetting("STRIPE_SECRET_KEY is live but STRIPE_API_BASE is not Stripe's: unset one of them.")


def _development_secrets(var_dir: Path) -> dict[str, str]:
    """Those of the first start, from a file that only its owner can read."""
    kept = var_dir / "secrets.json"
    if not kept.exists():
        _keep_once(kept, json.dumps(_new_secrets(), indent=1))
    secrets_by_name: dict[str, str] = json.loads(kept.read_text())
    return secrets_by_name


def _new_secrets() -> dict[str, str]:
    field_key = base64.b64encode(secrets.token_bytes(FIELD_KEY_BYTES)).decode()
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_KEYS": f"dev1:{field_key}",
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(16)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
    }


def _keep_once(path: Path, text: str) -> None:
    """Of several processes that start at once, one writes the file; it is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)  # mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)
