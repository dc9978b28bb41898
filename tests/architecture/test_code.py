"""The house limits, and the shape that every use case has."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import PRODUCT, ROOT, Function, functions, length, name_of, product_files

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
MOST_ARGUMENTS = 8

PIECES = {
    "apply_lot",
    "audit_refund",
    "book",
    "book_share",
    "choose_as_ever",
    "copy_demand",
    "cover_sessions",
    "depositor_of",
    "earn",
    "earn_difference",
    "earn_fee",
    "end_promises",
    "gather_claim",
    "gather_facts",
    "give_back",
    "give_up_fee",
    "hold_again",
    "issue_payment_receipt",
    "issue_refund_receipt",
    "keep_excess",
    "keep_for_payer",
    "keep_reversal",
    "keep_tender",
    "leave_missing",
    "lock_change",
    "lock_drawers",
    "lock_exception",
    "lock_invoice",
    "lock_method",
    "lock_open_drawer",
    "lock_owner",
    "lock_patient",
    "lock_payer",
    "lock_person",
    "lock_refund",
    "locked_session",
    "lower_share",
    "new_link",
    "new_payment",
    "open_lot",
    "owe_again",
    "post_fee",
    "post_refund",
    "post_share",
    "put_in_drawer",
    "put_on_invoices",
    "put_share",
    "refuse_cash_outside",
    "refuse_while_paid_twice",
    "refusal",
    "release",
    "rename_cover",
    "return_line",
    "return_to_payer",
    "settle_if_nothing_is_owed",
    "spend",
    "stand_on",
    "take_change",
    "take_off",
    "undo_application",
    "withdraw",
    "write_invoice",
}
"""What several use cases share: locks and steps inside a write whose actor and time are known above them."""

VAGUE_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py", "base_utils.py"}


@pytest.mark.parametrize("path", product_files(), ids=name_of)
def test_a_file_fits_its_limits(path: Path):
    lines = len(path.read_text().splitlines())
    assert lines < LONGEST_FILE
    assert [node.name for node in functions(path) if length(node) >= LONGEST_FUNCTION] == []
    assert [node.name for node in functions(path) if _argument_count(node) > MOST_ARGUMENTS] == []
    assert [node.name for node in functions(path) if _imports_inside(node)] == []
    assert path.name not in VAGUE_NAMES


def test_every_use_case_takes_tx_actor_and_now():
    assert [name for name, node in _use_cases() if not _has_the_shape(node)] == []


def test_who_waits_for_a_locked_row_reads_it_as_it_is_then():
    """A session that read the row before keeps what it saw, unless it is told to read it anew."""
    stale = [
        f"{name_of(path)}:{node.name}"
        for path in product_files()
        for node in functions(path)
        if "with_for_update" in (source := ast.unparse(node))
        and "populate_existing" not in source
        and not re.search(r"select\(\w+\.\w+", source)
    ]
    assert stale == []


def test_every_public_use_case_says_what_it_does():
    assert [name for name, node in _use_cases() if not ast.get_docstring(node)] == []


def test_a_package_is_empty_where_it_begins():
    """So that a rule can be imported without Flask or Stripe."""
    rooms = [path for path in PRODUCT.glob("*/__init__.py") if path.parent.name not in {"web"}]
    assert [name_of(path) for path in [PRODUCT / "__init__.py", *rooms] if path.read_text().strip()] == []


def test_migrations_never_import_the_product():
    versions = (ROOT / "migrations" / "versions").glob("*.py")
    assert [name_of(path) for path in versions if "billing" in _imported_roots(path)] == []


def _use_cases() -> list[tuple[str, Function]]:
    files = [*PRODUCT.glob("*/use_cases.py"), *PRODUCT.glob("*/use_cases/*.py")]
    return [
        (f"{path.relative_to(PRODUCT)}:{node.name}", node)
        for path in sorted(files)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, Function) and not node.name.startswith("_") and node.name not in PIECES
    ]


def _has_the_shape(node: Function) -> bool:
    """`tx`, perhaps the one thing that is written, then names: among them who does it and when."""
    by_place = [argument.arg for argument in node.args.args]
    by_name = {argument.arg for argument in node.args.kwonlyargs}
    return by_place[:1] == ["tx"] and len(by_place) <= 2 and {"actor", "now"} <= by_name


def _argument_count(node: Function) -> int:
    """Those a caller chooses: not self or cls, and not the tx, actor and now that every write carries."""
    names = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
    return len([name for name in names if name not in {"self", "cls", "tx", "actor", "now"}])


def _imports_inside(node: Function) -> bool:
    return any(isinstance(child, ast.Import | ast.ImportFrom) for child in ast.walk(node))


def _imported_roots(path: Path) -> set[str]:
    roots: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").split(".")[0])
    return roots
