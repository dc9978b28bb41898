"""What a page has to be for everybody who uses it, whatever it is about."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page

SHOTS_DIR = "SHOTS_DIR"
"""Names a folder that gets a picture of every page that is looked at here: `make shots`."""


def is_sound(page: Page) -> None:
    """One heading above all, every field with a name, every column with its scope, nothing sideways."""
    assert page.locator("h1").count() == 1
    assert page.locator("th:not([scope])").count() == 0
    unnamed = "e => e.type !== 'hidden' && !e.labels?.length && !e.ariaLabel"
    assert page.eval_on_selector_all("main input, main select", f"all => all.filter({unnamed}).length") == 0
    ids = page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))
    page.set_viewport_size({"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.set_viewport_size({"width": 1200, "height": 800})
    if folder := os.environ.get(SHOTS_DIR):
        _shoot(page, Path(folder))


def _shoot(page: Page, folder: Path) -> None:
    """Numbered in the order of the test that looks, and named by it."""
    test = re.sub(r".*::(\w+).*", r"\1", os.environ["PYTEST_CURRENT_TEST"])
    number = len(list(folder.glob(f"{test}-*.png"))) + 1
    page.screenshot(path=folder / f"{test}-{number}.png", full_page=True)
