"""« Vouliez-vous dire … ? »: said where one value of the catalogue was clearly meant, and only there."""

from __future__ import annotations

import pytest

from app.validators.context import Catalogue
from tests.validators.facts import CATALOGUE


@pytest.mark.parametrize(
    ("typed", "category", "label"),
    [
        ("FIMO Marchandise", "Marchandises", "FIMO Marchandises"),
        ("FIMO marchandsies", "", "FIMO Marchandises"),
        ("FIMOVoyageurs", "Voyageurs", "FIMO Voyageurs"),
        ("FIMO", "Voyageurs", "FIMO Voyageurs"),
        ("Passerelle", "marchandises", "Passerelle Marchandises"),
        ("FCO Module", "Voyageurs", "Module FCO"),
        ("FCO complette", "Marchandises", "FCO Complète"),
        ("CTCR", "Voyageurs", "Titre Professionnel CTCR"),
        ("Titre Pro. CTCR", "", "Titre Professionnel CTCR"),
        ("Titre Professionel CTRMV", "Marchandises", "Titre Professionnel CTRMV"),
        ("CAP conducteur agent d’acceuil", "Voyageurs", "CAP conducteur agent d'accueil en autobus et autocar"),
    ],
)
def test_the_nearest_label_is_suggested(typed: str, category: str, label: str) -> None:
    assert CATALOGUE.suggest(typed, category) == ("training_label", label)


@pytest.mark.parametrize(
    ("typed", "category"),
    [
        ("FIMO", ""),  # two, and nothing to choose by
        ("FCO", "Marchandises"),  # complete or module?
        ("FCO Marchandises", "Marchandises"),  # near « FIMO Marchandises » by its letters only
        ("Titre Professionnel CTRM", "Marchandises"),  # CTRMP or CTRMV?
        ("Permis B", "Marchandises"),
        ("x" * 500, "Marchandises"),
        ("", "Marchandises"),
    ],
)
def test_nothing_is_suggested_in_doubt(typed: str, category: str) -> None:
    assert CATALOGUE.suggest(typed, category) is None


@pytest.mark.parametrize(
    ("label", "typed", "category"),
    [
        ("FCO Complète", "Marchandise", "Marchandises"),
        ("FCO Complète", "Voyageur", "Voyageurs"),
        ("FCO Complète", "Vayogeurs", "Voyageurs"),
        ("FCO Complète", "M", "Marchandises"),
        ("Passerelle Voyageurs", "Marchandises", "Voyageurs"),
        ("CAP conducteur routier marchandises", "Voyageurs", "Marchandises"),
    ],
)
def test_the_category_meant_or_the_labels_own_is_suggested(label: str, typed: str, category: str) -> None:
    assert CATALOGUE.suggest(label, typed) == ("category", category)


def test_a_fitting_pair_needs_no_suggestion() -> None:
    assert CATALOGUE.suggest("fco complete", "voyageurs") is None
    assert CATALOGUE.suggest("FCO Complète", "Animaux") is None
    assert CATALOGUE.suggest("FCO Complète", "") is None


def test_an_empty_catalogue_suggests_nothing() -> None:
    assert Catalogue([]).suggest("FIMO", "Voyageurs") is None


def test_labels_are_listed_once() -> None:
    assert CATALOGUE.labels.count("FCO Complète") == 1
    assert len(CATALOGUE.labels) == 13
