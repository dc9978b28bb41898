import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.records import Outcome
from billing.insurance.rules.answers import doubt, fingerprint, outcome
from billing.insurance.rules.kept import transaction_from, values_of
from tests.factories.remittance_835 import Claim, Envelope, remittance

PAID = Claim(control_number="A1", charge_cents=45_000, paid_cents=18_000)
OTHER = Claim(control_number="B2", charge_cents=20_000, paid_cents=5_050)


def read(*claims: Claim, **payment):
    return Edi835Reader().read(remittance(claims, **payment)).transactions[0]


def answered(status: str, paid: int, *adjustments: tuple[str, str, int]) -> Claim:
    return Claim(
        control_number="A1",
        charge_cents=45_000,
        paid_cents=paid,
        status=status,
        adjustments=adjustments or None,
    )


def test_a_payment_that_adds_up_raises_no_doubt():
    assert doubt(read(PAID, OTHER)) is None


def test_a_line_that_does_not_add_up_is_named_with_its_numbers():
    wrong = answered("1", 18_000, ("PR", "1", 26_999))
    assert doubt(read(wrong)) == (
        "The service line at segment 14 does not balance: charge $450.00 less adjustments $269.99 "
        "is $180.01, but SVC03 says $180.00."
    )


def test_a_transaction_that_does_not_add_up_is_named_with_its_numbers():
    assert doubt(read(PAID, amount_cents=17_999)) == (
        "The transaction at segment 3 does not balance: claims $180.00 less provider adjustments $0.00 "
        "is $180.00, but BPR02 says $179.99."
    )


def test_a_claim_that_does_not_add_up_is_named():
    content = remittance([PAID]).replace(b"CLP*A1*1*450*180*", b"CLP*A1*1*460*180*")
    assert "claim at segment 12 does not balance" in str(doubt(Edi835Reader().read(content).transactions[0]))


@given(
    st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=6),
    st.integers(1, 10**6),
)
def test_any_cent_too_many_in_the_payment_is_noticed(amounts, off):
    claims = [
        Claim(control_number=f"C{n}", charge_cents=a + b, paid_cents=a) for n, (a, b) in enumerate(amounts)
    ]
    paid = sum(a for a, _ in amounts)
    assert doubt(read(*claims)) is None
    assert "does not balance" in str(doubt(read(*claims, amount_cents=paid + off)))


@pytest.mark.parametrize(
    ("claim", "meaning"),
    [
        (answered("1", 18_000), Outcome.REIMBURSED),
        (answered("2", 18_000), Outcome.REIMBURSED),
        (answered("3", 18_000), Outcome.REIMBURSED),
        (answered("19", 18_000), Outcome.REIMBURSED),
        (answered("20", 18_000), Outcome.REIMBURSED),
        (answered("21", 18_000), Outcome.REIMBURSED),
        (answered("4", 0, ("CO", "50", 45_000)), Outcome.NOTHING_PAID),
        (answered("1", 0, ("CO", "50", 45_000)), Outcome.NOTHING_PAID),
        (answered("1", 0, ("PR", "1", 45_000)), Outcome.NOTHING_PAID),
        (answered("1", 0, ("PR", "100", 45_000)), Outcome.PAID_TO_PATIENT),
        (answered("1", 0, ("CO", "45", 5_000), ("PR", "100", 40_000)), Outcome.PAID_TO_PATIENT),
        (answered("1", 0, ("OA", "100", 45_000)), Outcome.PAID_TO_PATIENT),
        (answered("1", 0, ("CO", "100", 45_000)), Outcome.PAID_TO_PATIENT),
        (answered("4", 0, ("PI", "100", 45_000)), Outcome.PAID_TO_PATIENT),
        (answered("1", 0, ("CO", "50", 45_000), ("OA", "100", 0)), Outcome.NOTHING_PAID),
        (answered("1", 0, ("OA", "293", 45_000)), Outcome.PAID_TO_OTHER),
        (answered("1", 0, ("PI", "294", 45_000)), Outcome.PAID_TO_OTHER),
        (answered("23", 0, ("OA", "109", 45_000)), Outcome.NOT_OURS),
        (answered("25", 0, ("PR", "1", 45_000)), Outcome.ESTIMATE_ONLY),
        (answered("5", 0, ("OA", "133", 45_000)), Outcome.NOT_DECIDED),
        (answered("13", 0, ("OA", "133", 45_000)), Outcome.NOT_DECIDED),
        (answered("1", 18_000, ("CR", "45", 27_000)), Outcome.REIMBURSED),
        (answered("1", 18_000, ("PI", "45", 2_000), ("OA", "23", 25_000)), Outcome.REIMBURSED),
    ],
)
def test_each_answer_means_one_thing(claim, meaning):
    transaction = read(claim)
    assert doubt(transaction) is None
    assert outcome(transaction.claims[0]) is meaning


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (
            Claim(control_number="A1", charge_cents=-45_000, paid_cents=-18_000, status="22"),
            "payer takes money",
        ),
        (answered("6", 18_000), "unknown status 6"),
        (answered("5", 18_000), "yet pays $180.00"),
        (answered("22", 18_000), "is a reversal, yet pays $180.00"),
        (answered("1", 0, ("XX", "50", 45_000)), "unknown group XX"),
        (answered("23", 18_000), "yet pays $180.00"),
        (answered("25", 18_000), "yet pays $180.00"),
    ],
)
def test_what_only_a_person_may_decide_is_said(claim, words):
    assert words in str(doubt(read(claim)))


def test_a_reversal_beside_a_payment_is_no_doubt_by_itself():
    back = Claim(control_number="A1", charge_cents=-20_000, paid_cents=-5_000, status="22")
    assert doubt(read(back, PAID)) is None


def test_provider_adjustments_that_say_what_they_do_are_no_doubt():
    for code, cents in (("L6", -312), ("L6", 312), ("WO:A1", 5_000), ("FB", -100), ("FB", 100), ("B2", -5)):
        assert doubt(read(PAID, provider_adjustments=[(code, cents)])) is None
    assert doubt(read(PAID, provider_adjustments=[("AH", 500)])) is None
    assert doubt(read(PAID, provider_adjustments=[("72:R1", -5_000), ("WO:R1", 5_000)])) is None


def test_other_provider_adjustments_wait_for_a_person():
    for code, cents in (("72", -100), ("72:R1", 100), ("B2", 100), ("CS", -1), ("ZZ", 1), ("J1", -5)):
        assert "for a person to decide" in str(doubt(read(PAID, provider_adjustments=[(code, cents)])))
    assert "names no claim" in str(doubt(read(PAID, provider_adjustments=[("WO", 100)])))


@pytest.mark.parametrize("plb", [("WO:A1", -5_001), ("WO:B9", -5_000), ("WO", -5_000)])
def test_a_recovery_that_is_put_off_has_to_be_of_a_reversal_beside_it(plb):
    back = Claim(control_number="A1", charge_cents=-20_000, paid_cents=-5_000, status="22")
    assert "put off" in str(doubt(read(back, PAID, provider_adjustments=[plb])))
    assert "put off" in str(doubt(read(PAID, provider_adjustments=[plb])))


def test_a_recovery_that_is_put_off_is_known_by_our_number_or_the_payers_among_other_words():
    back = Claim(
        control_number="A1", payer_claim_number="ICN7", charge_cents=-20_000, paid_cents=-5_000, status="22"
    )
    for reference in ("A1", "a1", "ICN7", "ICN7 A1", "20261103 A1"):
        adjustments = [(f"WO:{reference}", -5_000)]
        assert doubt(read(back, PAID, provider_adjustments=adjustments)) is None


def test_a_payment_that_was_kept_is_the_same_when_it_is_read_again():
    kept = read(PAID, OTHER, provider_adjustments=[("WO:A1", 5_000), ("L6", -5)])
    assert transaction_from(orjson.loads(orjson.dumps(values_of(kept)))) == kept


def test_a_notice_that_names_money_is_doubted():
    assert "no money moves" in str(doubt(read(PAID, handling="H")))


def test_copies_are_recognised_however_they_are_wrapped_or_ordered():
    def copy(order, envelope):
        return fingerprint(Edi835Reader().read(remittance(order, envelope=envelope)).transactions[0])

    wraps = [
        Envelope(),
        Envelope(line_end=""),
        Envelope(line_end="\r\n"),
        Envelope(element="|", component=">", terminator="'"),
    ]
    orders = itertools.permutations([PAID, OTHER, answered("23", 0, ("OA", "109", 45_000))])
    assert len({copy(order, wrap) for order, wrap in itertools.product(list(orders), wraps)}) == 1


def test_other_content_is_never_taken_for_a_copy():
    prints = {
        fingerprint(read(*claims)) for claims in ([PAID], [OTHER], [PAID, OTHER], [answered("2", 18_000)])
    }
    assert len(prints) == 4
    assert fingerprint(read(PAID)) != fingerprint(read(PAID, handling="C"))
    other_payee = remittance([PAID]).replace(b"XX*2000000010", b"XX*1093817465")
    assert fingerprint(read(PAID)) != fingerprint(Edi835Reader().read(other_payee).transactions[0])
