"""What pyproject.toml names is what the program imports: nothing is installed that nobody asks for."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from config import ROOT

#: Part of pyproject.toml → where its packages are imported.
PLACES = {
    "dependencies": ("app", "migrations", "config.py", "run.py"),
    "dev": ("tests",),
    "bench": ("benchmarks",),
}
#: Named without being imported; each for a reason that somebody looked at.
NOT_IMPORTED = {
    "async-timeout": "redis wants it before Python 3.11.3 (Debian 12), and the lock file is made by a later one",
    "tzdata": "the days of Europe/Paris where the machine has no zones",
    "fonttools": "what pikepdf judges embedded fonts with",
    "flask-babel": "Flask-AppBuilder's; its version is held",
    "marshmallow": "Flask-AppBuilder's; its version is held",
    "marshmallow-sqlalchemy": "Flask-AppBuilder's; its version is held",
    "rl-accel": "reportlab draws with it where it is installed",
    "pytest-flask": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "import-linter": "a command",
    "mypy": "a command",
    "pymupdf": "what outloud reads pages with; its version is held, as the next one brings a layout engine along",
    "pip-tools": "a command",
    "ruff": "a command",
    "squawk-cli": "a command",
    "check-jsonschema": "a command",
}
#: What is imported under another name, where the package is not installed to say so itself.
NAMES = {"django-import-export": {"import_export"}}


@cache
def named() -> dict[str, list[str]]:
    """Return part → the packages it names, without their versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    parts = {"dependencies": project["dependencies"], **project["optional-dependencies"]}
    return {part: [re.split(r"[\[<>=! ~]", one)[0].lower() for one in lines] for part, lines in parts.items()}


def sources(places: Iterable[str]) -> Iterable[Path]:
    for place in places:
        path = ROOT / place
        yield from [path] if path.is_file() else path.rglob("*.py")


def imported(places: Iterable[str]) -> set[str]:
    """Return the top names of all that is imported there, within functions too."""
    found: set[str] = set()
    for path in sources(places):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


@cache
def modules() -> dict[str, set[str]]:
    """Return package → the names under which it is imported, as those installed say."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, packages in packages_distributions().items():
        for package in packages:
            found[re.sub(r"[-_.]+", "-", package).lower()].add(module)
    return found


def names_of(package: str) -> set[str]:
    return modules().get(package) or NAMES.get(package) or {package.replace("-", "_")}


def test_every_part_of_the_file_is_looked_at() -> None:
    assert named().keys() == PLACES.keys()


@pytest.mark.parametrize("part", PLACES)
def test_every_package_named_is_imported_where_it_is_named_for(part: str) -> None:
    found = imported(PLACES[part])
    unused = [one for one in named()[part] if one not in NOT_IMPORTED and not names_of(one) & found]
    assert not unused, f"imported nowhere in {', '.join(PLACES[part])}: take them out, or say why in NOT_IMPORTED"


def test_every_exception_is_named_and_needed() -> None:
    everything = {one for part in named().values() for one in part}
    assert NOT_IMPORTED.keys() <= everything
    all_imported = imported(place for places in PLACES.values() for place in places)
    assert not {one for one in NOT_IMPORTED if names_of(one) & all_imported}, "these are imported after all"


def test_no_package_is_named_twice() -> None:
    everything = [one for part in named().values() for one in part]
    assert sorted(set(everything)) == sorted(everything)
