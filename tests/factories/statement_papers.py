"""What statements are about, without any database."""

from datetime import date, timedelta

from billing.accounting.records.statements import (
    About,
    Answer,
    AnswerKind,
    BankTook,
    Choice,
    Demand,
    Facts,
    GivenBack,
    Held,
    Package,
    Part,
    PartKind,
    Period,
    Received,
    Standing,
    Statement,
    Used,
    Visit,
    Way,
)
from billing.accounting.records.year_statements import YearEnd
from billing.accounting.rules.statements import statement_of, year_end_of
from billing.catalog.records import Address, Entity
from billing.kernel.money import Money

LONG_INSURER = "Blue Shield of the Great Northern Plains and Mountain States Mutual Health Plan"


def about(**change: object) -> About:
    clinic = Entity(
        id="ent_1",
        slug="b",
        name="Sample Infusions PLLC",
        trade_name="Sample Infusions",
        statement_descriptor=None,
        mail_name=None,
        tin="12-3456789",
        npi="1234567893",
        taxonomy="261QM0801X",
        timezone="America/Chicago",
        address=Address(line1="100 Main Street", line2="", city="Austin", state="TX", postal_code="78701"),
        phone="512-555-0100",
        clearinghouse_id=None,
        submitter_id=None,
    )
    told = {
        "clinic": clinic, "patient": "Maria Sample", "number": "17", "made_on": date(2026, 11, 20),
        "of_sites": False, "is_on_hold": False,
    }  # fmt: skip
    return About(**(told | change))


def long_statement(visits: int = 30, **change: object) -> Statement:
    """Of many visits, each with several payments and answers, and long names."""
    return statement_of(long_facts(visits), about(**change), Period(date(2026, 1, 1), date(2026, 12, 31)))


def long_year(visits: int = 30, **change: object) -> YearEnd:
    return year_end_of(long_facts(visits), about(**change), 2026)


def long_facts(visits: int) -> Facts:
    days = [date(2026, 1, 5) + timedelta(days=7 * place) for place in range(visits)]
    return Facts(
        visits=tuple(_visit(place, on) for place, on in enumerate(days)),
        packages=(Package(number=1042, visits=6, left=2, paid_ahead=Money(85_000)),),
        received=tuple(_payment(place, on) for place, on in enumerate(days)),
        refunds=tuple(_refund(way, days[0]) for way in Way),
        held=tuple(_held(place, on) for place, on in enumerate(days[:4])),
        used=(Used(on=days[0], amount=Money(9_000)),),
        banks=(BankTook(on=days[-1], amount=Money(45_000), is_final=False),),
        demands=(Demand(on=days[0], owed=Money(18_000)),),
        kept_by_state=Money(1_250),
    )


def _visit(place: int, on: date) -> Visit:
    tender = "Card (American Express 1005, a long name of a card of a bank abroad)" if place % 3 else "Cash"
    parts = (
        Part(kind=PartKind.PAID, amount=Money(1_000_000), on=on, tender=tender),
        Part(kind=list(PartKind)[place % len(PartKind)], amount=Money(5_000), on=on),
    )
    return Visit(
        session_id=f"ses_{place}",
        on=on,
        description="Ketamine infusion treatment, booster",
        standing=list(Standing)[place % 3],
        charge=Money(1_234_567),
        discount=Money(185_185),
        net=Money(1_049_382),
        parts=parts,
        answers=tuple(
            Answer(kind=kind, on=on, amount=Money(18_000), insurer=LONG_INSURER)
            for kind in list(AnswerKind)[: place % 13]
        ),
        reimbursed=Money(18_000),
    )


def _payment(place: int, on: date) -> Received:
    return Received(
        id=f"pay_{place}", on=on, amount=Money(1_000_000), tender="Card (visa 4242)", is_health_account=True
    )


def _refund(way: Way, on: date) -> GivenBack:
    return GivenBack(
        id=f"ref_{way}",
        way=way,
        amount=Money(5_000),
        on=on if way is Way.SENT else None,
        told="Back to the card or account that paid",
        has_left=way is Way.SENT,
        is_patients=True,
        is_deposit=False,
    )


def _held(place: int, on: date) -> Held:
    return Held(
        id=f"crl_{place}",
        on=on,
        source="reimbursement",
        choice=list(Choice)[place % 4],
        amount=Money(1_234_567),
        used=Money(9_000),
        back=Money(5_000),
        left=Money(1_220_567) if place % 2 else Money(0),
        is_insurers=True,
        is_patients=False,
        insured_on=on,
    )
