"""The journey of `make demo`, undisturbed and with processes killed under it."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from tests.factories.claim_files import claims_by_x12sdk, faults_by_pyx12, named
from tests.scenarios.demo_database import claim
from tests.scenarios.journey import FIRST_INSTANT, play
from tests.scenarios.office import Office
from tests.scenarios.record import Record

pytestmark = pytest.mark.processes

KILL_EVERY_SECONDS = 2.0
CONTROL_NUMBER = r"\b[0-9A-Z]{14}\b"
VICTIMS = ("worker", "web", "worker", "sandbox")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Record:
    folder = tmp_path_factory.mktemp("undisturbed")
    return travel(folder)


def test_the_journey_ends_with_books_that_balance(undisturbed: Record):
    assert undisturbed.verify["ok"]
    assert sum(undisturbed.trial_balance.values()) == 0
    assert not any(undisturbed.trial_balance.get(account, 0) for account in ("1100", "2100", "2210"))


def test_the_journey_charges_what_the_sample_schedule_says(undisturbed: Record):
    charged = [step["cents"]["total"] for step in undisturbed.steps if step["kind"] == "invoice"]
    assert charged == [216_750, 570_000, 24_000, 38_250]


def test_credit_is_taken_before_the_card(undisturbed: Record):
    kinds = [step["kind"] for step in undisturbed.steps]
    credit = undisturbed.steps[kinds.index("credit")]["cents"]
    assert credit == {"applied": 30_500, "open": 7_750}
    assert undisturbed.steps[kinds.index("credit") + 1]["cents"]["amount"] == 7_750


def test_each_patient_has_a_statement_whose_sums_stand_in_the_books(undisturbed: Record):
    told = [step["cents"] for step in undisturbed.steps if step["kind"] == "statement"]
    assert [each["owed"] for each in told] == [0, 0]
    assert sum(each["expected"] for each in told) == -undisturbed.trial_balance["2200"]
    assert len(undisturbed.files["statements"]) == 4


def test_what_the_insurer_took_back_after_it_was_spent_is_made_good_by_what_it_paid_anew(undisturbed: Record):
    told = [(step["kind"], step["cents"]) for step in undisturbed.steps]
    after = told[next(at for at, (kind, _) in enumerate(told) if kind == "takeback") - 1 :]
    assert after[:3] == [
        ("remittance", {"paid": 2_500, "credit_1": 0, "credit_2": 10_000, "credit_3": 5_000}),
        ("takeback", {"demanded": 12_500, "owed": 2_500}),
        ("credit", {"applied": 2_500, "left": 2_500}),
    ]
    assert undisturbed.trial_balance["2200"] == -2_500
    assert not undisturbed.trial_balance.get("2220")


def test_a_dispute_is_won_and_what_a_cancelled_day_leaves_goes_back_to_the_card(undisturbed: Record):
    told = [(step["kind"], step["cents"]) for step in undisturbed.steps]
    assert ("dispute", {"amount": 570_000, "lost": 0}) in told
    assert ("cancellation", {"freed": 114_000, "charged": 24_000, "left": 90_000}) in told
    assert ("refund", {"amount": 90_000}) in told
    assert undisturbed.trial_balance["6110"] == 1_500
    assert undisturbed.trial_balance["1070"] == 0


def test_what_was_paid_out_is_at_the_bank(undisturbed: Record):
    """Beside the insurer's 305, which came by check, and the 25 that its correction left."""
    (payout,) = [step["cents"] for step in undisturbed.steps if step["kind"] == "payout"]
    assert payout["paid_out"] > 0
    assert undisturbed.trial_balance["1000"] == payout["paid_out"] + 30_500 + 2_500
    assert undisturbed.trial_balance["1050"] == payout["left"]


def test_every_session_given_has_a_superbill_and_each_that_cost_more_has_two(undisturbed: Record):
    sessions = [step for step in undisturbed.steps if step["kind"] == "session"]
    assert (len(sessions), len(undisturbed.files["superbills"])) == (11, 15)


def test_every_superbill_has_a_claim_of_the_same_figures_that_two_validators_pass(undisturbed: Record):
    told: dict[str, list[Any]] = {"superbill": [], "claim": []}
    for step in undisturbed.steps:
        told.get(step["kind"], []).append(step["cents"])
    assert told["claim"] == told["superbill"]
    files = [
        (undisturbed.folder / "claims" / Path(name).name).read_bytes() for name in undisturbed.files["claims"]
    ]
    assert len(files) == 15
    assert [faults_by_pyx12(content) for content in files] == [""] * 15
    assert [claims_by_x12sdk(content) for content in files] == [1] * 15
    charges = [float(named(content, "CLM")[0][1]) for content in files]
    assert charges == [cents["charge"] / 100 for cents in told["claim"]]


def test_each_claim_that_stands_was_filed_once(undisturbed: Record):
    filed = [step["cents"]["charge"] for step in undisturbed.steps if step["kind"] == "filing"]
    sent = [(undisturbed.folder / "exports" / name).read_bytes() for name in ("series.837", "rest.837")]
    claims = [claim for content in sent for claim in named(content, "CLM")]
    assert [faults_by_pyx12(content) for content in sent] == ["", ""]
    assert [claims_by_x12sdk(content) for content in sent] == [6, 5]
    assert len({claim[0] for claim in claims}) == 11
    assert sum(filed) == round(sum(float(claim[1]) * 100 for claim in claims))


def test_every_payment_and_refund_has_a_receipt_and_the_bank_had_evidence(undisturbed: Record):
    moves = [step for step in undisturbed.steps if step["kind"] in ("payment", "refund")]
    assert (len(moves), len(undisturbed.files["receipts"])) == (4, 4)
    (packet,) = undisturbed.files["evidence"]
    assert "$5,700.00" in _text(undisturbed.folder / "evidence" / Path(packet).name)


def test_processes_killed_on_the_way_change_nothing(undisturbed: Record, tmp_path: Path):
    with killing(tmp_path / "run"):
        disturbed = travel(tmp_path)
    assert disturbed.steps == undisturbed.steps
    assert disturbed.trial_balance == undisturbed.trial_balance
    assert disturbed.verify["ok"]
    assert texts(disturbed) == texts(undisturbed)


def travel(folder: Path) -> Record:
    url = f"sqlite:///{folder / 'demo.db'}"
    claim(url)
    office, record = Office(folder=folder, database_url=url, clock=FIRST_INSTANT), Record(folder)
    try:
        office.open()
        play(office, record)
    finally:
        office.close()
    return record


@contextmanager
def killing(run_dir: Path) -> Iterator[None]:
    """Kill one process after another, as nobody would expect it."""
    ended = threading.Event()

    def kill() -> None:
        for victim in VICTIMS * 2:
            if ended.wait(KILL_EVERY_SECONDS):
                return
            _kill(run_dir / f"{victim}.pid")

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        ended.set()
        killer.join()


def _kill(pid_file: Path) -> None:
    """Nothing, when it is between two lives."""
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


def texts(record: Record) -> list[str]:
    """What the superbills say, but for ids."""
    return [_text(record.folder / "superbills" / Path(path).name) for path in record.files["superbills"]]


def _text(path: Path) -> str:
    words: list[Any] = [page.extract_text() for page in PdfReader(path).pages]
    return re.sub(CONTROL_NUMBER, "CONTROL", "\n".join(words))
