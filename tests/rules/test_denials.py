"""What is next after a denial, and what the letter that appeals it says."""

from datetime import date
from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.adapters.appeal_pdf import render_appeal
from billing.insurance.records.denials import NextStep
from billing.insurance.rules.appeal import Filed, appeal_body, same_letter
from billing.insurance.rules.denials import CODES, next_step
from billing.web.claim_words import STEPS
from tests.factories.claims import a_claim, a_dependant, an_issued_claim
from tests.rules.test_claim_answers import DEDUCTED, DENIED, PAID, answer

FILED = Filed(
    on=date(2026, 11, 5), control_number=7, accepted_on=date(2026, 11, 6), accepted_by_codes=("STC:A2:20",)
)
UNACCEPTED = Filed(on=date(2026, 11, 5), control_number=7, accepted_on=None, accepted_by_codes=())
LATE = answer(0, ("CO", "29", 38_250))


@pytest.mark.parametrize(
    ("said", "step"),
    [
        (LATE, NextStep.PROVE_FILING),
        (answer(0, ("CO", "16", 38_250)), NextStep.CORRECT),
        (answer(0, ("CO", "55", 38_250)), NextStep.APPEAL_OR_CLOSE),
        (answer(0, ("PR", "96", 38_250)), NextStep.APPEAL_OR_CLOSE),
        (answer(0, ("PR", "31", 38_250)), NextStep.CHECK_CARD),
        (answer(0, ("CO", "45", 38_250), status="4"), NextStep.CHECK_CARD),
        (answer(0, ("PR", "31", 38_250), status="4"), NextStep.CHECK_CARD),
        (answer(0, ("CO", "29", 38_250), status="4"), NextStep.PROVE_FILING),
        (answer(0, ("CO", "50", 38_250), status="4"), NextStep.APPEAL_OR_CLOSE),
        (answer(0, ("CO", "197", 38_250), status="4"), NextStep.ASK_LEAVE),
        (answer(0, ("CO", "16", 38_250), status="4"), NextStep.CORRECT),
        (answer(0, ("PR", "204", 38_250), status="4"), NextStep.APPEAL_OR_CLOSE),
        (answer(0, ("CO", "9999", 38_250), status="4"), NextStep.LOOK_UP),
        (DENIED, NextStep.ASK_LEAVE),
        (answer(0, ("OA", "18", 38_250)), NextStep.FIND_FIRST_ANSWER),
        (answer(0, ("OA", "22", 38_250)), NextStep.FILE_ELSEWHERE),
        (answer(0, ("CO", "252", 38_250)), NextStep.SEND_RECORDS),
        (answer(0, ("CO", "9999", 38_250)), NextStep.LOOK_UP),
        (answer(0), NextStep.LOOK_UP),
        (answer(0, ("CO", "96", 30_000), ("CO", "16", 8_250)), NextStep.CORRECT),
        (answer(0, ("CO", "29", 0), ("CO", "50", 38_250)), NextStep.APPEAL_OR_CLOSE),
    ],
)
def test_a_denial_calls_for_the_most_pressing_step(said, step):
    assert next_step(said) is step


SPECIAL = {
    "not known, or not covered on that day": ("26 27 31 32 33 140 177 200", NextStep.CHECK_CARD),
    "sent or paid before": ("18 B13", NextStep.FIND_FIRST_ANSWER),
    "papers that are missing, whoever has them": ("148 163 164 226 227 250 251 252", NextStep.SEND_RECORDS),
    "codes that do not go together": ("4 5 6 7 8 9 10 11 12", NextStep.CORRECT),
    "days, codes and numbers that cannot be": ("13 14 146 181 182 189 206 207 208", NextStep.CORRECT),
    "nobody, or the wrong one, is named as referring": ("165 183 288", NextStep.CORRECT),
    "leave that was not asked for, or not for this": ("15 197 198 210 284 287 296 302", NextStep.ASK_LEAVE),
    "another plan": ("19 20 21 22 24 109 166 280 301", NextStep.FILE_ELSEWHERE),
    "not proven, not approved, not needed": ("50 55 56 114 188 272 273", NextStep.APPEAL_OR_CLOSE),
    "used up, or outside of the network": ("35 119 149 242 279", NextStep.APPEAL_OR_CLOSE),
    "decided before, and again": ("39 193", NextStep.APPEAL_OR_CLOSE),
}


@pytest.mark.parametrize(("codes", "step"), SPECIAL.values(), ids=SPECIAL)
def test_codes_of_one_meaning_call_for_one_step(codes, step):
    assert {next_step(answer(0, ("CO", code, 38_250))) for code in codes.split()} == {step}


@pytest.mark.parametrize("said", [PAID, DEDUCTED])
def test_what_is_no_denial_calls_for_nothing(said):
    assert next_step(said) is None


def test_each_step_has_words_of_our_own_and_no_code_two_steps():
    assert set(STEPS) == set(NextStep)
    codes = [code for each in CODES.values() for code in each]
    assert len(codes) == len(set(codes))


def letter(said=LATE, *, facts=None, filed=FILED, on=date(2027, 2, 1), version=1):
    facts = facts or a_claim()
    return appeal_body(an_issued_claim(facts), facts, said, filed, written_on=on, version=version)


def text_of(body):
    pages = PdfReader(BytesIO(render_appeal(body))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


TOLD = (
    "To SAMPLE HEALTH PLAN, appeals", "Feb 1, 2027", "Telephone 512-555-0100", "AUSTIN, TX 78701-1234",
    "We ask you to review your decision of Nov 20, 2026", "MARIA SAMPLE", "05/17/1980", "W123456", "G-7",
    "sent on Nov 5, 2026 in our file 000000007, 2 days after the day of service.", "11/03/2026", "F33.2",
    "The acknowledgement of Nov 6, 2026 accepted it (STC:A2:20).", "J3490 x 1", "AVERY SAMPLE", "2000000010",
    "Please decide it as one that came in time.", "$382.50, of which $0.00 was paid by you", "CO-29 $382.50",
    "ABCDEFGHJKMN2345", "96365 x 1", "For the clinic", "Page 1 of 1",
    "Enclosed: The claim, Your answer, Its acknowledgement.",
)  # fmt: skip


def test_a_letter_about_a_late_claim_proves_when_it_was_sent():
    told = text_of(letter())
    for words in TOLD:
        assert words in told, words


def test_without_an_acknowledgement_none_is_claimed():
    told = text_of(letter(filed=UNACCEPTED))
    assert "acknowledgement" not in told
    assert "2 days after the day of service." in told


def test_other_letters_ask_for_the_reasons_and_say_nothing_of_anybodys_health():
    told = letter(answer(0, ("CO", "55", 38_250)))["text"]
    assert told[1].startswith("It rests on the codes CO-55. Please tell us the provision of the plan")
    assert not any("sent on" in each for each in told)
    assert any("leave" in each for each in letter(DENIED)["text"])


def test_the_same_letter_is_the_same_bytes_and_its_title_names_no_patient():
    assert render_appeal(letter()) == render_appeal(letter())
    assert PdfReader(BytesIO(render_appeal(letter()))).metadata.title == "Appeal CLM-000001"


def test_a_letter_of_another_day_says_the_same():
    assert same_letter(letter(), letter(on=date(2027, 3, 1), version=2))
    assert not same_letter(letter(), letter(filed=UNACCEPTED))


def test_long_names_and_many_reasons_stay_on_their_pages():
    reasons = tuple(("CO", f"{code}", 100) for code in range(100, 400))
    facts = a_dependant(diagnoses=("F33.2", "F41.1", "F43.12", "G89.4", "M79.7", "G54.6", "B02.29", "G62.9"))
    body = letter(answer(0, *reasons), facts=facts)
    body["patient"]["name"] = "N" * 96
    pages = PdfReader(BytesIO(render_appeal(body))).pages
    assert len(pages) > 1
    assert f"Page 2 of {len(pages)}" in pages[1].extract_text()


def test_a_letter_of_sample_data_says_so():
    sample = a_claim(is_sample=True)
    assert "SAMPLE DATA." in text_of(letter(facts=sample))
    assert "SAMPLE DATA." not in text_of(letter(facts=a_claim(is_sample=False)))
