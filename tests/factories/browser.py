"""What a page has to be for everybody who uses it, whatever it is about."""

from playwright.sync_api import Page


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
