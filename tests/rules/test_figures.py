"""What a paper says of a visit's money, beside what the books say by now."""

from datetime import date

import pytest

from billing.insurance.records.figures import Figures
from billing.insurance.rules.figures import figures_of, still_holds
from billing.kernel.money import Money
from billing.payments.records.payments import Paid, Tender


def figures(charge, paid):
    return Figures(charge=Money(charge), paid=Money(paid))


@pytest.mark.parametrize(
    ("books", "while_unsent", "once_out"),
    [
        ((425, 425), True, True),
        ((450, 425), False, False),
        ((425, 400), False, False),
        ((425, 430), False, True),
        ((400, 425), False, False),
    ],
)
def test_a_paper_that_is_out_is_history_of_what_was_paid_and_one_to_be_sent_is_exact(
    books, while_unsent, once_out
):
    told, now = figures(425, 425), figures(*books)
    assert still_holds(told, now, is_out=False) is while_unsent
    assert still_holds(told, now, is_out=True) is once_out


def test_what_an_insurer_paid_is_no_figure_of_its_own_papers():
    day = date(2026, 11, 3)
    payments = [
        Paid(amount=Money(cents), payer_id=None, paid_on=day, tender=tender)
        for cents, tender in ((100, Tender.CARD), (20, Tender.CREDIT), (3, Tender.INSURER))
    ]
    assert figures_of(Money(150), payments) == figures(150, 120)
