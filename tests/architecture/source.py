"""What the architecture tests look at: the files, functions and modules of the product."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import billing

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ROOT / "billing"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def product_files() -> list[Path]:
    return sorted(PRODUCT.rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[Function]:
    tree = ast.parse(path.read_text())
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(node: Function) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def product_modules() -> list[ModuleType]:
    """Every module, imported, but for those that run when imported."""
    found = pkgutil.walk_packages(billing.__path__, "billing.")
    return [importlib.import_module(module.name) for module in found if not module.name.endswith("__main__")]
