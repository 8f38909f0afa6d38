"""Dialogs: of two buttons one at most says « Annuler », and never where « Annuler » is what the dialog asks about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "app" / "templates"
CALLS = [
    (path.relative_to(TEMPLATES).as_posix(), call)
    for path in sorted(TEMPLATES.rglob("*.html"))
    for call in re.findall(r"{% call ui\.confirm\((.*?)\) %}", path.read_text())
]


@pytest.mark.parametrize(("path", "call"), CALLS)
def test_a_dialog_never_says_annuler_twice(path: str, call: str) -> None:
    title = re.findall(r'"([^"]*)"', call)[1]
    stay = re.search(r'stay="([^"]*)"', call)
    others = call.replace(stay[0], "") if stay else call
    assert "Annuler" not in others or (stay and "Annuler" not in stay[1]), f"{path}: « {title} »"


def test_the_dialog_of_every_confirm_button_says_it_once() -> None:
    for path in TEMPLATES.rglob("*.html"):
        for words in re.findall(r'data-confirm-button="([^"]*)"', path.read_text()):
            assert not words.startswith("Annuler"), path


def test_what_is_typed_is_kept_or_deleted_in_words() -> None:
    kept = [call for _, call in CALLS if "Supprimer ma saisie" in call]
    assert len(kept) == 2
    assert all('stay="Continuer la saisie"' in call for call in kept)
