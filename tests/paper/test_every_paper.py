"""Documents of every kind and shape: two independent judges find each PDF/A-3A and PDF/UA-1 as it is handed out, what was put
into it is read whole from its tree, and the seal holds.

`PAPERS=1000` makes a thousand; `make papers` says so.
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random

import pytest
from flask import Flask

from app.services.paper import faces
from app.services.seal import checking
from app.services.seal.checking import Finding

from . import papers
from .judges import faults
from .reading import marks, text

COUNT = int(os.environ.get("PAPERS", "40"))
SEALED = {"certificate", "recap", "contract", "invoice"}
SHARES = 8


@pytest.mark.parametrize("share", range(SHARES))
def test_the_judges_find_nothing_and_every_value_is_read(office: Flask, share: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(share, COUNT, SHARES):
        paper = papers.paper(Random(seed))
        seen[paper.kind] += 1
        assert faults(paper.content) == [], f"seed {seed}, {paper.kind}"
        read = text(paper.content)
        missed = [value for value in paper.values if shown(value) not in read]
        assert missed == [], f"seed {seed}, {paper.kind}"
        assert set(marks(paper.content).values()) == {1}, f"seed {seed}: each piece of content is that of one element"
        if paper.kind in SEALED:
            assert checking.look(paper.content) is Finding.INTACT
            changed = bytearray(paper.content)
            changed[Random(seed).randrange(len(changed) // 2)] ^= 1
            assert checking.look(bytes(changed)) is Finding.ALTERED
        else:
            assert checking.look(paper.content) is Finding.NONE
    print(dict(seen))


def shown(value: str) -> str:
    """Return a value as it is read of a document: one line, single spaces, a no-break one as any other."""
    return " ".join(faces.one_line(value).split())


def test_the_share_of_every_day_holds_every_kind() -> None:
    kinds = {maker.__name__ for seed in range(40) for maker in [Random(seed).choice(papers.MAKERS)]}
    assert kinds == {maker.__name__ for maker in papers.MAKERS}
