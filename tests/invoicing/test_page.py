"""The page of an invoice, read as a reader of PDF reads it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from app.services.invoicing.content import Content, Detail
from app.services.invoicing.pages import page

from . import contents
from .contents import FCO, NONE, NORMAL, REDUCED, credit_note, details, invoice, long_lines, overseas, public

AT = datetime(2026, 11, 3, 3, 4, tzinfo=UTC)
NOTICE = "Scellé par l’« Autorité d’essai » : document sans valeur légale."
LONG = "Association interdépartementale de formation professionnelle des conducteurs routiers de marchandises et de voyageurs "


def pages(content: Content, rows: list[Detail] | None = None) -> list[str]:
    """Return the text of each page, blanks of every kind as one."""
    drawn = page.draw(content, details(content) if rows is None else rows, NOTICE, AT).pages
    return [re.sub(r"\s+", " ", one.extract_text()) for one in PdfReader(io.BytesIO(drawn)).pages]


CASES = {
    "one line": (invoice([("FCO Complète — Marchandises", 1, FCO, NORMAL)]), 1, 1),
    "month": (invoice(), 1, 2),
    "fifteen lines": (invoice(long_lines(15)), 1, 2),
    "300 lines": (invoice(long_lines(300)), 9, 43),
    "credit note": (credit_note(), 1, 1),
    "public buyer": (public(), 1, 2),
    "Réunion": (overseas("REUNION", "97400", "Saint-Denis", REDUCED), 1, 1),
}


@pytest.mark.parametrize(("content", "own", "annex"), CASES.values(), ids=CASES)
def test_number_and_page_of_pages_stand_on_every_page(content: Content, own: int, annex: int) -> None:
    texts = pages(content)
    assert [("Annexe" in text) for text in texts] == [False] * own + [True] * (len(texts) - own)
    assert len(texts) - own <= annex
    for at, text in enumerate(texts, 1):
        assert f"{page.title(content)} du 03/11/2026" in text
        assert f"Page {at}/{len(texts)}" in text


def test_an_invoice_says_all_that_the_law_wants_and_how_to_pay_it() -> None:
    (first,) = pages(invoice(), [])
    for said in (
        "Registre des qualifications", "SAS au capital de 100 000 €, RCS Lyon 800 000 002", "1 place du Registre",
        "SIREN 800 000 002, TVA FR 22 800 000 002", "du 06/10/2026 au 31/10/2026", "CMD-2026-77", "CT-2026-0014",
        "Centre de formation Démo", "12 rue des Ateliers", "69003 Lyon", "SIREN 123 456 782, SIRET 123 456 782 00010",
        "FCO Complète — Marchandises 31 25,34 € 20 % 785,54 €", "Total HT 1 236,62 €", "TVA 20 % sur 1 236,62 € 247,32 €",
        "Total TTC 1 483,94 €", "À régler avant le 03/12/2026", "FR76 3000 6000 0112 3456 7890 189", "EXMPFRPPXXX",
        "RF86 F202 6000 123", "Prestation de services.", "d’après les débits", "Pas d’escompte", "majoré de 10 points",
        "40 €", "Factur-X, EN 16931", NOTICE,
    ):  # fmt: skip
        assert said in first, said
    assert "annexe" not in first


def test_a_credit_note_says_what_is_given_back_and_asks_for_nothing() -> None:
    (first,) = pages(credit_note(), [])
    for said in (
        "Avoir A2026-000045",
        "Avoir sur la facture F2026-000123 du 03/11/2026",
        "Formation enregistrée deux fois.",
    ):
        assert said in first
    for said in ("Total HT 25,34 €", "TVA 20 % sur 25,34 € 5,07 €", "Total TTC de l’avoir 30,41 €", "dont TVA 5,07 €"):
        assert said in first
    assert "À régler" not in first
    assert "IBAN" not in first


def test_a_public_buyer_finds_its_service_and_its_commitment() -> None:
    (first,) = pages(public(order_number="ENG-2026-000451-TR"), [])
    assert "N° de commande ENG-2026-000451-TR" in first
    assert "Code service SERV-TRANSP" in first


def test_overseas_says_why_nothing_is_taxed() -> None:
    (first,) = pages(overseas("GUYANE", "97300", "Cayenne", NONE), [])
    assert "TVA 0 % sur 76,02 €" in first
    assert contents.MENTION in first


def test_tax_due_when_paid_is_not_called_an_option_for_debits() -> None:
    (first,) = pages(invoice(seller=replace(contents.SELLER, vat_on_debits=False)), [])
    assert "débits" not in first


def test_the_annex_tells_rows_and_their_sum_and_no_more() -> None:
    _first, second = pages(credit_note(), [replace(one, centre_reference="") for one in details(credit_note())])
    assert "Annexe : 1 enregistrement, sans nom" in second
    assert "RE-26-00000-90QRA 06/10/2026 FCO Complète — Marchandises 02/10/2026 – RF-26-00000-KFJ2K 25,34" in second
    assert "Total HT : 25,34 €" in second


def test_the_sum_of_an_annex_is_that_of_the_invoice_and_no_row_is_lost() -> None:
    content = invoice(long_lines(60))
    texts = pages(content)
    numbers = re.findall(r"RF-26-\d{5}-KFJ2K", " ".join(texts))
    assert numbers == [one.document_number for one in details(content)]
    assert f"Total HT : {content.net:,.2f} €".replace(",", " ").replace(".", ",") in texts[-1]


def test_an_order_number_stands_letter_by_letter_whatever_it_holds() -> None:
    order = "ÉNG & <b>Lot n° 7</b> « été » 'a' \"b\""
    (first,) = pages(invoice(order_number=order), [])
    assert order in first
    (first,) = pages(invoice(order_number=""), [])
    assert "N° de commande aucun" in first


def test_the_same_invoice_gives_the_same_bytes_and_says_of_itself_what_it_is() -> None:
    content = invoice()
    drawn = page.draw(content, details(content), NOTICE, AT).pages
    assert drawn == page.draw(content, details(content), NOTICE, AT).pages
    info = PdfReader(io.BytesIO(drawn)).metadata
    assert info is not None
    assert (info.title, info.author) == ("Facture F2026-000123", "Registre des qualifications")
    assert info.creation_date == AT
    assert b"Helvetica" not in drawn


def test_the_longest_names_labels_and_amounts_fit() -> None:
    seller = replace(contents.SELLER, name=(LONG * 2)[:160], legal_form="S" * 60, rcs="R" * 60, street="W" * 38)
    buyer = replace(contents.BUYER, name="W" * 160, street="W" * 38, extra="W" * 38, city="W" * 32)
    content = invoice(
        [((LONG * 2)[:200], 99_999, Decimal("9999999.99"), NORMAL), ("W" * 200, 1, FCO, REDUCED)],
        seller=seller, buyer=buyer, order_number="W" * 50, contract="W" * 40, service_code="W" * 100,
    )  # fmt: skip
    rows = [replace(one, label="W" * 200, centre_reference="W" * 50) for one in details(content, 30)]
    texts = pages(content, rows)
    assert "999 989 999 000,01 €" in texts[0]
    assert f"Page {len(texts)}/{len(texts)}" in texts[-1]


texts_of_people = st.text(max_size=200)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts_of_people, texts_of_people, texts_of_people, st.integers(1, 40), st.integers(0, 30))
def test_whatever_texts_hold_a_page_comes_out(name: str, label: str, order: str, lines: int, rows: int) -> None:
    content = invoice(
        [(label or "Formation", 1, FCO, NORMAL)] * lines,
        buyer=replace(contents.BUYER, name=name),
        order_number=order[:50],
    )
    told = [replace(one, centre_reference=order[:50]) for one in details(content, rows)]
    assert page.draw(content, told, NOTICE, AT).pages.startswith(b"%PDF")
