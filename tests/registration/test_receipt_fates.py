"""What the receipt says is worked out from the states of documents and mails: it states nothing that has not happened."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, Mail, Registration
from app.models.outbox import CERTIFICATE_MAIL, MAIL_DROPPED, MAIL_PENDING, MAIL_REFUSED, MAIL_SENT
from app.models.registration import CERTIFICATE
from app.services.amendments import acts
from app.services.core import actor
from app.services.decisions import withheld_documents
from app.services.documents import resending, revocation
from app.services.imports import corrections
from app.services.registration import receipt_fates, receipts
from app.services.registration.receipt_fates import Fate
from tests.amendments.test_acts import order
from tests.bases import UNDER_THE_ROLE
from tests.imports.importing import analysed, batch_at, sheet
from tests.registration.test_analysis import SECOND_TABLE
from tests.support import MARIE, PIERRE, drain, many, person_id, registered, training_id

BACKENDS = UNDER_THE_ROLE

SignIn = Callable[[FlaskClient, str], FlaskClient]
DURAND = {**MARIE, "last_name": "DURAND"}


@pytest.fixture
def manager(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    return sign_in(client, "gestionnaire@demo.example")


def words(client: FlaskClient, batch: Batch, query: str = "") -> str:
    page = client.get(f"/sessions/{batch.key}/recu{query}")
    assert page.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).replace("&#39;", "'").split())


def fates(batch: Batch) -> list[Fate]:
    """Return the fates of the lines, by number; they agree with the counts."""
    db.session.expire_all()
    lines = sorted(receipts.receipt(batch).lines, key=lambda line: line.registration.line_number)
    found = [line.fate for line in lines]
    counts = receipt_fates.standing(batch.id).counts
    assert counts == {fate: found.count(fate) for fate in Fate if fate in found}
    return found


def mails(state: str) -> None:
    db.session.execute(update(Mail).where(Mail.kind == CERTIFICATE_MAIL).values(state=state))
    db.session.commit()


def row_of(batch: Batch, number: int = 1) -> Registration:
    own = Registration.batch_id == batch.id, Registration.line_number == number
    return db.session.execute(select(Registration).where(*own)).scalar_one()


def test_states_mixed_are_said_each(manager: FlaskClient) -> None:
    batch = registered(DURAND, PIERRE, *many(2))
    assert fates(batch) == [Fate.WITHHELD, Fate.WAITING, Fate.WAITING, Fate.WAITING]
    page = words(manager, batch, "?nouveau=1")
    assert "Votre import a été pris en compte avec succès" in page
    assert "4 stagiaires enregistrés : 3 attendent la création d’un compte · 1 retenu pour contrôle du nom." in page
    assert "leur parviennent" not in page
    assert "notice--gold" in manager.get(f"/sessions/{batch.key}/recu").text


@pytest.mark.parametrize(("query", "size"), [("", 50), ("", 1), ("?etat=preparation", 50)])
def test_documents_drawn_while_the_receipt_is_read(
    manager: FlaskClient, monkeypatch: pytest.MonkeyPatch, query: str, size: int
) -> None:
    """The sums are read, the documents drawn, then the lines are read: no page fails, and each sum is that of its lines."""
    batch = registered(MARIE, PIERRE)
    assert fates(batch) == [Fate.PREPARING, Fate.WAITING]
    monkeypatch.setattr(receipts.receipt, "__defaults__", (1, size, None))
    read = receipt_fates.standing

    def drawn_meanwhile(batch_id: int) -> receipt_fates.Standing:
        told, asking = read(batch_id), actor.current()
        actor.be(actor.PROGRAM)
        drain()
        actor.be(asking)
        return told

    monkeypatch.setattr(receipt_fates, "standing", drawn_meanwhile)
    page = words(manager, batch, query)
    if query:
        assert "Plus aucune ligne dans cet état" in page
    elif size > 1:
        assert "2 stagiaires enregistrés : 1 certificat envoyé · 1 attend la création d’un compte." in page
        assert "en préparation" not in page


def test_before_the_mail_has_left_no_certificate_is_said_to_be_sent(manager: FlaskClient) -> None:
    batch = registered(MARIE)
    assert fates(batch) == [Fate.PREPARING]
    assert "1 stagiaire enregistré : 1 en préparation." in words(manager, batch)
    drain()
    assert fates(batch) == [Fate.SENT]
    assert "1 stagiaire enregistré : 1 certificat envoyé." in words(manager, batch)
    assert "notice--success" in manager.get(f"/sessions/{batch.key}/recu").text
    for state, fate, told in (
        (MAIL_PENDING, Fate.SENDING, "1 certificat en cours d’envoi"),
        (MAIL_REFUSED, Fate.REFUSED, "1 certificat refusé par la messagerie du conducteur"),
        (MAIL_DROPPED, Fate.READY, "1 certificat disponible dans l’espace du conducteur"),
    ):
        mails(state)
        assert fates(batch) == [fate]
        page = words(manager, batch)
        assert told in page
        assert "certificat envoyé" not in page


def test_a_resend_is_said_to_be_under_way_then_sent_or_refused(manager: FlaskClient) -> None:
    batch = registered(MARIE)
    drain()
    resending.resend(row_of(batch).id, person_id())
    assert fates(batch) == [Fate.SENDING]
    assert "nouvel envoi en cours" in words(manager, batch)
    drain()
    assert fates(batch) == [Fate.SENT]
    resent = Mail.kind == CERTIFICATE_MAIL, Mail.sequence == 2
    db.session.execute(update(Mail).where(*resent).values(state=MAIL_REFUSED, sent_at=None))
    db.session.commit()
    assert fates(batch) == [Fate.REFUSED]
    page = words(manager, batch)
    assert "nouvel envoi refusé par la messagerie" in page
    assert "envoyé le 10/01/2022" in page, "the first one did leave"


def test_identical_lines_are_named_and_counted_once(manager: FlaskClient) -> None:
    page = words(manager, registered(MARIE, PIERRE, PIERRE))
    assert "2 stagiaires enregistrés :" in page
    assert "1 ligne identique n’a été comptée qu’une fois." in page
    assert "3 (DUPONT Pierre, identique à la ligne 2)" in page
    assert "Elles ne sont ni enregistrées ni facturées." in page


def test_two_trainings_of_one_person_are_one_trainee(manager: FlaskClient) -> None:
    first = SECOND_TABLE[0]
    other = (2, "FIMO Voyageurs", "Voyageurs", *first[3:])
    address = analysed(manager, sheet([first, other]))
    manager.post(f"{address}/importer")
    page = words(manager, batch_at(address))
    assert "1 stagiaire enregistré sur 2 lignes :" in page
    assert "FIMO Voyageurs" in page, "each line says its training"


def test_lines_set_aside_are_named(manager: FlaskClient) -> None:
    address = analysed(manager, sheet(list(SECOND_TABLE)))
    corrections.set_aside(batch_at(address).id, 2, True, person_id())
    manager.post(f"{address}/importer")
    assert "Lignes laissées de côté : 2 (LEROY MARIE, écartée)." in words(manager, batch_at(address))


def test_a_withheld_line_says_why_and_what_one_can_do(manager: FlaskClient) -> None:
    batch = registered(DURAND)
    drain()
    page = words(manager, batch)
    assert "cette date de naissance et ce numéro de permis sont connus sous un autre nom" in page
    assert "Un agent compare les deux noms avant de remettre les documents" in page
    assert f'href="/corrections/{row_of(batch).id}/"' in manager.get(f"/sessions/{batch.key}/recu").text
    assert "MARTIN" not in page, "the other person's name is nobody's to read"
    withheld_documents.keep(row_of(batch).id, person_id("agent@demo.example"), "Les permis diffèrent")
    page = words(manager, batch)
    assert "laisse les documents retenus, pour ce motif : Les permis diffèrent." in page
    assert fates(batch) == [Fate.WITHHELD]
    withheld_documents.release(row_of(batch).id, person_id("agent@demo.example"))
    assert fates(batch) == [Fate.SENDING]
    assert "Pourquoi" not in words(manager, batch)


def test_what_is_revoked_or_cancelled_counts_as_such(manager: FlaskClient) -> None:
    batch = registered(MARIE, PIERRE)
    drain()
    certificate = row_of(batch).live_documents[CERTIFICATE]
    revocation.revoke(certificate.id, person_id("agent@demo.example"), "Erreur du centre")
    acts.amend(order(row_of(batch, 2), "duplicate"), acts.Who(person_id()))
    assert fates(batch) == [Fate.REVOKED, Fate.CANCELLED]
    assert "1 certificat révoqué · 1 ligne annulée" in words(manager, batch)


def test_a_module_is_no_certificate_to_come(manager: FlaskClient) -> None:
    batch = registered(MARIE, training=training_id("Module FCO", "Voyageurs"))
    assert fates(batch) == [Fate.PREPARING]
    drain()
    assert fates(batch) == [Fate.MODULE]


def test_each_counter_filters_and_an_unknown_one_is_refused(manager: FlaskClient) -> None:
    batch = registered(MARIE, PIERRE)
    drain()
    page = manager.get(f"/sessions/{batch.key}/recu").text
    assert f'href="/sessions/{batch.key}/recu?etat=envoye"' in page
    assert f'href="/sessions/{batch.key}/recu?etat=compte"' in page
    sent = words(manager, batch, "?etat=envoye")
    assert "MARTIN" in sent
    assert "DUPONT" not in sent
    assert "Plus aucune ligne dans cet état" in words(manager, batch, "?etat=preparation")
    assert manager.get(f"/sessions/{batch.key}/recu?etat=zzz").status_code == 400


def test_groups_come_in_order_and_a_long_receipt_keeps_that_of_its_lines(
    manager: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = registered(MARIE, PIERRE, *many(1))
    drain()
    row_of(batch, 3).withheld = True
    db.session.commit()
    assert [(fate, count) for fate, count, _ in receipts.receipt(batch).groups] == [
        (Fate.WITHHELD, 1),
        (Fate.WAITING, 1),
        (Fate.SENT, 1),
    ]
    monkeypatch.setattr(receipts, "GROUPED", 1)
    [(fate, _, lines)] = receipts.receipt(batch).groups
    assert fate is None
    assert [line.registration.line_number for line in lines] == [1, 2, 3]
    assert words(manager, batch)


def test_a_sent_mail_about_an_earlier_certificate_does_not_speak_for_the_next(manager: FlaskClient) -> None:
    batch = registered(MARIE)
    drain()
    about = select(Mail).where(Mail.kind == CERTIFICATE_MAIL)
    db.session.scalars(about).one().values = {"document": row_of(batch).live_documents[CERTIFICATE].id + 100}
    db.session.commit()
    assert db.session.scalars(about).one().state == MAIL_SENT
    assert fates(batch) == [Fate.READY]
