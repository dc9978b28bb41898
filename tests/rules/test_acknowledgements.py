"""What is sent back for files of claims, whole and damaged."""

from contextlib import suppress

import pytest

from billing.adapters.acknowledgements import X12AcknowledgementReader
from billing.insurance.errors import UnreadableAcknowledgement
from billing.insurance.records.acknowledgements import Verdict
from billing.insurance.rules.acknowledgements import content_sha256, move_by_acknowledgement, verdict_of
from billing.insurance.states import ClaimEvent, ClaimState
from tests.factories.acknowledgements import enveloped, of_claims, of_form, of_no_claim

ERRORS = ("IK3*NM1*25*2010BA*8", "CTX*SITUATIONAL TRIGGER*CLM*30", "IK4*9:0*67*7*SECRET-MEMBER")
FORM = of_form(7, ("A", ()), ("R", ERRORS))
CLAIMS = of_claims(("ABCDEFGHJKMN2345", "A2:20"), ("ABCDEFGHJKMN2346", "A7:562:85"), interchange=7)


def read(content):
    return X12AcknowledgementReader().read(content)


def refused(content):
    with pytest.raises(UnreadableAcknowledgement) as error:
        read(content)
    (flaw,) = error.value.flaws
    assert error.value.detail.startswith("Segment ")
    assert error.value.detail.endswith("Nothing of the file was taken.")
    return flaw


def test_a_999_tells_of_each_transaction_that_we_sent():
    right, wrong = read(FORM)
    assert (right.kind, right.interchange_number, right.set_number) == ("999", 7, 1)
    assert (right.verdict, right.codes, right.receiver_id) == (Verdict.NOTED, ("IK5:A",), "123456789")
    assert (wrong.set_number, wrong.verdict) == (2, Verdict.REJECTED)
    assert wrong.codes == ("IK3:NM1:2010BA:8", "IK4:9:0:7", "IK5:R:I5")
    assert wrong.control_number == ""


def test_a_999_that_refuses_the_group_is_about_the_whole_file():
    (whole,) = read(of_form(7, ("A", ()), group="R"))
    assert (whole.set_number, whole.verdict) == (None, Verdict.REJECTED)
    (unread,) = read(of_form(7, group="R"))
    assert (unread.set_number, unread.verdict) == (None, Verdict.REJECTED)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("A", Verdict.NOTED), ("E", Verdict.NOTED), *((each, Verdict.REJECTED) for each in "RMWX")],
)
def test_a_form_with_errors_may_be_accepted(status, verdict):
    (told,) = read(of_form(7, (status, ()), group="P"))
    assert told.verdict is verdict


def test_a_277ca_tells_of_each_claim_and_the_payers_number():
    first, second = read(of_claims(("C1", "A2:20"), ("C2", "A7:562:85"), interchange=7, number="P9"))
    assert (first.control_number, first.verdict, first.codes) == ("C1", Verdict.ACCEPTED, ("STC:A2:20",))
    assert (second.control_number, second.verdict) == ("C2", Verdict.REJECTED)
    assert (second.codes, second.payer_claim_number) == (("STC:A7:562:85",), "P9")
    assert (first.interchange_number, first.set_number) == (7, 1)


def test_a_277ca_without_a_claim_is_about_the_file():
    (told,) = read(of_no_claim(7, "A7:23", "A8:496:85"))
    assert (told.control_number, told.interchange_number, told.set_number) == ("", 7, 1)
    assert (told.verdict, told.codes) == (Verdict.REJECTED, ("STC:A7:23", "STC:A8:496:85"))


def test_codes_of_a_line_are_told_and_do_not_decide():
    plain = of_claims(("C1", "A2:20"), interchange=7)
    count = plain.count(b"~") - 4
    lines = plain.replace(
        f"20261102~\nSE*{count}".encode(),
        f"20261102~\nSVC*HC:96365*382.5~\nSTC*A7:454**U~\nSE*{count + 2}".encode(),
    )
    (told,) = read(lines)
    assert (told.verdict, told.codes) == (Verdict.ACCEPTED, ("STC:A2:20", "STC:A7:454"))


def test_nothing_that_stood_in_a_claim_is_kept():
    told = repr(read(FORM) + read(CLAIMS))
    assert not any(each in told for each in ("SECRET", "MARIA", "SAMPLE", "W123456"))


@pytest.mark.parametrize("content", [FORM, CLAIMS], ids=["999", "277CA"])
def test_other_separators_a_bom_and_several_interchanges_are_read(content):
    expected = [(each.verdict, each.codes) for each in read(content)]
    for other in (
        content.replace(b"~\n", b"~"),
        content.replace(b"\n", b"\r\n"),
        content.replace(b"*", b"|"),
        content.replace(b"~\n", b"\n"),
        b"\xef\xbb\xbf" + content,
    ):
        assert [(each.verdict, each.codes) for each in read(other)] == expected
    assert len(read(FORM + CLAIMS)) == 4


@pytest.mark.parametrize("content", [FORM, CLAIMS], ids=["999", "277CA"])
def test_a_file_that_is_cut_off_is_refused_at_every_segment(content):
    segments = content.split(b"~\n")[:-1]
    for count in range(len(segments)):
        flaw = refused(b"~\n".join([*segments[:count], b""]))
        assert flaw.pointer.startswith("segment ")


@pytest.mark.parametrize("content", [FORM, CLAIMS], ids=["999", "277CA"])
def test_a_file_without_one_of_its_segments_is_refused_or_says_less_and_never_breaks(content):
    segments = content.split(b"~\n")[:-1]
    for gone in range(len(segments)):
        refused(b"~\n".join([*segments[:gone], *segments[gone + 1 :], b""]))


@pytest.mark.parametrize("content", [FORM, CLAIMS], ids=["999", "277CA"])
def test_no_changed_byte_breaks_the_reader(content):
    for place in range(len(content)):
        for byte in (b"\x00", b"*", b"~", b"9", b"\xff"):
            with suppress(UnreadableAcknowledgement):
                read(content[:place] + byte + content[place + 1 :])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"hello", "no X12 interchange"),
        (FORM.replace(b"AK1*HC*7", b"AK1*HC*x"), "AK102 is no number"),
        (FORM.replace(b"AK1*HC*7", b"AK1*HC*"), "AK102 is missing"),
        (FORM.replace(b"005010X231A1~\nST", b"004010~\nST"), "GS08 is no version"),
        (enveloped("835", "005010X221A1", [["BPR*I"]]), "ST01 is neither 999 nor 277"),
        (enveloped("999", "005010X231A1", [["AK1*HC*7", "AK2*837*0001", "AK9*P"]]), "AK202 has no IK5"),
        (enveloped("999", "005010X231A1", [["AK1*HC*7"]]), "has no AK9"),
        (enveloped("999", "005010X231A1", [["AK9*A"]]), "ST01 has no AK1"),
        (enveloped("277", "005010X214", [["BHT*0085"]]), "holds neither a claim nor who sent it"),
        (CLAIMS.replace(b"TRN*2*ABCDEFGHJKMN2346", b"TRN*1*ABCDEFGHJKMN2346"), "no TRN*2 below it"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_segment(content, words):
    assert words in refused(content).message


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ([("A2", "WQ")], Verdict.ACCEPTED),
        ([("A1", "WQ")], Verdict.NOTED),
        ([("A0", "")], Verdict.NOTED),
        ([("A3", "U")], Verdict.REJECTED),
        ([("A6", "")], Verdict.REJECTED),
        ([("A1", "U")], Verdict.REJECTED),
        ([("A2", "WQ"), ("A8", "U")], Verdict.REJECTED),
        ([], Verdict.NOTED),
    ],
)
def test_one_status_that_rejects_is_enough(statuses, verdict):
    assert verdict_of(statuses) is verdict


@pytest.mark.parametrize("state", ClaimState)
def test_what_the_payer_decided_no_acknowledgement_moves(state):
    events = {verdict: move_by_acknowledgement(state, verdict) for verdict in Verdict}
    assert events[Verdict.NOTED] is None
    assert (events[Verdict.ACCEPTED] is ClaimEvent.ACCEPT) == (state is ClaimState.FILED)
    waits = state in (ClaimState.FILED, ClaimState.ACCEPTED)
    assert (events[Verdict.REJECTED] is ClaimEvent.REJECT) == waits


def test_a_copy_in_another_file_says_the_same():
    (one,), (other,) = (
        read(of_claims(("C1", "A2:20"), interchange=7)),
        read(of_claims(("C1", "A2:20"), interchange=7, control_number=99)),
    )
    assert content_sha256(one) == content_sha256(other)
    (changed,) = read(of_claims(("C1", "A7:20"), interchange=7))
    assert content_sha256(one) != content_sha256(changed)
