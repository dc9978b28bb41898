import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.errors import UnreadableRemittance
from billing.insurance.rules.answers import doubt, fingerprint
from billing.kernel.money import Money
from tests.factories.remittance_835 import Claim, Envelope, Payment, remittance

CLAIMS = (
    Claim(control_number="A1", charge_cents=45_000, paid_cents=18_000),
    Claim(
        control_number="B2",
        charge_cents=20_000,
        paid_cents=5_050,
        adjustments=(("CO", "45", 950), ("PR", "2", 14_000)),
    ),
)
FILE = remittance(CLAIMS, provider_adjustments=[("L6:A1", -125)])
SAMPLES = Path(os.environ.get("SAMPLES_DIR") or Path(__file__).parents[3] / "shared" / "samples") / "835"


def read(content: bytes):
    return Edi835Reader().read(content)


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableRemittance) as caught:
        read(content)
    assert caught.value.flaws
    return caught.value.detail


def read_or_refused(content: bytes):
    try:
        return read(content).transactions
    except UnreadableRemittance:
        return ()


def test_a_file_is_read_to_the_cent():
    (transaction,) = read(FILE).transactions
    assert (transaction.trace, transaction.payer_id, transaction.payer_name) == (
        "EFT0001", "1512345678", "SAMPLE HEALTH PLAN",
    )  # fmt: skip
    assert (transaction.amount, transaction.paid_on) == (Money(23_175), date(2026, 11, 6))
    first, second = transaction.claims
    assert (first.control_number, first.status, first.charge, first.paid) == (
        "A1",
        "1",
        Money(45_000),
        Money(18_000),
    )
    assert second.patient_responsibility == Money(14_000)
    assert second.payer_claim_number == "PAYER0001"
    (line,) = second.lines
    assert (line.procedure, line.charge, line.paid, line.served_on) == (
        "HC:96365", Money(20_000), Money(5_050), date(2026, 11, 2),
    )  # fmt: skip
    assert [(a.group, a.code, a.amount.cents) for a in line.adjustments] == [
        ("CO", "45", 950),
        ("PR", "2", 14_000),
    ]
    (interest,) = transaction.provider_adjustments
    assert (interest.code, interest.reference, interest.amount) == ("L6", "A1", Money(-125))
    assert doubt(transaction) is None


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope(line_end=""),
        Envelope(line_end="\r\n"),
        Envelope(terminator="\n", line_end=""),
        Envelope(terminator="\r\n", line_end=""),
        Envelope(element="|", component=">", terminator="'"),
        Envelope(element="\x1d", component="\x1f", terminator="\x1c", line_end=""),
    ],
)
def test_separators_and_line_ends_do_not_matter(envelope):
    content = remittance(CLAIMS, provider_adjustments=[("L6:A1", -125)], envelope=envelope)
    assert fingerprint(read(content).transactions[0]) == fingerprint(read(FILE).transactions[0])


def test_a_byte_order_mark_and_space_at_the_end_do_not_matter():
    content = b"\xef\xbb\xbf" + FILE + b"\r\n \n"
    assert fingerprint(read(content).transactions[0]) == fingerprint(read(FILE).transactions[0])


def test_files_joined_with_their_byte_order_marks_are_read():
    marked = b"\xef\xbb\xbf" + FILE
    assert [len(each.claims) for each in read(marked + marked + b"\r\n" + marked).transactions] == [2, 2, 2]


@pytest.mark.parametrize("padding", [b"\x1a", b"\0\0\0", b"\r\n\x1a\r\n"])
def test_what_transfers_put_behind_the_end_does_not_matter(padding):
    assert fingerprint(read(FILE + padding).transactions[0]) == fingerprint(read(FILE).transactions[0])


def test_a_payment_in_another_currency_is_for_a_person():
    assert doubt(read(FILE.replace(b"LX*1", b"CUR*PR*USD")).transactions[0]) is None
    assert "CUR02 at segment 11 says CAD" in str(
        doubt(read(FILE.replace(b"LX*1", b"CUR*PR*CAD")).transactions[0])
    )


def test_the_older_version_is_read_with_its_statuses_and_its_group():
    older = FILE.replace(b"005010X221A1", b"004010X091A1").replace(b"*^*00501*", b"*U*00401*")
    older = older.replace(b"CAS*CO*45", b"CAS*CR*45")
    (transaction,) = read(older).transactions
    assert doubt(transaction) is None
    assert transaction.amount == Money(23_175)
    pended = remittance([Claim(control_number="A1", charge_cents=450, paid_cents=0, status="13")])
    assert doubt(read(pended).transactions[0]) is None


def test_a_file_may_hold_several_transactions_and_interchanges_each_with_its_own_separators():
    payments = [Payment(claims=CLAIMS[:1], trace="T1"), Payment(claims=CLAIMS[1:], trace="T2")]
    other = Envelope(element="|", component=">", terminator="\n", line_end="")
    content = remittance(payments=payments) + remittance(CLAIMS, trace="T3", envelope=other)
    transactions = read(content).transactions
    assert [transaction.trace for transaction in transactions] == ["T1", "T2", "T3"]
    assert [transaction.segment for transaction in transactions] == [3, 18, 38]


def test_a_claim_keeps_what_stands_at_its_own_level_and_the_lines_control_number():
    content = remittance([CLAIMS[0]]).replace(b"NM1*QC", b"CAS*OA*23*5**94*-5~\nNM1*QC", 1)
    content = content.replace(b"CAS*PR*1*270", b"REF*6R*A1-1~\nCAS*PR*1*270").replace(b"SE*15*", b"SE*17*")
    claim = read(content).transactions[0].claims[0]
    assert [(a.code, a.amount.cents) for a in claim.adjustments] == [("23", 500), ("94", -500)]
    assert claim.lines[0].control_number == "A1-1"


def test_without_a_date_of_payment_a_person_has_to_look():
    transaction = read(FILE.replace(b"************20261106", b"************20261320")).transactions[0]
    assert transaction.paid_on == date(2026, 11, 6)
    assert "BPR16 at segment 4" in str(doubt(transaction))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Segment 1: The file is empty"),
        (b" \r\n", "Segment 1: The file is empty"),
        (b"\xef\xbb\xbf", "Segment 1: The file is empty"),
        (b"hello", "Segment 1: This is no X12 interchange"),
        (bytes(range(256)), "Segment 1: This is no X12 interchange"),
        (b"%PDF-1.4 ...", "Segment 1: This is no X12 interchange"),
        (FILE[FILE.index(b"GS*") :], "Segment 1: This is no X12 interchange"),
        (FILE[FILE.index(b"ST*") :], "Segment 1: This is no X12 interchange"),
        (FILE[:60], "Segment 1: This is no X12 interchange"),
        (FILE + b"and more", "This is no X12 interchange"),
        (FILE.replace(b"ST*835*", b"ST*837*"), "Segment 3: ST01 is not 835"),
        (
            FILE.replace(b"005010X221A1~\nST", b"005010X222A1~\nST"),
            "Segment 2: GS08 is no version of the 835",
        ),
        (FILE.replace(b"CLP*A1", b"CPL*A1"), "Segment 12: 'CPL' stands where SE is to come"),
        (FILE.replace(b"SE*22", b"SE*21"), "Segment 24: SE01 says '21', but segments is '22'"),
        (FILE.replace(b"SE*22*0001", b"SE*22*0002"), "SE02 says '0002'"),
        (FILE.replace(b"GE*1*7", b"GE*2*7"), "GE01 says '2'"),
        (FILE.replace(b"GE*1*7", b"GE*1*8"), "GE02 says '8'"),
        (FILE.replace(b"IEA*1", b"IEA*2"), "IEA01 says '2'"),
        (FILE.replace(b"IEA*1*000000007", b"IEA*1*000000008"), "IEA02 says"),
        (FILE.replace(b"*450*180*", b"*450*180.001*"), "Segment 12: CLP04 is no amount of dollars"),
        (FILE.replace(b"*450*180*", b"*450*1.8E2*"), "CLP04 is no amount"),
        (FILE.replace(b"*450*180*", b"*450*+180*"), "CLP04 is no amount"),
        (FILE.replace(b"*450*180*", b"*450*--180*"), "CLP04 is no amount"),
        (FILE.replace(b"*450*180*", b"*450*-*"), "CLP04 is no amount"),
        (FILE.replace(b"*450*180*", b"*450*NaN*"), "CLP04 is no amount"),
        (FILE.replace(b"*450*180*", b"*450*1,180*"), "CLP04 is no amount"),
        (FILE.replace(b"*450*180*", b"*450**"), "CLP04 is no amount"),
        (FILE.replace(b"*450*180*", "*450*١٨٠*".encode()), "CLP04 is no amount"),
        (FILE.replace(b"*450*180*", b"*450*9999999999999*"), "CLP04 is larger"),
        (FILE.replace(b"CLP*A1*", b"CLP**"), "Segment 12: CLP01 is missing"),
        (FILE.replace(b"CLP*A1*", b"CLP*A\x00*"), "CLP01 has characters that cannot be printed"),
        (FILE.replace(b"CLP*A1*", b"CLP*" + b"A" * 51 + b"*"), "CLP01 is longer than 50"),
        (FILE.replace(b"TRN*1*EFT0001", b"TRN*1*"), "Segment 5: TRN02 is missing"),
        (FILE.replace(b"TRN*1*EFT0001*1512345678", b"NTE*ADD*X"), "Segment 3: The transaction has no TRN"),
        (FILE.replace(b"LX*1", b"BPR*I*1*C"), "A second BPR"),
        (FILE.replace(b"L6:A1", b"L6:" + b"A" * 51), "Segment 23: PLB03 is longer than 50"),
        (FILE.replace(b"L6:A1", b"L66:A1"), "Segment 23: PLB03 is longer than 2"),
        (FILE.replace(b"LX*1", b"CAS*PR*1*5"), "Segment 11: CAS stands before any CLP"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_segment(content, words):
    assert words in refusal(content)


def test_a_file_cut_off_after_any_segment_is_refused_whole():
    ends = [place + 1 for place, byte in enumerate(FILE) if byte == ord("~")]
    for end in ends[:-1]:
        refusal(FILE[:end])
    assert read(FILE[: ends[-1]])


def test_a_file_cut_off_at_any_byte_is_refused_whole():
    complete = len(FILE.rstrip(b"~\n"))
    for end in range(complete):
        refusal(FILE[:end])


def test_two_files_in_one_of_which_the_second_is_cut_off_are_refused_whole():
    assert "it is cut off" in refusal(FILE + FILE[: FILE.index(b"CAS*")])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(FILE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_flipped_bytes_are_read_or_refused_and_nothing_else(flips):
    damaged = bytearray(FILE)
    for place, byte in flips:
        damaged[place] = byte
    for transaction in read_or_refused(bytes(damaged)):
        doubt(transaction)
        fingerprint(transaction)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_and_nothing_else(content):
    refusal(content)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(FILE)), st.integers(0, len(FILE)), st.binary(max_size=40))
def test_bytes_put_in_or_taken_out_are_read_or_refused(start, end, more):
    read_or_refused(FILE[:start] + more + FILE[end:])


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no sample files beside the repository; set SAMPLES_DIR")
def test_files_that_other_systems_sent_are_read():
    for path in sorted(SAMPLES.iterdir()):
        for transaction in read(path.read_bytes()).transactions:
            assert transaction.claims
            doubt(transaction)
