"""The clinic's own list of what reason codes mean, loaded whole or not at all."""

import json

import pytest
from flask import Flask

from billing.insurance.cli.denials import make_denial_commands
from billing.insurance.errors import UnreadableReasonCodes
from billing.insurance.queries.reason_codes import words_of
from billing.insurance.records.denials import CodeList
from billing.insurance.rules.reason_codes import code_texts

LIST = 'list,code,text\nCARC,29,Too late\ncarc,197,"Not asked,\nbefore"\n\nRARC,n386,Decided by a rule\n'


@pytest.fixture
def flask(database, now):
    app = Flask("office")
    app.cli.add_command(make_denial_commands(database, lambda: now))
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["denials", "load", *map(str, arguments)])


@pytest.fixture
def load(flask, tmp_path):
    def take(text, *options):
        path = tmp_path / "codes.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return flask(path, *options)

    return take


@pytest.fixture
def words(database):
    def look(of=CodeList.CARC, codes=("29", "197", "45")):
        with database.reading() as read:
            return words_of(read, of, codes)

    return look


def test_a_list_is_loaded_and_takes_the_place_of_the_former(load, words):
    told = load(LIST, "--json")
    assert (told.exit_code, json.loads(told.output)) == (0, {"ok": True, "carc": 2, "rarc": 1})
    assert words() == {"29": "Too late", "197": "Not asked, before"}
    assert words(CodeList.RARC, ["N386"]) == {"N386": "Decided by a rule"}
    again = load("list,code,text\nCARC,29,Late\n")
    assert (again.exit_code, again.output) == (0, "CARC: 1 codes\n")
    assert words() == {"29": "Late"}
    assert words(CodeList.RARC, ["N386"]), "the other list stays"


def test_a_list_with_a_byte_order_mark_is_read(load, words):
    assert load("\ufeff" + LIST).exit_code == 0
    assert words()["29"] == "Too late"


def test_a_dry_run_changes_nothing(load, words):
    assert load(LIST, "--dry-run").exit_code == 0
    assert words() == {}


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("", 1, "first line"),
        ("code,text\n29,Late\n", 1, "first line"),
        ("list,code,text\n", 1, "holds no code"),
        ("list,code,text\nCARC,29\n", 2, "three columns"),
        ("list,code,text\nCARC,29,Late\nCPT,96365,Infusion\n", 3, "CARC or RARC"),
        ("list,code,text\nCARC,CO-29,Late\n", 2, "one to five"),
        ("list,code,text\nCARC,29, \n", 2, "1 to 2000"),
        ("list,code,text\nCARC,29,a\x00b\n", 2, "1 to 2000"),
        ("list,code,text\nCARC,29,Late\ncarc,29,Later\n", 3, "stands twice"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_line_and_nothing_is_loaded(load, words, text, line, complaint):
    load(LIST)
    with pytest.raises(UnreadableReasonCodes) as refused:
        code_texts(text.encode())
    assert [flaw.pointer for flaw in refused.value.flaws] == [f"line {line}"]
    told = load(text)
    assert (told.exit_code, complaint in told.output) == (1, True)
    assert words()["29"] == "Too late"


def test_what_is_no_text_or_not_there_is_refused(load, flask, tmp_path):
    assert "no UTF-8" in load(b"list,code,text\nCARC,29,\xff\n").output
    assert "no CSV" in load('list,code,text\nCARC,29,"Late\n').output
    assert "cannot be opened" in flask(tmp_path / "none.csv").output
