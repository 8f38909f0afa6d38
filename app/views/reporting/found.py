"""Answers of the one search as lines that lead to their page, with what matched underlined."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import url_for
from markupsafe import Markup, escape

from app.models import Batch, CardRequest, Centre, Document, Driver, Membership, Person, Registration, Trainer
from app.models.card import CARD_STATES
from app.models.centre import MEMBER_ROLES
from app.models.registration import AVAILABLE, DOCUMENT_KINDS, DOCUMENT_STATES
from app.services.core import clock, narrowing
from app.services.reporting import finding
from app.validators.fields import bare_permit, fold, name_words
from app.views.crud.widgets import CARD_TAGS
from app.views.shell import filters

_PIECE = re.compile(r"\S+")
TITLES = {
    finding.DRIVERS: ("Conducteur", "Conducteurs"),
    finding.OWN_DRIVERS: ("Conducteur", "Conducteurs"),
    finding.REGISTRATIONS: ("Enregistrement", "Enregistrements"),
    finding.DOCUMENTS: ("Document", "Documents"),
    finding.RECEIPTS: ("Reçu", "Reçus"),
    finding.TRAINING_STAFF: ("Formateur ou moniteur", "Formateurs et moniteurs"),
    finding.CARDS: ("Demande de carte", "Demandes de carte"),
    finding.CENTRES: ("Centre", "Centres"),
    finding.MEMBERS: ("Personne d’un centre", "Personnes des centres"),
    finding.ACCOUNTS: ("Compte", "Comptes"),
}
#: Kind → the lists that hold all of it, the agents' and a centre's; no list asks the same of the others.
LISTS = {
    finding.DRIVERS: ("DriversView.list", ""),
    finding.OWN_DRIVERS: ("", "CentreDriversView.list"),
    finding.REGISTRATIONS: ("RegistrationsView.list", "CentreRegistrationsView.list"),
    finding.TRAINING_STAFF: ("AgentTrainersView.list", "CentreTrainersView.list"),
    finding.CENTRES: ("CentresView.list", ""),
}


@dataclass(frozen=True)
class Line:
    """One answer: where it leads, its name, what is said of it, the rest smaller, and its state as a tag (kind, words)."""

    href: str
    title: str | Markup
    text: str | Markup
    small: str | Markup = ""
    tag: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Section:
    """The answers of a kind; ``href``: the list that holds them all where more are there than shown."""

    key: str
    title: str
    lines: list[Line]
    more: bool
    href: str


def section(group: finding.Group, is_agent: bool, asked: str) -> Section:
    """Return a group as it is shown."""
    one, many = TITLES[group.kind]
    view = LISTS.get(group.kind, ("", ""))[0 if is_agent else 1]
    return Section(
        group.kind,
        one if len(group.rows) == 1 else many,
        [line(group.kind, row, is_agent=is_agent, asked=asked) for row in group.rows],
        group.more,
        url_for(view, _flt_0_words=asked) if view and group.more else "",
    )


def line(kind: str, row: Any, *, is_agent: bool, asked: str) -> Line:
    """Return an answer as it is shown; what was asked is underlined in it."""
    return _LINES[kind](row, is_agent, asked)


def marked(text: str, asked: str) -> Markup:
    """Return a text in which the words, days and numbers asked are underlined, however they were typed."""
    pieces, at = [], 0
    for found in _PIECE.finditer(text):
        pieces += [escape(text[at : found.start()]), _marked_word(found[0], asked)]
        at = found.end()
    return Markup("").join([*pieces, escape(text[at:])])


@lru_cache(maxsize=64)
def _keys(asked: str) -> tuple[list[str], str, list[str]]:
    """Return names, number and days asked, as words are compared with them."""
    typed = narrowing.typed(asked)
    names = ["".join(name_words(word)) for word in typed.names]
    return names, bare_permit(typed.number), [filters.day(day) for day in typed.days]


@lru_cache(maxsize=2048)
def _marked_word(word: str, asked: str) -> Markup:
    """Return a word with what was asked underlined; a page shows the same words again and again."""
    names, number, days = _keys(asked)
    bare = word.strip(",;.()")
    if bare in days or (number and bare_permit(bare).startswith(number)):
        return Markup("<mark>{}</mark>{}").format(bare, word[len(bare) :])
    key = "".join(name_words(word))
    begun = max((len(name) for name in names if name and key.startswith(name)), default=0)
    if not begun:
        return escape(word)
    if len(fold(word)) != len(word) or len(key) != len(word):  # signs that the key leaves out: the word as a whole
        begun = len(word)
    return Markup("<mark>{}</mark>{}").format(word[:begun], word[begun:])


def _driver(row: Driver, is_agent: bool, asked: str) -> Line:
    name = marked(f"{row.last_name} {row.first_name}", asked)
    papers = marked(f"naissance {filters.day(row.birth_date)}, permis {row.permit_number}", asked)
    mail = row.person.email if row.person else ""
    told = "<mark>" in name + papers or mail == asked.lower()
    return Line(
        url_for("DriversView.show", pk=row.id),
        name,
        papers,
        _whole(mail, asked) if told else "trouvé par une identité précédente",
        ("ok", "Compte actif") if row.person_id else ("", "Sans compte"),
    )


def _own_driver(row: Registration, is_agent: bool, asked: str) -> Line:
    papers = f"naissance {filters.day(row.identity.birth_date)}, permis {row.identity.permit_number}"
    return Line(
        url_for("CentreDriversView.show", pk=row.id),
        marked(f"{row.last_name} {row.first_name}", asked),
        marked(papers, asked),
        f"dernière formation : {row.training.full_label}",
        ("ok", "Possède un compte") if row.driver.person_id else ("", "Sans compte"),
    )


def _registration(row: Registration, is_agent: bool, asked: str) -> Line:
    small = [row.centre.name] if is_agent else []
    small += [str(row.batch.receipt_number), f"commande {row.order_number}"]
    born = filters.day(row.identity.birth_date)
    return Line(
        _registration_page(row.id, is_agent),
        row.training.full_label,
        marked(f"{row.last_name} {row.first_name}, naissance {born}, fin le {filters.day(row.end_date)}", asked),
        marked(", ".join(small), asked),
        ("", "") if row.is_live else ("error", "Annulé"),
    )


def _registration_page(row_id: int, is_agent: bool) -> str:
    return url_for(f"{'' if is_agent else 'Centre'}RegistrationsView.show", pk=row_id)


def _document(row: Document, is_agent: bool, asked: str) -> Line:
    about = row.registration
    return Line(
        _registration_page(about.id, is_agent),
        Markup("<mark>{}</mark>").format(row.number),
        f"{DOCUMENT_KINDS[row.kind]}, {about.last_name} {about.first_name}",
        f"{about.training.full_label}, jusqu’au {filters.day(row.valid_until)}",
        _document_tag(row),
    )


def _document_tag(row: Document) -> tuple[str, str]:
    if row.state != AVAILABLE:
        return "", DOCUMENT_STATES[row.state]
    if row.registration.withheld and row.registration.is_live:
        return "gold", "Retenu"
    return ("", "Échu") if row.valid_until < clock.today() else ("ok", DOCUMENT_STATES[row.state])


def _receipt(row: Batch, is_agent: bool, asked: str) -> Line:
    href = (
        url_for("RegistrationsView.list", _flt_0_words=row.receipt_number)
        if is_agent
        else url_for("ReceiptView.show", key=row.key)
    )
    said = f"{row.title}, le {filters.moment(row.registered_at)}"
    return Line(href, Markup("<mark>{}</mark>").format(row.receipt_number), said, row.centre.name if is_agent else "")


def _trainer(row: Trainer, is_agent: bool, asked: str) -> Line:
    href = url_for("AgentTrainersView.show", pk=row.id) if is_agent else url_for("CentreTrainersView.show", pk=row.id)
    papers = f"{row.profile_name}, naissance {filters.day(row.birth_date)}, permis {row.permit_number}"
    small = f"{row.centre.name}, {row.receipt_number}" if is_agent else f"{row.receipt_number}, {row.email}"
    state = ("error", "Annulé") if row.cancelled_on else ("", "")
    return Line(href, marked(row.full_name, asked), marked(papers, asked), _whole(small, asked), state)


def _card(row: CardRequest, is_agent: bool, asked: str) -> Line:
    who = marked(f"{row.last_name} {row.first_name}", asked)
    sent = f"déposée le {filters.moment(row.submitted_at)}" if row.submitted_at else ""
    tag = CARD_TAGS[row.state], CARD_STATES[row.state]
    return Line(url_for("CardRequestsView.show", key=row.key), _whole(str(row.number), asked), who, sent, tag)


def _centre(row: Centre, is_agent: bool, asked: str) -> Line:
    figures = narrowing.bare_number(narrowing.typed(asked).number)
    siret = Markup("<mark>{}</mark>") if figures and row.siret.startswith(figures) else Markup("{}")
    said = Markup("SIRET ") + siret.format(filters.siret(row.siret))
    return Line(url_for("CentresView.show", pk=row.id), marked(row.name, asked), said, _whole(row.email, asked))


def _member(row: Membership, is_agent: bool, asked: str) -> Line:
    return Line(
        url_for("CentrePeopleView.member", centre_id=row.centre_id, place_id=row.id),
        marked(f"{row.person.last_name} {row.person.first_name}", asked),
        f"{MEMBER_ROLES[row.role]}, {row.centre.name}",
        _whole(row.person.email, asked),
        ("", "") if row.person.active else ("error", "Compte fermé"),
    )


def _account(row: Person, is_agent: bool, asked: str) -> Line:
    name = f"{row.last_name} {row.first_name}"
    return Line(url_for("AccountsView.show", pk=row.id), name, _whole(row.email, asked))


def _whole(text: str, asked: str) -> Markup:
    """Return a text, underlined where it is or holds the very thing that was asked."""
    at = text.lower().find(asked.lower())
    if at < 0 or not asked:
        return escape(text)
    end = at + len(asked)
    return Markup("{}<mark>{}</mark>{}").format(text[:at], text[at:end], text[end:])


_LINES: dict[str, Callable[[Any, bool, str], Line]] = {
    finding.DRIVERS: _driver,
    finding.OWN_DRIVERS: _own_driver,
    finding.REGISTRATIONS: _registration,
    finding.DOCUMENTS: _document,
    finding.RECEIPTS: _receipt,
    finding.TRAINING_STAFF: _trainer,
    finding.CARDS: _card,
    finding.CENTRES: _centre,
    finding.MEMBERS: _member,
    finding.ACCOUNTS: _account,
}
