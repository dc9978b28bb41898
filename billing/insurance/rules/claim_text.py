"""Text as X12 takes it: the basic character set is capitals, digits, spaces and some punctuation.

Source: ASC X12.6, basic character set; 005010X222A1, appendix B.1.1.2.2.
"""

from __future__ import annotations

import re
import unicodedata

DELIMITERS = "*:~^"
"""What separates elements, components, segments and repetitions in our files."""

BASIC = re.compile(r"""[A-Z0-9 !"&'()+,\-./;?=]*""")
"""The basic character set without our delimiters."""

SPELLED = str.maketrans({
    "Æ": "AE", "æ": "AE", "Œ": "OE", "œ": "OE", "ß": "SS", "ẞ": "SS", "Ø": "O", "ø": "O", "Ł": "L", "ł": "L",
    "Đ": "D", "đ": "D", "Ð": "D", "ð": "D", "Þ": "TH", "þ": "TH", "ı": "I", "Ħ": "H", "ħ": "H",
    "‘": "'", "’": "'", "ʻ": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"',
    "‐": "-", "‑": "-", "–": "-", "—": "-", "⁄": "/", "#": " ", "%": " PCT", "_": " ",
})  # fmt: skip
"""What Unicode does not take apart by itself, and signs of everyday addresses and drug names."""


def basic(text: str) -> str:
    """Capitals without accents, with single spaces: `Zoë Núñez-Żółkiewski` is ZOE NUNEZ-ZOLKIEWSKI.

    What cannot be written so stays as it is, for the checks to refuse.
    """
    taken_apart = unicodedata.normalize("NFKD", text.translate(SPELLED))
    letters = "".join(letter for letter in taken_apart if not unicodedata.combining(letter))
    return " ".join(letters.translate(SPELLED).upper().split())


def digits(text: str) -> str:
    """The digits of a number that people write with hyphens, dots or spaces."""
    return re.sub(r"[^0-9]", "", text)
