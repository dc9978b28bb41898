"""835 files: matched, posted once, held for the patient, or parked with the reason."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.errors import NoSuchRemittance
from billing.insurance.flows.remittances import import_remittance
from billing.insurance.models import SuperbillRow
from billing.insurance.queries import find_remittance, list_remittances
from billing.insurance.states import RemittanceState
from billing.insurance.use_cases import remittances
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.ledger.queries import trial_balance
from billing.patients.use_cases import lock_patient
from billing.payments.queries.credits import credits_of_patient
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.remittance_835 import Claim, Envelope, Payment, remittance

STRANGER = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.BILLING])


@pytest.fixture
def books(database):
    def read_them():
        with database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return read_them


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def bills(database, course):
    return [handed_out(database, session_id) for session_id in course.session_ids]


@pytest.fixture
def before(bills, books):
    return books()


def answer(bill, paid_cents, **more):
    return Claim(
        control_number=bill.control_number, charge_cents=bill.charge.cents, paid_cents=paid_cents, **more
    )


def changes(before, after):
    return {
        account: after.get(account, 0) - before.get(account, 0)
        for account in before.keys() | after.keys()
        if after.get(account, 0) != before.get(account, 0)
    }


def credits_of(database, course):
    with database.reading() as read:
        return [lot.available.cents for lot in credits_of_patient(read, course.patient.id, SYSTEM)]


def test_what_the_insurer_paid_is_held_for_the_patient(database, course, bills, before, books):
    file = imported(database, remittance([answer(bills[0], 18_000), answer(bills[1], 9_000)]))
    assert (file.status, file.reason) == ("posted", None)
    (transaction,) = file.transactions
    assert (transaction.status, transaction.reason, transaction.amount) == ("posted", None, Money(27_000))
    assert [(claim.control_number, claim.status, claim.credit.cents) for claim in transaction.claims] == [
        (bills[0].control_number, "posted", 18_000),
        (bills[1].control_number, "posted", 9_000),
    ]
    assert changes(before, books()) == {"1000": 27_000, "2200": -27_000}
    assert credits_of(database, course) == [18_000, 9_000]


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope(),
        Envelope(line_end="\r\n"),
        Envelope(element="|", component=">", terminator="'"),
        Envelope(control_number=8),
    ],
)
def test_a_copy_posts_nothing_however_it_is_wrapped(database, bills, books, envelope):
    claims = [answer(bills[0], 18_000), answer(bills[1], 9_000)]
    imported(database, remittance(claims))
    posted = books()
    copy = imported(database, remittance(claims[::-1], envelope=envelope))
    assert copy.status == copy.transactions[0].status == "duplicate"
    assert [claim.credit.cents for claim in copy.transactions[0].claims] == [0, 0]
    assert books() == posted


def test_the_same_payment_twice_in_one_file_posts_once(database, bills, before, books):
    payment = Payment(claims=[answer(bills[0], 18_000)])
    file = imported(database, remittance(payments=[payment, payment]))
    assert [each.status for each in file.transactions] == ["posted", "duplicate"]
    assert file.status == "duplicate"
    assert changes(before, books()) == {"1000": 18_000, "2200": -18_000}


def test_the_same_key_with_other_content_is_parked(database, bills, books):
    imported(database, remittance([answer(bills[0], 18_000)]))
    posted = books()
    file = imported(database, remittance([answer(bills[1], 18_000)]))
    assert file.status == "parked"
    assert "came before with other content" in str(file.transactions[0].reason)
    assert books() == posted


def test_a_corrected_copy_of_a_parked_payment_posts_and_the_parked_one_stays(database, course, bills):
    amount = {"amount_cents": 18_000}
    wrong = imported(database, remittance([answer(bills[0], 17_000)], **amount)).transactions[0]
    assert wrong.status == "parked"
    corrected = imported(database, remittance([answer(bills[0], 18_000)], **amount))
    assert corrected.status == "posted"
    with database.reading() as read:
        assert find_remittance(read, wrong.id, SYSTEM) == wrong
    again = imported(database, remittance([answer(bills[0], 17_000)], **amount))
    assert "came before with other content" in str(again.transactions[0].reason)
    assert credits_of(database, course) == [18_000]


def test_other_content_that_was_posted_while_the_patient_was_waited_for_is_noticed(
    database, bills, monkeypatch, now
):
    (other,) = Edi835Reader().read(remittance([answer(bills[1], 18_000)])).transactions
    comes_first = [other]

    def lock_late(tx, patient_id):
        while comes_first:
            told = {"transaction": comes_first.pop(), "file_sha256": "f" * 64, "actor": SYSTEM, "now": now}
            remittances.post_remittance(tx, **told)
        return lock_patient(tx, patient_id)

    monkeypatch.setattr(remittances, "lock_patient", lock_late)
    file = imported(database, remittance([answer(bills[0], 18_000)]))
    assert "came before with other content" in str(file.transactions[0].reason)


def test_an_unbalanced_payment_is_parked_whole_with_the_numbers(database, bills, before, books):
    claims = [answer(bills[0], 18_000), answer(bills[1], 9_000, adjustments=(("CO", "45", 1),))]
    file = imported(database, remittance(claims))
    assert file.status == "parked"
    assert "does not balance" in str(file.transactions[0].reason)
    assert [claim.status for claim in file.transactions[0].claims] == ["parked", "parked"]
    assert books() == before


def test_a_claim_that_is_on_no_superbill_parks_its_whole_payment(database, bills, before, books):
    stray = Claim(control_number="NOTOURS", charge_cents=100, paid_cents=50)
    file = imported(database, remittance([answer(bills[0], 18_000), stray]))
    assert "control number NOTOURS" in str(file.transactions[0].reason)
    assert books() == before


def test_one_parked_payment_does_not_hold_up_the_others_of_its_file(database, bills, before, books):
    stray = Claim(control_number="NOTOURS", charge_cents=100, paid_cents=50)
    payments = [Payment(claims=[stray], trace="T1"), Payment(claims=[answer(bills[0], 18_000)], trace="T2")]
    file = imported(database, remittance(payments=payments))
    assert [each.status for each in file.transactions] == ["parked", "posted"]
    assert file.status == "parked"
    assert changes(before, books()) == {"1000": 18_000, "2200": -18_000}


def test_a_parked_payment_is_posted_when_it_comes_again_and_the_reason_is_gone(database, course, now):
    bill = handed_out(database, course.session_ids[0])
    elsewhere = Actor(id="usr_y", entity_id=None, permissions=SYSTEM.permissions, site_ids=frozenset())
    content = remittance([answer(bill, 18_000)])
    first = imported(database, content, actor=elsewhere)
    assert first.status == "parked"
    again = imported(database, content)
    assert again.status == "posted"
    with database.reading() as read:
        assert [each.id for each in list_remittances(read, SYSTEM, limit=9)] == [again.transactions[0].id]
    assert imported(database, content).status == "duplicate"
    assert credits_of(database, course) == [18_000]


@pytest.mark.parametrize(
    ("status", "adjustments", "meaning"),
    [
        ("4", (("CO", "50", 38_250),), "nothing_paid"),
        ("1", (("PR", "1", 38_250),), "nothing_paid"),
        ("1", (("PR", "100", 38_250),), "paid_to_patient"),
        ("1", (("OA", "100", 38_250),), "paid_to_patient"),
        ("1", (("OA", "293", 38_250),), "paid_to_other"),
        ("25", (("PR", "1", 38_250),), "estimate_only"),
    ],
)
def test_an_answer_without_money_posts_nothing_and_is_no_new_debt(
    database, bills, before, books, status, adjustments, meaning
):
    file = imported(database, remittance([answer(bills[0], 0, status=status, adjustments=adjustments)]))
    assert file.status == "posted"
    assert file.transactions[0].claims[0].outcome == meaning
    assert books() == before


def test_a_claim_of_another_provider_needs_no_match(database, bills, before, books):
    other = Claim(
        control_number="X", charge_cents=100, paid_cents=0, status="23", adjustments=(("OA", "109", 100),)
    )
    file = imported(database, remittance([answer(bills[0], 18_000), other]))
    assert file.status == "posted"
    assert file.transactions[0].claims[1].outcome == "not_ours"


def test_what_exceeds_the_patients_payment_goes_back_to_the_payer(database, course, bills, before, books):
    paid = answer(bills[0], 40_000, adjustments=(("CO", "45", 38_250 - 40_000),))
    file = imported(database, remittance([paid]))
    assert file.transactions[0].claims[0].credit == Money(38_250)
    assert changes(before, books()) == {"1000": 40_000, "2200": -38_250, "2220": -1_750}


def test_an_open_balance_is_settled_first(database, now, books):
    course = a_course(database, sessions=1, paid=Money(30_000))
    bill = handed_out(database, course.session_ids[0])
    before = books()
    file = imported(database, remittance([answer(bill, 18_000)]))
    assert file.transactions[0].claims[0].credit == Money(9_750)
    assert changes(before, books()) == {"1000": 18_000, "1100": -8_250, "2200": -9_750}


def test_interest_waits_as_unapplied_payer_money(database, bills, before, books):
    file = imported(database, remittance([answer(bills[0], 18_000)], provider_adjustments=[("L6", -125)]))
    assert file.status == "posted"
    assert changes(before, books()) == {"1000": 18_125, "2200": -18_000, "2240": -125}


@pytest.mark.parametrize("code", ["WO", "WO:NOTOURS", "FB", "72", "CS", "B2"])
def test_other_provider_adjustments_wait_for_a_person(database, bills, before, books, code):
    file = imported(database, remittance([answer(bills[0], 18_000)], provider_adjustments=[(code, 1_000)]))
    assert file.status == "parked"
    assert books() == before


def test_a_payers_own_number_finds_the_claim_when_ours_is_lost(database, bills):
    imported(database, remittance([answer(bills[0], 5_000, payer_claim_number="ICN1")], trace="T1"))
    lost = Claim(control_number="0", charge_cents=38_250, paid_cents=4_000, payer_claim_number="ICN1")
    file = imported(database, remittance([lost], trace="T2"))
    assert (file.status, file.transactions[0].claims[0].session_id) == ("posted", bills[0].session_id)


def test_a_payers_number_that_stands_for_two_sessions_stands_for_none(database, bills):
    """Payers use their numbers again; one patient's money never goes to another by guesswork."""
    for place, trace in enumerate(("T1", "T2")):
        told = answer(bills[place], 5_000, payer_claim_number="ICN1")
        assert imported(database, remittance([told], trace=trace)).status == "posted"
    lost = Claim(control_number="0", charge_cents=38_250, paid_cents=4_000, payer_claim_number="ICN1")
    assert imported(database, remittance([lost], trace="T3")).status == "parked"


def test_a_payers_number_with_another_charge_is_another_claim(database, bills):
    imported(database, remittance([answer(bills[0], 5_000, payer_claim_number="ICN1")], trace="T1"))
    lost = Claim(control_number="0", charge_cents=38_300, paid_cents=4_000, payer_claim_number="ICN1")
    assert imported(database, remittance([lost], trace="T2")).status == "parked"


def test_our_number_is_found_in_lower_case_and_on_the_lines(database, bills):
    lower = Claim(control_number=bills[0].control_number.lower(), charge_cents=38_250, paid_cents=4_000)
    assert imported(database, remittance([lower], trace="T1")).status == "posted"
    by_line = remittance([Claim(control_number="0", charge_cents=38_250, paid_cents=4_000)], trace="T2")
    by_line = by_line.replace(b"CAS*PR*1*", f"REF*6R*{bills[1].control_number}~\nCAS*PR*1*".encode())
    by_line = by_line.replace(b"SE*15*", b"SE*16*")
    assert imported(database, by_line).status == "posted"


def test_a_file_that_cannot_be_read_to_its_end_is_refused_whole(database, bills, before, books):
    payments = [
        Payment(claims=[answer(bills[0], 18_000)], trace="T1"),
        Payment(claims=[answer(bills[1], 9_000)]),
    ]
    content = remittance(payments=payments)
    file = imported(database, content[: len(content) - 40])
    assert (file.status, file.transactions) == ("refused", ())
    assert file.reason
    assert books() == before


def test_a_rehearsal_says_the_same_and_leaves_nothing(database, bills, before, books, now):
    content = remittance([answer(bills[0], 18_000)])

    def play(tx):
        return [
            import_remittance(
                lambda work: work(tx),
                Edi835Reader(),
                name="x",
                content=content,
                actor=SYSTEM,
                clock=lambda: now,
            )
            for _ in range(2)
        ]

    assert [each.status for each in database.rehearse(play)] == ["posted", "duplicate"]
    assert books() == before
    assert imported(database, content).status == "posted"


def test_a_remittance_is_kept_and_belongs_to_its_clinic(database, course, bills):
    file = imported(database, remittance([answer(bills[0], 18_000)]))
    with database.reading() as read:
        kept = find_remittance(read, str(file.transactions[0].id), SYSTEM)
        assert kept == file.transactions[0]
        assert [each.id for each in list_remittances(read, SYSTEM, limit=10)] == [kept.id]
        assert list_remittances(read, SYSTEM, state=RemittanceState.PARKED, limit=10) == []
        assert list_remittances(read, STRANGER, limit=10) == []
        with pytest.raises(NoSuchRemittance):
            find_remittance(read, kept.id, STRANGER)


def test_a_payment_of_another_legal_entity_may_have_the_same_payer_trace_amount_and_day(database, bills):
    sibling = bills[1]
    database.in_transaction(
        lambda tx: tx.session.execute(
            update(SuperbillRow).where(SuperbillRow.id == sibling.id).values(entity_id="ent_sibling")
        )
    )
    assert imported(database, remittance([answer(bills[0], 0)])).status == "posted"
    assert imported(database, remittance([answer(sibling, 0)], payee="XX*")).status == "posted"


def limited_to(*site_ids):
    return Actor(id="usr_site", entity_id=None, permissions=ROLES[Role.BILLING], site_ids=frozenset(site_ids))


def test_a_remittance_is_shown_at_a_site_when_all_its_sessions_are_of_that_site(database, bills):
    kept = imported(database, remittance([answer(bills[0], 18_000)])).transactions[0]
    here, elsewhere = limited_to(bills[0].site_id), limited_to("site_x")
    with database.reading() as read:
        assert find_remittance(read, kept.id, here) == kept
        assert [each.id for each in list_remittances(read, here, limit=10)] == [kept.id]
        assert list_remittances(read, elsewhere, limit=10) == []
        with pytest.raises(NoSuchRemittance):
            find_remittance(read, kept.id, elsewhere)


def test_a_remittance_with_a_session_of_another_site_is_not_shown(database, bills):
    claims = [answer(bills[0], 18_000), answer(bills[1], 9_000)]
    kept = imported(database, remittance(claims)).transactions[0]
    database.in_transaction(
        lambda tx: tx.session.execute(
            update(SuperbillRow).where(SuperbillRow.id == bills[1].id).values(site_id="site_x")
        )
    )
    with database.reading() as read:
        for site_id in (bills[0].site_id, "site_x"):
            assert list_remittances(read, limited_to(site_id), limit=10) == []
        both = limited_to(bills[0].site_id, "site_x")
        assert [each.id for each in list_remittances(read, both, limit=10)] == [kept.id]


def test_a_parked_remittance_is_of_no_known_site(database, bills):
    file = imported(database, remittance([answer(bills[0], 18_000)], amount_cents=1))
    assert file.status == "parked"
    with database.reading() as read:
        assert list_remittances(read, limited_to(bills[0].site_id), limit=10) == []


def test_another_clinics_clerk_cannot_post_to_our_sessions(database, bills, before, books):
    file = imported(database, remittance([answer(bills[0], 18_000)]), actor=STRANGER)
    assert file.status == "parked"
    assert books() == before


def test_four_clerks_who_import_one_file_post_it_once(database, bills, before, books, now):
    content = remittance([answer(bills[0], 18_000)])
    with ThreadPoolExecutor(4) as clerks:
        files = list(
            clerks.map(lambda _: imported(database, content, now=now + timedelta(seconds=1)), range(4))
        )
    assert sorted(each.status for each in files) == ["duplicate", "duplicate", "duplicate", "posted"]
    assert changes(before, books()) == {"1000": 18_000, "2200": -18_000}
