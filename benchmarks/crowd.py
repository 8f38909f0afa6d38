"""A country's worth of registrations, made quickly: what lists, searches and dashboards are measured on. All invented."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, chain
from random import Random
from typing import Any

from flask_appbuilder.security.sqla.models import Role, assoc_user_role
from sqlalchemy import func, select, text

from app import roles
from app.extensions import db
from app.models import (
    Accreditation,
    Batch,
    BatchLine,
    Centre,
    Document,
    Driver,
    ImportFile,
    JournalEntry,
    Mail,
    Person,
    Registration,
    ServiceContract,
    Training,
    accreditation_training,
)  # fmt: skip
from app.models.search import search_key
from app.services.core import bulk, clock
from app.services.core.numbers import ALPHABET
from app.validators.validity import CERTIFICATE_MONTHS, RECAP_YEARS, add_months

from . import crowd_sql

#: What invented names are put together from.
STARTS = "MAR DU LE BER MO PE RO BEL GAR FA LAM BON VIN HEN CHE GI RE DA POI SAN FER LO TES GOU BRU CAR LEM DEL VA COL"
MIDDLES = "TI PON RO NAR REAU GE LAN CHE VRE BER NE CE RI VA RAR NAU VI RIE TO NAN PE SSI GI DI AI LA LLE GO"
ENDS = "N T D S RE UX RD LT ER AU ET ON IN EZ IER ARD OUX EAU IS AND"
FIRST = (
    "Jean Marie Pierre Anne Michel Sophie Luc Claire Paul Julie Yann Léa Hugo Inès Marc Nadia Karim Élise Noé Zoé Ali "
    "Eva Tom Lola Rémi Jade Omar Nina Axel Aya Gaël Maël Théo Lina Adam Rose Léo Anna Éric Maud"
)


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each, over how many years up to today, and lines of a batch; ``evenly``: each centre has as many batches."""

    centres: int = 600
    drivers: int = 150_000
    registrations: int = 1_000_000
    years: int = 4
    lines: int = 50
    evenly: bool = False


def fill(size: Size, progress: Callable[[str], None] = lambda _: None) -> None:
    """Fill a migrated base that holds the demonstration data; a twentieth of all is its first centre's."""
    crowd = _Crowd(size)
    on_postgresql = db.engine.dialect.name == "postgresql"
    with crowd_sql.quickly() if on_postgresql else nullcontext():
        parts = [crowd.tables(), crowd.registered()]
        if not on_postgresql:
            parts = [crowd.tables(), crowd.lines(), crowd.registered(), crowd.following()]
        for table, columns, rows in chain.from_iterable(parts):
            progress(table.name)
            bulk.insert_rows(table, columns, rows)
        if on_postgresql:
            crowd_sql.write_following(crowd.first[Registration], crowd.first[Document], crowd.today, progress)
    db.session.commit()
    progress("statistics")
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE"))


Table = tuple[Any, tuple[str, ...], Iterator[tuple[Any, ...]]]


class _Crowd:
    """The rows, table by table, in the order of their foreign keys; ids are given out here."""

    def __init__(self, size: Size) -> None:
        self.size, self.random = size, Random(2022)
        self.today = clock.today()
        self.trainings = list(db.session.execute(select(Training).order_by(Training.id)).scalars())
        self.long = [one.id for one in self.trainings if not one.is_module]
        self.person = db.session.scalar(select(Person.id).where(Person.username == "gestionnaire@demo.example"))
        self.demo = db.session.scalar(select(Centre.id).where(Centre.siret == "12345678200010")) or 1
        models = (Person, Centre, Accreditation, Driver, Batch, Registration, Document)
        self.first = {model: (db.session.scalar(select(func.max(model.id))) or 0) + 1 for model in models}
        self.centres = [self.demo, *range(self.first[Centre], self.first[Centre] + size.centres)]
        self.accreditations = dict(zip(self.centres[1:], range(self.first[Accreditation], 2**31), strict=False))
        own = select(func.min(Accreditation.id)).where(Accreditation.centre_id == self.demo)
        self.accreditations[self.demo] = db.session.scalar(own) or 1
        self.batches = max(1, size.registrations // self.size.lines)
        weights = [size.centres / 19, *(1 / (1 + at / 40) for at in range(size.centres))]
        shares = sum(weights[1:])
        weights = [1 / 19, *(weight / shares for weight in weights[1:])]
        self.owners = self.random.choices(self.centres, cum_weights=list(accumulate(weights)), k=self.batches)
        if size.evenly:
            self.owners = [self.centres[1 + at % size.centres] for at in range(self.batches)]
        self.names = [self._name() for _ in range(size.drivers)]

    def _name(self) -> tuple[str, str]:
        last = "".join(self.random.choice(parts.split()) for parts in (STARTS, MIDDLES, ENDS))
        if self.random.random() < 0.08:
            last += "-" + self.random.choice(STARTS.split()) + "T"
        return last, self.random.choice(FIRST.split())

    def _day(self, batch: int) -> date:
        return self.today - timedelta(days=int(self.size.years * 365 * (1 - (batch + 1) / self.batches)))

    def _moment(self, batch: int) -> str:
        return datetime.combine(self._day(batch), datetime.min.time(), UTC).replace(hour=9).isoformat(sep=" ")

    @staticmethod
    def _order(batch: int) -> str:
        return f"CMD-{batch // 20:06d}"

    def _number(self, prefix: str, at: int) -> str:
        digits = "".join(ALPHABET[(at >> shift) & 31] for shift in range(45, -1, -5))
        return f"{prefix}-22-{digits[:5]}-{digits[5:]}"

    def tables(self) -> Iterator[Table]:
        """Yield table, columns and rows of what stands before the registrations."""
        new = self.centres[1:]
        yield Centre.__table__, ("id", "name", "siret", "address", "email", "is_public", "chorus_service"), (
            (one, f"Centre {self.names[one % len(self.names)][0].title()} {one}", f"{10**13 + one}", "1 rue du Port", "", 0, "")
            for one in new
        )  # fmt: skip
        yield ServiceContract.__table__, ("centre_id", "version", "state", "signed_on"), (
            (one, "1", "signed", "2017-01-01") for one in new
        )  # fmt: skip
        yield Accreditation.__table__, ("id", "centre_id", "authority", "number", "valid_from", "valid_to"), (
            (self.accreditations[one], one, "Préfet", f"AG-{one:06d}", "2017-01-01", None if one % 9 else "2022-03-01")
            for one in new
        )  # fmt: skip
        yield accreditation_training, ("accreditation_id", "training_id"), (
            (self.accreditations[one], training.id) for one in new for training in self.trainings
        )  # fmt: skip
        yield from self._people()

    def registered(self) -> Iterator[Table]:
        """Yield the registrations."""
        yield Registration.__table__, (
            "id", "batch_id", "line_number", "centre_id", "driver_id", "training_id", "accreditation_id", "end_date",
            "last_name", "first_name", "reference", "order_number", "price", "vat_rate", "registered_on", "withheld",
            "search_last", "search_first", "search_order",
        ), self._registrations()  # fmt: skip

    def _accounts(self) -> Iterator[Table]:
        """Yield an account for each driver but every third."""
        first, role = self.first[Person], db.session.scalar(select(Role.id).where(Role.name == roles.DRIVER))
        columns = (
            "id", "first_name", "last_name", "username", "email", "password", "active", "auth_token", "login_count",
            "fail_login_count", "search_last", "search_first", "search_email",
        )  # fmt: skip
        yield Person.__table__, columns, (
            (first + at, name, last, mail, mail, "", 1, f"crowd-{at}", 0, 0, *map(search_key, (last, name, mail)))
            for at, (last, name) in enumerate(self.names) if at % 3
            for mail in (f"{search_key(last).replace(' ', '-')}.{at}@exemple.fr",)
        )  # fmt: skip
        first_role = (db.session.scalar(select(func.max(assoc_user_role.c.id))) or 0) + 1
        yield assoc_user_role, ("id", "user_id", "role_id"), (
            (first_role + at, first + at, role) for at in range(len(self.names)) if at % 3
        )  # fmt: skip

    def _people(self) -> Iterator[Table]:
        yield from self._accounts()
        first, person = self.first[Driver], self.first[Person]
        born = date(1960, 1, 1)
        columns = (
            "id", "birth_date", "permit_number", "last_name", "first_name", "search_last", "search_first", "person_id",
        )  # fmt: skip
        yield Driver.__table__, columns, (
            (first + at, (born + timedelta(days=at % 15_000)).isoformat(), f"{10**11 + at * 7919 % (9 * 10**11)}",
             last, name, search_key(last), search_key(name), person + at if at % 3 else None)
            for at, (last, name) in enumerate(self.names)
        )  # fmt: skip
        columns = (
            "id", "key", "centre_id", "created_by_id", "mode", "state", "created_at", "updated_at", "version",
            "next_number", "checked_version", "checked_at", "summary", "registered_at", "registered_by_id", "receipt_number",
        )  # fmt: skip
        kinds = '{"lines": 50, "errors": 0, "informations": 9, "kept": 50, "kinds": {"no_account": 8, "account_differs": 1}}'
        yield Batch.__table__, columns, (
            (self.first[Batch] + at, f"{at:016x}", self.owners[at], self.person, ("manual", "file", "file", "api")[at % 4],
             "registered", when, when, 1, self.size.lines + 1, 1, when, kinds, when, self.person, self._number("RE", at))
            for at in range(self.batches) for when in (self._moment(at),)
        )  # fmt: skip
        yield ImportFile.__table__, ("batch_id", "name", "size", "sha256", "phase", "done", "total", "header_row", "sheet"), (
            (self.first[Batch] + at, f"sessions-{at}.xlsx", 9_000, f"{at:064x}", "storing", 50, 50, 1, "Sessions")
            for at in range(self.batches) if at % 4 in (1, 2)
        )  # fmt: skip
        journal = ("at", "actor_id", "centre_id", "action", "subject_type", "subject_id", "after", "reason")
        yield JournalEntry.__table__, journal, (
            (self._moment(at), self.person, self.owners[at], act, "batch", str(self.first[Batch] + at), after, "")
            for at in range(self.batches)
            for act, after in (("batch.started", None), ("batch.registered", '{"registrations": 50}'))
        )  # fmt: skip

    def _lines(self) -> Iterator[tuple[int, int, int, tuple[str, str], int]]:
        """Yield batch, line, driver, names and training of each registration."""
        drivers, ids = len(self.names), self.first[Driver]
        random = Random(7)
        for batch in range(self.batches):
            training = random.choice(self.long)
            for line in range(1, self.size.lines + 1):
                at = random.randrange(drivers)
                yield batch, line, ids + at, self.names[at], training

    def lines(self) -> Iterator[Table]:
        """Yield the lines that registrations were made of; on PostgreSQL the base writes them itself (`crowd_sql`)."""
        yield BatchLine.__table__, (
            "batch_id", "number", "reference", "order_number", "training_label", "category", "end_date", "first_name",
            "last_name", "birth_date", "permit_number", "rank", "remarks", "not_text", "group_key", "set_aside",
        ), (
            (self.first[Batch] + batch, line, "", "", "", "", "", name, last, "", "", 2, "", "", "", 0)
            for batch, line, _, (last, name), _ in self._lines()
        )  # fmt: skip

    def following(self) -> Iterator[Table]:
        """Yield what follows from registrations; on PostgreSQL the base writes it itself (`crowd_sql`)."""
        total = self.batches * self.size.lines
        columns = (
            "id", "registration_id", "kind", "number", "state", "established_on", "valid_from", "valid_until", "path",
            "sha256", "size", "purged_at",
        )  # fmt: skip
        yield Document.__table__, columns, self._documents(total)
        columns = ("kind", "registration_id", "values", "sequence", "recipient", "message_id", "state", "created_at")
        yield Mail.__table__, columns, (
            ("certificate", self.first[Registration] + at, "{}", 1, "x@demo.example", f"<{at}@crowd>",
             "refused" if at % 2_000 == 0 else "sent", self._moment(at // self.size.lines))
            for at in range(0, total, 4)
        )  # fmt: skip

    def _documents(self, total: int) -> Iterator[tuple[Any, ...]]:
        """Yield two documents a registration: the last not drawn yet, certificates gone that ended before yesterday."""
        kinds = (("recap", "RF", 12 * RECAP_YEARS), ("certificate", "CQ", CERTIFICATE_MONTHS))
        for at in range(total):
            day = self._day(at // self.size.lines)
            for place, (kind, prefix, months) in enumerate(kinds):
                until = add_months(day, months)
                is_gone = until < self.today - timedelta(days=1)
                state = "pending" if at >= total - 200 else "purged" if is_gone else "available"
                yield (
                    self.first[Document] + 2 * at + place, self.first[Registration] + at, kind, self._number(prefix, at),
                    state, day.isoformat(), day.isoformat(), until.isoformat(), None if is_gone else f"{at}.pdf", "0" * 64,
                    40_000, f"{until.isoformat()} 03:00:00+00:00" if is_gone else None,
                )  # fmt: skip

    def _registrations(self) -> Iterator[tuple[Any, ...]]:
        first = self.first[Registration]
        for at, (batch, line, driver, (last, name), training) in enumerate(self._lines()):
            centre, order = self.owners[batch], self._order(batch)
            day = self._day(batch).isoformat()
            yield (
                first + at, self.first[Batch] + batch, line, centre, driver, training, self.accreditations[centre], day,
                last, name, "", order, 2534, 2000, day, int(at % 5_000 == 0), search_key(last), search_key(name),
                search_key(order),
            )  # fmt: skip
