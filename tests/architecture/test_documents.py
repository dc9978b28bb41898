"""What documents promise: the two commands of a newcomer, and that everything they link to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)")


def test_the_readme_begins_with_what_it_is_a_picture_and_the_two_commands():
    text = (ROOT / "README.md").read_text()
    order = [
        "![",
        "## Two commands",
        "make run",
        "make test",
        "## See it work",
        "`make demo`",
        "## In production",
    ]
    places = [text.find(each) for each in order]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_links_to_is_there(document):
    linked = LINK.findall(document.read_text())
    assert [each for each in linked if not (document.parent / each).exists()] == []


def test_no_picture_is_left_that_no_document_shows():
    shown = {
        (document.parent / each).resolve()
        for document in DOCUMENTS
        for each in LINK.findall(document.read_text())
    }
    pictures = {path.resolve() for path in (ROOT / "docs").rglob("*.png")}
    assert pictures <= shown
