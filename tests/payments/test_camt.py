"""A statement is read in both versions, or refused in one sentence; nothing that a hostile file asks for is done."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.services.payments import camt

from .statements import DAY, OWN_IBAN, PAYER, Move, statement

D = Decimal


@pytest.mark.parametrize("version", ["02", "08"])
def test_an_entry_says_who_paid_how_much_and_for_what(version: str) -> None:
    data = statement(
        Move("91.22", said="Facture de\n   janvier", structured="RF82F2022000001", ref="BNK1", end_to_end="E2E-7"),
        Move("-12.50", said="Frais de tenue de compte", name="Banque", iban=""),
        Move("500.00", status="PDNG"),
        version=version,
    )
    [found] = camt.read(data)
    assert (found.iban, found.name, found.opened_on, found.closed_on) == (OWN_IBAN, "2022-041", DAY, DAY)
    assert (found.opening, found.closing) == (D("1000.00"), D("1078.72"))
    came, went = found.entries
    assert (came.ref, came.booked_on, came.amount, came.end_to_end) == ("BNK1", DAY, D("91.22"), "E2E-7")
    assert (came.remittance, came.debtor_name, came.debtor_iban) == (
        "RF82F2022000001 Facture de janvier",
        "CENTRE DE FORMATION DEMO",
        PAYER,
    )
    assert (went.amount, went.debtor_name, went.return_code, went.end_to_end) == (D("-12.50"), "Banque", "", "")
    assert went.ref.startswith("#")


@pytest.mark.parametrize("version", ["02", "08"])
def test_transfers_that_the_bank_booked_as_one_are_entries_of_their_own(version: str) -> None:
    parts = [Move("30.41", said="RF82F2022000001"), Move("60.81", said="RF55F2022000002")]
    [found] = camt.read(statement(Move("91.22", ref="LOT", parts=parts), version=version))
    assert [(one.ref, one.amount, one.remittance) for one in found.entries] == [
        ("LOT", D("30.41"), "RF82F2022000001"),
        ("LOT", D("60.81"), "RF55F2022000002"),
    ]
    parts = [Move("30.41", said="un"), Move("60.00", said="deux")]  # what they say does not add up: one entry
    [found] = camt.read(statement(Move("91.22", ref="LOT", parts=parts), version=version))
    assert [(one.amount, one.remittance) for one in found.entries] == [(D("91.22"), "un deux")]


def test_an_instant_is_a_day_of_paris_and_a_returned_transfer_says_why() -> None:
    data = statement(Move("-91.22", back="AC04", said="RF82F2022000001"))
    told = data.replace(f"<BookgDt><Dt>{DAY}</Dt>".encode(), b"<BookgDt><DtTm>2022-02-10T23:30:00Z</DtTm>")
    [entry] = camt.read(told)[0].entries
    assert (entry.booked_on, entry.return_code, entry.amount) == (date(2022, 2, 11), "AC04", D("-91.22"))


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>'
    b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><Id>&d;</Id></Document>'
)
FETCHING = BOMB.replace(
    BOMB[BOMB.index(b"<!DOCTYPE") : BOMB.index(b"<Document")], b'<!DOCTYPE a SYSTEM "file:///etc/passwd">'
)
GOOD = statement(Move("91.22"))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "n’est pas un relevé XML"),
        (b"Date;Libell\xe9;Montant\n", "n’est pas un relevé XML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "n’est pas un relevé XML"),
        (GOOD[:-30], "n’est pas un relevé XML"),
        (b"<a>" * 5000, "n’est pas un relevé XML"),
        (BOMB, "DOCTYPE"),
        (FETCHING.replace(b"&d;", b"x"), "DOCTYPE"),
        (BOMB.decode().encode("utf-16"), "refusé|n’est pas un relevé XML"),
        (GOOD + b" " * (50 * 1024 * 1024), "dépasse 5 Mo"),
        (b"<a/>", "n’est pas un relevé CAMT.053"),
        (GOOD.replace(b"053.001.02", b"053.001.01"), "n’est pas un relevé CAMT.053"),
        (GOOD.replace(b"053.001.02", b"054.001.02"), "n’est pas un relevé CAMT.053"),
        (statement(Move("91.22"), closing="1091.21"), "n’est pas complet"),
        (statement(Move("91.22"), currency="CHF"), "n’est pas en euros"),
        (GOOD.replace(b">91.22<", b">91.221<"), "montant illisible"),
        (GOOD.replace(b">91.22<", b">-91.22<"), "montant illisible"),
        (GOOD.replace(b">91.22<", b">NaN<"), "montant illisible"),
        (GOOD.replace(b">91.22<", b">1e9<"), "montant illisible"),
        (GOOD.replace(f"<BookgDt><Dt>{DAY}".encode(), b"<BookgDt><Dt>10/02/2022"), "date illisible"),
        (GOOD.replace(f"<BookgDt><Dt>{DAY}".encode(), b"<BookgDt><Dt>0001-01-01T00:00:00+14:00"), "date illisible"),
        (GOOD.replace(f"<BookgDt><Dt>{DAY}".encode(), b"<BookgDt><Dt>9999-12-31T23:00:00-10:00"), "date illisible"),
        (GOOD.replace(b"CLBD", b"XXXX"), "ne donne pas ses soldes"),
        (GOOD.replace(f"<IBAN>{OWN_IBAN}</IBAN>".encode(), b"", 1), "ne dit pas de quel compte"),
    ],
)
def test_what_is_no_statement_is_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(camt.Unreadable, match=sentence) as refusal:
        camt.read(data)
    assert "&" not in refusal.value.message
    assert "root:" not in refusal.value.message


def test_the_pages_of_a_statement_have_interim_balances() -> None:
    [found] = camt.read(GOOD.replace(b"OPBD", b"ITBD").replace(b"CLBD", b"ITBD"))
    assert (found.opening, found.closing) == (D("1000.00"), D("1091.22"))
