"""Whatever asks a person to look says in words what is to be done, and leads to where it is answered."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from flask import Flask

from billing.web.task_words import EXCEPTIONS, PLACES, TOLD
from tests.architecture.source import PRODUCT, functions, name_of, product_files

OPENERS = {"ask_a_person", "ask_again", "open_task"}
PASSED_ON = "kind"
"""An argument of the function around it, whose own callers name the kind."""
FROM_A_LIST = {"named.kind": {kind.value for kind in EXCEPTIONS}}
"""Kinds that are data: those of the reconciliation's exceptions."""


def test_every_kind_of_task_that_the_product_opens_has_words_and_no_other_has():
    opened = {kind for path in product_files() for kind in _kinds_in(path)}
    assert opened == set(TOLD)
    assert [kind for kind, told in TOLD.items() if not (told.title and told.advice and told.of)] == []


def test_everything_that_a_task_is_about_has_a_place(app: Flask):
    assert {prefix for told in TOLD.values() for prefix in told.of} == set(PLACES)
    pages = app.url_map.bind("localhost")
    for prefix, place in PLACES.items():
        assert pages.test(place.path.format(subject=f"{prefix}_1", task="tsk_1"), method="GET"), place


def _kinds_in(path: Path) -> Iterator[str]:
    """The kinds that a file opens tasks of. A kind that cannot be told from the source fails the test."""
    if path == PRODUCT / "platform" / "data" / "tasks.py":
        return
    passing = {
        node.name: _place_of_kind(node) for node in functions(path) if _place_of_kind(node) is not None
    }
    for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
        called = call.func.id if isinstance(call.func, ast.Name) else ""
        if called in OPENERS:
            yield from _told(path, next(word.value for word in call.keywords if word.arg == "kind"))
        elif passing.get(called) is not None:
            yield from _told(path, call.args[passing[called]])


def _place_of_kind(node: ast.AST) -> int | None:
    """Which argument a function hands on as the kind of a task."""
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    opens = any(isinstance(call.func, ast.Name) and call.func.id in OPENERS for call in calls)
    names = [argument.arg for argument in getattr(node, "args", ast.arguments()).args]
    return names.index(PASSED_ON) if opens and PASSED_ON in names else None


def _told(path: Path, value: ast.expr) -> set[str]:
    written = ast.unparse(value)
    if written == PASSED_ON:
        return set()
    if written in FROM_A_LIST:
        return FROM_A_LIST[written]
    module = import_module(".".join(path.relative_to(PRODUCT.parent).with_suffix("").parts))
    kind = getattr(module, written, None)
    assert isinstance(kind, str), f"{name_of(path)} opens a task of a kind that is no constant: {written}"
    return {kind}
