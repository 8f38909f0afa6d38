"""The drivers of the demonstration's year: names drawn by lot, always the same for the same day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from app.validators.validity import add_months


def _names(text: str) -> tuple[str, ...]:
    return tuple(" ".join(text.split()).split(", "))


FIRST_NAMES = _names("""
    Adrien, Aïcha, Alain, Amélie, Antoine, Aurélie, Bastien, Brigitte, Céline, Christophe, Claire, Corentin, Cédric,
    Damien, David, Delphine, Didier, Émilie, Éric, Fabien, Fatima, Florian, Franck, Gaëlle, Géraldine, Guillaume,
    Hélène, Hugo, Inès, Jean-Marc, Jérôme, Julien, Karim, Laetitia, Laurent, Léa, Loïc, Ludovic, Magali, Malik, Marc,
    Mathilde, Mehdi, Mickaël, Nadège, Nicolas, Noémie, Olivier, Patrice, Pauline, Philippe, Quentin, Rachid, Romain,
    Samuel, Sandrine, Sébastien, Stéphane, Sylvain, Thibault, Valérie, Xavier, Yann, Yasmina
""")
LAST_NAMES = _names("""
    ANDRÉ, AUBERT, BAILLY, BARBIER, BENALI, BERGER, BERTHELOT, BONNET, BOUCHER, BRUNET, CARON, CHEVALIER, CLÉMENT,
    COLIN, CORDIER, DA SILVA, DELAUNAY, DESCHAMPS, DIALLO, DUFOUR, DUMAS, ÉTIENNE, FABRE, FERREIRA, FONTAINE,
    FOURNIER, GAILLARD, GARNIER, GAUTHIER, GRONDIN, GUILLOT, HADDAD, HAMEL, HUBERT, JACQUET, JOLY, KLEIN, LACROIX,
    LAMBERT, LE GALL, LECLERC, LEMOINE, LOPEZ, MAILLARD, MALLET, MARCHAND, MASSON, MENARD, MERCIER, MEUNIER, MONNIER,
    MOREAU, NOËL, OLIVIER, PARIS, PELLETIER, PERRIN, PICARD, POIRIER, PRÉVOST, RENARD, REY, RICHARD, RIVIÈRE, ROCHE,
    ROUX, SANCHEZ, SCHMITT, SIMON, TANGUY, TESSIER, TRAORÉ, VASSEUR, VIDAL, WEBER, YILMAZ
""")
#: The youngest and the oldest of those drawn, in years.
AGES = (22, 59)
#: Of ten drivers, so many open their account in the weeks after their first training.
WITH_ACCOUNT = 2


@dataclass(frozen=True, slots=True)
class Trainee:
    """A driver whom a centre registers. ``account_after``: days from the first registration to the account; None: none."""

    last_name: str
    first_name: str
    birth_date: date
    permit_number: str
    account_after: int | None = None

    @property
    def email(self) -> str:
        """Return the address of the account."""
        return f"p{self.permit_number.lower()}@conducteur.example"

    def known_as(self, last_name: str) -> Trainee:
        """Return the same person under another last name, as a centre types it."""
        return Trainee(last_name, self.first_name, self.birth_date, self.permit_number)


#: Those of whom something is told; their birth dates and numbers are nobody's.
MARIE = Trainee("MARTIN", "Marie", date(1985, 4, 12), "850492100123")
CAMILLE = Trainee("GIRARD", "Camille", date(1991, 6, 18), "910669300417", 6)
NATHALIE = Trainee("DURAND", "Nathalie", date(1979, 11, 3), "791142100558", 9)
LOUIS = Trainee("MARCHNAD", "Louis", date(1988, 2, 22), "880269200731")
ANTONIO = Trainee("PEREIRA", "Antonio", date(1983, 9, 14), "830938500226", 3)
JULIE = Trainee("KOWALSKI", "Julie", date(1994, 1, 27), "940169400864", 2)
THIERRY = Trainee("NGUYEN", "Thierry", date(1976, 8, 5), "760869100392")
CHANTAL = Trainee("DELMAS", "Chantal", date(1972, 5, 30), "720542300645")


def drawn(lot: Random, today: date) -> Iterator[Trainee]:
    """Yield adults of different names and permit numbers, as many as are asked for."""
    names: set[tuple[str, str]] = set()
    number = 0
    while True:
        name = lot.choice(LAST_NAMES), lot.choice(FIRST_NAMES)
        age, days = lot.randint(*AGES), lot.randrange(365)
        department, account = lot.choice(("01", "38", "42", "69", "71", "73", "74")), lot.randrange(10)
        after = lot.randint(1, 20)
        if name in names:
            continue
        names.add(name)
        number += 1
        born = add_months(today, -12 * age) - timedelta(days=days)
        permit = f"{born:%y%m}{department}{number + 400_000:06d}"
        yield Trainee(*name, born, permit, after if account < WITH_ACCOUNT else None)


def minor(today: date) -> Trainee:
    """Return a pupil of 17, whose certificate begins to hold on the 18th birthday."""
    born = add_months(today, -(12 * 17 + 5))
    return Trainee("BERNARD", "Enzo", born, f"{born:%y%m}69400001")
