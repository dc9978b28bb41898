"""An 835 balanced in one flat loop over oxedi's segments: no records, no checks of envelopes or lengths."""

from __future__ import annotations

from decimal import Decimal

import oxedi


def balanced_claims(content: bytes) -> int:
    """How many claims there are.

    Raises: ValueError where a line, a claim or the payment does not add up.
    """
    document = oxedi.parse(content).document
    claims = paid = payment = line_left = claim_left = 0
    in_line = False
    for place in range(len(document)):
        segment = document[place]
        name, elements = segment.id, segment.elements
        if name == b"CLP":
            _same(claim_left)
            _same(line_left)
            claims += 1
            in_line = False
            claim_left, line_left = cents(elements[2]) - cents(elements[3]), 0
            paid += cents(elements[3])
        elif name == b"SVC":
            _same(line_left)
            in_line = True
            line_left = cents(elements[1]) - cents(elements[2])
        elif name == b"CAS":
            for element in range(2, len(elements), 3):
                claim_left -= cents(elements[element])
                line_left -= cents(elements[element]) if in_line else 0
        elif name == b"BPR":
            payment = cents(elements[1])
        elif name == b"SE":
            _same(claim_left)
            _same(line_left)
            _same(paid - payment)
    return claims


def cents(dollars: bytes) -> int:
    return int(Decimal(dollars.decode()) * 100)


def _same(left: int) -> None:
    if left:
        raise ValueError(f"{left} cents are left")
