"""Builds the list of billable ICD-10-CM codes that the product ships. A build step, not a test.

Run it in an environment of its own, once for each release: `pip install simple-icd-10-cm`, then
`python tests/factories/build_icd10.py billing/insurance/data/icd10cm-2026.txt.xz`. The package is under the
MIT licence; NCHS and CMS publish the code set. Only the codes are kept, without any wording.
"""

from __future__ import annotations

import importlib
import lzma
import sys
from pathlib import Path


def build(target: Path) -> int:
    """Write every leaf of the classification, one a line, and return how many there are."""
    classification = importlib.import_module("simple_icd_10_cm")
    leaves = sorted(code for code in classification.get_all_codes(True) if classification.is_leaf(code))
    text = "\n" + "\n".join(leaves) + "\n"
    target.write_bytes(lzma.compress(text.encode(), preset=9))
    return len(leaves)


if __name__ == "__main__":
    print(f"{build(Path(sys.argv[1]))} billable codes")
