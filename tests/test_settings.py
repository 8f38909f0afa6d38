"""Settings that must not run are refused, each with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import create_app
from config import ConfigurationError, from_environment
from tests.authority import make_seal

GOOD = {
    "ENVIRONMENT": "production", "SECRET_KEY": "k" * 40, "REDIS_URL": "redis://queue:6379/0",
    "ANTIVIRUS_URL": "clamd://scanner:3310", "BASE_URL": "https://registre.example",
    "SEAL_KEY": "/run/secrets/seal.key", "SEAL_CERTIFICATE": "/run/secrets/seal.pem",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"ANTIVIRUS_URL": ""}, "ANTIVIRUS_URL"),
        ({"SEAL_KEY": ""}, "SEAL_KEY"),
        ({"SEAL_CERTIFICATE": ""}, "SEAL_CERTIFICATE"),
        ({"TODAY": "2022-01-10"}, "TODAY"),
        ({"WEBHOOK_PRIVATE_ADDRESSES": "1"}, "WEBHOOK_PRIVATE_ADDRESSES"),
        ({"BASE_URL": "http://registre.example"}, "BASE_URL"),
        ({"ENVIRONMENT": "staging"}, "ENVIRONMENT"),
        ({"ENVIRONMENT": "development", "TODAY": "10/01/2022"}, "TODAY"),
    ],
)
def test_a_setting_that_must_not_run_is_named(change: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        from_environment({**GOOD, **change})


def test_production_starts_with_good_settings_and_answers_its_own_host_only(tmp_path: Path) -> None:
    app = create_app(
        from_environment(
            {**GOOD, **make_seal(tmp_path), "DATA_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/b.db"}
        )
    )
    assert app.config["TRUSTED_HOSTS"] == ["registre.example"]
    client = app.test_client()
    assert client.get("/healthz", headers={"Host": "registre.example"}).status_code == 200
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 400


def test_production_does_not_start_where_its_seal_cannot_be_read(tmp_path: Path) -> None:
    settings = {**GOOD, "DATA_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/b.db"}
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
