"""Roles and what each may reach, as data. Flask-AppBuilder reads entries as regular expressions: all are anchored.

A role opens screens; what a person may do *at a centre* is decided by membership and rights (`models.centre`). A permission
opens the screens of one capability; it stands here and on its screens, never in the base: Flask-AppBuilder asks this table.
"""

from __future__ import annotations

AGENT, CENTRE, DRIVER = "Agent", "Centre", "Conducteur"


def _exactly(*views: str, permission: str = "can_(read|write)") -> list[list[str]]:
    return [[f"^{view}$", f"^{permission}$"] for view in views]


FAB_ROLES: dict[str, list[list[str]]] = {
    AGENT: [
        *_exactly("Representatives", "Managers"),
        *_exactly("Centres", "Accreditations", "Suspensions", "Catalogue", "Tariffs", "Contracts", "Drivers"),
        *_exactly("Sellers", "VatRegimes"),
        *_exactly(
            "Registrations", "Dashboard", "Trainers", "Exports", "Journal", "Imports", "Finding", permission="can_read"
        ),
        *_exactly(
            "CentrePeople",
            "Decisions",
            "Revocations",
            "Profile",
            "CardRequests",
            "Accounts",
            "Resending",
            "Corrections",
            "Identities",
            "Billing",
            "Payments",
            "Incidents",
        ),
    ],
    CENTRE: [
        *_exactly("Sessions", "CentreImports", "CentreTrainers", "MyCentre", "CentreContract", "CentreApi"),
        *_exactly("Profile", "Resending", "Corrections", "CentreToHandle", "CentreBilling", "Invoices"),
        *_exactly("CentreDrivers", "CentreRegistrations", "Dashboard", "Exports", "Finding", permission="can_read"),
    ],
    DRIVER: [
        *_exactly("Profile", "CardRequest", "OwnData", "OwnIdentity", "OwnReports", "Lending", "Reminders"),
        *_exactly("DriverSpace", permission="can_read"),
    ],
}
