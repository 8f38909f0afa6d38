"""A search that very many answer: its pages are those of all of them sorted, whichever way each row answers by."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.extensions import db
from app.models import Person
from app.models.search import search_key
from app.services.core import dialect
from app.views.crud import rows
from tests.bases import UNDER_THE_ROLE
from tests.crud.test_backoffice_screens import AGENT, MANAGER
from tests.support import PIERRE, registered

BACKENDS = UNDER_THE_ROLE
EACH_VALUE = True
#: « wy » begins a last name or a first name; one row answers by both.
NAMES = [
    ("WYROY", "Anne"), ("ABADIE", "Wÿo"), ("WY GOFF", "Wÿa"), ("ZOLA", "Wyon"), ("WYCLERC", "Marc"), ("MARTIN", "Luc"),
    ("DUPONT", "Wÿa"), ("WYROY", "Adam"), ("BERTIN", "Wyna"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MANY", 6)
    monkeypatch.setattr(rows, "THOUSAND", 3)
    monkeypatch.setattr(rows, "ONE_IN", 0)  # no part is a good one


def pages(browser: FlaskClient, address: str, view: str, direction: str, most: int = 6) -> list[tuple[str, str]]:
    """Return last and first names of the rows of two pages of « wy », of three rows each."""
    found = []
    for page in range(2):
        query = {
            "_flt_0_words": "wy",
            f"psize_{view}": 3,
            f"page_{view}": page,
            f"_oc_{view}": "last_name",
            f"_od_{view}": direction,
        }
        text = browser.get(f"{address}/list/", query_string=query).text
        assert f"lus de {most}" in text or page * 3 >= most
        body = "" if page * 3 >= most else text[text.index("<tbody") : text.index("</tbody>")]
        for row in body.split("<tr")[1:]:
            cells = [re.sub(r"<[^>]+>|\s+", " ", cell).strip() for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
            found += [name for name in NAMES if name[0] in cells and name[1] in cells]
    return found


@pytest.fixture
def meant() -> list[tuple[str, str]]:
    """Write drivers and accounts of all NAMES, and return those whom « wy » means, as a list sorts them."""
    for at, (last, first) in enumerate(NAMES):
        registered({**PIERRE, "last_name": last, "first_name": first, "permit_number": f"7500112233{at:02}"})
        mail = f"personne-{at}@exemple.fr"
        db.session.add(Person(first_name=first, last_name=last, username=mail, email=mail, active=True, password="x"))
    db.session.commit()
    found = [name for name in NAMES if any(search_key(one).startswith("wy") for one in name)]
    return sorted(found, key=lambda name: (search_key(name[0]), search_key(name[1])))


LISTS = pytest.mark.parametrize(
    ("email", "address", "view"),
    [
        (AGENT, "/conducteurs", "DriversView"),
        (MANAGER, "/mes-conducteurs", "CentreDriversView"),
        (AGENT, "/comptes", "AccountsView"),
    ],
)


@pytest.mark.parametrize("direction", ["asc", "desc"])
@LISTS
def test_pages_are_those_of_all_rows_sorted(
    client: FlaskClient, sign_in, meant, email: str, address: str, view: str, direction: str
) -> None:
    expected = meant if direction == "asc" else meant[::-1]
    assert pages(sign_in(client, email), address, view, direction) == expected[:6]


@pytest.mark.parametrize(("listed", "counted"), [(2_000, 3), (2_001, 6)])
@LISTS
def test_of_a_good_part_of_a_list_fewer_are_counted(
    client: FlaskClient, sign_in, meant, monkeypatch: pytest.MonkeyPatch, email: str, address: str, view: str,
    listed: int, counted: int,
) -> None:  # fmt: skip
    """Eight rows are expected to answer: of 2,000, but not of 2,001, a row in 250."""
    monkeypatch.setattr(rows, "ONE_IN", 250)
    monkeypatch.setattr(dialect, "expected_rows", lambda ids: 8 if " >= " in str(ids) else listed)
    assert pages(sign_in(client, email), address, view, "asc", most=counted) == meant[:counted]


@pytest.mark.parametrize("expected", [5, 8])
def test_a_list_of_which_nothing_is_asked_is_a_good_part_of_itself(
    client: FlaskClient, sign_in, meant, monkeypatch: pytest.MonkeyPatch, expected: int
) -> None:
    monkeypatch.setattr(dialect, "expected_rows", lambda ids: expected)
    text = sign_in(client, AGENT).get("/comptes/list/").text
    assert f"sur plus de {3 if expected >= 6 else 6}<" in text


def test_a_page_past_the_last_says_that_there_are_more_lines(client: FlaskClient, sign_in, meant) -> None:
    browser = sign_in(client, AGENT)
    asked = {"_flt_0_words": "wy", "psize_AccountsView": 3, "page_AccountsView": 2}
    text = browser.get("/comptes/list/", query_string=asked).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Plus de 6 lignes" in text
    assert "Aucune ligne sur cette page" in text
    assert text.count("Les lignes suivantes ne se feuillettent pas : précisez la recherche.") == 1
    assert "La liste compte moins de pages." not in text
    asked |= {"_flt_0_words": "wyroy", "page_AccountsView": 1}
    text = browser.get("/comptes/list/", query_string=asked).text
    assert "2 lignes" in text
    assert "La liste compte moins de pages." in text
