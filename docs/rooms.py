"""Draw docs/images/rooms.svg: the rooms of `app/services`, floor by floor, as the import contracts hold them.

`make rooms` runs it; a test fails when the picture no longer says what the contracts say.
"""

from __future__ import annotations

import ast
import tomllib
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
WIDTH, MARGIN, GAP, LINE = 1180, 20, 12, 15


def floors() -> list[list[str]]:
    """Return the rooms of each floor, the highest first, as the contract of the services names them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(one["layers"] for one in contracts if one.get("containers") == ["app.services"])
    return [[room.strip() for room in floor.split("|")] for floor in layers]


def purpose(room: str) -> str:
    """Return what a room is for: the first line of its package's docstring."""
    source = (ROOT / "app" / "services" / room / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]


def draw() -> str:
    """Return the picture."""
    parts, top = [], MARGIN
    for floor in floors():
        width = (WIDTH - 2 * MARGIN - GAP * (len(floor) - 1)) / len(floor)
        texts = [wrap(purpose(room), int(width / 6.4)) for room in floor]
        height = 34 + LINE * max(map(len, texts))
        for at, (room, lines) in enumerate(zip(floor, texts, strict=True)):
            parts.append(_box(room, lines, MARGIN + at * (width + GAP), top, width, height))
        top += height + GAP
    style = "text{font:12px sans-serif;fill:#33414f}.n{font:bold 14px monospace;fill:#12263a}rect{fill:#f3f6f9;stroke:#9fb2c4}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img">'
    title = "<title>The rooms of app/services: each may know those on the floors below it, none beside it</title>"
    return "\n".join([head, title, f"<style>{style}</style>", *parts, "</svg>", ""])


def _box(room: str, lines: list[str], left: float, top: int, width: float, height: int) -> str:
    texts = "".join(
        f'<text x="{left + 10:.0f}" y="{top + 38 + LINE * at}">{escape(line)}</text>' for at, line in enumerate(lines)
    )
    name = f'<text class="n" x="{left + 10:.0f}" y="{top + 20}">{escape(room)}</text>'
    return f'<rect x="{left:.0f}" y="{top}" width="{width:.0f}" height="{height}" rx="6"/>{name}{texts}'


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
