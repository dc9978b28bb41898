"""oxedi cuts a file as we do; where it reads a whole file otherwise than we do, and why."""

import os
from pathlib import Path

import oxedi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.adapters.remittance_835 import Edi835Reader
from billing.adapters.x12_segments import BLOCK_BYTES, Separators, cut, separators_of
from billing.insurance.errors import UnreadableRemittance
from billing.insurance.rules.answers import doubt
from billing.kernel.money import total
from tests.factories.remittance_835 import Claim, Envelope, remittance

FILE = remittance([Claim(control_number="A1", charge_cents=45_000, paid_cents=18_000)])
SAMPLES = Path(os.environ.get("SAMPLES_DIR") or Path(__file__).parents[3] / "shared" / "samples") / "835"


def findings(content: bytes) -> set[str]:
    """What oxedi finds beside the payer's telephone number, which senders leave out."""
    return {each.kind for each in oxedi.parse(content).diagnostics if '"PER"' not in str(each)}


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableRemittance) as caught:
        Edi835Reader().read(content)
    return caught.value.detail


def test_both_read_the_same_of_a_file_that_is_right():
    (transaction,) = Edi835Reader().read(FILE).transactions
    whole = oxedi.parse(FILE)
    assert findings(FILE) == set()
    assert whole.count_claims() == len(transaction.claims)
    assert whole.sum_payments() * 100 == transaction.amount.cents


def cut_by_us(content: bytes) -> list[list[str]] | None:
    try:
        separators = separators_of(content, 0)
    except ValueError:
        return None
    return list(cut(content, 0, len(content), separators))


def cut_by_oxedi(content: bytes) -> list[list[str]] | None:
    try:
        document = oxedi.parse(content).document
    except (oxedi.ParseError, ValueError):
        return None
    told, component = document.delimiters, document.delimiters.component
    blank = b"\r\n\t " + told.segment
    found = []
    for place in range(len(document)):
        each = document[place]
        if each.raw.strip(blank):
            parts = [part if isinstance(part, bytes) else component.join(part) for part in each.elements]
            found.append([part.decode("latin-1") for part in (each.id, *parts)])
    return found


HEADER = FILE[: FILE.index(b"GS*")]
PIECES = (
    "ISA",
    "ST",
    "CLP",
    "A1",
    "*",
    "*",
    "~",
    "~",
    ":",
    "^",
    "|",
    "\n",
    "\r",
    "\t",
    " ",
    "\x1f",
    "é",
    "180.5",
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES)).map("".join), st.sampled_from(["*:~", "|>'", "*:\n", "\x1d\x1f\x1c"])
)
def test_oxedi_cuts_a_file_at_the_same_places(body, separators):
    written = HEADER.translate(bytes.maketrans(b"*:~", separators.encode()))
    content = written + body.encode().translate(bytes.maketrans(b"*:~", separators.encode()))
    assert separators_of(content, 0) == Separators(*separators)
    assert cut_by_us(content) == cut_by_oxedi(content)


@settings(max_examples=400, deadline=None)
@given(st.integers(len("ISA*"), len(HEADER)), st.integers(0, 12), st.binary(max_size=8))
def test_oxedi_finds_the_same_separators_in_a_damaged_header(start, length, more):
    """Where the separator of elements itself is damaged, oxedi guesses; the reader refuses such a file."""
    content = HEADER[:start] + more + HEADER[start + length :] + FILE[len(HEADER) :]
    assert cut_by_us(content) == cut_by_oxedi(content)


def test_a_file_of_which_the_separator_of_elements_is_damaged_is_refused():
    for byte in set(range(256)) - {ord("*")}:
        assert refusal(FILE[:3] + bytes([byte]) + FILE[4:]).startswith("Segment ")


@pytest.mark.parametrize("longest", [1, BLOCK_BYTES - 4, BLOCK_BYTES, 3 * BLOCK_BYTES])
def test_a_file_of_several_blocks_is_cut_at_the_same_places(longest):
    names = (b"NTE*ADD*" + b"N" * (length * longest // 7) + b"~\n" for length in range(8))
    content = FILE.replace(b"LX*1~\n", b"LX*1~\n" + b"".join(names)) + FILE * (200_000 // len(FILE))
    assert cut_by_us(content) == cut_by_oxedi(content)


def test_oxedi_counts_segments_from_0_and_we_from_1_as_people_do():
    content = FILE.replace(b"SE*15*", b"SE*14*")
    (found,) = (each for each in oxedi.parse(content).diagnostics if each.kind == "ControlCountMismatch")
    assert "segment #16" in str(found)
    assert refusal(content).startswith("Segment 17: SE01")


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (FILE.replace(b"SE*15*", b"SE*14*"), "ControlCountMismatch", "something is missing"),
        (FILE.replace(b"IEA*1*000000007", b"IEA*1*000000008"), "ControlNumberMismatch", "IEA02"),
        (FILE[: FILE.index(b"CAS*")], "UnterminatedLoop", "it is cut off"),
        (FILE.replace(b"CLP*A1", b"CPL*A1"), "UnknownSegment", "stands where SE is to come"),
        (FILE.replace(b"ST*835*", b"ST*837*"), "CodeNotInList", "ST01 is not 835"),
        (FILE.replace(b"*450*180*", b"*450*1.8E2*"), "TypeMismatch", "CLP04 is no amount"),
        (FILE.replace(b"*450*180*", b"*450*180.001*"), "TypeMismatch", "CLP04 is no amount"),
    ],
)
def test_oxedi_reports_and_reads_on_where_we_refuse_the_file_whole(content, kind, words):
    """A part of a payment posted is a payment that is never posted right: what is missing is not known."""
    assert kind in findings(content)
    assert oxedi.parse(content).sum_payments() == 180
    assert words in refusal(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (FILE.replace(b"SVC*HC:96365*450*180*", b"SVC*HC:96365*450*170*"), "service line at segment 14"),
        (FILE.replace(b"CLP*A1*1*450*180*", b"CLP*A1*1*460*180*"), "claim at segment 12"),
        (FILE.replace(b"BPR*I*180*", b"BPR*I*170*"), "transaction at segment 3"),
    ],
)
def test_both_notice_what_does_not_balance_and_we_park_it_with_the_numbers(content, words):
    assert "BalanceMismatch" in findings(content)
    (transaction,) = Edi835Reader().read(content).transactions
    assert f"The {words} does not balance" in str(doubt(transaction))


def test_oxedi_reads_a_second_interchange_with_the_separators_of_the_first_and_so_misses_it():
    """We cut the file at each ISA: senders join the files of several days, or of several systems."""
    other = Envelope(element="|", component=">", terminator="'", line_end="")
    content = FILE + remittance([Claim(control_number="B2", charge_cents=100, paid_cents=50)], envelope=other)
    assert "UnknownSegment" in findings(content)
    assert oxedi.parse(content).count_claims() == 1
    assert [each.amount.cents for each in Edi835Reader().read(content).transactions] == [18_000, 50]


def test_oxedi_sums_what_a_payer_takes_and_we_leave_that_to_a_person():
    back = Claim(control_number="A1", charge_cents=-45_000, paid_cents=-18_000, status="22")
    content = remittance([back])
    assert (findings(content), oxedi.parse(content).sum_payments()) == (set(), -180)
    assert "takes money" in str(doubt(Edi835Reader().read(content).transactions[0]))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no sample files beside the repository; set SAMPLES_DIR")
def test_both_read_the_same_claims_and_sums_of_files_that_other_systems_sent():
    for path in sorted(SAMPLES.iterdir()):
        content = path.read_bytes()
        whole, transactions = oxedi.parse(content), Edi835Reader().read(content).transactions
        assert whole.count_claims() == sum(len(each.claims) for each in transactions), path.name
        assert whole.sum_payments() * 100 == total(each.amount for each in transactions).cents, path.name
