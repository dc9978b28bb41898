"""The part of a clinic's file that prices depend on: rates, dose bands, add-ons, tiers, discounts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from billing.catalog.records import (
    INFUSION,
    SERVICES,
    TIMED_SERVICES,
    AddOn,
    Condition,
    Discount,
    DoseBand,
    FeeSchedule,
    Rate,
    Tier,
)
from billing.catalog.rules.document import Block
from billing.catalog.rules.form import LONGEST_MINUTES, is_code, is_priced, is_slug, note_repeats

RULE_IDS = frozenset({"base", "time", "dose", "add_on", "package"})
"""What an explanation calls the steps of a price; a discount goes by its own code beside them."""

_PROCEDURE = re.compile(r"[A-Z]\d{4}|\d{5}", re.ASCII)
_LARGEST_PACKAGE = 100


def read_rates(block: Block) -> tuple[Rate, ...]:
    blocks = block.blocks("rates")
    if not blocks:
        block.note("rates", "`rates` must list the services and their prices")
    rates = tuple(_read_rate(inner) for inner in blocks)
    note_repeats(blocks, "service", [f"{rate.service} {rate.category or ''}".strip() for rate in rates])
    return rates


def _read_rate(block: Block) -> Rate:
    service = block.choice("service", SERVICES)
    category = (
        block.text("category", is_slug, "a category such as mental_health") if block.has("category") else None
    )
    name = block.text("name")
    cents = block.dollars("price")
    if service not in TIMED_SERVICES:
        return Rate(service=service, category=category, name=name, cents=cents)
    minutes = block.whole("minutes", 1, LONGEST_MINUTES)
    step = block.block("then") if block.has("then") else None
    return Rate(
        service=service,
        category=category,
        name=name,
        cents=cents,
        minutes=minutes,
        step_minutes=step.whole("minutes", 1, LONGEST_MINUTES) if step else None,
        step_cents=step.dollars("price") if step else 0,
    )


def read_schedule(
    block: Block, rates: Sequence[Rate], conditions: Sequence[Condition], clinic: str, *, is_sample: bool
) -> FeeSchedule:
    return FeeSchedule(
        code=block.text("code", is_code, "a short code in lower case letters, digits and hyphens"),
        clinic=clinic,
        effective_from=block.day("effective_from"),
        is_sample=is_sample,
        categories={condition.slug: condition.category for condition in conditions},
        rates=tuple(rates),
        dose_bands=_read_bands(block.blocks("dose"), "above_mg"),
        weight_bands=_read_bands(block.blocks("dose_by_weight"), "above_mg_per_kg"),
        add_ons=_read_add_ons(block.blocks("add_ons")),
        tiers=_read_tiers(block.blocks("tiers"), rates),
        discounts=_read_discounts(block.blocks("discounts")),
        stack_discounts=block.yes_or_no("stack_discounts") if block.has("stack_discounts") else False,
    )


def _read_bands(blocks: Sequence[Block], key: str) -> tuple[DoseBand, ...]:
    """Bands ascend, and a higher dose never costs less."""
    bands: list[DoseBand] = []
    for block in blocks:
        band = DoseBand(above=block.decimal(key), cents=block.dollars("price"))
        if bands and (band.above <= bands[-1].above or band.cents < bands[-1].cents):
            block.note(key, "dose bands must rise, and their prices must not fall")
        bands.append(band)
    return tuple(bands)


def _read_add_ons(blocks: Sequence[Block]) -> tuple[AddOn, ...]:
    add_ons = tuple(
        AddOn(
            code=block.text("code", _is_free(SERVICES), "a code in lower case that is no service's"),
            name=block.text("name"),
            cents=block.dollars("price"),
            hcpcs=_procedure(block) if block.has("hcpcs") else None,
        )
        for block in blocks
    )
    note_repeats(blocks, "code", [add_on.code for add_on in add_ons])
    return add_ons


def _procedure(block: Block) -> str:
    return block.text("hcpcs", lambda code: bool(_PROCEDURE.fullmatch(code)), "a procedure code in quotes")


def _read_tiers(blocks: Sequence[Block], rates: Sequence[Rate]) -> tuple[Tier, ...]:
    return tuple(_read_tier(block, rates) for block in blocks)


def _read_tier(block: Block, rates: Sequence[Rate]) -> Tier:
    """Boosters, evaluations and fees never count, so that a tier is one of infusions."""
    tier = Tier(
        sessions=block.whole("from", 2, _LARGEST_PACKAGE),
        service=block.choice("service", {INFUSION}),
        category=block.text("category", is_slug, "a category such as mental_health"),
        least_minutes=block.whole("least_minutes", 1, LONGEST_MINUTES) if block.has("least_minutes") else 1,
        cents=block.dollars("price"),
        minutes=block.whole("minutes", 1, LONGEST_MINUTES),
    )
    if tier.category and not is_priced(tier.category, rates):
        block.note("category", f"infusions for `{tier.category}` have no rate in the fee schedule")
    return tier


def _read_discounts(blocks: Sequence[Block]) -> tuple[Discount, ...]:
    discounts = tuple(
        Discount(
            code=block.text("code", _is_free(RULE_IDS), "a code in lower case that is no rule's id"),
            name=block.text("name"),
            basis_points=block.percent("percent"),
        )
        for block in blocks
    )
    note_repeats(blocks, "code", [discount.code for discount in discounts])
    return discounts


def _is_free(taken: frozenset[str]) -> Callable[[str], bool]:
    return lambda code: is_slug(code) and code not in taken
