"""What surrounds every page: menu, person, current centre, environment band, versioned addresses of static files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask, current_app, g, request, url_for

from app import roles
from app.models import Centre, Person
from app.models.centre import MEMBER_ROLES
from app.services.core import clock

from .base import current_place, places, waits
from .filters import day
from .sign_ins import seconds_left

#: In the order of the cascade: narrow screens, then print, come last.
#: Style sheets of every page, in order: the frame, the parts that rooms share, rooms whose pieces stand on many pages.
SHEETS = (
    *(f"frame/{name}" for name in ("tokens", "base", "header", "page")),
    *(
        f"parts/{name}"
        for name in ("buttons", "fields", "steps", "notices", "counters", "chips", "table", "lists", "cards")
    ),
    *(f"parts/{name}" for name in ("status", "dialog", "progress", "empty", "charts")),
    *("frame/gate", "centre", "wizard", "imports"),
    *(f"frame/{name}" for name in ("narrow", "narrow-lists", "print")),
)
MODULES = ("menus", "find", "dates", "dialogs", "confirm", "summary", "focus", "guard", "tables", "idle", "htmx-setup")
#: Own indicator styles would need inline CSS; a refused form (422) is shown; other errors go to the page's messages.
HTMX_CONFIG = {
    "includeIndicatorStyles": False,
    "allowEval": False,
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        {"code": "422", "swap": True},
        {"code": "[45]..", "swap": True, "error": True},
    ],
}
#: Where the field of the top bar leads, for those who search the register.
FINDING = "/recherche/"
FINDERS = (roles.AGENT, roles.CENTRE)
#: Whether the person is an agent → what may be typed there.
FINDS = {True: "Nom, naissance, permis, certificat, reçu, SIRET", False: "Nom, naissance, permis, certificat, reçu"}
#: The entry that says how many things wait behind it.
COUNTED = "/a-traiter/"
#: A label and its target: an address, or the permission name of a back-office view (`app.roles`). One that no screen answers is
#: not shown. A target that is a tuple is a group of entries, shown while one of them is.
Entry = tuple[str, str]
Entries = tuple[tuple[str, str | tuple[Entry, ...]], ...]
#: Role → the entries of its menu, in order.
MENU: dict[str, Entries] = {
    roles.AGENT: (
        ("Tableau de bord", "/tableau-de-bord/"),
        ("À traiter", COUNTED),
        (
            "Centres",
            (
                ("Centres", "Centres"),
                ("Agréments", "Accreditations"),
                ("Contrats", "Contracts"),
                ("Personnes", "Managers"),
            ),
        ),
        (
            "Registre",
            (
                ("Conducteurs", "Drivers"),
                ("Enregistrements", "Registrations"),
                ("Imports", "Imports"),
                ("Formateurs", "Trainers"),
            ),
        ),
        ("Cartes", "/demandes-de-carte/"),
        (
            "Facturation",
            (
                ("Facturation", "/facturation/"),
                ("Encaissements", "/encaissements/"),
                ("Rapprochement", "/comptabilite/rapprochement/"),
                ("Comptabilité", "/comptabilite/"),
            ),
        ),
        (
            "Réglages",
            (
                ("Catalogue", "Catalogue"),
                ("Tarifs", "Tariffs"),
                ("TVA", "VatRegimes"),
                ("Vendeur", "Sellers"),
                ("Message de service", "Incidents"),
            ),
        ),
    ),
    roles.CENTRE: (
        ("Tableau de bord", "/tableau-de-bord/"),
        ("Mes sessions", "/sessions/"),
        ("Mes imports", "/imports/"),
        ("Conducteurs", "CentreDrivers"),
        ("Enregistrements", "CentreRegistrations"),
        ("Formateurs", "CentreTrainers"),
        ("À traiter", "CentreToHandle"),
        ("Factures", "/factures/"),
        ("Consommation", "/consommation/"),
        ("Mon centre", "/mon-centre/"),
    ),
    roles.DRIVER: (("Mon espace", "/mon-espace/"),),
}
FOOTER = (
    ("Aide", "/aide/"),
    ("Accessibilité", "/accessibilite/"),
    ("Données personnelles", "/donnees-personnelles/"),
    ("Vérifier un certificat", "/verifier/"),
)
OWN_LINKS = (("Mon profil", "/mon-profil/", "user"),)
_EXPORTS = ("Mes exports", "/exports/", "down")
#: Role → what stands beside them: needed now and then, not every day.
OTHER_LINKS = {
    roles.AGENT: (_EXPORTS, ("Comptes", "/comptes/", "shield"), ("Journal", "/journal/list/", "clock")),
    roles.CENTRE: (_EXPORTS,),
}
#: Where the request keeps its surroundings.
KEPT = "registre.chrome"


@dataclass(frozen=True)
class Link:
    """An entry of a menu; `current` on the screen one stands on."""

    label: str
    href: str
    current: bool = False
    icon: str = ""
    #: How many things wait there.
    count: int = 0


@dataclass(frozen=True)
class Group:
    """Entries of a menu behind one word; `here` is the entry one stands on, None elsewhere."""

    label: str
    links: tuple[Link, ...]

    @property
    def here(self) -> Link | None:
        """Return the entry one stands on."""
        return next((link for link in self.links if link.current), None)


@dataclass
class Chrome:
    """What `base.html` draws around a page."""

    person: Person | None = None
    role: str = ""
    centre: Centre | None = None
    centres: list[Centre] = field(default_factory=list)
    menu: list[Link | Group] = field(default_factory=list)
    own_links: list[Link] = field(default_factory=list)
    footer: list[Link] = field(default_factory=list)
    #: Where the search of the top bar leads, what it asks for, and what was typed; '' for a person who has none.
    finding: str = ""
    finds: str = ""
    sought: str = ""
    band: str = ""
    bare: bool = False
    #: Seconds this browser may stay without a request before the sign-in ends; 0 for nobody.
    idle: int = 0
    sheets: tuple[str, ...] = SHEETS
    modules: tuple[str, ...] = MODULES
    htmx_config: str = json.dumps(HTMX_CONFIG)


def chrome() -> Chrome:
    """Return what surrounds this page, worked out once a request."""
    made: Chrome | None = request.environ.get(KEPT)
    if made is None:
        made = request.environ[KEPT] = _for_person(_bare())
    return made


def lay_bare() -> None:
    """Surround this request's page with nothing read from the base, which may be what has failed."""
    request.environ[KEPT] = replace(_bare(), bare=True)


def _bare() -> Chrome:
    return Chrome(footer=[Link(label, href) for label, href in FOOTER if answers(href)], band=_band())


def _for_person(page: Chrome) -> Chrome:
    person = g.get("user")
    if person is None or not person.is_authenticated:
        return page
    page.person, page.idle = person, seconds_left()
    names = [role.name for role in person.roles]
    page.centres = [place.centre for place in places()]
    place = current_place()
    page.centre = place.centre if place else None
    page.role = MEMBER_ROLES[place.role] if place else ", ".join(names)
    page.menu = _menu(names)
    if answers(FINDING) and not set(names).isdisjoint(FINDERS):
        page.finding, page.finds = FINDING, FINDS[roles.AGENT in names]
        page.sought = request.args.get("q", "") if request.path == FINDING else ""
    links = dict.fromkeys((*OWN_LINKS, *(link for name in names for link in OTHER_LINKS.get(name, ()))))
    page.own_links = [Link(label, href, icon=icon) for label, href, icon in links if answers(href)]
    return page


def _menu(names: list[str]) -> list[Link | Group]:
    """Return the entries of these roles that lead somewhere; of those that fit the page, the nearest is marked."""
    found: list[Link | Group] = []
    for label, target in (entry for name in names for entry in MENU.get(name, ())):
        if isinstance(target, str):
            found += [link for link in (_link(label, target),) if link]
        elif links := tuple(link for entry in target if (link := _link(*entry))):
            found.append(Group(label, links))
    marked = [link for one in found for link in (one.links if isinstance(one, Group) else (one,)) if link.current]
    nearest = max((len(link.href) for link in marked), default=0)
    return [_marked(one, nearest) for one in found]


def _marked(one: Link | Group, nearest: int) -> Link | Group:
    """Keep the mark of the entry whose address is the nearest, and count what waits behind the entry that says so."""
    if isinstance(one, Group):
        return replace(
            one, links=tuple(replace(link, current=link.current and len(link.href) == nearest) for link in one.links)
        )
    count = sum(waits().values()) if one.href == COUNTED else 0
    return replace(one, current=one.current and len(one.href) == nearest, count=count)


def _link(label: str, target: str) -> Link | None:
    """Return a menu entry, marked where the page stands at its address or below; None where no screen answers."""
    if not (href := _kept(("menu", request.script_root, target), _answering, target)):
        return None
    return Link(label, href, current=request.path.startswith(href.removesuffix("list/")))


def _answering(target: str) -> str:
    """Return the address of a menu's target, nothing where no screen answers there."""
    href = target if target.startswith("/") else _address_of(target)
    return href if answers(href) else ""


def _address_of(permission: str) -> str:
    """Return the first page of the view that this permission opens, or nothing."""
    for view in current_app.appbuilder.baseviews:  # type: ignore[attr-defined]
        if view.class_permission_name == permission:
            return str(url_for(f"{view.endpoint}.{view.default_view}"))
    return ""


def answers(href: str) -> bool:
    """Tell whether a screen is registered at this address: a menu never leads to « introuvable »."""
    return bool(href) and current_app.url_map.bind("").test(href)


def _band() -> str:
    if current_app.config["ENVIRONMENT"] == "production":
        return ""
    frozen = current_app.config.get("TODAY")
    return "Environnement de démonstration." + (f" La date du jour est figée au {day(frozen)}." if frozen else "")


def asset(name: str) -> str:
    """Return the address of a static file; it changes when the file does, so browsers may keep it."""
    return _kept(("asset", request.script_root, name), _stamped, name)


def _stamped(name: str) -> str:
    file = Path(str(current_app.static_folder)) / name
    stamp = f"{int(file.stat().st_mtime):x}" if file.is_file() else ""
    return f"{request.script_root}{current_app.static_url_path}/{quote(name)}?v={stamp}"


def _kept(key: tuple[str, ...], work_out: Callable[[str], str], about: str) -> str:
    """Return an address, worked out once an application: each page names some thirty files and twenty entries."""
    kept: dict[tuple[str, ...], str] = current_app.extensions.setdefault("addresses", {})
    if key not in kept:
        kept[key] = work_out(about)
    return kept[key]


def register(app: Flask) -> None:
    """Give templates `chrome()`, `asset()`, `answers()`, `today()`: globals, as Flask-AppBuilder's widgets have no context."""
    helpers: dict[str, Any] = {"chrome": chrome, "asset": asset, "answers": answers, "today": clock.today}
    app.jinja_env.globals.update(helpers)
