"""Writes 999 and 277CA files for tests, as a clearinghouse or an insurer would."""

from __future__ import annotations

from collections.abc import Sequence

SENT_TO = "123456789"
"""The submitter's number of the sample clinic."""


def enveloped(
    kind: str,
    version: str,
    sets: Sequence[Sequence[str]],
    *,
    receiver_id: str = SENT_TO,
    element: str = "*",
    end: str = "~\n",
    control_number: int = 41,
) -> bytes:
    """The interchange of these sets; each is told without its ST and SE."""
    control, blank = f"{control_number:09d}", f"00*{'':10}"
    group = "FA" if kind == "999" else "HN"
    sender, receiver = f"ZZ*{'SAMPLECH':15}", f"ZZ*{receiver_id:15}"
    segments = [
        f"ISA*{blank}*{blank}*{sender}*{receiver}*261105*1400*^*00501*{control}*0*T*:",
        f"GS*{group}*SAMPLECH*{receiver_id}*20261105*1400*{control_number}*X*{version}",
    ]
    for number, body in enumerate(sets, 1):
        segments += [f"ST*{kind}*{number:04d}*{version}", *body, f"SE*{len(body) + 2}*{number:04d}"]
    segments += [f"GE*{len(sets)}*{control_number}", f"IEA*1*{control}"]
    return end.join([*segments, ""]).replace("*", element).encode()


def of_form(
    interchange: int, *sets: tuple[str, Sequence[str]], group: str | None = None, **envelope: object
) -> bytes:
    """A 999: of each set of ours its IK501 and the segments before it; AK901 is told by them."""
    body = [f"AK1*HC*{interchange}*005010X222A1"]
    for number, (status, errors) in enumerate(sets, 1):
        body += [f"AK2*837*{number:04d}*005010X222A1", *errors]
        body.append(f"IK5*{status}" + ("" if status == "A" else "*I5"))
    accepted = sum(status != "R" for status, _ in sets)
    whole = group or ("A" if accepted == len(sets) else "R" if not accepted else "P")
    body.append(f"AK9*{whole}*{len(sets)}*{len(sets)}*{accepted}")
    return enveloped("999", "005010X231A1", [body], **envelope)  # type: ignore[arg-type]


def of_claims(
    *claims: tuple[str, str], interchange: int | None = None, number: str = "", **envelope: object
) -> bytes:
    """A 277CA: of each claim its CLM01 and STC01; `number` is the payer's own."""
    trace = "UNKNOWN" if interchange is None else f"{interchange:09d}0001"
    body = [
        "BHT*0085*08*C1*20261105*1400*TH",
        "HL*1**20*1",
        "NM1*PR*2*SAMPLE HEALTH PLAN*****PI*SHP01",
        "TRN*1*C1",
        "DTP*050*D8*20261105",
        "HL*2*1*21*1",
        f"NM1*41*2*SAMPLE CLINIC B, PLLC*****46*{SENT_TO}",
        f"TRN*2*{trace}",
        "STC*A1:19:PR*20261105*WQ*382.5",
        "HL*3*2*19*1",
        "NM1*85*2*SAMPLE CLINIC B, PLLC*****XX*2000000010",
        "TRN*1*0",
    ]
    for level, (control_number, status) in enumerate(claims, 4):
        action = "WQ" if status.startswith(("A0", "A1", "A2")) else "U"
        body += [
            f"HL*{level}*3*PT",
            "NM1*QC*1*SAMPLE*MARIA****MI*W123456",
            f"TRN*2*{control_number}",
            f"STC*{status}*20261105*{action}*382.5",
            *([f"REF*1K*{number}"] if number else []),
            "DTP*472*D8*20261102",
        ]
    return enveloped("277", "005010X214", [body], **envelope)  # type: ignore[arg-type]


def of_no_claim(interchange: int, *statuses: str, **envelope: object) -> bytes:
    """A 277CA that refuses a whole file before any claim is looked at."""
    body = [
        "BHT*0085*08*C2*20261105*1400*TH",
        "HL*1**20*1",
        "NM1*AY*2*SAMPLE CLEARINGHOUSE*****46*SAMPLECH",
        "HL*2*1*21*1",
        f"NM1*41*2*SAMPLE CLINIC B, PLLC*****46*{SENT_TO}",
        f"TRN*2*{interchange:09d}0001",
        f"STC*{statuses[0]}*20261105*U*382.5",
    ]
    if len(statuses) > 1:
        body += ["HL*3*2*19*0", "NM1*85*2*SAMPLE CLINIC B, PLLC*****XX*2000000010", f"STC*{statuses[1]}**U"]
    return enveloped("277", "005010X214", [body], **envelope)  # type: ignore[arg-type]
