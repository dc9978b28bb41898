"""A clinic's file, checked whole and turned into records.

Amounts are dollars (`450`, `"450.00"`). The samples beside this room show every key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from billing.catalog.records import (
    Address,
    Clinic,
    Condition,
    Drug,
    EntityFacts,
    Protocol,
    ProtocolSession,
    ProviderFacts,
    Rate,
    SiteFacts,
)
from billing.catalog.rules.document import Block, Document
from billing.catalog.rules.form import LONGEST_MINUTES, is_code, is_priced, is_slug, note_repeats
from billing.catalog.rules.identifiers import (
    STATES,
    is_ein,
    is_icd10,
    is_mail_name,
    is_ndc,
    is_npi,
    is_statement_descriptor,
    is_timezone,
)
from billing.catalog.rules.pricing_section import read_rates, read_schedule

_PHONE = re.compile(r"[0-9+(][0-9 ().-]{6,24}", re.ASCII)
_POSTAL_CODE = re.compile(r"\d{5}(-\d{4})?", re.ASCII)
_TAXONOMY = re.compile(r"[0-9A-Z]{9}X", re.ASCII)
_HCPCS = re.compile(r"[A-Z]\d{4}", re.ASCII)
_ROUTING_ID = re.compile(r"[0-9A-Z]{2,15}")
_UNITS = frozenset({"F2", "GR", "ME", "ML", "UN"})
_LAST_DAY = 730
LONGEST_CLEARINGHOUSE = 60


def read_clinic(text: str, is_billable: Callable[[str], bool] = is_icd10) -> Clinic:
    """`is_billable` knows the codes that insurers take; without it any of the right form will do.

    Raises: ClinicFileRefused, with the line and the reason of each flaw.
    """
    document = Document(text)
    root = document.root
    schedule_block = root.block("fee_schedule")
    rates = read_rates(schedule_block) if schedule_block else ()
    is_sample = root.yes_or_no("sample") if root.has("sample") else False
    entity = _read_entity(root)
    conditions = _read_conditions(root.blocks("conditions"), rates, is_billable)
    sites = _read_sites(root, entity.timezone)
    providers = _read_providers(root)
    protocols = _read_protocols(root.blocks("protocols"), rates)
    drugs = _read_drugs(root.blocks("drugs"))
    schedule = (
        read_schedule(schedule_block, rates, conditions, entity.slug, is_sample=is_sample)
        if schedule_block
        else None
    )
    document.refuse_if_flawed()
    assert schedule is not None, "a missing schedule is a flaw"
    return Clinic(
        is_sample=is_sample,
        entity=entity,
        sites=sites,
        providers=providers,
        conditions=conditions,
        fee_schedule=schedule,
        protocols=protocols,
        drugs=drugs,
    )


def _read_entity(root: Block) -> EntityFacts:
    slug = root.text("clinic", is_code, "a short name in lower case letters, digits and hyphens")
    block = root.block("entity")
    if block is None:
        return _NO_ENTITY
    return EntityFacts(
        slug=slug,
        name=block.text("name"),
        trade_name=block.text("trade_name"),
        statement_descriptor=_descriptor(block),
        mail_name=_mail_name(block),
        tin=block.text("tin", is_ein, "an employer identification number such as 12-3456789"),
        npi=_npi(block),
        taxonomy=block.text("taxonomy", lambda code: bool(_TAXONOMY.fullmatch(code)), "a NUCC taxonomy code"),
        timezone=_timezone(block),
        address=_address(block),
        phone=_phone(block),
        **_clearinghouse(block),
    )


def _npi(block: Block) -> str:
    return block.text("npi", is_npi, "a National Provider Identifier: ten digits with a right check digit")


def _descriptor(block: Block) -> str | None:
    """Without one, payers read what the processor's account says."""
    if not block.has("statement_descriptor"):
        return None
    wanted = "5 to 22 Latin characters with a letter, without < > \\ ' \" *"
    return block.text("statement_descriptor", is_statement_descriptor, wanted)


def _mail_name(block: Block) -> str | None:
    """Without one, mail says no name: the trade name may tell what is treated."""
    if not block.has("mail_name"):
        return None
    wanted = "3 to 60 letters, digits, spaces and . , & ' -, which do not say what is treated"
    return block.text("mail_name", is_mail_name, wanted)


def _clearinghouse(block: Block) -> dict[str, str]:
    """Without one, claims go to each payer itself, and the clinic is known by its tax number."""
    inner = block.block("clearinghouse") if block.has("clearinghouse") else None
    if inner is None:
        return {}
    told = {
        "clearinghouse_name": inner.text(
            "name", lambda text: 0 < len(text) <= LONGEST_CLEARINGHOUSE, "its name, of at most 60 characters"
        ),
        "clearinghouse_id": _routing_id(inner, "id"),
    }
    return {**told, "submitter_id": _routing_id(inner, "submitter_id")} if inner.has("submitter_id") else told


def _routing_id(block: Block, key: str) -> str:
    wanted = "an id of 2 to 15 capitals and digits"
    return block.text(key, lambda text: bool(_ROUTING_ID.fullmatch(text)), wanted)


def _timezone(block: Block) -> str:
    return block.text("timezone", is_timezone, "a time zone such as America/Chicago")


def _phone(block: Block) -> str:
    return block.text("phone", lambda text: bool(_PHONE.fullmatch(text)), "a telephone number")


def _address(block: Block) -> Address:
    inner = block.block("address")
    if inner is None:
        return _NO_ADDRESS
    return Address(
        line1=inner.text("line1"),
        line2=inner.text("line2") if inner.has("line2") else "",
        city=inner.text("city"),
        state=inner.text("state", lambda text: text in STATES, "a state's two letters, such as TX"),
        postal_code=inner.text("postal_code", lambda text: bool(_POSTAL_CODE.fullmatch(text)), "a ZIP code"),
    )


def _read_sites(root: Block, timezone: str) -> tuple[SiteFacts, ...]:
    blocks = root.blocks("sites")
    if not blocks:
        root.note("sites", "`sites` must list at least one site")
    sites = tuple(
        SiteFacts(
            code=block.text("code", is_code, "a short code in lower case letters, digits and hyphens"),
            name=block.text("name"),
            address=_address(block),
            phone=_phone(block),
            timezone=_timezone(block) if block.has("timezone") else timezone,
        )
        for block in blocks
    )
    note_repeats(blocks, "code", [site.code for site in sites])
    return sites


def _read_providers(root: Block) -> tuple[ProviderFacts, ...]:
    blocks = root.blocks("providers")
    if not blocks:
        root.note("providers", "`providers` must list at least one provider")
    providers = tuple(
        ProviderFacts(
            name=block.text("name"),
            credentials=block.text("credentials"),
            npi=_npi(block),
            license_number=block.text("license_number"),
            license_state=block.text("license_state", lambda text: text in STATES, "a state's two letters"),
        )
        for block in blocks
    )
    note_repeats(blocks, "npi", [provider.npi for provider in providers])
    return providers


def _read_conditions(
    blocks: Sequence[Block], rates: Sequence[Rate], is_billable: Callable[[str], bool]
) -> tuple[Condition, ...]:
    conditions = tuple(
        Condition(
            slug=block.text("slug", is_slug, "a name in lower case letters, digits and underscores"),
            name=block.text("name"),
            category=_category(block, rates),
            icd10=block.texts(
                "icd10",
                lambda code: is_icd10(code) and is_billable(code),
                "a billable ICD-10-CM code such as F33.1, the most specific one; F33 is none",
            ),
        )
        for block in blocks
    )
    note_repeats(blocks, "slug", [condition.slug for condition in conditions])
    return conditions


def _category(block: Block, rates: Sequence[Rate]) -> str:
    category = block.text("category", is_slug, "a category such as mental_health")
    if category and not is_priced(category, rates):
        block.note("category", f"infusions for `{category}` have no rate in the fee schedule")
    return category


def _read_protocols(blocks: Sequence[Block], rates: Sequence[Rate]) -> tuple[Protocol, ...]:
    protocols = tuple(_read_protocol(block, rates) for block in blocks)
    note_repeats(blocks, "code", [protocol.code for protocol in protocols])
    return protocols


def _read_protocol(block: Block, rates: Sequence[Rate]) -> Protocol:
    """A protocol names only what the fee schedule prices for its category."""
    category = _category(block, rates)
    priced = {rate.service for rate in rates if rate.category in (None, category)}
    return Protocol(
        code=block.text("code", is_slug, "a code in lower case letters, digits and underscores"),
        name=block.text("name"),
        category=category,
        sessions=_read_protocol_sessions(block, priced),
    )


def _read_protocol_sessions(block: Block, services: set[str]) -> tuple[ProtocolSession, ...]:
    inner = block.blocks("sessions")
    if not inner:
        block.note("sessions", "a protocol must list its sessions")
    sessions = tuple(
        ProtocolSession(
            day_offset=visit.whole("day", 0, _LAST_DAY),
            service=visit.choice("service", services),
            minutes=visit.whole("minutes", 1, LONGEST_MINUTES),
        )
        for visit in inner
    )
    days = [session.day_offset for session in sessions]
    if days != sorted(days):
        block.note("sessions", "the sessions of a protocol must be in the order of their days")
    return sessions


def _read_drugs(blocks: Sequence[Block]) -> tuple[Drug, ...]:
    drugs = tuple(
        Drug(
            code=block.text("code", is_slug, "a code in lower case letters, digits and underscores"),
            name=block.text("name"),
            strength=block.text("strength"),
            ndc=block.text("ndc", is_ndc, "a National Drug Code with its hyphens"),
            unit=block.choice("unit", _UNITS),
            mg_per_unit=block.decimal("mg_per_unit"),
            hcpcs=block.text(
                "hcpcs", lambda code: bool(_HCPCS.fullmatch(code)), "an HCPCS code such as J3490"
            ),
        )
        for block in blocks
    )
    note_repeats(blocks, "code", [drug.code for drug in drugs])
    return drugs


_NO_ADDRESS = Address(line1="", line2="", city="", state="", postal_code="")
"""Stands in for an address that the file lacks; such a file is refused."""

_NO_ENTITY = EntityFacts(
    slug="",
    name="",
    trade_name="",
    statement_descriptor=None,
    mail_name=None,
    tin="",
    npi="",
    taxonomy="",
    timezone="",
    address=_NO_ADDRESS,
    phone="",
)
