"""The reason of an act, whoever asks for it: there is one, it is not long, and it is kept as it was typed."""

from __future__ import annotations

import pytest

from app.services.core.reason import REASON_MAX, TOO_LONG, ReasonNeeded, reason

MISSING = "Dites pourquoi."


@pytest.mark.parametrize("typed", ["", "  ", "\n\t", "\u200b", " \u200e\u00ad "])
def test_what_nobody_can_read_is_no_reason(typed: str) -> None:
    with pytest.raises(ReasonNeeded, match=MISSING):
        reason(typed, MISSING)


def test_one_too_long_is_refused_with_its_own_sentence() -> None:
    assert reason("x" * REASON_MAX, MISSING) == "x" * REASON_MAX
    with pytest.raises(ReasonNeeded, match=TOO_LONG):
        reason("x" * (REASON_MAX + 1), MISSING)


def test_it_is_kept_as_typed_on_one_line() -> None:
    assert reason(" Permis d’une \n autre  personne ", MISSING) == "Permis d’une autre personne"
