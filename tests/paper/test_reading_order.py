"""Each kind of document is read in the order that is meant, each text under the role that it has for who does not see it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from flask import Flask

from app.services.documents.pages import render_certificate, render_recap
from app.services.invoicing import files
from app.services.registration import slips_pdf
from app.services.registration.receipts import Slip
from tests.documents.test_pages import CERTIFICATE, MINOR, RECAP
from tests.invoicing.contents import FCO, NORMAL, credit_note, details, invoice

from . import papers
from .reading import Said, read, unsaid


def told(content: bytes) -> list[tuple[str, str]]:
    """Return the role and the text of each element, no-break spaces as any other."""
    return [(one.role, " ".join(one.text.split())) for one in read(content)]


CERTIFICATE_READ = [
    ("P", "Registre CQC"),
    ("P", "Formations des conducteurs routiers"),
    ("P", "Certificat N°"),
    ("P", "CQ-26-7F3K-92MD"),
    ("H1", "Certificat de qualification de conducteur"),
    ("P", "mis à disposition en application de l’article R. 3314-27 du code des transports"),
    ("H2", "Valable jusqu’au"),
    ("P", "21 janvier 2027 inclus"),
    ("P", "Établi le 21 septembre 2026, pour 4 mois."),
    ("H2", "Catégorie"),
    ("P", "Voyageurs"),
    ("H2", "Titulaire"),
    ("TH", "Nom"),
    ("TD", "MARTIN"),
    ("TH", "Prénom"),
    ("TD", "Marie"),
    ("TH", "Date de naissance"),
    ("TD", "12/04/1985"),
    ("TH", "N° de permis de conduire"),
    ("TD", "850492100123"),
    ("H2", "Formation"),
    ("TH", "Libellé"),
    ("TD", "Passerelle Voyageurs"),
    ("TH", "Date de fin de formation"),
    ("TD", "18/09/2026"),
    ("TH", "Centre de formation"),
    ("TD", "Centre de formation Démo"),
    ("TH", "SIRET"),
    ("TD", "123 456 782 00010"),
    ("TH", "Agrément"),
    ("TD", "FI-69-2020-014"),
    ("H2", "Vérifier ce certificat"),
    ("P", "Lisez le code, ou ouvrez l’adresse"),
    ("Link", "https://registre.example/verifier/7F3K92MD"),
    (
        "P",
        "Le registre répond avec le titulaire, la formation et la validité au jour de la lecture. Ce certificat a une valeur "
        "probatoire de 4 mois.",
    ),
    ("Figure", "Code QR de vérification : https://registre.example/verifier/7F3K92MD"),
    (
        "P",
        "Émetteur : exploitant du registre. Établi et mis à disposition le 21/09/2026 à 10:42:18 (heure de Paris). Ce document "
        "ne porte pas de signature manuscrite.",
    ),
    ("Form", "Cachet électronique du registre"),
]


def test_a_certificate_is_read_from_its_head_to_its_seal() -> None:
    assert told(render_certificate(CERTIFICATE)) == CERTIFICATE_READ
    assert [one.path for one in read(render_certificate(CERTIFICATE)) if one.text == "MARTIN"] == [
        ("Document", "Table", "TR", "TD")
    ]


def test_a_minors_certificate_and_a_bare_recap_say_what_they_hold_and_no_more() -> None:
    minor = told(render_certificate(MINOR))
    at = minor.index(("H2", "Valable"))
    assert minor[at + 1] == ("P", "du 1er mars 2027 au 1er juillet 2027 inclus")
    assert minor[at + 2][1].endswith("valable 4 mois à compter du 18e anniversaire du titulaire.")
    bare = told(render_recap(replace(RECAP, hours=None, verify_url=None)))
    assert ("H1", "Récapitulatif de formation") in bare
    assert not {"Figure", "Link"} & {role for role, _ in bare}
    assert "Durée" not in [text for _, text in bare]


def test_a_text_without_glyphs_is_drawn_as_boxes_and_read_as_it_is() -> None:
    content = render_certificate(replace(CERTIFICATE, centre_name="Auto-école 学校 مدرسة"))
    assert ("TD", "Auto-école 学校 مدرسة") in told(content)


def test_words_parted_by_a_line_end_are_parted_and_a_cut_word_is_not() -> None:
    words = "Organisme de formation professionnelle des transports et de la logistique"
    content = render_certificate(replace(CERTIFICATE, last_name="W" * 60, centre_name=words))
    assert ("TD", "W" * 60) in told(content)
    assert ("TD", words) in told(content)


def test_a_second_page_goes_on_where_the_first_ends_and_repeats_nothing() -> None:
    words = " ".join(f"Centre{at:03}" for at in range(250))
    content = render_certificate(replace(CERTIFICATE, issuer=words))
    said = told(content)
    (foot,) = [text for role, text in said if text.startswith("Émetteur")]
    assert foot.startswith(f"Émetteur : {words}. Établi")
    assert [text for role, text in said if role in ("Link", "Figure", "H1")] == [
        text for role, text in CERTIFICATE_READ if role in ("Link", "Figure", "H1")
    ]
    assert [f"page {at}/2" in text for at, text in enumerate(unsaid(content), 1)] == [True, True]


def test_an_invoice_is_read_from_the_seller_to_the_annex(office: Flask) -> None:
    content = invoice([("FCO Complète — Marchandises", 2, FCO, NORMAL)])
    said = told(files.make(content, details(content), papers.AT))
    texts = [text for _, text in said]
    order = [
        "Registre des qualifications", "Facture", "F2026-000123", "Période", "N° de commande", "CMD-2026-77", "Facturé à",
        "Centre de formation Démo", "Désignation", "Montant HT", "FCO Complète — Marchandises", "2", "25,34 €", "50,68 €",
        "Total HT", "Total TTC", "60,82 €", "IBAN", "Annexe : 2 enregistrements, sans nom", "Reçu", "RE-26-00000-90QRA",
    ]  # fmt: skip
    places = [texts.index(text) for text in order]
    assert places == sorted(places)
    roles = {text: role for role, text in said}
    wanted = {
        "Facture": "H1",
        "Facturé à": "H2",
        "Désignation": "TH",
        "25,34 €": "TD",
        "Total HT": "P",
        "IBAN": "TH",
        "HT": "TH",
    }
    assert {text: roles[text] for text in wanted} == wanted
    assert said[-2:] == [
        ("P", "Total HT : 50,68 €"),
        ("Form", "Cachet électronique du registre"),
    ]  # though page 1 holds it


def test_a_credit_note_says_which_invoice_it_corrects_and_why(office: Flask) -> None:
    texts = [text for _, text in told(files.make(credit_note(), [], papers.AT))]
    assert texts.index("Avoir") < texts.index("Facture corrigée") < texts.index("Formation enregistrée deux fois.")


def test_a_table_over_many_pages_has_one_head(office: Flask) -> None:
    content = files.make(invoice(), details(invoice(), 300), papers.AT)
    assert [text for _, text in told(content)].count("Récapitulatif") == 1
    rows = [one for one in read(content) if one.path[-3:-1] == ("TBody", "TR") and "RE-26" in one.text]
    assert len(rows) == 300
    assert sum("Récapitulatif" in page for page in unsaid(content)) > 3


def test_a_contract_has_headings_paragraphs_and_lists(office: Flask) -> None:
    said = read(papers.contract(Random(2)).content)
    assert said[0] == Said(("Document", "H1"), "Contrat de service")
    paths = {one.path for one in said}
    assert {
        ("Document", "L", "LI", "Lbl"),
        ("Document", "L", "LI", "LBody"),
        ("Document", "H2"),
        ("Document", "P"),
    } <= paths
    assert [one.text for one in said if one.role == "H2"][-1] == "Signature"


def test_slips_are_read_one_after_the_other(office: Flask) -> None:
    content = slips_pdf.render(
        [Slip("MARTIN Marie", "AAAA-1"), Slip("DUPONT Pierre", "BBBB-2")], "Démo", "RE-1", papers.AT
    )
    said = told(content)
    assert [text for role, text in said if role == "H1"] == ["MARTIN Marie", "DUPONT Pierre"]
    texts = [text for _, text in said]
    assert texts.index("MARTIN Marie") < texts.index("AAAA-1") < texts.index("DUPONT Pierre") < texts.index("BBBB-2")
    assert {one.path[1] for one in read(content)} == {"Sect"}


def test_what_is_repeated_on_each_page_is_no_content(office: Flask) -> None:
    content = papers.receipt(Random(1)).content
    assert "Page 1/" in unsaid(content)[0]
    assert "Page 1/" not in " ".join(one.text for one in read(content))
