"""What a newcomer reads first agrees with what is there."""

import re
import subprocess
import typing

from config import Settings
from tests.architecture.source import ROOT

ENVIRONMENT_NAMES = {"environment": "BILLING_ENV"}
"""The settings whose variable is not simply their name in capitals."""


def test_make_help_explains_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert targets is not None
    answer = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    explained = set(re.findall(r"^ +make ([a-z-]+) +\S", answer, re.MULTILINE))
    assert explained == set(targets[1].split())


def test_every_setting_is_in_the_sample_environment():
    listed = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    fields = typing.get_type_hints(Settings)
    assert listed == {ENVIRONMENT_NAMES.get(name, name.upper()) for name in fields}


def test_the_sample_environment_holds_no_secret():
    text = (ROOT / ".env.example").read_text()
    assert (
        re.findall(r"^(?:SECRET_KEY|FIELD_KEYS|STRIPE_SECRET_KEY|STRIPE_WEBHOOK_SECRET)=.+$", text, re.M)
        == []
    )


def test_every_decision_is_one_page_with_its_number():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert pages
    for page in pages:
        number = re.match(r"(\d{4})-[a-z0-9-]+\.md$", page.name)
        assert number is not None, page.name
        lines = page.read_text().splitlines()
        assert re.match(rf"# 0*{int(number[1])}\.? \S", lines[0]), page.name
        assert len(lines) <= 60, page.name
