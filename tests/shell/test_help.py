"""The help: every message of the rules with its cure, what can be done, how to reach the operator; searched without scripts."""

from __future__ import annotations

import html
import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.services.imports import intake
from app.services.reference import messages
from app.validators import file, remark, trainer
from app.validators.remark import Code, Remark, Severity
from app.views.shell.pages import SECTIONS
from tests.support import centre_id, drain, person_id


def page_of(client: FlaskClient, **asked: str) -> str:
    return html.unescape(client.get("/aide/", query_string=asked).text)


def test_no_message_of_the_rules_is_missing_nor_without_a_cure() -> None:
    told = messages.every()
    assert len(told) == len(remark.SENTENCES) + len(remark.LOST_IN_NUMBERS) + len(remark.SIGN_SENTENCES) + len(
        file.FILE_SENTENCES
    ) + len(trainer.OWN_SENTENCES)
    assert len({one.anchor for one in told}) == len(told)
    assert all(one.cure for one in told)
    assert not [one.sentence for one in told if "{" in one.sentence]


@pytest.mark.parametrize(("code", "field"), remark.ORDER)
def test_each_remark_leads_to_its_place_in_the_help(client: FlaskClient, code: Code, field: str | None) -> None:
    place = messages.anchor(Remark(code, field).kind)
    part = next(one.part for one in messages.every() if one.anchor == place)
    assert (part is messages.Part.INFORMATIONS) == (Remark(code, field).severity is Severity.INFORMATION)
    assert f'<dt id="{place}">' in page_of(client)


def test_the_page_says_every_message_and_its_cure(client: FlaskClient) -> None:
    page = page_of(client)
    for one in messages.every():
        assert re.search(
            rf'<dt id="{one.anchor}">{re.escape(one.sentence)}</dt>(<dt[^>]*>[^<]*</dt>)*<dd>{re.escape(one.cure)}</dd>',
            page,
        )


def test_every_subject_has_its_place_and_an_entry_that_leads_there(client: FlaskClient) -> None:
    page = page_of(client)
    for key, (_, title) in SECTIONS.items():
        assert f'<a href="#{key}">{title}</a>' in page
        assert re.search(rf'<h2 id="{key}"[^>]*>{title}</h2>', page)


@pytest.mark.parametrize(
    ("asked", "holds", "holds_not"),
    [
        ("PERMIS majeur", [], ["Catégorie de formation inconnue"]),
        ("agrément", ["CFR non agréé pour cette formation à la date indiquée"], ["Le fichier est vide"]),
        ("Vouliez-vous", ["Libellé de formation inconnu"], ["Documents retenus</h2>"]),
        ("hors ligne", ["Vérifier un certificat</h2>", 'href="/verifier/hors-ligne/"'], ["Droits</h2>"]),
        ("plusieurs numéros", ['href="/verifier/lot/"'], ["Droits</h2>"]),
        ("mes partages", ["Vous êtes conducteur</h2>", "« Mes partages »"], ["Droits</h2>"]),
        ("rappels", ["Factures et consommation</h2>", "« Mes rappels »"], ["Droits</h2>"]),
        ("payée", ["Factures et consommation</h2>"], ["Droits</h2>"]),
        ("plafond", ["Factures et consommation</h2>"], ["Vérifier un certificat</h2>"]),
    ],
)
def test_a_search_keeps_what_holds_all_its_words(
    client: FlaskClient, asked: str, holds: list[str], holds_not: list[str]
) -> None:
    page = page_of(client, q=asked)
    assert f'value="{asked}"' in page
    assert all(words in page for words in holds)
    assert not [words for words in holds_not if words in page]


def test_a_search_without_an_answer_says_so_and_leads_back(client: FlaskClient) -> None:
    page = page_of(client, q="<zzz>")
    assert "Rien ne répond à « <zzz> »" in page
    assert '<a href="/aide/">Toute l’aide</a>' in page
    assert "<zzz>" not in client.get("/aide/?q=<zzz>").text


def test_the_operator_is_reached_as_the_settings_say(app: Flask, client: FlaskClient) -> None:
    assert 'href="mailto:assistance@registre-cqc.example"' in page_of(client)
    assert "Téléphone :" not in page_of(client)
    app.config.update(CONTACT_EMAIL="aide@exploitant.example", CONTACT_PHONE="01 23 45 67 89, 9 h à 17 h")
    page = page_of(client)
    assert '<a href="mailto:aide@exploitant.example">aide@exploitant.example</a>' in page
    assert "Téléphone : 01 23 45 67 89, 9 h à 17 h" in page
    assert '<a href="/aide/#joindre">Joindre l’exploitant</a>' in client.get("/login/").text


def test_a_refused_file_leads_to_what_to_do(app: Flask, client: FlaskClient, sign_in) -> None:
    batch = intake.receive(centre_id(), person_id(), "sessions.xlsx", io.BytesIO(b"not a workbook"))
    drain()
    page = sign_in(client, "gestionnaire@demo.example").get(f"/imports/{batch.key}").text
    [place] = re.findall(r'href="/aide/#([\w-]+)">Que faire</a>', page)
    assert place in {one.anchor for one in messages.every()}
