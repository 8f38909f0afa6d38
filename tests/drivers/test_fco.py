"""The FCO in a driver's space: modules that count, the day the oldest falls out, whole FCOs made of modules."""

from __future__ import annotations

from datetime import date

import pytest

from app.models import Registration, Training
from app.services.drivers.fco import overview

M, V = "Marchandises", "Voyageurs"


@pytest.fixture(params=["none"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """No base is needed."""
    return str(request.param)


KINDS = {
    "fimo": ("FIMO", "long", 140), "module": ("FCO", "fco_module", 7), "fco": ("FCO", "fco_complete", 35),
    "passerelle": ("Passerelle", "long", 35), "titre": ("Titre professionnel", "long", 280),
}  # fmt: skip


def followed(*trainings: tuple[str, str, str]) -> list[Registration]:
    """Return registrations in the order given, each of a kind, a category, an end date."""
    found = []
    for at, (kind, category, day) in enumerate(trainings, 1):
        family, price_class, hours = KINDS[kind]
        training = Training(family=family, label=kind, category=category, hours=hours, price_class=price_class)
        found.append(Registration(id=at, end_date=date.fromisoformat(day), training=training))
    return found


def modules(category: str, *days: str) -> list[tuple[str, str, str]]:
    return [("module", category, day) for day in days]


def test_modules_count_by_category() -> None:
    done = followed(*modules(M, "2020-03-01", "2021-03-01", "2021-04-01"), *modules(V, "2021-05-01"))
    goods, passengers = overview(done, date(2022, 1, 10)).progress
    assert (goods.category, goods.hours, goods.missing, goods.until) == (M, 21, 14, date(2025, 2, 28))
    assert (passengers.category, passengers.hours, passengers.until) == (V, 7, date(2026, 4, 30))


@pytest.mark.parametrize(("today", "hours"), [(date(2025, 2, 28), 14), (date(2025, 3, 1), 7)])
def test_the_oldest_module_falls_out_after_five_years(today: date, hours: int) -> None:
    [part] = overview(followed(*modules(M, "2020-03-01", "2021-03-01")), today).progress
    assert part.hours == hours


def test_five_modules_make_an_fco_and_start_afresh() -> None:
    days = ("2021-01-04", "2021-02-04", "2021-03-04", "2021-04-04", "2021-05-04")
    seen = overview(followed(*modules(M, *days)), date(2022, 1, 10))
    assert seen.progress == []
    assert [(due.categories, due.due_on) for due in seen.dues] == [((M,), date(2026, 5, 4))]
    [part] = overview(followed(*modules(M, *days, "2021-06-04")), date(2022, 1, 10)).progress
    assert part.hours == 7


def test_the_fco_by_modules_ends_with_its_last_module_whatever_the_order() -> None:
    days = ("2021-05-04", "2021-02-04", "2021-03-04", "2021-04-04", "2021-01-04")
    [due] = overview(followed(*modules(M, *days)), date(2022, 1, 10)).dues
    assert due.due_on == date(2026, 5, 4)


def test_one_module_too_few_moves_no_due_date() -> None:
    days = ("2021-01-04", "2021-02-04", "2021-03-04", "2021-04-04")
    [due] = overview(followed(("fimo", M, "2018-06-01"), *modules(M, *days)), date(2022, 1, 10)).dues
    assert due.due_on == date(2023, 6, 1)


@pytest.mark.parametrize(
    ("trainings", "expected"),
    [
        ([("titre", M, "2020-01-15")], [((M,), date(2025, 1, 15))]),
        ([("fco", V, "2020-01-15")], [((V,), date(2025, 1, 15))]),
        ([("fimo", M, "2018-01-15"), ("passerelle", V, "2020-01-15")], [((M, V), date(2025, 1, 15))]),
        (
            [
                ("fimo", M, "2018-01-15"),
                ("passerelle", V, "2020-01-15"),
                *modules(V, *(f"2024-0{m}-20" for m in range(2, 7))),
            ],
            [((M, V), date(2030, 1, 15))],
        ),
    ],
)
def test_which_training_does_what(trainings, expected) -> None:
    assert [(due.categories, due.due_on) for due in overview(followed(*trainings), date(2022, 1, 10)).dues] == expected
