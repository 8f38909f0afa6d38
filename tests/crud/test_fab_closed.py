"""What Flask-AppBuilder leaves open, row by row of the table in the design (reliability): each test shows one row closed."""

from __future__ import annotations

import inspect
import re
import runpy
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import Model, ModelRestApi, ModelView
from flask_appbuilder.api import BaseApi
from flask_appbuilder.baseviews import BaseCRUDView
from flask_appbuilder.models.mixins import AuditMixin
from gunicorn.workers.sync import SyncWorker
from sqlalchemy import select
from werkzeug.routing import Rule

from app.cli import machine
from app.cli.web_worker import WebWorker
from app.extensions import db
from app.models import Centre, JournalEntry
from app.roles import FAB_ROLES
from app.services.reference import writing as reference_writing
from app.views.crud.base import BackOfficeView
from config import ROOT, Production
from tests.support import drain

AGENT, MANAGER, NEIGHBOUR = "agent@demo.example", "gestionnaire@demo.example", "voisin@demo.example"
#: What keeps the fields of a page whose sign-in has ended: for whom, a signed token says, which it reads by itself.
KEEPING = "/saisie-gardee/"
ONE_CLICK = "/rappels/<token>"


def views(app: Flask) -> list[ModelView]:
    found = [view for view in app.appbuilder.baseviews if isinstance(view, ModelView)]
    assert found
    return found


def rules(app: Flask) -> Iterator[Rule]:
    yield from app.url_map.iter_rules()


def filled(rule: Rule) -> str:
    """Return an address that the rule answers, each part of it filled in."""

    def part(found: re.Match[str]) -> str:
        kind, options = found["kind"] or "", found["options"] or ""
        if kind == "any":
            return options.split(",")[0].strip()
        length = re.search(r"length=(\d+)", options)
        return "1" * int(length[1]) if length else "1"

    return re.sub(r"<(?:(?P<kind>\w+)(?:\((?P<options>[^)]*)\))?:)?\w+>", part, rule.rule)


def test_action_routes_do_not_exist(app: Flask) -> None:
    assert not [rule.rule for rule in rules(app) if "action" in rule.endpoint.rpartition(".")[2]]
    assert [view.route_base for view in views(app) if view.actions] == []


def test_download_of_any_file_does_not_exist(app: Flask, client: FlaskClient, sign_in) -> None:
    assert not [rule.rule for rule in rules(app) if rule.endpoint.endswith((".download", ".uploads"))]
    browser = sign_in(client, AGENT)
    for view in views(app):
        assert browser.get(f"{view.route_base}/download/config.py").status_code == 404


def test_selects_of_centres_people_list_nobody_else_s(app: Flask, client: FlaskClient, sign_in) -> None:
    """No field of a centre's lists is a select made of a relation; all that is chosen from is a named, scoped list."""
    browser = sign_in(client, NEIGHBOUR)
    for view in views(app):
        page = browser.get(f"{view.route_base}/list/")
        if page.status_code == 200:
            assert "Centre de formation Démo" not in page.text
            assert not re.search(r"MARTIN|850492100123|representant@demo", page.text), view.route_base
    for view in views(app):
        for form in (view.search_form, view.add_form, view.edit_form):
            fields = [getattr(form, name) for name in dir(form)]
            kinds = {getattr(field, "field_class", type(None)).__name__ for field in fields}
            assert not kinds & {"QuerySelectField", "QuerySelectMultipleField", "AJAXSelectField"}, view.route_base


def test_rest_of_related_ids_does_not_exist(app: Flask, client: FlaskClient, sign_in) -> None:
    own = [view for view in app.appbuilder.baseviews if isinstance(view, BaseApi)]
    assert own == []
    assert not [view for view in app.appbuilder.baseviews if isinstance(view, ModelRestApi)]
    browser = sign_in(client, AGENT)
    for name, method in product(("centre", "centres", "person", "user", "driver", "batch"), ("GET", "POST", "PUT")):
        assert browser.open(f"/api/v1/{name}/", method=method, json={}).status_code == 404
        assert browser.open(f"/api/v1/{name}/_info", method=method, json={}).status_code == 404


def test_columns_are_named_never_left_to_flask_appbuilder(app: Flask) -> None:
    for view in views(app):
        for columns in ("list_columns", "show_columns", "add_columns", "edit_columns", "order_columns"):
            assert getattr(type(view), columns), f"{view.route_base}: {columns}"
            assert list(getattr(view, columns)) == list(getattr(type(view), columns))
        assert list(view.search_columns) == list(view.datamodel.questions)
        shown = {*view.list_columns, *view.show_columns, *view.search_columns}
        assert not shown & {"password", "auth_token", "secret", "secret_hash", "password_hash"}, view.route_base


def test_fab_roles_are_anchored(app: Flask) -> None:
    entries = [pattern for role in FAB_ROLES.values() for entry in role for pattern in entry]
    assert entries
    assert [pattern for pattern in entries if not (pattern.startswith("^") and pattern.endswith("$"))] == []
    assert [pattern for pattern in entries if ".*" in pattern or ".+" in pattern] == []


def test_permission_names_are_given_and_read_or_write(app: Flask) -> None:
    for view in app.appbuilder.baseviews:
        if type(view).__module__.startswith("app.views") and issubclass(type(view), BaseCRUDView):
            assert "class_permission_name" in vars(type(view)), type(view).__name__
            assert set(view.base_permissions) <= {"can_read", "can_write"}, type(view).__name__


def test_pre_add_and_post_add_hold_no_rule_and_a_failure_is_no_flash(
    app: Flask, client: FlaskClient, sign_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = ("pre_add", "post_add", "pre_update", "post_update", "pre_delete", "post_delete")
    for view, hook in product(views(app), hooks):
        assert getattr(type(view), hook) is getattr(BaseCRUDView, hook), f"{view.route_base}: {hook}"
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(reference_writing, "save", lambda *_: 1 / 0)
    data = {"name": "Neuf", "siret": "44306184100047", "address": "1 rue X", "email": "a@b.example"}
    page = sign_in(client, AGENT).post("/centres/add", data=data)
    assert page.status_code == 500
    assert "Le service a rencontré une erreur" in page.text


def test_audit_mixin_is_not_used(app: Flask) -> None:
    ours = [mapper.class_ for mapper in Model.registry.mappers if mapper.class_.__module__.startswith("app.")]
    assert ours
    assert [model.__name__ for model in ours if issubclass(model, AuditMixin)] == []


def test_threads_are_one_a_process() -> None:
    """A view object is shared by a process's threads, and requests leave their filters on it."""
    told = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    assert (told["worker_class"], told["threads"]) == ("app.cli.web_worker.WebWorker", 1)
    assert issubclass(WebWorker, SyncWorker)
    command = inspect.getsource(machine)
    assert "--threads" not in command
    assert "--worker-class" not in command


def test_login_is_limited_reveals_nothing_and_ends(app: Flask, client: FlaskClient) -> None:
    """The proofs in full: tests/accounts: test_sign_in, test_sign_ins, test_sign_up."""
    answers = {}
    for email in (MANAGER, "personne@demo.example"):
        pages = [client.post("/login/", data={"username": email, "password": "pas le bon"}) for _ in range(6)]
        answers[email] = [page.status_code for page in pages]
        assert answers[email] == [422] * 5 + [429]
    for address in (
        "/api/v1/security/login",
        "/register/form",
        "/resetmypassword/form",
        "/users/list/",
        "/roles/list/",
    ):
        assert client.get(address).status_code == client.post(address, json={}).status_code == 404, address


def test_csrf_is_asked_of_every_form_and_nothing_is_deleted_by_get(app: Flask, client: FlaskClient, sign_in) -> None:
    browser = sign_in(client, AGENT)
    app.config["WTF_CSRF_ENABLED"] = True
    before = db.session.query(JournalEntry).count()
    posting = [rule for rule in rules(app) if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/v1/")]
    assert len(posting) > 20
    for rule in posting:
        page = browser.post(filled(rule), data={"x": "y"})
        if rule.rule == ONE_CLICK:
            assert page.status_code == 404, (
                "a mail program has no token of a form: its link is signed, or leads nowhere"
            )
            continue
        assert page.status_code == 400, rule.rule
        if rule.rule != KEEPING:
            assert "Le formulaire a expiré." in page.text, rule.rule
    for view in views(app):
        rows = db.session.query(view.datamodel.obj).count()
        asking = {200} if view.removal else set()  # a page that asks why, and deletes nothing
        assert browser.get(f"{view.route_base}/delete/1").status_code in {302, 403, 404, 405, *asking}
        assert db.session.query(view.datamodel.obj).count() == rows, view.route_base
    assert db.session.query(JournalEntry).count() == before


def test_host_header_reaches_no_mail_and_no_page(app: Flask, client: FlaskClient) -> None:
    client.post("/mot-de-passe/", data={"email": MANAGER}, headers={"Host": "voleur.example"})
    drain()
    letters = [path.read_text(errors="replace") for path in (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml")]
    assert len(letters) == 1
    assert "voleur.example" not in letters[0]
    live = Production({"BASE_URL": "https://registre.example"})
    assert live.TRUSTED_HOSTS == ["registre.example"]
    app.config["TRUSTED_HOSTS"] = live.TRUSTED_HOSTS
    answer = client.get("/login/", headers={"Host": "voleur.example"})
    assert answer.status_code == 400
    assert "voleur" not in answer.text
    assert client.get("/login/", headers={"Host": "registre.example"}).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["psize_{0}=abc", "psize_{0}=-1", "psize_{0}=999999", "page_{0}=x", "_oc_{0}=password", "_oc_{0}=nulle_part",
     "_oc_Inconnue=name", "_flt_9_name=x", "_flt_0_words=%00", "_flt_0_name=\x1b"],
)  # fmt: skip
def test_bad_sizes_orders_filters_and_nul_are_refused(app: Flask, client: FlaskClient, sign_in, query: str) -> None:
    browser = sign_in(client, AGENT)
    for view in views(app):
        page = browser.get(f"{view.route_base}/list/?{query.format(type(view).__name__)}")
        assert page.status_code in (400, 403) or (page.status_code == 200 and "_flt_0_name" in query), view.route_base
        assert "Traceback" not in page.text


@pytest.mark.parametrize("backend_name", ["sqlite", "postgresql"])
def test_migrations_know_every_table_and_would_drop_none(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Model.metadata) == []
    assert {"ab_user", "ab_role", "ab_permission_view_role"} <= set(Model.metadata.tables)
    assert app.config["FAB_CREATE_DB"] is False
    assert db.session.execute(select(Centre.id)).first() is not None


def test_every_view_of_the_back_office_stands_behind_its_guard(app: Flask, client: FlaskClient) -> None:
    """Nothing of Flask-AppBuilder's own but the way back and the choice of French is registered."""
    foreign = {
        type(view).__name__ for view in app.appbuilder.baseviews if type(view).__module__.startswith("flask_appbuilder")
    }
    assert foreign <= {"UtilView", "LocaleView"}
    assert client.get("/lang/en").status_code == 404
    assert [view.route_base for view in views(app) if not isinstance(view, BackOfficeView)] == []
