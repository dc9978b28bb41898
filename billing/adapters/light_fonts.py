"""The fonts of light_pdf.py: the letters of most forms, cut out of the fonts once per process."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from reportlab.pdfbase.pdfmetrics import getFont
from reportlab.pdfbase.ttfonts import TTFontMaker

from billing.adapters.page_drawing import BOLD, PLAIN, register_fonts
from billing.adapters.right_to_left import as_typed

TYPEFACES = (PLAIN, BOLD)
USUAL = " #$&'()+,-./0123456789:;ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Letters that every file has, under their ASCII codes. Each font of them takes some 5 kB."""
UNUSUAL = re.compile(rf"[^{re.escape(USUAL)}]+")
RUNS = re.compile(rf"[{re.escape(USUAL)}]+|{UNUSUAL.pattern}")
LETTERS_OF_A_FONT = 255
OBJECTS_OF_A_FONT = 4
NEEDED_TABLES = {"cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp"}
"""The others hold names, licence and hints for screens of old."""
SYMBOLIC = 4
"""The codes are the font's own; what they mean is told by its ToUnicode."""

Codes = dict[int, str]
"""Letters by their codes in a font, from 1 on."""


class Lettering:
    """Which font of a file, and which code in it, draws a letter; others than the usual ones as they come."""

    def __init__(self) -> None:
        self._others: dict[str, dict[str, int]] = {name: {} for name in TYPEFACES}

    def shown(self, typeface: str, size: float, text: str) -> str:
        """The operators that show a text, in ASCII."""
        number = TYPEFACES.index(typeface)
        if not UNUSUAL.search(text):
            return _usual_shown(number, size, text)
        return " ".join(
            self._others_shown(number, size, run) if UNUSUAL.match(run) else _usual_shown(number, size, run)
            for run in RUNS.findall(text)
        )

    def _others_shown(self, number: int, size: float, text: str) -> str:
        places = self._others[TYPEFACES[number]]
        told = []
        for letter in text:
            font, code = divmod(places.setdefault(letter, len(places)), LETTERS_OF_A_FONT)
            told.append(f"/F{number}.{font} {size} Tf <{code + 1:02X}> Tj")
        return " ".join(told)

    def other_fonts(self) -> Iterator[tuple[str, str, Codes]]:
        """The name in this file, the typeface and the letters of each font beside the usual ones."""
        for number, typeface in enumerate(TYPEFACES):
            letters = list(self._others[typeface])
            for start in range(0, len(letters), LETTERS_OF_A_FONT):
                part = letters[start : start + LETTERS_OF_A_FONT]
                yield f"F{number}.{start // LETTERS_OF_A_FONT}", typeface, dict(enumerate(part, 1))


def _usual_shown(number: int, size: float, text: str) -> str:
    escaped = text.replace("(", "\\(").replace(")", "\\)")
    return f"/F{number} {size} Tf ({escaped}) Tj"


def font_objects(typeface: str, codes: Codes, tag: str, first: int) -> list[bytes]:
    """The four objects of a font, numbered from `first`, which is the font itself."""
    register_fonts()
    face = getFont(typeface).face
    last = max(codes)
    ordered = [ord(codes.get(code, "\0")) for code in range(last + 1)]
    lowest = min(codes)
    widths = " ".join(f"{face.getCharWidth(letter):.5g}" for letter in ordered[lowest:])
    name = f"/{tag}+{typeface}"
    box = " ".join(f"{edge:.5g}" for edge in face.bbox)
    outlines = _without_tables(face.makeSubset(ordered))
    return [
        (
            f"<</Type/Font/Subtype/TrueType/BaseFont{name}/FirstChar {lowest}/LastChar {last}"
            f"/Widths[{widths}]/FontDescriptor {first + 1} 0 R/ToUnicode {first + 3} 0 R>>"
        ).encode(),
        (
            f"<</Type/FontDescriptor/FontName{name}/Flags {SYMBOLIC}/FontBBox[{box}]/ItalicAngle 0"
            f"/Ascent {face.ascent:.5g}/Descent {face.descent:.5g}/CapHeight {face.capHeight:.5g}"
            f"/StemV {face.stemV:.5g}/FontFile2 {first + 2} 0 R>>"
        ).encode(),
        stream_object(outlines, more=f"/Length1 {len(outlines)}", level=9),
        stream_object(_to_unicode(codes), level=9),
    ]


@cache
def usual_fonts() -> tuple[bytes, ...]:
    """The objects of the usual fonts of every typeface, numbered from 1."""
    codes = {ord(letter): letter for letter in USUAL}
    return tuple(
        each
        for number, typeface in enumerate(TYPEFACES)
        for each in font_objects(typeface, codes, "USUALS", 1 + number * OBJECTS_OF_A_FONT)
    )


def stream_object(content: bytes, *, more: str = "", level: int = 6) -> bytes:
    deflated = zlib.compress(content, level)
    return b"<</Filter/FlateDecode%b/Length %d>>stream\n%b\nendstream" % (
        more.encode(),
        len(deflated),
        deflated,
    )


def _to_unicode(codes: Codes) -> bytes:
    """What a reader copies for each code, a line for letters that follow each other (PDF 32000-1, 9.10.3)."""
    ranges = []
    copied = {code: as_typed(letter) for code, letter in codes.items()}
    for _, run in groupby(enumerate(copied.items()), _distances):
        (_, (first, letter)), *more = run
        last = more[-1][1][0] if more else first
        ranges.append(f"<{first:02X}> <{last:02X}> <{letter.encode('utf-16-be').hex()}>")
    told = "".join(
        f"{len(part)} beginbfrange\n" + "\n".join(part) + "\nendbfrange\n"
        for part in (ranges[start : start + 100] for start in range(0, len(ranges), 100))
    )
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /Letters def\n"
        f"/CMapType 2 def\n1 begincodespacerange\n<00> <FF>\nendcodespacerange\n{told}"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode()


def _distances(placed: tuple[int, tuple[int, str]]) -> tuple[int, int]:
    """Between place, code and letter: the same for all that follow each other."""
    place, (code, letter) = placed
    return code - place, ord(letter) - code


def _without_tables(font: bytes) -> bytes:
    """The font with the tables alone that a PDF needs (PDF 32000-1, 9.9)."""
    (count,) = struct.unpack_from(">H", font, 4)
    kept = TTFontMaker()
    for place in range(count):
        tag, _, start, length = struct.unpack_from(">4sLLL", font, 12 + 16 * place)
        if tag.decode() in NEEDED_TABLES:
            kept.add(tag.decode(), font[start : start + length])
    made: bytes = kept.makeStream()
    return made
