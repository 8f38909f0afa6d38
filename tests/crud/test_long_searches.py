"""A search that very many answer: its pages are those of all of them sorted, whichever way each row answers by."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.extensions import db
from app.models import Person
from app.models.search import search_key
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


def pages(browser: FlaskClient, address: str, view: str, direction: str) -> list[tuple[str, str]]:
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
        assert "lus de 6" in text
        body = text[text.index("<tbody") : text.index("</tbody>")]
        for row in body.split("<tr")[1:]:
            cells = [re.sub(r"<[^>]+>|\s+", " ", cell).strip() for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
            found += [name for name in NAMES if name[0] in cells and name[1] in cells]
    return found


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(
    ("email", "address", "view"),
    [
        (AGENT, "/conducteurs", "DriversView"),
        (MANAGER, "/mes-conducteurs", "CentreDriversView"),
        (AGENT, "/comptes", "AccountsView"),
    ],
)
def test_pages_are_those_of_all_rows_sorted(
    client: FlaskClient, sign_in, email: str, address: str, view: str, direction: str
) -> None:
    for at, (last, first) in enumerate(NAMES):
        registered({**PIERRE, "last_name": last, "first_name": first, "permit_number": f"7500112233{at:02}"})
        mail = f"personne-{at}@exemple.fr"
        db.session.add(Person(first_name=first, last_name=last, username=mail, email=mail, active=True, password="x"))
    db.session.commit()
    meant = [name for name in NAMES if any(search_key(one).startswith("wy") for one in name)]
    meant.sort(key=lambda name: (search_key(name[0]), search_key(name[1])), reverse=direction == "desc")
    assert pages(sign_in(client, email), address, view, direction) == meant[:6]
