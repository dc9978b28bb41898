"""What a page has to be for everybody who uses it, whatever it is about."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page, expect

SHOTS_DIR = "SHOTS_DIR"
"""Names a folder that gets a picture of every page that is looked at here: `make shots`."""


CUT = "e => e.scrollWidth > e.clientWidth"
"""What shows a part of itself only to who scrolls sideways."""
NAMED = "e => e.closest('section')?.getAttribute('aria-labelledby') ?? e.innerText.slice(0, 80)"

SHIFTED = """table => [...table.querySelectorAll("thead th")].filter((head, at) => {
    const cell = table.querySelector("tbody tr")?.cells[at];
    return cell && Math.abs(cell.getBoundingClientRect().left - head.getBoundingClientRect().left) > 1;
}).map(head => head.innerText)"""
"""The columns whose heading does not stand above them."""


def is_sound(page: Page) -> None:
    """One heading above all, every field and column with its name, on a phone nothing to scroll sideways."""
    expect(page.locator("h1")).to_have_count(1)  # waits for the page behind a link that was just clicked
    page.wait_for_load_state()
    assert page.locator("th:not([scope])").count() == 0
    unnamed = "e => e.type !== 'hidden' && !e.labels?.length && !e.ariaLabel"
    assert page.eval_on_selector_all("main input, main select", f"all => all.filter({unnamed}).length") == 0
    ids = page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))
    page.set_viewport_size({"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    cut = page.eval_on_selector_all(".scroll", f"all => all.filter({CUT}).map({NAMED})")
    assert cut == [], cut
    page.set_viewport_size({"width": 1200, "height": 800})
    shifted = page.eval_on_selector_all("table", f"all => all.flatMap({SHIFTED})")
    assert shifted == [], shifted
    if folder := os.environ.get(SHOTS_DIR):
        _shoot(page, Path(folder))


def _shoot(page: Page, folder: Path) -> None:
    """Numbered in the order of the test that looks, and named by it."""
    test = re.sub(r".*::(\w+).*", r"\1", os.environ["PYTEST_CURRENT_TEST"])
    number = len(list(folder.glob(f"{test}-*.png"))) + 1
    page.screenshot(path=folder / f"{test}-{number}.png", full_page=True)
