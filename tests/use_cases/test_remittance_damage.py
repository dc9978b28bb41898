"""Files that arrive damaged or cut off: posted once and balanced, or parked or refused with the reason."""

import random
import re
import signal
import subprocess
import sys

import pytest

from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.errors import UnreadableRemittance
from billing.insurance.flows.remittances import REFUSED, import_remittance
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from tests.conftest import NOW
from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_835 import Payment, remittance
from tests.factories.remittance_story import Story

DAMAGE = b"*~:^\r\n -.0189AZ\x00\x1a\xff"


@pytest.fixture
def story(database):
    course = a_course(database)
    story = Story(database, course, [handed_out(database, each) for each in course.session_ids])
    story.send(story.answer(18_000), plb=[("L6", -500)])
    return story


@pytest.fixture
def content(story):
    """A payment that gives and takes in every way that is posted."""
    plb = [("WO:ICN0", -3_000), ("L6", 60), ("AH", 40), ("FB", -1_000), ("72:X", -700), ("WO:X", 700)]
    return story.file(story.answer(-18_000), story.answer(16_000), story.answer(4_000, of=1), plb=plb)


@pytest.fixture
def play(database):
    """Import it and roll it back; what became of it has to be whole.

    What cannot be read is refused before the database is asked, and what says the same is posted the same:
    such a file is not imported again.
    """
    seen = {}

    def run(content):
        transactions, refusal = read(content)
        if refusal:
            assert re.match(r"Segment \d+: .+ Nothing of the file was posted\.", refusal)
            return REFUSED
        said = tuple(map(whole, transactions))
        if said not in seen:
            seen[said] = imported_and_rolled_back(content)
        return seen[said]

    def read(content):
        try:
            return Edi835Reader().read(content).transactions, ""
        except UnreadableRemittance as error:
            return (), error.detail

    def whole(transaction):
        """All that it says but for the places, by which nothing is posted."""
        return re.sub(r"\bsegment=\d+", "", repr(transaction))

    def imported_and_rolled_back(content):
        def rehearsal(tx):
            before = trial_balance(tx)
            file = import_remittance(
                lambda work: work(tx),
                Edi835Reader(),
                name="x",
                content=content,
                actor=SYSTEM,
                clock=lambda: NOW,
            )
            return file, before, trial_balance(tx)

        file, before, after = database.rehearse(rehearsal)
        posted = [each for each in file.transactions if each.status == "posted"]
        assert sum(after.values()) == 0
        assert after.get("1000", 0) - before.get("1000", 0) == sum(each.amount.cents for each in posted)
        assert posted or before == after
        assert all(each.reason for each in file.transactions if each.status == "parked")
        return file.status

    return run


def test_the_whole_file_is_posted(play, content):
    assert play(content) == "posted"


def test_what_cannot_be_read_is_refused_before_the_database_is_asked(content):
    def never(_work):
        raise AssertionError("the database was asked")

    told = {"name": "x", "content": content[:-40], "actor": SYSTEM, "clock": lambda: NOW}
    file = import_remittance(never, Edi835Reader(), **told)
    assert (file.status, file.transactions) == (REFUSED, ())


def test_each_damaged_byte_is_posted_whole_or_not_at_all(play, content):
    seen = set()
    for place in range(0, len(content), 5):
        other = random.Random(place).choice([byte for byte in DAMAGE if byte != content[place]])
        seen.add(play(content[:place] + bytes([other]) + content[place + 1 :]))
    assert seen == {"posted", "parked", "refused"}


def test_a_file_that_is_cut_off_after_any_segment_is_refused_whole(play, content):
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("~")]
    assert {play(content[:end]) for end in ends[:-1]} == {"refused"}


@pytest.mark.parametrize("change", ["left out", "told twice", "moved"])
def test_a_segment_that_is_elsewhere_though_the_counts_fit_is_posted_whole_or_not_at_all(
    play, content, change
):
    segments = content.decode().split("~\n")
    first = next(place for place, each in enumerate(segments) if each.startswith("BPR"))
    last = next(place for place, each in enumerate(segments) if each.startswith("SE"))
    for place in range(first, last):
        told = [*segments]
        if change == "moved":
            told[place], told[place + 1] = told[place + 1], told[place]
        else:
            told[place : place + 1] = [] if change == "left out" else [told[place]] * 2
        count = len(told) - len(segments) + last - first + 2
        told = [re.sub(r"^SE\*\d+", f"SE*{count}", each) for each in told]
        play("~\n".join(told).encode())


@pytest.mark.parametrize("claims", [1, 3, 6, 8])
def test_an_import_that_was_killed_is_finished_by_the_next_and_posts_each_payment_once(
    database, database_url, story, tmp_path, claims, found
):
    payments = [
        Payment(claims=[story.answer(2_000), story.answer(1_000, of=1)], trace=f"KILLED{each}")
        for each in range(4)
    ]
    path = tmp_path / "many.835"
    path.write_bytes(remittance(payments=payments))
    command = [sys.executable, "-m", "tests.factories.cut_import", database_url, str(path), str(claims)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    file = story.read(path.read_bytes())
    assert sorted({each.status for each in file.transactions}) in (["posted"], ["duplicate", "posted"])
    assert story.moved() == {"1000": 18_500 + 12_000, "2200": -18_000 - 12_000, "2240": -500}
    assert story.read(path.read_bytes()).status == "duplicate"
    assert found() == set()
