from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.records import Drug
from billing.insurance.records import AddedService
from billing.insurance.rules.coding import evaluation_services, infusion_services
from billing.insurance.rules.lines import charge_lines, control_number, drug_given, padded_ndc, pointers
from billing.kernel.money import Money, total

DAY = date(2026, 11, 3)
KETAMINE = Drug(
    code="ketamine",
    name="Ketamine HCl",
    strength="50 mg/mL",
    ndc="0409-2051-05",
    unit="ML",
    mg_per_unit=Decimal(50),
    hcpcs="J3490",
)
MIDAZOLAM = AddedService(code="J2250", units=1, description="Midazolam", list_charge=Money(2_000))


def expected(minutes: int) -> dict[str, int]:
    """The table of the clinic's coding guide, row by row."""
    if minutes <= 15:
        return {"96374": 1}
    if minutes <= 90:
        return {"96365": 1}
    rows = {150: 1, 210: 2, 270: 3, 330: 4, 390: 5, 450: 6, 510: 7, 570: 8, 630: 9, 690: 10, 750: 11}
    return {"96365": 1, "96366": next(units for last, units in rows.items() if minutes <= last)}


def test_every_minute_of_twelve_hours_has_the_codes_of_the_table():
    for minutes in range(721):
        coded = {service.code: service.units for service in infusion_services(minutes, DAY)}
        assert coded == expected(minutes), minutes


def test_an_infusion_never_stops_before_it_starts():
    with pytest.raises(ValueError, match="before it starts"):
        infusion_services(-1, DAY)


@pytest.mark.parametrize(
    ("minutes", "first", "later"),
    [
        (9, None, None), (10, None, "99212"), (15, "99202", "99212"), (20, "99202", "99213"),
        (29, "99202", "99213"), (30, "99203", "99214"), (40, "99203", "99215"), (45, "99204", "99215"),
        (59, "99204", "99215"), (60, "99205", "99215"), (200, "99205", "99215"),
    ],
)  # fmt: skip
def test_an_evaluation_is_coded_by_its_minutes_and_by_whether_the_patient_is_known(minutes, first, later):
    def code(*, seen_before):
        services = evaluation_services(minutes, DAY, seen_before=seen_before)
        return services[0].code if services else None

    assert (code(seen_before=False), code(seen_before=True)) == (first, later)


@given(
    st.integers(0, 720),
    st.integers(0, 10**8),
    st.integers(0, 10**8),
    st.lists(st.integers(0, 10**6), max_size=4),
)
def test_the_lines_sum_to_the_net_charge_to_the_cent(minutes, charge, net, added):
    lines = charge_lines(
        infusion_services(minutes, DAY),
        list_charge=Money(charge),
        net=Money(net),
        added=[
            AddedService(code="J2250", units=1, description="x", list_charge=Money(each)) for each in added
        ],
        drug=drug_given(KETAMINE, Decimal(40)),
    )
    assert total(line.charge for line in lines) == Money(net)
    assert all(line.units >= 1 and line.charge >= Money(0) for line in lines)


def test_a_long_infusion_is_charged_by_its_units_and_the_drug_comes_with_it():
    lines = charge_lines(
        infusion_services(240, DAY),
        list_charge=Money(120_000),
        net=Money(114_000),
        drug=drug_given(KETAMINE, Decimal("40.5")),
    )
    assert [(line.code, line.units, line.charge.cents) for line in lines] == [
        ("96365", 1, 28_500),
        ("96366", 3, 85_500),
        ("J3490", 1, 0),
    ]
    assert lines[-1].description == "Ketamine HCl 50 mg/mL, 40.5 mg given; included in the infusion"
    assert lines[-1].drug is not None
    assert (lines[-1].drug.ndc, lines[-1].drug.quantity, lines[-1].drug.unit) == (
        "00409-2051-05",
        "0.81",
        "ML",
    )


def test_a_coded_add_on_takes_its_share_of_the_discount():
    lines = charge_lines(
        infusion_services(45, DAY), list_charge=Money(47_000), net=Money(39_950), added=[MIDAZOLAM]
    )
    assert [(line.code, line.charge.cents) for line in lines] == [("96365", 38_250), ("J2250", 1_700)]


def test_a_whole_dose_is_written_without_decimals():
    assert "100 mg given" in drug_given(KETAMINE, Decimal("100.000")).description


def test_a_line_points_to_four_diagnoses_at_most():
    assert [pointers(count) for count in (1, 3, 4, 12)] == ["A", "ABC", "ABCD", "ABCD"]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("0409-2051-05", "00409-2051-05"),
        ("12345-678-90", "12345-0678-90"),
        ("12345-6789-0", "12345-6789-00"),
        ("12345-6789-01", "12345-6789-01"),
        ("12345678901", "12345-6789-01"),
    ],
)
def test_an_ndc_is_padded_to_five_four_two(written, sent):
    assert padded_ndc(written) == sent


@pytest.mark.parametrize(
    "written", ["", "1234567890", "123-4567-89", "1234-56a8-90", "12345-6789-01-2", "abcde"]
)
def test_what_is_no_ndc_is_refused(written):
    with pytest.raises(ValueError, match="NDC"):
        padded_ndc(written)


def test_a_control_number_fits_the_form_and_stays_the_same():
    number = control_number("ses_01k9abcdefghjkmnpqrstvwxyz")
    assert number == control_number("ses_01k9abcdefghjkmnpqrstvwxyz")
    assert len(number) == 14
    assert number.isalnum()
    assert number == number.upper()
