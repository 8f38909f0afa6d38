"""A pasted list of addresses, put beside the persons it is meant for: by name where it bears names, else in order.

Pure: texts in, texts out; an address is judged where it is used, not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.models.search import search_key

#: Between a name and its address: what spreadsheets, lists and mail programs put there.
_PARTS = re.compile(r"[\t;,<>]+")


@dataclass
class Spread:
    """Where the addresses of a list went: person → address; ``left``: what found no place, as it was pasted."""

    placed: dict[int, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def spread(text: str, persons: Mapping[int, tuple[str, str]]) -> Spread:
    """Return where each line of a list goes among ``persons`` (key → last and first name, in the order of the screen).

    A line with a name goes to who bears it, whichever way round it is written; one without goes to the person at its place, so
    that an empty line leaves one out.
    """
    found, keys = Spread(), list(persons)
    by_name: dict[str, int] = {}
    for key, (last, first) in persons.items():
        for name in (f"{last} {first}", f"{first} {last}"):
            by_name.setdefault(search_key(name), key)
    for place, line in enumerate(text.strip("\n").splitlines()):
        parts = [part.strip() for part in _PARTS.split(line) if part.strip()]
        if not parts:
            continue
        address = next((part for part in parts if "@" in part), parts[-1])
        names = [part for part in parts if part is not address]
        target = by_name.get(search_key(" ".join(names))) if names else keys[place] if place < len(keys) else None
        if target is None or target in found.placed:
            found.left.append(line.strip())
        else:
            found.placed[target] = address
    return found
