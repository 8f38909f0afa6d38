"""The journal: rows are only added, every change shows in the chain, whole years go and leave a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from app.extensions import db
from app.models import JournalCheckpoint, JournalEntry, JournalLink
from app.services.core import actor, clock
from app.services.core.transaction import transaction
from app.services.journal import chain as journal_chain
from app.services.journal import record as journal
from app.services.retention import purge
from tests.bases import BOTH

BACKENDS = BOTH
EACH_VALUE = True


def write(count: int = 5, **values: object) -> list[int]:
    """Write entries and return their numbers."""
    with transaction():
        for at in range(count):
            journal.record("essai.fait", "essai", at, actor_id=None, after={"é": at, "prix": 25.34}, reason="motif")
    query = select(JournalEntry.id).order_by(JournalEntry.id.desc()).limit(count)
    return sorted(db.session.execute(query).scalars())


@contextmanager
def tampering() -> Iterator[None]:
    """Act as who is master of the base and puts the triggers out of the way."""
    on_postgres = db.engine.dialect.name == "postgresql"
    tables = ("journal", "journal_link", "journal_checkpoint")
    db.session.rollback()
    if on_postgres:
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        yield
    else:
        query = text("SELECT sql, name FROM sqlite_master WHERE type = 'trigger'")
        triggers = [
            (sql, name) for sql, name in db.session.execute(query) if name.startswith(tuple(f"tr_{t}" for t in tables))
        ]
        for _, name in triggers:
            db.session.execute(text(f"DROP TRIGGER {name}"))
        yield
        for sql, _ in triggers:
            db.session.execute(text(sql))
    db.session.commit()


def backdate(by: timedelta) -> None:
    """Make what was sealed look sealed earlier."""
    with tampering():
        for link in db.session.execute(select(JournalLink)).scalars():
            link.sealed_at -= by
        db.session.flush()


def count(table: type) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_entries_are_sealed_once_in_order_and_the_chain_holds(app: Flask) -> None:
    first = write()
    assert journal_chain.seal() == len(first)
    assert journal_chain.seal() == 0
    second = write(3)
    verdict = journal_chain.verify()
    assert (verdict.wrong, verdict.unsealed) == ("", 3)
    journal_chain.seal()
    linked = db.session.execute(select(JournalLink.entry_id).order_by(JournalLink.position)).scalars().all()
    assert linked == first + second
    assert journal_chain.verify(verdict.head).wrong == ""


def test_more_entries_than_one_transaction_takes_are_sealed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_chain, "BATCH", 4)
    write(10)
    assert journal_chain.seal() == 10
    assert journal_chain.verify().links == 10


def test_an_entry_that_became_visible_late_is_linked_after_the_others(app: Flask) -> None:
    """Its number was given out early, its transaction ended late."""
    [first] = write(1)
    with transaction():
        db.session.execute(insert(JournalEntry).values(
            id=first + 2, at=clock.now(), action="essai.fait", subject_type="essai", subject_id="", reason="",
        ))  # fmt: skip
    journal_chain.seal()
    with transaction():
        db.session.execute(insert(JournalEntry).values(
            id=first + 1, at=clock.now(), action="essai.fait", subject_type="essai", subject_id="", reason="",
        ))  # fmt: skip
    journal_chain.seal()
    linked = db.session.execute(select(JournalLink.entry_id).order_by(JournalLink.position)).scalars().all()
    assert linked == [first, first + 2, first + 1]
    assert journal_chain.verify().wrong == ""


@pytest.mark.parametrize("table", [JournalEntry, JournalLink, JournalCheckpoint])
def test_the_base_refuses_changes_and_removals(app: Flask, table: type) -> None:
    write(2)
    journal_chain.seal()
    with transaction():
        db.session.add(JournalCheckpoint(position=0, hash="0" * 64, year=2000, entries=0, made_at=clock.machine_now()))
    column = {"journal": "reason"}.get(table.__tablename__, "hash")
    for act in (update(table).values({column: "autre"}), delete(table)):
        with pytest.raises(DatabaseError, match="rows are only ever added"):
            db.session.execute(act)
        db.session.rollback()
    if db.engine.dialect.name == "postgresql":
        with pytest.raises(DatabaseError, match="rows are only ever added"):
            db.session.execute(text(f"TRUNCATE {table.__tablename__}"))
        db.session.rollback()
    assert count(table) in (1, 2)


def _change_entry(ids: list[int]) -> None:
    db.session.execute(update(JournalEntry).where(JournalEntry.id == ids[2]).values(reason="autre motif"))


def _change_json(ids: list[int]) -> None:
    db.session.execute(update(JournalEntry).where(JournalEntry.id == ids[2]).values(after={"é": 2, "prix": 25.35}))


def _change_moment(ids: list[int]) -> None:
    db.session.execute(
        update(JournalEntry).where(JournalEntry.id == ids[2]).values(at=datetime(2020, 1, 1, tzinfo=UTC))
    )


def _remove_entry(ids: list[int]) -> None:
    db.session.execute(delete(JournalEntry).where(JournalEntry.id == ids[2]))


def _remove_with_link(ids: list[int]) -> None:
    _remove_entry(ids)
    db.session.execute(delete(JournalLink).where(JournalLink.entry_id == ids[2]))


def _remove_first(ids: list[int]) -> None:
    db.session.execute(delete(JournalEntry).where(JournalEntry.id == ids[0]))
    db.session.execute(delete(JournalLink).where(JournalLink.entry_id == ids[0]))


def _change_link(ids: list[int]) -> None:
    db.session.execute(update(JournalLink).where(JournalLink.entry_id == ids[2]).values(hash="f" * 64))


def _swap_entries(ids: list[int]) -> None:
    db.session.execute(update(JournalLink).where(JournalLink.entry_id == ids[1]).values(entry_id=-1))
    db.session.execute(update(JournalLink).where(JournalLink.entry_id == ids[2]).values(entry_id=ids[1]))
    db.session.execute(update(JournalLink).where(JournalLink.entry_id == -1).values(entry_id=ids[2]))


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_change_entry, "link 3 does not hold"),
        (_change_json, "link 3 does not hold"),
        (_change_moment, "link 3 does not hold"),
        (_remove_entry, "of link 3 was removed"),
        (_remove_with_link, "link 3 was removed"),
        (_remove_first, "link 1 was removed"),
        (_change_link, "link 3 does not hold"),
        (_swap_entries, "link 2 does not hold"),
    ],
)
def test_the_first_broken_link_is_named(app: Flask, tamper: Callable[[list[int]], None], said: str) -> None:
    ids = write()
    journal_chain.seal()
    with tampering():
        tamper(ids)
    assert said in journal_chain.verify().wrong


def test_an_entry_slipped_in_among_old_ones_is_found(app: Flask) -> None:
    ids = write()
    with tampering():
        _remove_entry(ids)
    journal_chain.seal()
    backdate(2 * journal_chain.OPEN_AT_MOST)
    with transaction():
        db.session.execute(insert(JournalEntry).values(
            id=ids[2], at=clock.now(), action="faux", subject_type="essai", subject_id="", reason="",
        ))  # fmt: skip
    assert journal_chain.seal() == 0
    assert journal_chain.verify().wrong == f"entry {ids[2]} was slipped in, or its link taken away"


def test_a_tail_without_its_links_is_found_by_its_age(app: Flask) -> None:
    write()
    journal_chain.seal()
    with transaction():
        db.session.execute(insert(JournalEntry).values(
            at=clock.now() - 2 * journal_chain.UNSEALED, action="vieux", subject_type="essai", subject_id="", reason="",
        ))  # fmt: skip
    assert "has had no link for too long" in journal_chain.verify().wrong


def test_a_tail_cut_off_with_its_links_is_found_by_the_head_written_down(app: Flask) -> None:
    ids = write()
    journal_chain.seal()
    head = journal_chain.verify().head
    with tampering():
        db.session.execute(delete(JournalEntry).where(JournalEntry.id >= ids[3]))
        db.session.execute(delete(JournalLink).where(JournalLink.position >= 4))
    assert journal_chain.verify().wrong == ""
    assert "the tail is cut off" in journal_chain.verify(head).wrong
    write()
    journal_chain.seal()
    assert "another hash" in journal_chain.verify(head).wrong


def _aged(years: tuple[int, ...]) -> None:
    """Write and seal an entry of each year."""
    with transaction():
        for year in years:
            db.session.add(JournalEntry(
                at=datetime(year, 12, 31, 22, 59, tzinfo=UTC), action="essai.fait", subject_type="essai", subject_id="x",
            ))  # fmt: skip
    journal_chain.seal()


def test_whole_years_go_after_six_and_the_chain_goes_on_from_a_checkpoint(app: Flask) -> None:
    """Today is 10 January 2022: what was written up to 31 December 2015 in Paris may go."""
    _aged((2014, 2015, 2015, 2016, 2021))
    before = journal_chain.verify()
    assert purge.purge(dry_run=True).journal == 3
    assert count(JournalEntry) == 5
    assert purge.purge().journal == 3
    assert purge.purge().journal == 0
    assert (count(JournalEntry), count(JournalLink)) == (2, 2)
    checkpoint = db.session.execute(select(JournalCheckpoint)).scalar_one()
    assert (checkpoint.position, checkpoint.year, checkpoint.entries) == (3, 2015, 3)
    write()
    journal_chain.seal()
    after = journal_chain.verify(before.head)
    assert (after.wrong, after.links, after.position) == ("", 7, 10)
    with tampering():
        db.session.execute(delete(JournalLink).where(JournalLink.position == 4))
    assert journal_chain.verify().wrong == "link 4 was removed"


def test_everything_may_go_and_the_chain_still_goes_on(app: Flask) -> None:
    _aged((2014, 2015))
    assert purge.purge().journal == 2
    write(1)
    journal_chain.seal()
    assert db.session.execute(select(JournalLink.position)).scalar_one() == 3
    assert journal_chain.verify().wrong == ""


def test_an_entry_sealed_after_one_of_a_later_year_waits(app: Flask) -> None:
    _aged((2014, 2016, 2015))
    assert purge.purge().journal == 1


def test_a_broken_chain_is_not_purged(app: Flask) -> None:
    _aged((2014, 2015, 2021))
    with tampering():
        db.session.execute(update(JournalEntry).values(reason="autre"))
    with pytest.raises(journal_chain.ChainBroken, match="link 1"):
        purge.purge()
    assert count(JournalEntry) == 3


def test_a_checkpoint_over_years_that_are_to_be_kept_is_found(app: Flask) -> None:
    _aged((2021, 2021))
    head = journal_chain.verify().hash
    with transaction():
        db.session.add(JournalCheckpoint(position=2, hash=head, year=2021, entries=2, made_at=clock.machine_now()))
    with transaction():
        db.session.execute(delete(JournalEntry))
        db.session.execute(delete(JournalLink))
    assert "covers 2021, which is to be kept" in journal_chain.verify().wrong


def test_the_commands_say_and_answer(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    ids = write()
    assert run(args=["journal", "seal"]).output.endswith("5 entries sealed\n")
    good = run(args=["journal", "verify"])
    assert good.exit_code == 0
    assert "The chain holds: 5 links, 0 entries to be sealed, head 5:" in good.output
    assert run(args=["journal", "verify", "--head", "abc"]).exit_code == 2
    with tampering():
        _change_entry(ids)
    bad = run(args=["journal", "verify"])
    assert bad.exit_code == 1
    assert "BROKEN: link 3 does not hold" in bad.output
    assert run(args=["purge"]).exit_code == 0


@pytest.mark.parametrize("backend_name", ["postgresql-role"])
def test_the_application_s_role_seals_and_verifies_but_cannot_purge(app: Flask) -> None:
    actor.be(actor.PROGRAM)
    _aged((2014, 2015))
    assert journal_chain.verify().links == 2
    with pytest.raises(DatabaseError, match="permission denied"):
        journal_chain.purge_years()
    db.session.rollback()
    assert count(JournalEntry) == 2
