"""Settings that must not run are refused, each with its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.extensions import db
from app.models import Person
from app.services.storage.folder import Folder
from config import ConfigurationError, from_environment
from tests.authority import make_seal

GOOD = {
    "ENVIRONMENT": "production", "SECRET_KEY": "k" * 40, "REDIS_URL": "redis://queue:6379/0",
    "ANTIVIRUS_URL": "clamd://scanner:3310", "BASE_URL": "https://registre.example",
    "SEAL_KEY": "/run/secrets/seal.key", "SEAL_CERTIFICATE": "/run/secrets/seal.pem",
    "STATEMENT_KEY": "/run/secrets/statement.key",
    "CONTACT_EMAIL": "aide@registre.example", "EINVOICE_PLATFORM": "simulated",
    "DATABASE_URL": "postgresql://app:a@base/registre", "DATABASE_OWNER_URL": "postgresql://owner:o@base/registre",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY_FORMER": f"{'k' * 32} demonstration-only-secret-change-me"}, "SECRET_KEY_FORMER"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"ANTIVIRUS_URL": ""}, "ANTIVIRUS_URL"),
        ({"SEAL_KEY": ""}, "SEAL_KEY"),
        ({"SEAL_CERTIFICATE": ""}, "SEAL_CERTIFICATE"),
        ({"STATEMENT_KEY": ""}, "STATEMENT_KEY"),
        ({"CONTACT_EMAIL": ""}, "CONTACT_EMAIL"),
        ({"EINVOICE_PLATFORM": ""}, "EINVOICE_PLATFORM.*simulated"),
        ({"EINVOICE_PLATFORM": "chorus"}, "EINVOICE_PLATFORM.*simulated"),
        ({"TODAY": "2022-01-10"}, "TODAY"),
        ({"WEBHOOK_PRIVATE_ADDRESSES": "1"}, "WEBHOOK_PRIVATE_ADDRESSES"),
        ({"BASE_URL": "http://registre.example"}, "BASE_URL"),
        ({"DATABASE_URL": ""}, "DATABASE_URL.*sqlite"),
        ({"DATABASE_URL": "sqlite:////data/registre.db"}, "DATABASE_URL.*sqlite"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL.*sqlite"),
        ({"DATABASE_URL": "mysql://a:b@base/registre"}, "DATABASE_URL"),
        ({"DATABASE_OWNER_URL": ""}, "DATABASE_OWNER_URL.*one-role"),
        ({"DATABASE_OWNER_URL": "postgresql://app:other@base/registre"}, "DATABASE_OWNER_URL.*one-role"),
        ({"DATABASE_OWNER_URL": "postgresql://owner:o@base/other"}, "DATABASE_OWNER_URL.*same base"),
        ({"DATABASE_URL": "", "ACCEPTED_RISKS": "one-role"}, "DATABASE_URL.*sqlite"),
        ({"DATABASE_OWNER_URL": "", "ACCEPTED_RISKS": "sqlite"}, "DATABASE_OWNER_URL.*one-role"),
        ({"ACCEPTED_RISKS": "1"}, "ACCEPTED_RISKS"),
        ({"ACCEPTED_RISKS": "sqlite, everything"}, "ACCEPTED_RISKS"),
        ({"SECOND_FACTOR_FOR_AGENTS": "0"}, "SECOND_FACTOR_FOR_AGENTS"),
        ({"ENVIRONMENT": "staging"}, "ENVIRONMENT"),
        ({"ENVIRONMENT": "development", "TODAY": "10/01/2022"}, "TODAY"),
        ({"ENVIRONMENT": "development", "SEED": "some"}, "SEED"),
    ],
)
def test_a_setting_that_must_not_run_is_named(change: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        from_environment({**GOOD, **change})


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"DATABASE_OWNER_URL": "elsewhere"},
        {"DATABASE_OWNER_URL": "", "ACCEPTED_RISKS": "one-role"},
        {"DATABASE_URL": "", "DATABASE_OWNER_URL": "", "ACCEPTED_RISKS": " sqlite , one-role "},
        {"DATABASE_URL": "postgres://app:a@base/registre"},
    ],
)
def test_a_risk_is_taken_where_a_setting_says_so_in_words(change: dict[str, str]) -> None:
    settings = from_environment({**GOOD, **change})
    assert settings.SECOND_FACTOR_FOR_AGENTS
    assert settings.DATABASE_OWNER_URL in ("", "postgresql+psycopg://owner:o@base/registre")


def production(folder: Path, **change: str) -> Flask:
    """Return the program as production runs it, on a base of one file."""
    one_file = {
        "DATA_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/b.db", "DATABASE_OWNER_URL": "",
        "ACCEPTED_RISKS": "sqlite",
    }  # fmt: skip
    return create_app(from_environment({**GOOD, **make_seal(folder), **one_file, **change}))


def test_production_speaks_to_browsers_by_tls_alone(tmp_path: Path) -> None:
    app = production(tmp_path)
    answer = app.test_client().get("/login/", base_url="https://registre.example")
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    [cookie] = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-registre=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_elsewhere_no_browser_is_bound_to_tls(client: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/login/").headers


@pytest.mark.parametrize("what", ["demo", "examples"])
def test_production_takes_no_demonstration(tmp_path: Path, what: str) -> None:
    app = production(tmp_path)
    with app.app_context():
        db.create_all()
        said = app.test_cli_runner().invoke(args=["seed", what])
        assert (said.exit_code, said.output.count("production")) == (2, 1), said.output
        assert not db.session.query(Person).count()


def modes(folder: Path) -> dict[str, str]:
    """Return the rights of everything in a folder that others than its owner have."""
    found = {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    return {name: oct(mode) for name, mode in found.items() if mode & 0o077}


def test_nobody_else_of_the_machine_reads_the_data(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "mails").mkdir(parents=True, mode=0o755)
    (folder / "registre.db").touch(0o644)
    before = os.umask(0o022)
    try:
        app = create_app(from_environment({"DATA_DIR": str(folder)}))
        with app.app_context():
            db.create_all()
            Folder(folder / "documents").write("a/b/c.pdf", b"x", "application/pdf")
        (folder / "new").write_text("x")
        (folder / "exports" / "1").mkdir(parents=True)
    finally:
        os.umask(before)
    assert modes(folder) == {}


def test_production_starts_with_good_settings_and_answers_its_own_host_only(tmp_path: Path) -> None:
    app = production(tmp_path)
    assert app.config["TRUSTED_HOSTS"] == ["registre.example"]
    client = app.test_client()
    assert client.get("/healthz", headers={"Host": "registre.example"}).status_code == 200
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 400


def test_production_does_not_start_where_its_seal_cannot_be_read(tmp_path: Path) -> None:
    settings = {**GOOD, "DATA_DIR": str(tmp_path), "DATABASE_URL": "sqlite://", "ACCEPTED_RISKS": "sqlite"}
    with pytest.raises(ConfigurationError, match="SEAL_KEY cannot be read"):
        create_app(from_environment(settings))


def test_every_setting_is_described() -> None:
    root = Path(__file__).resolve().parents[1]
    described = (root / ".env.example").read_text()
    read = {word.split('"')[1] for word in (root / "config.py").read_text().split("get(")[1:] if word.startswith('"')}
    assert {name for name in read if f"\n{name}=" not in described} == set()


@pytest.mark.parametrize(("proxies", "seen"), [("0", "127.0.0.1"), ("1", "203.0.113.7")])
def test_an_address_passed_on_is_believed_only_from_our_proxies(tmp_path: Path, proxies: str, seen: str) -> None:
    from flask import request

    app = create_app(
        from_environment(
            {"ENVIRONMENT": "test", "DATA_DIR": str(tmp_path), "TRUSTED_PROXIES": proxies,
             "DATABASE_URL": f"sqlite:///{tmp_path}/b.db"}
        )
    )  # fmt: skip
    app.add_url_rule("/who", view_func=lambda: str(request.remote_addr))
    assert app.test_client().get("/who", headers={"X-Forwarded-For": "203.0.113.7"}).text == seen


def test_the_queue_of_compose_asks_for_a_password_and_the_program_brings_it() -> None:
    import yaml

    parts = yaml.safe_load((Path(__file__).resolve().parents[1] / "compose.yaml").read_text())["services"]
    assert "--requirepass ${REDIS_PASSWORD:?}" in parts["queue"]["command"]
    for name, part in parts.items():
        url = part.get("environment", {}).get("REDIS_URL", "")
        assert url.startswith("redis://:${REDIS_PASSWORD:?}@") == (name not in ("base", "queue", "antivirus")), name
