"""The files that are measured: nine columns, 2 % of each fault, as like the files of training centres as made ones can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

from openpyxl import Workbook

from app.validators.file import MAX_BYTES
from app.validators.remark import HEADERS

Cells = list[str]

#: Column of each field in a line.
LABEL, CATEGORY, END, FIRST, LAST, BORN, PERMIT = range(2, 9)
TRAININGS = (
    ("FIMO Marchandises", "Marchandises"), ("FIMO Voyageurs", "Voyageurs"), ("FCO Complète", "Marchandises"),
    ("FCO Complète", "Voyageurs"), ("Passerelle Voyageurs", "Voyageurs"),
)  # fmt: skip
FIRST_NAMES = ("Marie", "Jean-Pierre", "Benoît", "Vincent", "Jeanne", "Thomas", "Luc", "Anne", "Zoé", "Paul")
#: What is written over a sound line; each stands on one line in fifty.
FAULTS: tuple[dict[int, str], ...] = (
    {FIRST: ""},
    {LAST: "11111"},
    {BORN: "31/02/1990"},
    {LABEL: "Permis bateau"},
    {LABEL: "Titre Professionnel CTCR", CATEGORY: "Voyageurs"},  # known, but the centre is not accredited for it
    {END: "20/01/2030"},
    {BORN: "21/03/2020"},
    {BORN: "21/03/1900"},
    {PERMIT: "12"},
)
CYCLE = 50
#: Place, in each fifty lines, of one that registers the driver of an earlier line for the same training again.
_DUPLICATE, _EARLIER = len(FAULTS), 20
_OLDEST, _DAYS = date(1950, 1, 1), 18_000
_SAMPLE = 20_000


def lines(count: int, with_faults: bool = True) -> Iterator[Cells]:
    """Yield so many lines, always the same ones; without faults each is fit to be registered."""
    random = Random(3)
    recent: list[Cells] = []
    for at in range(count):
        line = _sound(at, random)
        if with_faults:
            _spoil(line, at, recent)
            recent = [*recent[1 - _EARLIER :], line]
        yield line


def planted(count: int) -> int:
    """Return how many of so many lines bear a fault."""
    kinds = _DUPLICATE + 1
    # The first fifty have no earlier line to repeat.
    return count // CYCLE * kinds + min(count % CYCLE, kinds) - (count > _DUPLICATE)


def write(path: Path, count: int, with_faults: bool = True) -> Path:
    """Write so many lines under the nine headers."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sessions")
    sheet.append(list(HEADERS.values()))
    for line in lines(count, with_faults):
        sheet.append(line)
    book.save(path)
    return path


def write_largest(path: Path) -> int:
    """Write a file that ends just below the limit of 10 Mo and return how many lines it holds, in whole thousands."""
    count, target = _SAMPLE, MAX_BYTES * 0.99  # without its faults the same file is a little larger, and must pass too
    size = write(path, count).stat().st_size
    while not target * 0.98 < size <= target:  # a larger file packs a little better or worse than a smaller one
        count = int(count * target * 0.993 / size) // 1000 * 1000
        size = write(path, count).stat().st_size
    return count


def _sound(at: int, random: Random) -> Cells:
    label, category = random.choice(TRAININGS)
    born = _OLDEST + timedelta(days=random.randrange(_DAYS))
    end = f"{random.randrange(1, 28):02}/{random.randrange(1, 13):02}/2021"
    last = "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=7))
    names = (random.choice(FIRST_NAMES), last)
    return [
        f"REF{at % CYCLE}",
        f"COM{at % 200}",
        label,
        category,
        end,
        *names,
        f"{born:%d/%m/%Y}",
        f"{10**11 + at * 37}",
    ]


def _spoil(line: Cells, at: int, recent: list[Cells]) -> None:
    place = at % CYCLE
    if place < _DUPLICATE:
        for column, text in FAULTS[place].items():
            line[column] = text
    elif place == _DUPLICATE and at > place:
        for column in (LABEL, CATEGORY, BORN, PERMIT):
            line[column] = recent[-_EARLIER][column]
