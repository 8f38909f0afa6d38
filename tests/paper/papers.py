"""Documents of every kind and shape, from chance: names of every script, one line or hundreds, minors, modules, long texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

from app.services.contracts import pdf as contract_pdf
from app.services.documents.pages import render_certificate, render_recap
from app.services.invoicing import files
from app.services.registration import slips_pdf
from app.services.registration.receipt_fates import Fate, Standing
from app.services.registration.receipt_trace import LeftOut, Trace
from app.services.registration.receipts import Note, Receipt, ReceiptLine, Slip
from app.services.reporting import receipt_pdf
from app.services.seal import sealing
from tests.documents.test_pages import CERTIFICATE, MINOR, RECAP
from tests.invoicing import contents

AT = datetime(2026, 11, 3, 2, 4, 5, tzinfo=UTC)
NOTICE = "Scellé par l’« Autorité de démonstration » : document sans valeur légale."
#: First and last sign of what names and free texts are made of.
SCRIPTS = (
    "AZ", "az", "Àÿ", "Āſ", "Ḁỿ", "ɐʯ", "Αω", "Ая", "აჰ", "Աֆ", "اي", "את", "一丿", "가각", "कह", "กฮ", "𝔄𝔷", "😀😏",
)  # fmt: skip
_SIGNS = "<b>&amp;{number}%\\()[]'\"/"


class Paper(NamedTuple):
    """A document as it is handed out, and texts that must be read of it, each whole."""

    kind: str
    content: bytes
    values: tuple[str, ...]


def paper(chance: Random) -> Paper:
    """Return a document of any kind; within a context that seals."""
    return chance.choice(MAKERS)(chance)


def name(chance: Random, longest: int = 60, scripts: tuple[str, ...] = SCRIPTS) -> str:
    """Return words of one script or two, of one to so many signs."""
    length = chance.choice((1, 2, 8, 20, longest)) if longest > 20 else longest
    script = [chance.choice(scripts) for _ in range(2)]
    signs = [chr(chance.randint(*map(ord, chance.choice(script)))) for _ in range(length)]
    signs = [sign if sign.isprintable() and not sign.isspace() else "A" for sign in signs]
    for at in range(3, length - 3, chance.randint(4, 30)):
        signs[at] = chance.choice((" ", "-", "e\u0301"[1], "'"))
    if chance.random() < 0.1:
        signs[1:1] = _SIGNS
    return "".join(signs)[:longest].strip()


def _person(chance: Random) -> dict[str, Any]:
    return {
        "last_name": name(chance),
        "first_name": name(chance),
        "birth_date": date(1950, 1, 1) + timedelta(chance.randrange(20_000)),
        "permit_number": "".join(chance.choices("0123456789ABCDEF", k=chance.randint(9, 16))),
        "training_label": name(chance, 120),
        "centre_name": name(chance, chance.choice((30, 160))),
        "accreditation_number": name(chance, 40, ("AZ", "09")),
        "sealed_by": chance.choice(("", NOTICE)),
    }


def certificate(chance: Random) -> Paper:
    """Return a sealed certificate, some of a minor."""
    person = _person(chance)
    address = f"https://{'registre' * chance.choice((1, 1, 6))}.example/verifier/{chance.randrange(10**8):08d}"
    content = render_certificate(replace(chance.choice((CERTIFICATE, MINOR)), **person, verify_url=address))
    return Paper("certificate", sealing.seal(content), (*_texts(person), address))


def recap(chance: Random) -> Paper:
    """Return a sealed récapitulatif, with and without hours and code."""
    person = _person(chance)
    shape = {"hours": chance.choice((None, 7, 35)), "verify_url": chance.choice((None, RECAP.verify_url))}
    authority = name(chance, 120)
    data = replace(RECAP, **person, **shape, accreditation_authority=authority)  # type: ignore[arg-type]
    values = [value for value in _texts(person) if value != person["accreditation_number"]]
    told = f"{person['accreditation_number']} ({authority})"
    return Paper("recap", sealing.seal(render_recap(data)), (*values, told))


def _texts(person: dict[str, Any]) -> tuple[str, ...]:
    return tuple(value for value in person.values() if isinstance(value, str) and value and value != NOTICE)


def contract(chance: Random) -> Paper:
    """Return a sealed contract of one page to some twenty."""
    centre, signer = name(chance, 160).lstrip("#- ") or "Centre", name(chance, 121)
    lines = ["# Contrat de service", f"et le centre {centre}, ci-après « le centre »."]
    for at in range(chance.choice((1, 6, 40))):
        lines += [
            f"## Article {at + 1}",
            "Le centre enregistre les formations qu’il a dispensées. " * chance.randint(1, 12),
        ]
        lines += [f"- point {name(chance, 90)}" for _ in range(chance.choice((0, 1, 4)))]
    signed = SimpleNamespace(
        version="3",
        id=chance.randrange(10**6),
        text="\n".join(lines),
        signed_at=chance.choice((AT, None)),
        signed_on=AT.date(),
        signer_name=signer,
        signer_quality="gérante",
        text_sha256="a1" * 32,
    )
    content = contract_pdf.render(signed)  # type: ignore[arg-type]
    return Paper("contract", sealing.seal(content), (centre, signer, "a1" * 32))


def invoice(chance: Random) -> Paper:
    """Return a sealed invoice or credit note, of one line to hundreds, with and without annex."""
    sold = [
        (name(chance, 60), chance.randint(1, 9), contents.FCO + at, contents.NORMAL) for at in range(_count(chance))
    ]
    buyer = replace(contents.BUYER, name=name(chance, 160), street=name(chance, 60), vat_number="")
    changed = {"buyer": buyer, "order_number": name(chance, 50)}
    make = chance.choice((contents.invoice, contents.credit_note, contents.public))
    content = make(sold, **changed)
    rows = contents.details(content, chance.choice((None, None, 1, 300)))
    made = files.make(content, rows if chance.random() < 0.8 else [], AT)
    return Paper("invoice", made, (content.number, buyer.name, content.order_number, *(label for label, *_ in sold)))


def receipt(chance: Random) -> Paper:
    """Return a receipt of one line to hundreds, some cancelled, some withheld; it bears no seal."""
    label, several = name(chance, 120), chance.random() < 0.3
    lines = [_receipt_line(chance, at, label) for at in range(1, _count(chance) + 1)]
    batch = SimpleNamespace(
        receipt_number="RE-26-AAAAA-BBBBB",
        centre=SimpleNamespace(name=name(chance, 160), siret="12345678200010"),
        registered_by=SimpleNamespace(full_name=name(chance, 121)),
        registered_at=AT,
        mode="manual",
        summary={"lines": len(lines) + 1},
    )
    quote = SimpleNamespace(
        lines=len(lines), rows=[1, 2], total=Decimal("25.34"), totals=SimpleNamespace(gross=Decimal("30.41"))
    )
    trainings = [(label, AT.date()), ("FCO", AT.date())][: 2 if several else 1]
    trace = Trace(trainings, [name(chance, 50)], ["REF"], [LeftOut(3, name(chance, 60), 2)])
    standing = Standing({Fate.SENT: len(lines)}, len(lines), len(lines), 0)
    told = Receipt(batch, quote, lines, 1, 1, standing, 0, trace, grouped=False)  # type: ignore[arg-type]
    people = [f"{one.registration.last_name} {one.registration.first_name}" for one in lines]
    return Paper("receipt", receipt_pdf.render(told, AT), (batch.centre.name, *people))


def _receipt_line(chance: Random, at: int, label: str) -> ReceiptLine:
    one = SimpleNamespace(
        line_number=at,
        last_name=name(chance),
        first_name=name(chance),
        identity=SimpleNamespace(birth_date=date(1990, 1, 1), permit_number="850492100123"),
        training=SimpleNamespace(full_label=label),
        end_date=AT.date(),
    )
    note = Note(AT.date(), "Erreur", "k", "RE-26-CCCCC-DDDDD") if chance.random() < 0.1 else None
    fate = chance.choice((Fate.SENT, Fate.WITHHELD))
    return ReceiptLine(one, fate, AT, note=note)  # type: ignore[arg-type]


def slips(chance: Random) -> Paper:
    """Return slips for one trainee to hundreds; they bear no seal."""
    handed = [Slip(f"{name(chance)} {name(chance)}", f"AAAA-{at:04d}") for at in range(_count(chance))]
    centre = name(chance, 160)
    content = slips_pdf.render(handed, centre, "RE-26-AAAAA-BBBBB", AT)
    return Paper("slips", content, tuple(text for slip in handed for text in (slip.name, slip.code)))


def _count(chance: Random) -> int:
    """Return how many lines: few mostly, 300 now and then."""
    return chance.choice((1, 1, 2, 3, 8, 9, 30, chance.choice((60, 300))))


MAKERS: tuple[Callable[[Random], Paper], ...] = (
    certificate, certificate, certificate, recap, recap, recap, contract, invoice, invoice, receipt, slips,
)  # fmt: skip
