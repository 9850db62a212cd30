"""Every trap of docs/traps.md has a test that names it, or a reason why not; and every such test has its row."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
ROW = re.compile(r"\| P(\d+) \| (.+?) \| (.+?) \|")
NAME = re.compile(r"test_p(\d\d)_\w+")
TRAPS = 32


def rows() -> dict[int, str]:
    """By number: ``tests``, or the reason why there are none."""
    found = [
        match.groups()
        for line in (HERE.parents[1] / "docs/traps.md").read_text().splitlines()
        if (match := ROW.fullmatch(line))
    ]
    assert len({number for number, _, _ in found}) == len(found)
    return {int(number): shown_by for number, _, shown_by in found}


def functions() -> list[ast.FunctionDef]:
    trees = [ast.parse(path.read_text()) for path in sorted(HERE.glob("test_*.py")) if path != Path(__file__)]
    return [
        one for tree in trees for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")
    ]


def named() -> set[int]:
    return {int(match[1]) for one in functions() if (match := NAME.fullmatch(one.name))}


def test_every_trap_has_a_row() -> None:
    assert sorted(rows()) == list(range(1, TRAPS + 1))


def test_every_trap_has_a_test_that_names_it_or_a_reason() -> None:
    assert {number for number, shown_by in rows().items() if shown_by == "tests"} == named()
    assert all(shown_by == "tests" or len(shown_by.split()) > 5 for shown_by in rows().values())


def test_every_test_names_its_trap_and_says_what_it_is() -> None:
    for one in functions():
        assert NAME.fullmatch(one.name), one.name
        assert ast.get_docstring(one), f"{one.name} does not say what the trap is"
