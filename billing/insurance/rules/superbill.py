"""The frozen body of a superbill, put together out of what the lower rooms know. No clock, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any

from billing.catalog.records import Address, Entity, Provider, Site
from billing.insurance.records import Superbill, SuperbillLine
from billing.insurance.records.superbills import AS_BEFORE, NOBODY, ReferringProvider, Wishes
from billing.insurance.rules.coding import OFFICE
from billing.insurance.rules.coding.visit import minutes_between
from billing.insurance.rules.figures import figures_of
from billing.insurance.rules.lines import POINTERS, control_number, pointers
from billing.insurance.states import SuperbillState
from billing.invoices.records import InvoiceLine
from billing.kernel.money import ZERO, Money, total
from billing.patients.records import Address as PatientAddress
from billing.patients.records import Patient, Policy, Relationship
from billing.payments.records.payments import Paid, Tender

VISIT = frozenset({"provider", "service", "lines"})
"""Members that say what the clinician signed."""
IDENTITY = frozenset({"number", "version", "supersedes", "issued_on"})
"""Members that differ between versions of the same facts."""


@dataclass(frozen=True, kw_only=True)
class Parties:
    """Who gave the service, who received it, and who insures the patient."""

    entity: Entity
    site: Site
    provider: Provider
    patient: Patient
    policy: Policy | None


@dataclass(frozen=True, kw_only=True)
class Encounter:
    """What happened, in the site's own time, and what was charged and paid for it."""

    session_id: str
    started: datetime
    stopped: datetime
    diagnoses: tuple[str, ...]
    lines: tuple[SuperbillLine, ...]
    charged: InvoiceLine
    payments: tuple[Paid, ...]
    is_sample: bool
    wishes: Wishes = AS_BEFORE
    wording: Mapping[str, str] = field(default_factory=dict)
    """What each diagnosis means, when that is to be written out."""


@dataclass(frozen=True, kw_only=True)
class Issue:
    """Which version of which superbill a body is."""

    number: str
    version: int
    supersedes: str | None
    issued_on: date


def codes_of(body: Any) -> tuple[str, ...]:
    """The diagnoses on a superbill, in their order."""
    return tuple(diagnosis["code"] for diagnosis in body["diagnoses"])


def superbill_body(parties: Parties, encounter: Encounter, issue: Issue) -> dict[str, Any]:
    """All that the page shows, as JSON."""
    return {
        "number": issue.number,
        "version": issue.version,
        "supersedes": issue.supersedes,
        "issued_on": issue.issued_on.isoformat(),
        "is_sample": encounter.is_sample,
        "control_number": control_number(encounter.session_id),
        **_parties(parties),
        **_encounter(encounter),
        "referring_provider": _referring(encounter.wishes),
        "pays_clinic": bool(encounter.wishes.pays_clinic),
    }


def same_facts(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two bodies say the same, whatever their numbers and versions."""
    return {name: one[name] for name in one.keys() - IDENTITY} == {
        name: other[name] for name in other.keys() - IDENTITY
    }


def tells_of_visit(body: Mapping[str, Any], parties: Parties, encounter: Encounter) -> bool:
    """Whether a superbill shows what was done, and by whom, as it stands; whatever else became of it."""
    now = _parties(parties) | _encounter(encounter)
    return all(body[name] == now[name] for name in VISIT)


def wishes_of(body: Any) -> Wishes:
    """As they stand on a superbill."""
    referring = body["referring_provider"]
    return Wishes(
        referring_provider=ReferringProvider(**referring) if referring else NOBODY,
        pays_clinic=body.get("pays_clinic", False),
        with_wording=any("wording" in each for each in body["diagnoses"]),
    )


def wished_otherwise(before: Wishes, wishes: Wishes) -> Wishes:
    """What was not wished otherwise stays as before."""
    named = {each.name: getattr(wishes, each.name) for each in fields(Wishes)}
    return replace(before, **{name: wish for name, wish in named.items() if wish is not None})


def mark_of_copy(superbill: Superbill, after: Superbill | None) -> str:
    """What a copy has to say at its top, so that nobody sends to an insurer what holds no more."""
    if superbill.state is SuperbillState.VOID:
        return "VOID - do not submit"
    return f"REPLACED BY {after.number} - do not submit" if after else ""


def statement(net: Money, paid: Money, *, by_others: Money = ZERO, pays_clinic: bool = False) -> str:
    """What the health plan is asked for. Nothing in it looks like a demand for money.

    What others paid is theirs: no reimbursement of it is asked for the patient.
    """
    back = "any reimbursement"
    if by_others:
        told, back = _beside_others(net, paid, by_others)
    elif paid >= net:
        told = f"The patient has paid {paid} for the services above, in full."
    elif paid:
        told = f"The patient has paid {paid} of the {net} charged for the services above."
    else:
        told = f"The charge for the services above is {net}."
    if pays_clinic:
        return f"{told} The patient has assigned the plan's payment to the clinic: please send it there."
    return f"{told} Please send {back} to the patient at the address above." if back else told


def _beside_others(net: Money, paid: Money, by_others: Money) -> tuple[str, str]:
    """What has been paid, and what of it is asked for the patient, if anything."""
    patients, is_all = paid - by_others, paid >= net
    told = f"{paid} has been paid for the services above, in full"
    if not is_all:
        told = f"{paid} of the {net} charged for the services above has been paid"
    if patients:
        parted = f"{told}: {patients} by the patient, and the rest by others."
        return parted, "any reimbursement of what the patient paid"
    return f"{told}, by others than the patient.", "" if is_all else "any reimbursement of the rest"


def _parties(parties: Parties) -> dict[str, Any]:
    entity, site, provider = parties.entity, parties.site, parties.provider
    return {
        "clinic": {
            "name": entity.name,
            "trade_name": entity.trade_name,
            "tin": entity.tin,
            "npi": entity.npi,
            "taxonomy": entity.taxonomy,
            "address": _address(entity.address),
            "phone": entity.phone,
        },
        "site": {"name": site.name, "address": _address(site.address), "phone": site.phone},
        "provider": {
            "name": provider.name,
            "credentials": provider.credentials,
            "npi": provider.npi,
            "license_number": provider.license_number,
            "license_state": provider.license_state,
        },
        "patient": _patient(parties.patient),
        "insurance": _insurance(parties.policy, parties.patient) if parties.policy else None,
    }


def _patient(patient: Patient) -> dict[str, Any]:
    return {
        "name": f"{patient.given_name} {patient.family_name}",
        "born_on": patient.born_on.isoformat(),
        "address": _address(patient.address),
        "phone": patient.phone,
        "number": patient.number,
    }


def _insurance(policy: Policy, patient: Patient) -> dict[str, Any]:
    is_self = policy.relationship is Relationship.SELF
    given = patient.given_name if is_self else policy.subscriber_given_name
    family = patient.family_name if is_self else policy.subscriber_family_name
    return {
        "payer": policy.payer_name,
        "payer_id": policy.payer_id,
        "subscriber": " ".join(part for part in (given, family) if part),
        "relationship": policy.relationship.value,
        "member_id": policy.member_id,
        "group": policy.group_number,
    }


def _encounter(encounter: Encounter) -> dict[str, Any]:
    charged, said = encounter.charged, figures_of(encounter.charged.net, encounter.payments)
    insurers = total(payment.amount for payment in encounter.payments) - said.paid
    return {
        "service": {
            "on": encounter.started.date().isoformat(),
            "place": OFFICE,
            "started": f"{encounter.started:%H:%M}",
            "stopped": f"{encounter.stopped:%H:%M}",
            "minutes": minutes_between(encounter.started, encounter.stopped),
        },
        "diagnoses": [
            {"pointer": letter, "code": code} | _wording(encounter, code)
            for letter, code in zip(POINTERS, encounter.diagnoses, strict=False)
        ],
        "lines": [_line(line, encounter) for line in encounter.lines],
        "totals": {
            "list_cents": charged.charge.cents,
            "discount_cents": charged.discount.cents,
            "net_cents": said.charge.cents,
            "paid_cents": said.paid.cents,
            **({"insurer_cents": insurers.cents} if insurers else {}),
            "balance_cents": max(ZERO, said.charge - said.paid - insurers).cents,
        },
        "payments": _payments(encounter.payments),
        "statement": statement(
            said.charge,
            said.paid,
            by_others=total(payment.amount for payment in encounter.payments if payment.payer_id),
            pays_clinic=bool(encounter.wishes.pays_clinic),
        ),
    }


def _wording(encounter: Encounter, code: str) -> dict[str, str]:
    return {"wording": encounter.wording[code]} if encounter.wishes.with_wording else {}


def _referring(wishes: Wishes) -> dict[str, str] | None:
    provider = wishes.referring_provider or NOBODY
    return {"name": provider.name, "npi": provider.npi} if provider.name else None


def _line(line: SuperbillLine, encounter: Encounter) -> dict[str, Any]:
    drug = line.drug
    return {
        "on": encounter.started.date().isoformat(),
        "place": OFFICE,
        "code": line.code,
        "modifiers": list(line.modifiers),
        "pointers": line.pointers or pointers(len(encounter.diagnoses)),
        "description": line.description,
        "ndc": {"code": drug.ndc, "quantity": drug.quantity, "unit": drug.unit} if drug else None,
        "time": f"{line.times[0]:%H:%M}-{line.times[1]:%H:%M}" if line.times else "",
        "units": line.units,
        "charge_cents": line.charge.cents,
    }


def _payments(payments: Sequence[Paid]) -> list[dict[str, Any]]:
    """Without what the insurer knows that it paid; what another than the patient paid says so."""
    return [
        {
            "on": payment.paid_on.isoformat(),
            "tender": payment.tender.value,
            "cents": payment.amount.cents,
            **({"by": "others"} if payment.payer_id else {}),
        }
        for payment in payments
        if payment.tender is not Tender.INSURER
    ]


def _address(address: Address | PatientAddress) -> dict[str, str]:
    return {
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
    }
