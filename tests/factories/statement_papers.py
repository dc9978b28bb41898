"""What statements are about, without any database."""

from datetime import date

from billing.accounting.records.statements import About
from billing.catalog.records import Address, Entity


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
        address=Address(line1="100 Main Street", line2=None, city="Austin", state="TX", postal_code="78701"),
        phone="512-555-0100",
        clearinghouse_id=None,
        submitter_id=None,
    )
    told = {
        "clinic": clinic, "patient": "Maria Sample", "number": "17", "made_on": date(2026, 11, 20),
        "of_sites": False,
    }  # fmt: skip
    return About(**(told | change))
