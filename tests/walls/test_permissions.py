"""One permission a capability; and a menu that promises nothing: each entry is a screen, for every kind of person."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import roles
from app.extensions import db
from app.models import Person
from app.views.shell import chrome
from app.views.shell.base import Screen
from tests.support import person_id

from .everybody import PEOPLE

#: Permission → the screens it opens, all of one capability. Reviewed: a screen of another capability gets one of its own.
PERMISSIONS: dict[str, set[str]] = {
    # The operator's agents.
    "Accounts": {"AccountsView"},
    "Accreditations": {"AccreditationsView"},
    "Billing": {
        "BillingView",
        "CentreBillingView",
        "IssuedView",
        "PlatformView",
        "SalesJournalView",
        "AccountsMapView",
        "ReconciliationView",
    },
    "CardRequests": {"CardRequestsView"},
    "Catalogue": {"CatalogueView"},
    "CentrePeople": {"CentrePeopleView"},
    "Centres": {"CentresView"},
    "Contracts": {"ContractsView"},
    "Corrections": {"CorrectionView", "SeveralView", "ReportsView", "TrainerRightView"},
    "Decisions": {"CorrectionDecisionsView", "IdentityChecksView", "ToHandleView"},
    "Drivers": {"DriversView"},
    "Identities": {"IdentityCorrectionView", "MergeView", "PartView"},
    "Imports": {"ImportFilesView"},
    "Incidents": {"IncidentsView"},
    "Journal": {"JournalView"},
    "Managers": {"ManagersView"},
    "Registrations": {"RegistrationsView"},
    "Representatives": {"RepresentativesView"},
    "Revocations": {"RevocationView"},
    "Sellers": {"SellersView"},
    "Suspensions": {"SuspensionsView"},
    "Tariffs": {"TariffsView"},
    "VatRegimes": {"VatRegimesView"},
    "Trainers": {"AgentTrainersView"},
    # A centre's people.
    "CentreBilling": {"MyBillingView"},
    "Invoices": {"InvoicesView", "OrderNumbersView", "ConsumptionView"},
    "CentreApi": {"ApiSubscriptionView", "WebhooksView"},
    "CentreContract": {"ContractView"},
    "CentreDrivers": {"CentreDriversView"},
    "CentreImports": {"ImportsView", "CorrectionsView"},
    "CentreRegistrations": {"CentreRegistrationsView"},
    "CentreToHandle": {"CentreToHandleView"},
    "CentreTrainers": {"CentreTrainersView", "TrainersView"},
    "MyCentre": {"MyCentreView", "MyPeopleView", "CentreSwitchView"},
    "Sessions": {"SessionsView", "WizardView", "LinesView", "CellsView", "ReceiptView", "WithoutAccountView"},
    # Drivers.
    "CardRequest": {"CardRequestView"},
    "DriverSpace": {"DriverSpaceView"},
    "Lending": {"LendingView"},
    "Reminders": {"RemindersView"},
    "OwnData": {"OwnDataView"},
    "OwnIdentity": {"OwnIdentityView"},
    "OwnReports": {"OwnReportView"},
    # Several of them.
    "Dashboard": {"DashboardView"},
    "Exports": {"ExportsView"},
    "Finding": {"FindView"},
    "Payments": {"EntriesView", "LateView", "NotesView", "PaymentsView"},
    "Profile": {"ProfileView", "AddressView", "SecondFactorView"},
    "Resending": {"ResendingView"},
}


def screens(app: Flask) -> list[Screen]:
    return [view for view in app.appbuilder.baseviews if isinstance(view, Screen)]


def granted(role: str) -> set[str]:
    """Return the permissions of a role."""
    return {entry[0].strip("^$") for entry in roles.FAB_ROLES[role]}


def test_each_permission_opens_the_screens_of_one_capability(app: Flask) -> None:
    found: dict[str, set[str]] = {}
    for view in screens(app):
        found.setdefault(view.class_permission_name, set()).add(type(view).__name__)
    assert found == PERMISSIONS


def test_roles_name_the_permissions_of_screens_and_no_other(app: Flask) -> None:
    assert set().union(*map(granted, roles.FAB_ROLES)) == PERMISSIONS.keys()
    entries = [entry for role in roles.FAB_ROLES.values() for entry in role]
    assert all(re.fullmatch(r"\^\w+\$", view) for view, _ in entries), "a loose expression opens more than its screen"
    for role, given in roles.FAB_ROLES.items():
        names = [view for view, _ in given]
        assert len(names) == len(set(names)), f"{role} names a permission twice"


def _entries(role: str) -> list[tuple[str, str]]:
    """Return label and target of all that the menus of a role hold."""
    own = [(label, target) for label, target, _ in (*chrome.OWN_LINKS, *chrome.OTHER_LINKS.get(role, ()))]
    menu = [(label, target) for label, target in chrome.MENU[role] if isinstance(target, str)]
    grouped = [entry for _, target in chrome.MENU[role] if not isinstance(target, str) for entry in target]
    return [*menu, *grouped, *own, *chrome.FOOTER]


def _permission_at(app: Flask, href: str) -> str:
    """Return the permission of the screen at an address; nothing for a page that is open to all."""
    endpoint, _ = app.url_map.bind("").match(href)
    by_name: dict[str, Any] = {view.endpoint: view for view in screens(app)}
    view = by_name.get(endpoint.partition(".")[0])
    return view.class_permission_name if view else ""


@pytest.mark.parametrize("role", roles.FAB_ROLES)
def test_every_menu_entry_leads_to_a_screen_that_the_role_may_open(app: Flask, role: str) -> None:
    with app.test_request_context():
        for label, target in _entries(role):
            href = target if target.startswith("/") else chrome._address_of(target)
            assert href, f"« {label} » names the permission {target}, which no screen has"
            assert chrome.answers(href), f"« {label} » leads to {href}, where no screen stands"
            assert _permission_at(app, href) in {"", *granted(role)}, f"{role} may not open « {label} »"


@pytest.mark.parametrize("who", [name for name in PEOPLE if name != "closed"])
def test_every_entry_shown_answers_and_none_is_hidden(app: Flask, client: FlaskClient, sign_in: Any, who: str) -> None:
    """A right that is missing is told on the page; a page that is missing is an entry too many."""
    email = PEOPLE[who]
    if email:
        sign_in(client, email)
    page = client.get("/aide/").text
    names = [role.name for role in db.session.get_one(Person, person_id(email)).roles] if email else []
    wanted = {label for name in names for label, _ in _entries(name)} | {label for label, _ in chrome.FOOTER}
    link = r'<a (?:class="navlink" )?href="(/[^"]*)"[^>]*>(?:<svg.*?</svg>)?([^<]+)</a>'
    links = {label.strip(): href for href, label in re.findall(link, page)}
    assert wanted <= links.keys()
    for label, href in links.items():
        assert client.get(href).status_code in ((200, 302, 403) if who == "no-right" else (200, 302)), label
