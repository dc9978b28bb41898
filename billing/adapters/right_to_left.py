"""Names that are written from right to left, as a page shows them: letters turned around, Arabic ones joined.

A page of ours reads from left to right, so that each run of such letters is turned by itself (Unicode
Standard Annex 9, rule L2, with one level). Arabic letters take the form that their neighbours ask for (9.2).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache

RIGHT_TO_LEFT = frozenset({"R", "AL"})
FORMS_OF_ARABIC = ((0xFB50, 0xFDFF), (0xFE70, 0xFEFE))
ISOLATED, FINAL, INITIAL, MEDIAL = "<isolated>", "<final>", "<initial>", "<medial>"

Forms = Mapping[str, Mapping[str, str]]


def as_shown(text: str, is_known: Callable[[str], bool]) -> str:
    """The letters from left to right as they stand on the page; `is_known` says which the font has."""
    if text.isascii() or not any(map(_is_right_to_left, text)):
        return text
    return "".join(
        "".join(reversed(_clusters(_joined(run, is_known)))) if turned else run for turned, run in _runs(text)
    )


def as_typed(shown: str) -> str:
    """The letter that a joined form stands for: what a reader copies."""
    is_form = any(first <= ord(shown) <= last for first, last in FORMS_OF_ARABIC)
    typed = unicodedata.normalize("NFKC", shown) if is_form else shown
    return typed if len(typed) == 1 else shown


def _is_right_to_left(letter: str) -> bool:
    return unicodedata.bidirectional(letter) in RIGHT_TO_LEFT


def _runs(text: str) -> Iterator[tuple[bool, str]]:
    """Parts, and whether each is turned: from its first such letter to its last, with what is between."""
    start, end, begun = 0, 0, None
    for place, letter in enumerate(text):
        kind = unicodedata.bidirectional(letter)
        if kind in RIGHT_TO_LEFT:
            if begun is None:
                yield False, text[start:place]
                begun = place
            end = place + 1
        elif kind == "NSM" and end == place:
            end = place + 1
        elif begun is not None and kind in ("L", "EN", "AN"):
            yield True, text[begun:end]
            start, begun = end, None
    if begun is not None:
        yield True, text[begun:end]
        start = end
    yield False, text[start:]


def _clusters(text: str) -> list[str]:
    """Letters with the marks that stand on them; brackets face the other way."""
    clusters: list[str] = []
    for letter in text:
        if clusters and unicodedata.bidirectional(letter) == "NSM":
            clusters[-1] += letter
        else:
            clusters.append(_MIRRORED.get(letter, letter))
    return clusters


_MIRRORED = dict(zip("()[]<>", ")(][><", strict=True))


def _joined(text: str, is_known: Callable[[str], bool]) -> str:
    """Each Arabic letter in the form that it takes beside its neighbours, where the font has it."""
    forms = _forms()
    letters = list(text)
    places = [place for place, letter in enumerate(letters) if unicodedata.bidirectional(letter) != "NSM"]
    shown = letters.copy()
    for number, place in enumerate(places):
        own = forms.get(letters[place])
        if not own:
            continue
        before = letters[places[number - 1]] if number else ""
        after = letters[places[number + 1]] if number + 1 < len(places) else ""
        joins_before = FINAL in own and INITIAL in forms.get(before, {})
        joins_after = INITIAL in own and FINAL in forms.get(after, {})
        name = {(1, 1): MEDIAL, (1, 0): FINAL, (0, 1): INITIAL, (0, 0): ISOLATED}[joins_before, joins_after]
        form = own.get(name, letters[place])
        shown[place] = form if is_known(form) else letters[place]
    return "".join(shown)


@cache
def _forms() -> Forms:
    """By letter, what it looks like in each place; one that has no initial form joins none after it."""
    found: dict[str, dict[str, str]] = {}
    for first, last in FORMS_OF_ARABIC:
        for code in range(first, last + 1):
            name, *parts = unicodedata.decomposition(chr(code)).split() or [""]
            if name in (ISOLATED, FINAL, INITIAL, MEDIAL) and len(parts) == 1:
                found.setdefault(chr(int(parts[0], 16)), {})[name] = chr(code)
    return found
