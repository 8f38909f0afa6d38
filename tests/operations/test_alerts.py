"""`deploy/alerts.yml`: rules ask what is really there; an alert says in French what is wrong, and where the cure stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.models import ServiceLevel
from app.models.operations import Breach
from app.services.core import clock
from app.services.operations import incidents, metrics, nightly
from app.views.shell import timing
from config import ROOT

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
_SELECTOR = re.compile(r"\b(registre_\w+)(?:\{([^}]*)\})?")
_WINDOW = re.compile(r"_(\d+[mhd])$")


class Figures:
    """Stands for a histogram: notes the labels of what it is given."""

    def __init__(self, seen: list[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()) -> None:
        self.seen, self.own = seen, labels

    def labels(self, *labels: str) -> Figures:
        """Return the figures of these labels."""
        return Figures(self.seen, labels)

    def observe(self, value: float) -> None:
        """Note one."""
        self.seen.append((self.own, value))


def asked(rule: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """Return each metric that a rule asks for, with the values of labels that it is to have."""
    return [(name, dict(re.findall(r'(\w+)="([^"]*)"', labels))) for name, labels in _SELECTOR.findall(rule["expr"])]


@pytest.fixture
def answered(app: Flask) -> set[tuple[str, str, str]]:
    """Return (sample, label, value) of a real answer of `/metrics`, and (sample, "", "") of each."""
    metrics.observe_door("hand", 200, 0.1)
    now = clock.machine_now()
    db.session.add(Breach(code="mail.twice", words="x", count=1, subjects=["1"], since=now, seen_at=now))
    nightly.note_backup()
    nightly.note_backup()
    nightly.make_due(now.replace(hour=12))
    # Read by hand: the library, imported before the program names its folder, would count in memory alone.
    found = set()
    for name, labels in re.findall(r"(?m)^(\w+)(?:\{(.*)\})? \S+$", metrics.text().decode()):
        found.update({(name, "", ""), *((name, *pair) for pair in re.findall(r'(\w+)="([^"]*)"', labels))})
    return found


def test_every_metric_a_rule_asks_for_is_answered_with_such_labels(answered: set[tuple[str, str, str]]) -> None:
    assert len(RULES) > 30
    for rule in RULES:
        for name, labels in asked(rule):
            wanted = {(name, "", ""), *((name, *pair) for pair in labels.items())}
            assert wanted <= answered, rule


def test_every_ratio_an_alert_compares_is_recorded_over_that_time_and_each_is_compared() -> None:
    used = {name for rule in ALERTS for name in re.findall(r"registre:\w+:\w+", rule["expr"])}
    assert used == RECORDED
    for rule in RULES:
        if "record" in rule:
            found = _WINDOW.search(rule["record"])
            assert found
            assert set(re.findall(r"\[(\w+)\]", rule["expr"])) == {found[1]}, rule
        assert rule["expr"].count("(") == rule["expr"].count(")")


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_in_french_what_is_wrong_and_where_the_cure_stands(rule: dict[str, Any]) -> None:
    assert re.search(r"\b(le|la|les|un|une|des|du|ne)\b", rule["annotations"]["summary"], re.IGNORECASE)
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["labels"]["severity"] in ("page", "ticket")
    file, _, anchor = rule["annotations"]["cure"].partition("#")
    headings = re.findall(r"(?m)^#+ (.+)$", Path(ROOT / file).read_text(encoding="utf-8"))
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_a_figure_that_is_missing_says_something_only_while_others_are_given() -> None:
    """Where none is given at all, one alert says so, and no other says what nobody knows."""
    for rule in ALERTS:
        for name, then in re.findall(r"absent\((\w+)\)(.*)", rule["expr"]):
            assert (name == "registre_queue_up") != (then == " and on() registre_queue_up"), rule["alert"]


def test_names_of_alerts_are_their_own() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)


def test_the_limit_of_the_hand_screens_is_one_that_is_counted() -> None:
    limits = {float(labels["le"]) for rule in RULES for _, labels in asked(rule) if "le" in labels}
    assert limits <= set(metrics.BUCKETS)


def test_every_kind_with_a_promise_has_its_alert(app: Flask) -> None:
    kinds = {labels["kind"] for rule in RULES for _, labels in asked(rule) if "kind" in labels}
    assert kinds == {row.kind for row in db.session.query(ServiceLevel)}


@pytest.mark.parametrize(
    ("endpoint", "door"),
    [
        ("WizardView.register", "hand"), ("LinesView.add", "hand"), ("ReceiptView.show", "hand"),
        ("TrainersView.terms", "hand"),
        ("ImportsView.upload", "file"), ("api_v1.register", "api"), ("verification.form", "verification"),
        ("lot.answer", "verification"), ("RegistrationsView.show", "screens"), ("CentreRegistrationsView.list", "screens"),
        ("RevocationView.ask", "screens"), ("WebhooksView.index", "screens"), ("ImportFilesView.list", "screens"),
        ("IndexView.index", "screens"), ("none", "screens"), ("static", ""), ("appbuilder.static", ""), ("health.readyz", ""),
    ],
)  # fmt: skip
def test_each_answer_is_counted_by_the_door_it_came_through(app: Flask, endpoint: str, door: str) -> None:
    assert timing.door(app, endpoint) == door


def test_a_failure_of_ours_counts_and_what_people_were_told_does_not(
    app: Flask, client: FlaskClient, sign_in: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen that refuses for its own reasons, one that fails, one that refuses as announced; a probe is no service."""
    seen: list[tuple[tuple[str, ...], float]] = []
    monkeypatch.setattr(metrics, "observe", lambda *_: None)
    monkeypatch.setattr(metrics, "_doors", lambda _path: Figures(seen))
    app.config["METRICS_PORT"], app.config["PROPAGATE_EXCEPTIONS"] = 9, False
    sign_in(client, "gestionnaire@demo.example")
    client.get("/sessions/0/lignes/saisie")
    client.get("/healthz")
    monkeypatch.setitem(app.view_functions, "SessionsView.index", lambda: 1 / 0)
    client.get("/sessions/")
    monkeypatch.setattr(
        incidents, "closed", lambda: incidents.Notice(0, "Base en travaux.", True, clock.machine_now(), None)
    )
    client.post("/imports/")
    assert [labels for labels, _ in seen] == [("hand", "answered"), ("hand", "failed"), ("file", "announced")]


def test_every_door_of_a_table_that_tells_them_is_one_that_there_is(app: Flask) -> None:
    """A blueprint or a room that is renamed would be counted with the rest, in silence."""
    found = {timing.door(app, endpoint) for endpoint in app.view_functions}
    assert found == {*timing.DOORS.values(), timing.SCREENS}
    names = {endpoint.partition(".")[0] for endpoint in app.view_functions}
    rooms = {path.name for path in (ROOT / "app" / "views").iterdir() if path.is_dir()}
    assert timing.DOORS.keys() <= names | rooms
