"""The drawing in ARCHITECTURE.md is the one that import-linter keeps, and says what exists."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "postroad"


def drawn_layers() -> list[list[str]]:
    """The parts of each layer, highest first. In a row, ``→`` steps down a layer, ``·`` stays beside."""
    drawing = (ROOT / "ARCHITECTURE.md").read_text().split("```")[1]
    rows = [re.split(r"\s{2,}", row.strip()) for row in drawing.strip().splitlines()]
    return [layer.split(" · ") for row in rows for layer in row[1].split(" → ")]


def kept_layers() -> list[list[str]]:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    layers = tools["importlinter"]["contracts"][0]["layers"]
    return [[part.strip("( )") for part in layer.split("|")] for layer in layers]


def test_the_drawing_is_the_one_that_is_kept() -> None:
    assert [[part.strip("()") for part in layer] for layer in drawn_layers()] == kept_layers()


def test_what_does_not_exist_yet_stands_in_parentheses() -> None:
    drawn = [part for layer in drawn_layers() for part in layer]
    expected = [part if exists(part) else f"({part})" for part in (part.strip("()") for part in drawn)]
    assert drawn == expected


def exists(part: str) -> bool:
    return (SOURCE / f"{part}.py").is_file() or any((SOURCE / part).glob("*.py"))


def test_every_place_that_is_pointed_to_is_there() -> None:
    tables = (ROOT / "ARCHITECTURE.md").read_text().split("## Where to look for what")[1]
    places = re.findall(r"`([a-z_/]+(?:/|\.py))`", tables)
    assert places
    assert [place for place in places if not ((SOURCE / place).exists() or (ROOT / place).exists())] == []
