"""« Changer de clé »: each command of the page, where nothing runs; what they leave is what production starts on."""

from __future__ import annotations

from pathlib import Path

import flask
from flask import Flask

from app.services.seal import authority, statement_key
from config import ROOT, Config, from_environment
from tests.cli.test_commands import run
from tests.proving.test_renewing import enrolled

from .machine import Machine


def settings(file: Path) -> flask.Config:
    """Return the settings of a file, which production takes."""
    config: Config = from_environment(dict(line.split("=", 1) for line in file.read_text().splitlines()))
    read = flask.Config("")
    read.from_object(config)
    return read


def test_keys_are_changed_as_the_page_says(app: Flask, tmp_path: Path) -> None:
    machine = Machine(tmp_path, in_service=False)
    enrolled()
    file = tmp_path / "etc/registre/registre.env"
    (tmp_path / "srv/registre").mkdir()
    (tmp_path / "srv/registre/current").symlink_to(ROOT)
    folders, _, _, keys, written = machine.sections["Installer"][:5]
    done = machine.run(f"{folders}OWNER_PASSWORD=a APP_PASSWORD=b REDIS_PASSWORD=c\n{keys}{written}")
    assert done.returncode == 0, done.stdout
    here = {"DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"], "SECRET_KEY": app.config["SECRET_KEY"]}
    lines = dict(line.split("=", 1) for line in file.read_text().splitlines()) | here | {"ACCEPTED_RISKS": "sqlite"}
    # As what was installed before these settings were.
    file.write_text("".join(f"{name}={value}\n" for name, value in lines.items() if not name.endswith("_FORMER")))
    change_secret_key_twice(app, machine, file)
    change_seal_twice(machine, file)
    change_statement_key_twice(machine, file)


def follow_but_for_the_program(machine: Machine, title: str) -> None:
    """Do what the first block of a section does with files; the program, slow to start, is run by what follows."""
    lines = [line for line in machine.sections[title][0].splitlines() if "deploy/registre" not in line]
    done = machine.run("\n".join(lines))
    assert done.returncode == 0, done.stdout


def change_secret_key_twice(app: Flask, machine: Machine, file: Path) -> None:
    """Change it, and again before the first is forgotten: both are taken until the end, the oldest last."""
    first = settings(file)["SECRET_KEY"]
    follow_but_for_the_program(machine, "SECRET_KEY")
    second = settings(file)["SECRET_KEY"]
    change, end = machine.sections["SECRET_KEY"]
    said = machine.run(change)
    assert said.returncode == 0, said.stdout
    after = settings(file)
    assert after["SECRET_KEY_FORMER"] == (second, first)
    assert len({first, second, after["SECRET_KEY"]}) == 3
    said = machine.run(end)
    assert said.returncode == 0, said.stdout
    assert "second factors: 1 under SECRET_KEY, 0 under SECRET_KEY_FORMER, 0 unreadable" in said.stdout
    after = settings(file)
    assert (after["SECRET_KEY_FORMER"], len(after["SECRET_KEY"])) == ((), 64)
    app.config["SECRET_KEY"] = after["SECRET_KEY"]
    assert run(app, "secret-key", "show")[0] == 0


def change_seal_twice(machine: Machine, file: Path) -> None:
    """Change the seal twice in a day: each key of its own, and each certificate is recognised for good."""
    begun = settings(file)
    seals = [authority.load(begun)]
    for change in (follow_but_for_the_program, Machine.follow):
        change(machine, "Le cachet des documents")
        seals.append(authority.load(settings(file)))
    used = {seal.chain[0] for seal in seals}
    assert len(used) == 3
    assert used <= set(seals[-1].former)
    assert authority.load(begun).chain == seals[0].chain


def change_statement_key_twice(machine: Machine, file: Path) -> None:
    """Change the key of the codes twice in a day: those of before stay published, none is written over."""
    begun = settings(file)
    keys = [statement_key.load(begun)]
    for _ in range(2):
        machine.follow("La clé des codes QR")
        keys.append(statement_key.load(settings(file)))
    assert len({key.id for key in keys}) == 3
    assert [statement_key.id_of(one) for one in keys[-1].former] == [key.id for key in keys[:-1]]
    assert statement_key.load(begun).id == keys[0].id
