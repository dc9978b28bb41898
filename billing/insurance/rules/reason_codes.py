"""The clinic's own list of what reason and remark codes mean. Its texts have a copyright: none is shipped."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import NoReturn

from billing.insurance.errors import UnreadableReasonCodes
from billing.insurance.records.denials import CodeList
from billing.kernel.errors import Flaw

HEAD = ["list", "code", "text"]
LONGEST_TEXT = 2_000
_CODE = re.compile(r"[A-Z0-9]{1,5}")


def code_texts(content: bytes) -> Mapping[tuple[CodeList, str], str]:
    """The texts of a CSV file with the columns list (CARC or RARC), code and text.

    Raises: UnreadableReasonCodes, naming the first line that cannot be read.
    """
    try:
        rows = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        return dict(_read(rows))
    except UnicodeDecodeError:
        raise UnreadableReasonCodes("The file is no UTF-8 text.") from None
    except csv.Error as error:
        raise UnreadableReasonCodes(f"The file is no CSV: {error}.") from None


def _read(rows: Iterator[list[str]]) -> Iterator[tuple[tuple[CodeList, str], str]]:
    if [name.strip().lower() for name in next(rows, [])] != HEAD:
        _refuse(1, "The first line has to be list,code,text.")
    seen: set[tuple[CodeList, str]] = set()
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        if len(row) != len(HEAD):
            _refuse(number, "A line has three columns: list, code and text.")
        name, code, text = row[0].strip().lower(), row[1].strip().upper(), " ".join(row[2].split())
        if name not in list(CodeList):
            _refuse(number, "The list is CARC or RARC.")
        if not _CODE.fullmatch(code):
            _refuse(number, "A code has one to five letters and digits.")
        if not text.isprintable() or not 1 <= len(text) <= LONGEST_TEXT:
            _refuse(number, f"A text has 1 to {LONGEST_TEXT} characters.")
        key = (CodeList(name), code)
        if key in seen:
            _refuse(number, "This code stands twice.")
        seen.add(key)
        yield key, text
    if not seen:
        _refuse(1, "The file holds no code.")


def _refuse(line: int, complaint: str) -> NoReturn:
    raise UnreadableReasonCodes(
        f"Line {line}: {complaint} Nothing was loaded.", [Flaw(f"line {line}", complaint)]
    )
