"""Writes 835 files for tests and the demo, as an insurer would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Claim:
    """An answer to one claim with one service line; the rest is PR-1 unless told otherwise."""

    control_number: str
    charge_cents: int
    paid_cents: int
    status: str = "1"
    payer_claim_number: str = "PAYER0001"
    procedure: str = "HC:96365"
    served_on: date | None = date(2026, 11, 2)
    """The day of the sample visits."""
    adjustments: tuple[tuple[str, str, int], ...] | None = None
    remarks: tuple[str, ...] = ()
    member_id: str = "W123456"
    """Of the sample patients' cards."""
    more: tuple[str, ...] = ()
    """Segments behind the patient's name."""

    def segments(self) -> list[str]:
        adjustments = self.adjustments
        if adjustments is None:
            left = self.charge_cents - self.paid_cents
            adjustments = (("PR", "1", left),) if left else ()
        charge, paid = dollars(self.charge_cents), dollars(self.paid_cents)
        patient = sum(cents for group, _, cents in adjustments if group == "PR")
        amounts = f"{charge}*{paid}*{dollars(patient)}"
        return [
            f"CLP*{self.control_number}*{self.status}*{amounts}*12*{self.payer_claim_number}*11*1",
            "NM1*QC*1*SAMPLE*PATIENT" + (f"****MI*{self.member_id}" if self.member_id else ""),
            *self.more,
            f"SVC*{self.procedure}*{charge}*{paid}**1",
            *([f"DTM*472*{self.served_on:%Y%m%d}"] if self.served_on else []),
            *(f"CAS*{group}*{code}*{dollars(cents)}" for group, code, cents in adjustments),
            *(f"LQ*HE*{code}" for code in self.remarks),
        ]


@dataclass(frozen=True, kw_only=True)
class Payment:
    """One ST transaction. `amount_cents` is what balances, unless it is told."""

    claims: Sequence[Claim]
    trace: str = "EFT0001"
    payer_id: str = "1512345678"
    payer_name: str = "SAMPLE HEALTH PLAN"
    paid_on: date = date(2026, 11, 6)
    provider_adjustments: Sequence[tuple[str, int]] = ()
    amount_cents: int | None = None
    handling: str = "I"
    payee: str = "XX*2000000010"
    """Sample clinic B, unless told otherwise."""

    def segments(self, number: str) -> list[str]:
        amount = self.amount_cents
        if amount is None:
            paid = sum(claim.paid_cents for claim in self.claims)
            amount = paid - sum(cents for _, cents in self.provider_adjustments)
        body = [
            f"ST*835*{number}*005010X221A1",
            f"BPR*{self.handling}*{dollars(amount)}*C*ACH************{self.paid_on:%Y%m%d}",
            f"TRN*1*{self.trace}*{self.payer_id}",
            f"DTM*405*{self.paid_on:%Y%m%d}",
            f"N1*PR*{self.payer_name}*XV*SAMPLEPAYER",
            "N3*1 SAMPLE STREET",
            "N4*DENVER*CO*80202",
            f"N1*PE*SAMPLE CLINIC*{self.payee}",
            "LX*1",
            *(segment for claim in self.claims for segment in claim.segments()),
            *(f"PLB*2000000010*20261231*{code}*{dollars(each)}" for code, each in self.provider_adjustments),
        ]
        return [*body, f"SE*{len(body) + 1}*{number}"]


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """How the bytes are wrapped."""

    element: str = "*"
    component: str = ":"
    terminator: str = "~"
    line_end: str = "\n"
    control_number: int = 7


def remittance(
    claims: Sequence[Claim] = (),
    *,
    payments: Sequence[Payment] = (),
    envelope: Envelope | None = None,
    **payment: object,
) -> bytes:
    """An 835 file of one payment for these claims, or of several payments."""
    wrap = envelope or Envelope()
    sets = payments or [Payment(claims=claims, **payment)]  # type: ignore[arg-type]
    body = [segment for place, each in enumerate(sets, 1) for segment in each.segments(f"{place:04d}")]
    control = f"{wrap.control_number:09d}"
    blank, sender, receiver = f"00*{'':10}", f"ZZ*{'SAMPLEPAYER':15}", f"ZZ*{'SAMPLECLINIC':15}"
    segments = [
        f"ISA*{blank}*{blank}*{sender}*{receiver}*261120*1400*^*00501*{control}*0*P*:",
        f"GS*HP*SAMPLEPAYER*SAMPLECLINIC*20261120*1400*{wrap.control_number}*X*005010X221A1",
        *body,
        f"GE*{len(sets)}*{wrap.control_number}",
        f"IEA*1*{control}",
    ]
    text = (wrap.terminator + wrap.line_end).join([*segments, ""])
    return text.replace("*", wrap.element).replace(":", wrap.component).encode()


def dollars(cents: int) -> str:
    """`18000` is `180`, `18050` is `180.5`: X12 drops what need not be sent."""
    sign, cents = "-" if cents < 0 else "", abs(cents)
    whole, part = divmod(cents, 100)
    return f"{sign}{whole}" + (f".{part:02d}".rstrip("0") if part else "")
