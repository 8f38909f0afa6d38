"""The list of common passwords: well-known ones, French names, places and words with what is put around them, walks over the
keys of French and English keyboards. Made from seeds, so that a few kilobytes stand for some forty thousand entries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

_HERE = Path(__file__).parent
#: What is put before and behind a name, a place, a word.
AROUND_NAMES = ("jetaime", "iloveyou", "love", "doudou", "bebe", "petit", "petite", "super", "mon", "ma", "princesse")
AROUND_PLACES = ("allez", "vive", "forza", "ville", "olympique", "stade", "jaime")
AROUND_WORDS = ("mon", "ma", "mes", "petit", "petite", "super", "le", "la", "les", "vive", "jaime", "joli", "jolie")
#: Rows of keys, French then English, from left to right; digits; columns slanting down.
ROWS = ("azertyuiop", "qsdfghjklm", "wxcvbn", "qwertyuiop", "asdfghjkl", "zxcvbnm", "01234567890123456789")
COLUMNS = (
    "1aqw2zsx3edc4rfv5tgb6yhn7ujk8ik9ol", "aqwzsxedcrfvtgbyhnujikolpm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp", "1a2z3e4r5t6y7u8i9o0p", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0",
    "a1z2e3r4t5y6u7i8o9p0", "789456123", "147258369", "147852369", "963852741", "abcdefghijklmnopqrstuvwxyz",
)  # fmt: skip
#: The shortest walk that counts.
STEPS = 4


@cache
def seeds() -> dict[str, frozenset[str]]:
    """Return names, places and words, by their section's name; `known` are the well-known passwords themselves."""
    found: dict[str, set[str]] = {}
    section = found.setdefault("", set())
    for line in (_HERE / "common_words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            section.update(line.split())
    known = (_HERE / "common_passwords.txt").read_text(encoding="utf-8").split()
    return {**{name: frozenset(words) for name, words in found.items() if name}, "known": frozenset(known)}


@cache
def common() -> frozenset[str]:
    """Return every common password, folded: letters in lower case and digits only."""
    return frozenset(_made())


@cache
def joined() -> frozenset[str]:
    """Return what is common still where two of them stand one behind the other."""
    return seeds()["known"] | seeds()["names"] | seeds()["places"] | frozenset(_walks())


def _made() -> Iterator[str]:
    for words in seeds().values():
        yield from words
    for kind, around in (("names", AROUND_NAMES), ("places", AROUND_PLACES), ("words", AROUND_WORDS)):
        for word in seeds()[kind]:
            yield from (f"{first}{word}" for first in around)
            yield from (f"{word}{last}" for last in around)
    yield from _walks()


def _walks() -> Iterator[str]:
    """Yield every walk over the keys, forth and back, and two rows one after the other (azertyqsdf)."""
    for keys in (*ROWS, *COLUMNS):
        for walk in (keys, keys[::-1]):
            yield from (walk[at:end] for at in range(len(walk)) for end in range(at + STEPS, len(walk) + 1))
    for upper, lower in pairwise(ROWS):
        for steps in range(STEPS - 1, 7):
            yield from (upper[:steps] + lower[:steps], lower[:steps] + upper[:steps])
