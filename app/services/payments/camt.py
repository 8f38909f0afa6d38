"""Reading an account statement as banks send it: ISO 20022, camt.053, versions 02 and 08. Nothing is written here.

The file comes from outside: no entity is expanded, nothing is fetched, no tree may be huge; a DOCTYPE is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from lxml import etree

from app.models.billing.payments import REMITTANCE_MAX
from app.models.types import CENT
from app.services.core.clock import PARIS
from app.services.core.refusal import Refusal

MAX_BYTES = 5 * 1024 * 1024
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(02|08)")
_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,5})?")
#: What says that there is no reference.
_NO_REFERENCE = {"", "NOTPROVIDED", "NONREF"}
#: Balances that open and close what a statement tells; a page of one has interim balances instead.
_OPENING, _CLOSING = ("OPBD", "PRCD", "ITBD"), ("CLBD", "ITBD")
#: An amount that no account of ours holds.
_TOO_MUCH = Decimal(10) ** 13


class Unreadable(Refusal):
    """The file is no statement that can be read; nothing of it was kept."""

    message = "Ce fichier n’est pas un relevé XML : déposez le fichier CAMT.053 tel que la banque l’a fourni."


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement that the bank has booked: above zero what came in. Texts as the bank sent them, blanks evened out."""

    ref: str
    booked_on: date
    amount: Decimal
    end_to_end: str
    remittance: str
    debtor_name: str
    debtor_iban: str
    return_code: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement: its entries add up from the opening balance to the closing one."""

    iban: str
    name: str
    opened_on: date
    closed_on: date
    opening: Decimal
    closing: Decimal
    entries: tuple[Entry, ...]


def read(data: bytes) -> tuple[Statement, ...]:
    """Return the statements of a file; raise :class:`Unreadable`, whose sentence says what is wrong with it."""
    if len(data) > MAX_BYTES:
        raise Unreadable(
            "Ce fichier dépasse 5 Mo : demandez à la banque des relevés plus courts (par jour ou semaine)."
        )
    root = _root(data)
    found = _NAMESPACE.fullmatch(etree.QName(root).namespace or "")
    if found is None or etree.QName(root).localname != "Document":
        raise Unreadable("Ce fichier XML n’est pas un relevé CAMT.053 (camt.053.001.02 ou camt.053.001.08).")
    _bare_names(root)
    statements = tuple(_statement(one) for one in root.findall("BkToCstmrStmt/Stmt"))
    if not statements:
        raise Unreadable("Ce fichier ne contient aucun relevé.")
    return statements


def _root(data: bytes) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        if b"<!DOCTYPE" in data[:4096]:
            raise _doctype() from None
        raise Unreadable from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype()
    return root


def _doctype() -> Unreadable:
    return Unreadable("Ce fichier contient une déclaration DOCTYPE, ce qu’aucun relevé ne contient : il est refusé.")


def _bare_names(root: Any) -> None:
    """Take the namespace off: from here on both versions have the same names."""
    for element in root.iter(etree.Element):
        element.tag = etree.QName(element).localname


def _statement(node: Any) -> Statement:
    name = _text(node, "Id")[:35]
    iban = "".join(_text(node, "Acct/Id/IBAN").split()).upper()
    if not iban:
        raise Unreadable(f"Le relevé {name} ne dit pas de quel compte il est (IBAN).")
    entries = tuple(one for entry in node.findall("Ntry") if _is_booked(entry) for one in _entries(entry, name, iban))
    (opened_on, opening), (closed_on, closing) = _balance(node, _OPENING, name), _balance(node, _CLOSING, name)
    if opening + sum((one.amount for one in entries), Decimal(0)) != closing:
        raise Unreadable(
            f"Le relevé {name} n’est pas complet : son solde de clôture n’est pas son solde d’ouverture plus ses écritures."
        )
    return Statement(iban, name, opened_on, closed_on, opening, closing, entries)


def _is_booked(node: Any) -> bool:
    return (_text(node, "Sts/Cd") or _text(node, "Sts")) in ("BOOK", "")


def _balance(node: Any, codes: tuple[str, ...], name: str) -> tuple[date, Decimal]:
    """Return day and amount of the balance of the first of these codes; of interim ones the first opens, the last closes."""
    found: dict[str, list[Any]] = {}
    for one in node.findall("Bal"):
        found.setdefault(_text(one, "Tp/CdOrPrtry/Cd"), []).append(one)
    for code in codes:
        if code in found:
            one = found[code][-1 if codes is _CLOSING else 0]
            return _day(one, "Dt", name), _signed(one, name)
    raise Unreadable(f"Le relevé {name} ne donne pas ses soldes d’ouverture et de clôture.")


def _entries(node: Any, name: str, own: str) -> Iterator[Entry]:
    """Yield an entry, or, where the bank booked several as one and tells each amount, its transactions."""
    details = node.findall("NtryDtls/TxDtls")
    whole, sign = _signed(node, name), -1 if _text(node, "CdtDbtInd") == "DBIT" else 1
    parts = [_part(one, name) for one in details]
    known = [one * sign for one in parts if one]
    if len(details) > 1 and len(known) == len(details) and sum(known) == whole:
        for detail, amount in zip(details, known, strict=True):
            yield _entry(node, [detail], amount, name, own)
    elif whole:
        yield _entry(node, details, whole, name, own)


def _part(node: Any, name: str) -> Decimal | None:
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        if (found := node.find(path)) is not None and found.get("Ccy") == "EUR":
            return _amount(found.text or "", name)
    return None


def _entry(node: Any, details: list[Any], amount: Decimal, name: str, own: str) -> Entry:
    ours = next((one for detail in details if (one := _given(_text(detail, "Refs/AcctSvcrRef")))), "")
    structured = [_text(one) for detail in details for one in detail.findall("RmtInf/Strd/CdtrRefInf/Ref")]
    free = [_text(one) for detail in details for one in detail.findall("RmtInf/Ustrd")]
    said = " ".join(filter(None, [*structured, *free])) or _text(node, "AddtlNtryInf")
    end_to_end = next((one for detail in details if (one := _given(_text(detail, "Refs/EndToEndId")))), "")
    other_name, other_iban = _other(details, amount, own)
    back = next((one for detail in details if (one := _text(detail, "RtrInf/Rsn/Cd"))), "")
    booked_on = _day(node, "BookgDt" if node.find("BookgDt") is not None else "ValDt", name)
    ref = ours or _given(_text(node, "AcctSvcrRef")) or _hash(end_to_end, said, other_name, other_iban)
    return Entry(
        ref[:40], booked_on, amount, end_to_end[:35], said[:REMITTANCE_MAX], other_name[:140], other_iban[:34], back[:4]
    )


def _other(details: list[Any], amount: Decimal, own: str) -> tuple[str, str]:
    """Return name and IBAN of the other side: who paid what came in, who was paid what went out."""
    sides = ("Dbtr", "Cdtr") if amount > 0 else ("Cdtr", "Dbtr")
    for detail in details[:1]:
        for side in sides:
            iban = "".join(_text(detail, f"RltdPties/{side}Acct/Id/IBAN").split()).upper()
            said = _text(detail, f"RltdPties/{side}/Nm") or _text(detail, f"RltdPties/{side}/Pty/Nm")
            if (iban or said) and iban != own:
                return said, iban
    return "", ""


def _signed(node: Any, name: str) -> Decimal:
    found = node.find("Amt")
    if found is None or found.get("Ccy", "EUR") != "EUR":
        raise Unreadable(f"Le relevé {name} n’est pas en euros.")
    amount = _amount(found.text or "", name)
    return -amount if _text(node, "CdtDbtInd") == "DBIT" else amount


def _amount(text: str, name: str) -> Decimal:
    if not _AMOUNT.fullmatch(text.strip()) or Decimal(text.strip()) % CENT or Decimal(text.strip()) >= _TOO_MUCH:
        raise Unreadable(f"Le relevé {name} contient un montant illisible : « {text.strip()[:30]} ».")
    return Decimal(text.strip()).quantize(CENT)


def _day(node: Any, path: str, name: str) -> date:
    """Return a day; of an instant, its day in Paris."""
    text = _text(node, f"{path}/Dt") or _text(node, f"{path}/DtTm")
    try:
        instant = datetime.fromisoformat(text)
        return (instant.astimezone(PARIS) if instant.tzinfo else instant).date()
    except (ValueError, OverflowError):  # the first and the last day there is may have no instant in Paris
        raise Unreadable(f"Le relevé {name} contient une date illisible : « {text[:30]} ».") from None


def _given(reference: str) -> str:
    return "" if reference.upper() in _NO_REFERENCE else reference


def _hash(*said: str) -> str:
    return "#" + sha256("\x1f".join(said).encode()).hexdigest()[:24]


def _text(node: Any, path: str = "") -> str:
    found = node.find(path) if path else node
    return " ".join((found.text or "").split()) if found is not None else ""
