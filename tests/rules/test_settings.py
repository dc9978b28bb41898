"""The settings: helpful in development, strict in production."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config import BadSetting, Environment, load_settings

KEY = "k1:" + "A" * 43 + "="
PRODUCTION = {
    "BILLING_ENV": "production",
    "SECRET_KEY": "x" * 40,
    "FIELD_KEYS": KEY,
    "STRIPE_SECRET_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
    "PUBLIC_URL": "https://billing.clinic.org/",
}


def test_development_needs_nothing_and_keeps_its_secrets(tmp_path: Path):
    environ = {"VAR_DIR": str(tmp_path)}
    first, second = load_settings(environ), load_settings(environ)
    assert first == second
    assert first.environment is Environment.DEVELOPMENT
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_secrets_stay_out_of_the_representation(tmp_path: Path):
    settings = load_settings({"VAR_DIR": str(tmp_path), "DATABASE_URL": "sqlite:///hidden.db"})
    for secret in (settings.secret_key, settings.stripe_secret_key, settings.stripe_webhook_secret, "hidden"):
        assert secret not in repr(settings)


def test_the_stand_in_is_the_processor_of_development(tmp_path: Path):
    settings = load_settings({"VAR_DIR": str(tmp_path), "SANDBOX_PORT": "9001"})
    assert settings.stripe_api_base == "http://127.0.0.1:9001"


def test_production_starts_with_settings_of_its_own():
    settings = load_settings(PRODUCTION)
    assert settings.stripe_api_base == "https://api.stripe.com"
    assert settings.public_url == "https://billing.clinic.org"
    assert settings.field_keys == {"k1": bytes(32)}


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "FIELD_KEYS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "PUBLIC_URL"]
)
def test_production_makes_nothing_up(name: str):
    with pytest.raises(BadSetting, match=name):
        load_settings({**PRODUCTION, name: ""})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SECRET_KEY", "change-me-change-me-change-me-change-me"),
        ("SECRET_KEY", "short"),
        ("CLINIC_CLOCK", "clock.txt"),
        ("FLASK_DEBUG", "1"),
        ("PUBLIC_URL", "http://billing.clinic.org"),
        ("STRIPE_API_BASE", "http://127.0.0.1:8001"),
        ("FIELD_KEYS", "k1:c2hvcnQ="),
        ("FIELD_KEYS", "k1:not base64"),
        ("FIELD_KEYS", f"{KEY},{KEY}"),
        ("DATABASE_URL", "postgresql://localhost/clinic"),
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("CLINIC_TIMEZONE", "Moon/Tranquility"),
        ("CLINIC_TIMEZONE", "../etc/passwd"),
    ],
)
def test_production_refuses_in_one_sentence(name: str, text: str):
    with pytest.raises(BadSetting, match=name) as refusal:
        load_settings({**PRODUCTION, name: text})
    assert "\n" not in str(refusal.value)


def test_an_unknown_environment_is_refused():
    with pytest.raises(BadSetting, match="BILLING_ENV"):
        load_settings({"BILLING_ENV": "staging"})


@pytest.mark.parametrize("held", [None, "", "tomorrow", "2026-11-02T09:00:00", b"\xff"])
def test_a_clock_that_is_no_file_with_an_instant_is_refused_in_one_sentence(tmp_path: Path, held: object):
    clock = tmp_path / "clock"
    if held is not None:
        clock.write_bytes(held if isinstance(held, bytes) else str(held).encode())
    with pytest.raises(BadSetting, match="CLINIC_CLOCK") as refusal:
        load_settings({"VAR_DIR": str(tmp_path), "CLINIC_CLOCK": str(clock)})
    assert str(clock) in str(refusal.value)
    assert "2026-11-02T09:00:00-06:00" in str(refusal.value)
    clock.write_text("2026-11-02T09:00:00-06:00")
    assert load_settings({"VAR_DIR": str(tmp_path), "CLINIC_CLOCK": str(clock)}).clinic_clock == clock


def test_a_command_that_has_no_clock_says_so_and_nothing_else(tmp_path: Path):
    clock = {"CLINIC_CLOCK": str(tmp_path / "none"), "VAR_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "start"],
        check=False,
        env={**os.environ, **clock},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.strip().startswith("CLINIC_CLOCK is ")
    assert len(done.stderr.strip().splitlines()) == 1
