"""No line breaks at a French mark, on any screen, in any mail or document; and what people typed keeps its spaces.

The screens are those of the access table, as everybody who may see them, with the states of `tests/e2e/test_every_screen.py`;
each form is sent as the table sends it, and empty. What fails here came round the templates: see `app/french/templates.py`.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_mail import Message
from reportlab.pdfbase.ttfonts import TTFont
from sqlalchemy import func, select, text, update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.extensions import db
from app.french.spaces import WIDE, no_break, plain
from app.french.templates import Place
from app.models import (
    AccountLink,
    BillingProfile,
    Cancellation,
    Driver,
    IdentityCorrection,
    Invoice,
    InvoiceEvent,
    Mail,
    MemberInvitation,
    Membership,
    MembershipRight,
    TrainerCancellation,
)
from app.models.outbox import MAIL_SENT
from app.models.sign_up import ADDRESS, CONFIRM, RESET
from app.services.core import actor, clock
from app.services.notifications import mail
from app.services.payments import dunning_mail
from app.services.reminders import choices
from tests.e2e.test_every_screen import NOBODY, STATES, _states
from tests.support import centre_id, drain, person_id

from . import access, everybody
from .rows import Rows, body_of, make_rows
from .spaces import TYPED, breaks, touched, words_of

#: Who is asked for a page; the rest see what one of these sees.
EYES = ("anonymous", "driver", "manager", "no-right", "legal", "agent")
#: Mails that nothing but a night makes due: `tests/reminders` reads each of them.
REMINDERS = {choices.CARD, choices.FCO, choices.ACCREDITATION, choices.WAITING, choices.MONTH}
#: What each kind of document says: récapitulatif, certificate, contract, receipt, slip.
DOCUMENTS = (
    "Disponible dans l’espace personnel", "Certificat de qualification", "Empreinte SHA-256 du texte signé :", "État au ",
    "À remettre au stagiaire",
)  # fmt: skip
#: Columns that people fill: what a row of a screen shows of them is theirs.
FILLED = {
    "registration": ("reference", "order_number"), "batch_line": ("reference", "order_number"),
    "centre": ("name", "address"), "api_key": ("name",), "correction_request": ("reason", "answer"),
    "error_report": ("text", "answer"), "decision": ("reason",), "import_file": ("name", "sheet"),
    "driver_merge": ("reason", "undone_reason"), "identity_correction": ("reason",), "cancellation": ("reason",),
    "trainer": ("reference", "order_number"), "trainer_cancellation": ("reason", "answer"),
    "service_contract": ("reason", "signer_name"), "suspension": ("reason",), "document": ("revoked_reason",),
    "card_request": ("street", "address_extra"), "card_event": ("reason",), "accreditation": ("authority",),
    "billing_profile": ("name", "street"), "invoice": ("order_number", "held_reason"), "identity_check": ("reason",),
}  # fmt: skip
#: A text of a script that holds a plain space where a no-break one belongs.
SAID = re.compile(r"""(["'`])[^"'`()=]*([a-zà-ÿ}o] [:;?!»]|« )[^"'`()=]*\1""")


@dataclass
class World:
    """A base with a row of each kind, everybody's cookie, and each mail that has been made so far."""

    app: Flask
    rows: Rows
    file: Path
    base: everybody.Base
    cookies: dict[str, str]
    mails: list[tuple[str, Message]]
    #: What has been drawn in PDFs, line by line. What is read out of a PDF does not tell a no-break space from another.
    drawn: list[str]

    def asked(self, method: str) -> Iterator[tuple[Rule, str]]:
        """Give each address that answers a method with something else than a refusal, and who asks."""
        rules = {rule.endpoint: rule for rule in self.app.url_map.iter_rules() if method in (rule.methods or ())}
        columns = list(everybody.PEOPLE)
        for line in access.SCREENS.read().values():
            endpoint, how, *answers = line.split()
            if how == method:
                for who in EYES:
                    if answers[columns.index(who)] in ("200", "302", "422", access.REFUSED):
                        yield rules[endpoint], who

    def open(self, address: str, who: str, **sent: Any) -> TestResponse:
        """Ask for an address as somebody; led on, see where to."""
        self.base.restore()
        client = self.app.test_client()
        client.reads_plain = False  # type: ignore[attr-defined]
        if self.cookies[who]:
            client.set_cookie("session", self.cookies[who].partition("=")[2])
        return client.open(address, **{"follow_redirects": True, **sent})

    def url(self, rule: Rule) -> str:
        """Return the address of a rule with the rows it names."""
        with self.app.test_request_context():
            return self.rows.url(rule)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Make the base, and note every mail from the first on."""
    made: list[tuple[str, Message]] = []
    drawn: list[str] = []
    plain_message, plain_split = mail._message, TTFont.splitString

    def noted(row: Mail) -> Message:
        made.append((row.kind, plain_message(row)))
        return made[-1][1]

    def split(font: TTFont, line: str | bytes, *rest: Any) -> Any:
        drawn.append(line.decode() if isinstance(line, bytes) else line)
        return plain_split(font, line, *rest)

    with (
        pytest.MonkeyPatch.context() as patch,
        everybody.demonstration(tmp_path_factory.mktemp("spaces")) as (app, file),
    ):
        patch.setattr(mail, "_message", noted)
        patch.setattr(TTFont, "splitString", split)
        actor.be(actor.PROGRAM)
        rows = make_rows(app)
        rows.named |= _states()
        drain()
        everybody.grant_all()
        cookies = {who: everybody.sign_in(app, everybody.PEOPLE[who]) for who in EYES}
        db.session.remove()
        yield World(app, rows, file, everybody.Base(file), cookies, made, drawn)


def said_by(answer: TestResponse) -> str:
    """Return what an answer says to people: a page, or one within an archive; documents are looked at as they are drawn."""
    if answer.mimetype == "text/html":
        return words_of(answer.text)
    if answer.mimetype == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            return "\n".join(words_of(archive.read(n).decode()) for n in archive.namelist() if n.endswith(".html"))
    return ""


def pages(world: World) -> Iterator[tuple[str, TestResponse]]:
    """Give every page and file of every person, lists without a row as well, and the states beside the table."""
    for rule, who in world.asked("GET"):
        asked = body_of(rule.endpoint, "GET", world.rows)
        yield f"{rule.endpoint} ({who})", world.open(world.url(rule), who, **asked)
        if rule.endpoint.endswith(".list"):
            nobody = NOBODY.get(rule.endpoint, "_flt_0_words=zzz")
            yield f"{rule.endpoint} without a row ({who})", world.open(f"{world.url(rule)}?{nobody}", who)
    for who, addresses in STATES.items():
        for address in addresses:
            yield f"{address} ({who})", world.open(address.format_map(world.rows.named), who)


@pytest.fixture(scope="module")
def shown(world: World) -> list[tuple[str, str, str]]:
    """Give each page and file: its name and who sees it, its type, what it says."""
    return [(name, answer.mimetype, said_by(answer)) for name, answer in pages(world)]


def test_no_line_of_a_screen_or_a_document_breaks_at_a_mark(world: World, shown: list[tuple[str, str, str]]) -> None:
    found = {f"{name}: … {words} …" for name, _, said in shown for words in breaks(said)}
    lines = "\n".join(world.drawn).replace(f"\n{WIDE}\n", WIDE)  # xhtml2pdf draws one by itself
    found |= {f"a document: … {words} …" for words in breaks(lines)}
    assert not found, "\n" + "\n".join(sorted(found))
    assert len(shown) > 300
    assert {"text/html", "application/pdf", "application/zip"} <= {kind for _, kind, _ in shown}
    assert not [said for said in DOCUMENTS if said not in plain(lines)]


def test_no_private_person_is_shown_a_price_without_its_vat(shown: list[tuple[str, str, str]]) -> None:
    """Drivers, trainers who pay their own fee, whoever is not signed in: what excludes VAT stands beside what includes it."""
    private = [(name, said) for name, _, said in shown if name.endswith(("(driver)", "(anonymous)"))]
    priced = [name for name, said in private if re.search(r"\bHT(?![A-Za-z])|hors taxe", said)]
    assert [name for name in priced if name.startswith("CardRequestView")]
    assert not [name for name, said in private if name in priced and "TTC" not in said]


def say_the_rest(world: World) -> None:
    """Send the mails of the kinds that no form has led to, each worked out from rows that tell enough."""
    world.base.restore()
    holder = person_id(everybody.PEOPLE["driver"])
    driver = db.session.scalars(select(Driver).where(Driver.person_id == holder)).one()
    corrected = IdentityCorrection(
        driver_id=driver.id, kind="error", reason="Faute de frappe", at=clock.now(), by_id=person_id(everybody.PEOPLE["agent"]),
        last_name="MARTN", first_name=driver.first_name, birth_date=driver.birth_date, permit_number=driver.permit_number,
        after={"last_name": "MARTIN", "first_name": driver.first_name, "birth_date": driver.birth_date.isoformat(),
               "permit_number": driver.permit_number},
    )  # fmt: skip
    ended = TrainerCancellation(
        trainer_id=world.rows.named["trainer_id"], reason_code="duplicate", asked_by_id=person_id(), asked_at=clock.now(),
        state="refused", answer="Pièce illisible",
    )  # fmt: skip
    db.session.add_all([corrected, ended])
    db.session.execute(update(BillingProfile).values(e_address=""))
    db.session.execute(update(Invoice).where(Invoice.state == "draft").values(held_reason="Adresse non renseignée"))
    db.session.flush()
    told = {
        "person": holder, "merge": world.rows.named["merger"], "centre": centre_id(), "order": "COM1", "share": 80,
        "correction": corrected.id, "cancellation": ended.id,
        "document": world.rows.named["document"],
        "mail": db.session.scalar(select(Mail.id).where(Mail.state == MAIL_SENT)),
    }  # fmt: skip
    event = _contested()
    of_kind = {
        **{kind: {"dunning": world.rows.named["dunning"]} for kind in dunning_mail.KINDS.values()},
        "invoice_refused": {"invoice": event.invoice_id, "code": "210", "reason": "CMD_ERR"},
        "invoice_contested": {"event": event.id},
        "agent_act": {"cancellation": _cancelled(world.rows.named["registration"])},
        "member_joined": {"invitation": _joined(), "granted": [], "left": ["invoices"]},
        "rights_changed": {"granted": list(db.session.scalars(select(MembershipRight.id).limit(1))), "withdrawn": []},
    }
    told |= {"to": person_id(), "right": "invoices", "membership": db.session.scalar(select(func.min(Membership.id)))}
    links = dict(db.session.execute(select(AccountLink.kind, AccountLink.nonce)).tuples().all())
    for kind in mail.KINDS.keys() - REMINDERS - {kind for kind, _ in world.mails}:
        link = links[{"reset": RESET, "address_link": ADDRESS}.get(kind, CONFIRM)]
        about = world.rows.named["registration"] if kind in ("invitation", "cancelled") else None
        mail.make_due(
            kind, f"{kind}@exemple.fr", {**told, "link": link, **of_kind.get(kind, {})}, registration_id=about
        )
    db.session.commit()
    drain()


def _cancelled(registration_id: int) -> int:
    """Return the cancellation of a registration, made where there is none."""
    found = db.session.scalar(select(Cancellation.id).where(Cancellation.registration_id == registration_id))
    if found is None:
        row = Cancellation(
            registration_id=registration_id, kind="cancelled", reason_code="duplicate", asked_by_id=person_id(),
            at=clock.now(), effects={},
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        found = row.id
    return found


def _contested() -> InvoiceEvent:
    """Return an agent's answer to the refusal of an invoice."""
    event = InvoiceEvent(
        invoice_id=db.session.scalar(select(Invoice.id).where(Invoice.state == "issued")), code="contested",
        happened_at=clock.now(), received_at=clock.now(), text="La commande existe.", platform="register",
        platform_event_id="contested", by_id=person_id("agent@demo.example"),
    )  # fmt: skip
    db.session.add(event)
    db.session.flush()
    return event


def _joined() -> int:
    """Return an invitation to a centre that somebody has accepted."""
    row = db.session.scalars(select(MemberInvitation).limit(1)).one()
    row.accepted_by_id = person_id()
    db.session.flush()
    return row.id


def test_no_answer_to_a_form_breaks_at_a_mark_nor_does_any_mail(world: World) -> None:
    """Of those who may send a form one does, as the table says and with nothing in it."""
    found, sent = set(), set()
    for rule, who in world.asked("POST"):
        if rule.endpoint in sent:
            continue
        sent.add(rule.endpoint)
        for body in (body_of(rule.endpoint, "POST", world.rows), {"data": {}}):
            answer = world.open(world.url(rule), who, method="POST", **body)
            drain()
            found |= {f"{rule.endpoint} ({who}): … {words} …" for words in breaks(said_by(answer))}
    assert len(sent) > 100
    say_the_rest(world)
    for kind, message in world.mails:
        for said in (str(message.subject), message.body, words_of(message.html)):
            found |= {f"mail {kind}: … {words} …" for words in breaks(said)}
    assert not found, "\n" + "\n".join(sorted(found))
    assert {kind for kind, _ in world.mails} - REMINDERS == mail.KINDS.keys() - REMINDERS


def test_what_people_typed_keeps_its_spaces(world: World) -> None:
    world.base.restore()
    for table, columns in FILLED.items():
        filled = ", ".join(f"{column} = :typed" for column in columns)
        rows = " WHERE state = 'draft'" if table == "invoice" else ""  # what is issued is never changed
        db.session.execute(text(f"UPDATE {table} SET {filled}{rows}"), {"typed": TYPED})
    db.session.commit()
    world.base = everybody.Base(world.file)
    found, shown = set(), 0
    for name, answer in pages(world):
        said = said_by(answer)
        shown += TYPED in said
        found |= {f"{name}: … {words} …" for words in touched(said)}
    assert not found, "\n" + "\n".join(sorted(found))
    assert shown > 50


def test_every_template_ends_among_its_text(app: Flask) -> None:
    """Where a template's tags are not closed in the order they stand, what is read and what is not cannot be told apart."""
    environment = app.jinja_env
    assert environment.loader is not None
    for name in environment.list_templates(extensions=["html"]):
        place = Place()
        source, *_ = environment.loader.get_source(environment, name)
        for token in environment.lexer.tokenize(source, name):
            if token.type == "data":
                place.read(token.value)
        assert (place.tag, place.quote, place.verbatim) == (None, "", ""), name


@pytest.mark.parametrize(
    ("drawn", "shown"),
    [
        (
            "<p>Vrai ? « oui » ; non : {{ a }} !</p>",
            "<p>Vrai\u202f? «\u00a0oui\u00a0»\u202f; non\u00a0: {{ a }}\u202f!</p>",
        ),
        ("<p><b>12:30</b> : {{ a }}</p>", "<p><b>12:30</b>\u00a0: {{ a }}</p>"),
        (
            '<a href="/?q=a ? b" title="Où ?" {% if a %}class="x : y"{% endif %}>',
            '<a href="/?q=a ? b" title="Où\u202f?" class="x : y">',
        ),
        (
            '<pre>{"a" : 1} {{ b }}</pre> :<script>a ? b : c</script>',
            '<pre>{"a" : 1} B : b</pre>\u00a0:<script>a ? b : c</script>',
        ),
        (
            '<input value="{{ b }}" aria-label="{{ b }}">{{ b }}',
            '<input value="B : b" aria-label="B\u00a0: b">B\u00a0: b',
        ),
        ("{{ reason }} {{ b|e }} {{ row.order_number or b }}", "R : r B : b B : b"),
        (
            "<textarea>{{ b }} : </textarea><!-- a : b -->{{ b if a }}",
            "<textarea>B : b : </textarea><!-- a : b -->B\u00a0: b",
        ),
    ],
)
def test_where_no_break_spaces_go(app: Flask, drawn: str, shown: str) -> None:
    values = {"a": "{{ a }}", "b": "B : b", "reason": "R : r", "row": {}}
    assert render_template_string(drawn, **values) == shown


def test_a_sentence_is_put_in_order_once_and_back() -> None:
    said = "« Où ? » : ici ; là ! À 12:30, https://a.example/?b"
    shown = no_break(said)
    assert shown == "«\u00a0Où\u202f?\u00a0»\u00a0: ici\u202f; là\u202f! À 12:30, https://a.example/?b"
    assert no_break(shown) == shown
    assert plain(shown) == said


def test_no_sentence_of_a_script_breaks_at_a_mark() -> None:
    for script in Path("app/static/js").glob("*.js"):
        for line in script.read_text(encoding="utf-8").splitlines():
            if not line.lstrip().startswith(("//", "*", "/*")):
                assert not SAID.search(line.partition(" // ")[0]), f"{script.name}: {line.strip()}"
