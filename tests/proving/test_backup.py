"""Backup and restore as a drill: what is put back is proved, and whatever was broken on the way is found, in words."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text

from app.extensions import db
from app.models import Document, NightlyTask, Registration
from app.models.outbox import BACKUP
from app.services.core import actor
from app.services.journal import chain
from app.services.proving import backup, bases, manifest, restore
from app.services.storage import store
from tests.backends import POSTGRES, _sibling, create, settings
from tests.bases import BOTH, EVERY
from tests.cli.test_commands import run
from tests.seal.test_store import bucket, server, url_of
from tests.support import MARIE, PIERRE, drain, many, registered
from tests.walls.rows import make_rows

__all__ = ["bucket", "server"]

BACKENDS = BOTH


@pytest.fixture
def place(tmp_path: Path, backend_name: str) -> Iterator[Callable[..., Flask]]:
    """Give empty places of the same kind of base: ``place()``, each with a base and a data folder of its own."""
    made: list[str] = []

    def act(**env: str) -> Flask:
        folder = tmp_path / f"place{len(made)}{uuid.uuid4().hex[:6]}"
        name = f"cqc_restore_{uuid.uuid4().hex[:8]}"
        made.append(name)
        url = f"sqlite:///{folder}/registre.db"
        if backend_name != "sqlite":
            with psycopg.connect(POSTGRES, autocommit=True) as admin:
                admin.execute(f"CREATE DATABASE {name}")
            url = _sibling(name)
        return create(settings(folder, url, **env))

    yield act
    if backend_name != "sqlite":
        with psycopg.connect(POSTGRES, autocommit=True) as admin:
            for name in made:
                admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def at(there: Flask, *words: str) -> tuple[int, str]:
    """Run a command in another place than the test's own."""
    with there.app_context():
        try:
            return run(there, *words)
        finally:
            db.session.remove()
            db.engine.dispose()


def is_empty(there: Flask) -> bool:
    """Tell whether a place holds no table and no file."""
    with there.app_context():
        tables = inspect(db.engine).get_table_names()
        db.engine.dispose()
        return not tables and next(iter(store.entries()), None) is None


def forge(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of the newest backup as somebody would who knows how it is made."""
    path = manifest.finished(folder)[-1] / manifest.MANIFEST
    said = json.loads(path.read_text())
    said.pop("sha256")
    said["base"]["sha256"] = manifest.digest_of(path.parent / said["base"]["file"])
    change(said)
    path.write_text(json.dumps({**said, "sha256": manifest._own_digest(said)}))


@pytest.mark.bases(*EVERY)
def test_a_register_with_a_row_of_each_kind_is_put_back_and_proved(
    app: Flask, place: Callable[..., Flask], tmp_path: Path
) -> None:
    make_rows(app)
    drain()
    folder = tmp_path / "backups"
    code, said = run(app, "backup", str(folder), "--verify")
    assert code == 0, said
    assert "read again, whole" in said
    pooled = sum(1 for _ in (folder / "files").glob("*/*"))
    assert f" files, {pooled} of them new" in said
    code, said = run(app, "backup", str(folder))
    assert (code, ", 0 of them new (0 bytes)" in said) == (0, True)
    whole = b"".join(path.read_bytes() for path in folder.rglob("*.json"))
    assert b"x" * 32 not in whole
    assert b"SECRET_KEY" in whole
    there = place()
    code, said = at(there, "restore", str(folder), "--prove")
    assert code == 0, said
    assert "breach(es)" in said
    assert "Proved: " in said
    assert "add seal.pem of the backup to SEAL_FORMER" in said
    assert "SECRET_KEY is another one" not in said
    taken = manifest.read(folder).said
    with there.app_context():
        actor.be(actor.PROGRAM)
        assert db.session.scalar(select(func.count()).select_from(Registration)) == taken["tables"]["registration"]
        assert chain.verify(taken["journal_head"]).wrong == ""
        db.session.remove()
        db.engine.dispose()
    code, said = at(there, "restore", str(folder))
    assert (code, said) == (
        1,
        "Nothing was restored. The base holds tables already: a backup is restored into an empty one only.\n",
    )


def test_whatever_is_broken_is_found_and_nothing_is_restored(
    app: Flask, place: Callable[..., Flask], tmp_path: Path
) -> None:
    registered(MARIE, PIERRE)
    drain()
    sound, there = tmp_path / "sound", place(SECRET_KEY="y" * 32)
    backup.back_up(sound)
    kind = bases.kind()
    broken = tmp_path / "broken"

    def base() -> Path:
        return manifest.read(broken).base

    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    def a_file() -> Path:
        return next(broken.glob("files/*/*"))

    def newest() -> Path:
        return manifest.finished(broken)[-1]

    def cut() -> None:
        path = base()
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        forge(broken, lambda said: None)

    def shorten() -> None:
        if kind == bases.SQLITE:
            with closing(sqlite3.connect(base())) as copy:
                copy.execute("DELETE FROM mail")
                copy.commit()
        forge(
            broken,
            lambda said: said["tables"].update(mail=said["tables"]["mail"] + 1) if kind != bases.SQLITE else None,
        )

    cases: dict[str, tuple[Callable[[], object], str]] = {
        "a byte of the base": (lambda: flip(base()), "the base was changed or cut short"),
        "a byte of a file": (lambda: flip(a_file()), "was changed in the backup"),
        "a byte of the list": (lambda: flip(newest() / "files.txt"), "files.txt was changed"),
        "a byte of the manifest": (lambda: flip(newest() / "manifest.json"), "manifest"),
        "a file": (lambda: a_file().unlink(), "is missing from the backup"),
        "the base": (lambda: base().unlink(), "the base is missing"),
        "the list": (lambda: (newest() / "files.txt").unlink(), "files.txt is missing"),
        "unfinished": (lambda: (newest() / "manifest.json").unlink(), "no finished backup"),
        "the end of the base": (cut, ""),
        "rows of a table": (shorten, "The table mail holds"),
        "files of the list": (
            lambda: forge(broken, lambda said: said["files"].update(count=said["files"]["count"] + 1)), "files are listed",
        ),
        "another format": (lambda: forge(broken, lambda said: said.update(format=99)), "format"),
        "another base": (lambda: forge(broken, lambda said: said["base"].update(kind="other")), "its own kind of base"),
    }  # fmt: skip
    for what, (spoil, sentence) in cases.items():
        shutil.copytree(sound, broken)
        spoil()
        code, said = at(there, "restore", str(broken), "--prove")
        assert (code, said.startswith("Nothing was restored. "), sentence in said) == (1, True, True), (what, said)
        assert is_empty(there), what
        shutil.rmtree(broken)
    code, said = at(there, "restore", str(sound), "--prove")
    assert code == 0, said
    assert "SECRET_KEY is another one" in said


def test_nothing_is_restored_over_a_register_or_over_files(
    app: Flask, place: Callable[..., Flask], tmp_path: Path
) -> None:
    registered(MARIE)
    drain()
    backup.back_up(tmp_path / "b")
    before = db.session.scalar(select(func.count()).select_from(Registration))
    code, said = run(app, "restore", str(tmp_path / "b"))
    assert (code, "holds tables already" in said) == (1, True)
    assert db.session.scalar(select(func.count()).select_from(Registration)) == before
    there = place()
    with there.app_context():
        store.put_named("documents/other.pdf", b"%PDF")
    code, said = at(there, "restore", str(tmp_path / "b"))
    assert (code, "The store holds files already" in said) == (1, True)
    code, said = at(there, "restore", str(tmp_path / "nowhere"))
    assert (code, "there is no finished backup" in said) == (1, True)


def test_a_backup_taken_while_people_register_is_of_one_instant(
    app: Flask, place: Callable[..., Flask], tmp_path: Path
) -> None:
    stop, lines, made = threading.Event(), iter(many(5000)), threading.Event()
    wrong: list[Exception] = []

    def work() -> None:
        with app.app_context():
            actor.be(actor.PROGRAM)
            try:
                while not stop.is_set():
                    registered(next(lines), next(lines))
                    drain()
                    made.set()
            except Exception as error:
                wrong.append(error)
            finally:
                made.set()
                db.session.remove()

    writer = threading.Thread(target=work)
    writer.start()
    try:
        assert made.wait(120)
        before = db.session.scalar(select(func.count()).select_from(Registration)) or 0
        db.session.rollback()
        done = backup.back_up(tmp_path / "b")
    finally:
        stop.set()
        writer.join()
    assert not wrong
    assert done.faults == []
    there = place()
    code, said = at(there, "restore", str(tmp_path / "b"), "--prove")
    assert code == 0, said
    assert manifest.read(tmp_path / "b").said["tables"]["registration"] >= before >= 2


def test_a_file_that_the_store_lost_is_named_and_the_rest_is_kept(
    app: Flask, place: Callable[..., Flask], tmp_path: Path
) -> None:
    registered(MARIE, PIERRE)
    drain()
    id_, path = db.session.execute(select(Document.id, Document.path).order_by(Document.id).limit(1)).one()
    (store.folder() / path).unlink()
    code, said = run(app, "backup", str(tmp_path / "b"))
    assert (code, f"not in the backup: document {id_}: {path}" in said) == (1, True)
    code, said = at(place(), "restore", str(tmp_path / "b"), "--prove")
    assert code == 1
    assert "1 file(s) were at fault already when the backup was taken." in said
    assert f"file.document {id_}: Document : fichier introuvable" in said


@pytest.mark.bases("sqlite")
def test_a_file_that_goes_at_the_end_of_its_keeping_has_the_base_taken_again(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(MARIE, PIERRE)
    drain()
    before, counts, path = [], bases.counts, db.session.scalar(select(Document.path).limit(1))
    db.session.rollback()

    def purged_meanwhile(connection: Any) -> dict[str, int]:
        if not before:
            store.remove(str(path))
            db.session.execute(
                text("UPDATE document SET path = NULL, state = 'purged' WHERE path = :path"), {"path": path}
            )
            db.session.commit()
        before.append(1)
        return counts(connection)

    monkeypatch.setattr(bases, "counts", purged_meanwhile)
    assert backup.back_up(tmp_path / "b").faults == []
    assert len(before) == 2
    assert len(manifest.finished(tmp_path / "b")) == 1


@pytest.mark.bases("sqlite")
def test_old_backups_go_with_the_files_that_none_speaks_of_any_more(app: Flask, tmp_path: Path) -> None:
    registered(MARIE)
    drain()
    root = tmp_path / "b"
    first = backup.back_up(root)
    id_, path, digest = db.session.execute(select(Document.id, Document.path, Document.sha256).limit(1)).one()
    store.remove(path)
    db.session.execute(text("UPDATE document SET path = NULL, state = 'purged' WHERE id = :id"), {"id": id_})
    db.session.commit()
    (root / "2020-01-01T000000Z").mkdir()  # one that was never finished
    backup.back_up(root, keep=2)
    assert (root / "files" / digest[:2] / digest).is_file()
    third = backup.back_up(root, keep=2)
    assert not (root / "files" / digest[:2] / digest).exists()
    names = [one.name for one in manifest.finished(root)]
    assert (len(names), names[-1], first.name in names) == (2, third.name, False)
    assert not (root / "2020-01-01T000000Z").exists()
    assert manifest.verify(manifest.read(root)) == third.files
    noted = db.session.execute(select(NightlyTask.task)).scalars().all()
    assert noted == [BACKUP], "who watches is told how old the last one is"
    db.session.execute(text("DROP TABLE nightly_task"))
    db.session.commit()
    assert backup.back_up(root, keep=2).name in {one.name for one in manifest.finished(root)}, "it stands, told or not"


@pytest.mark.bases("sqlite")
def test_a_backup_that_reads_badly_again_counts_for_nothing_and_takes_no_other_away(app: Flask, tmp_path: Path) -> None:
    registered(MARIE)
    drain()
    root = tmp_path / "b"
    backup.back_up(root)
    db.session.execute(text("DELETE FROM nightly_task"))
    db.session.commit()
    pooled = next((root / "files").glob("*/*"))
    pooled.chmod(0o600)
    pooled.write_bytes(b"")
    code, said = run(app, "backup", str(root), "--verify", "--keep", "1")
    assert (code, "read again, whole" in said) == (2, False), said
    assert len(manifest.finished(root)) == 2
    assert db.session.execute(select(NightlyTask)).scalars().all() == [], "who watches is told of no backup"


@pytest.mark.bases("sqlite")
def test_two_at_once_do_not_meet(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with backup._alone(tmp_path / "b"):
        assert run(app, "backup", str(tmp_path / "b")) == (2, "Another backup is being written to this folder.\n")


@pytest.mark.bases("sqlite")
def test_documents_of_a_bucket_are_backed_up_and_put_back_into_one(
    app: Flask, place: Callable[..., Flask], tmp_path: Path, server: str, bucket: Any
) -> None:
    app.config["DOCUMENTS_URL"] = url_of(server)
    registered(MARIE)
    drain()
    kept = {one.key: sha256(one.get()["Body"].read()).hexdigest() for one in bucket.objects.all()}
    assert len(kept) == 2
    assert backup.back_up(tmp_path / "b").files == 2
    bucket.objects.delete()
    code, said = at(place(DOCUMENTS_URL=url_of(server)), "restore", str(tmp_path / "b"), "--prove")
    assert code == 0, said
    assert {one.key: sha256(one.get()["Body"].read()).hexdigest() for one in bucket.objects.all()} == kept


@pytest.mark.bases("postgresql")
def test_without_its_tools_a_sentence_says_so(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = run(app, "backup", str(tmp_path / "b"))
    assert (code, said) == (2, "pg_dump is not installed here: the client tools of PostgreSQL are needed.\n")
    assert manifest.finished(tmp_path / "b") == []


@pytest.mark.bases("sqlite")
def test_a_backup_of_another_version_is_restored_unproved(
    app: Flask, place: Callable[..., Flask], tmp_path: Path
) -> None:
    backup.back_up(tmp_path / "b")
    forge(tmp_path / "b", lambda said: said["base"].update(revision="0001"))
    there = place()
    code, said = at(there, "restore", str(tmp_path / "b"), "--prove")
    assert (code, "restore it without --prove" in said, is_empty(there)) == (1, True, True)
    code, said = at(there, "restore", str(tmp_path / "b"))
    assert (code, "flask --app run db upgrade" in said) == (0, True)
    assert isinstance(restore.OtherVersion.message, str)
