"""The house in order: rooms by capability, small files, small functions, a map that is true."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import rooms

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app"
SOURCES = sorted(APP.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, MOST_IN_A_FOLDER, MOST_LOOSE = 300, 45, 20, 3
#: Tables of data that keep their own layout.
MOST_LAID_OUT_BY_HAND = 40


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_no_file_is_long() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert not {name: lines for name, lines in long.items() if lines > LONGEST_FILE}


def test_no_function_is_long() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in functions(ast.parse(path.read_text(encoding="utf-8")))
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not long


def test_the_formatter_lays_out_all_but_some_tables_of_data() -> None:
    assert sum(path.read_text(encoding="utf-8").count("fmt: skip") for path in SOURCES) <= MOST_LAID_OUT_BY_HAND


@pytest.mark.parametrize("layer", ["services", "views"])
def test_a_layer_reads_as_a_table_of_contents(layer: str) -> None:
    loose = [path.name for path in (APP / layer).iterdir() if path.is_file()]
    assert len(loose) <= MOST_LOOSE, loose


def test_no_folder_of_the_program_is_a_hall() -> None:
    """Sources, templates, styles and scripts alike."""
    files = [path.parent for path in APP.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    counts = Counter(str(folder.relative_to(ROOT)) for folder in files)
    assert not {name: count for name, count in counts.items() if count > MOST_IN_A_FOLDER}


def test_each_room_says_what_it_is_for_what_it_offers_and_whom_it_may_know() -> None:
    for floor in rooms.floors():
        for room in floor:
            said = (
                ast.get_docstring(ast.parse((APP / "services" / room / "__init__.py").read_text(encoding="utf-8")))
                or ""
            )
            assert "\nOffers: " in said, room
            assert "\nMay know: " in said, room


def test_the_map_of_the_rooms_is_the_one_the_contracts_draw() -> None:
    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.draw(), "run `make rooms`"


def test_how_many_rows_a_statement_changed_is_asked_in_one_place() -> None:
    asked = [str(path.relative_to(APP)) for path in SOURCES if ".rowcount" in path.read_text(encoding="utf-8")]
    assert asked == ["services/core/taking.py"]
