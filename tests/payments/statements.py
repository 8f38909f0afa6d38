"""Account statements as a bank writes them, for tests: camt.053 in version 02 or 08."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

D = Decimal
DAY = date(2022, 2, 10)
#: That of the seller the product ships with.
OWN_IBAN = "FR7630006000011234567890189"
PAYER = "FR1420041010050500013M02606"


@dataclass
class Move:
    """A movement: what it says, and, where the bank booked several as one, the parts of it."""

    amount: str
    said: str = ""
    ref: str = ""
    structured: str = ""
    end_to_end: str = "NOTPROVIDED"
    iban: str = PAYER
    name: str = "CENTRE DE FORMATION DEMO"
    status: str = "BOOK"
    back: str = ""
    day: date = DAY
    parts: Sequence[Move] = field(default_factory=list)


def statement(
    *moves: Move,
    version: str = "02",
    opening: str = "1000.00",
    closing: str | None = None,
    iban: str = OWN_IBAN,
    name: str = "2022-041",
    currency: str = "EUR",
) -> bytes:
    """Return the bytes of a file with one statement, whose balances follow from its movements unless told."""
    booked = sum((D(one.amount) for one in moves if one.status == "BOOK"), D(0))
    last = closing or str(D(opening) + booked)
    entries = "".join(_entry(one, version, currency) for one in moves)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>{name}</MsgId></GrpHdr><Stmt><Id>{name}</Id><Acct><Id><IBAN>{iban}</IBAN></Id></Acct>"
        f"{_balance('OPBD', opening, currency)}{_balance('CLBD', last, currency)}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _balance(code: str, amount: str, currency: str) -> str:
    sense = "DBIT" if D(amount) < 0 else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{abs(D(amount))}</Amt>'
        f"<CdtDbtInd>{sense}</CdtDbtInd><Dt><Dt>{DAY}</Dt></Dt></Bal>"
    )


def _entry(move: Move, version: str, currency: str) -> str:
    sense = "DBIT" if D(move.amount) < 0 else "CRDT"
    status = f"<Sts><Cd>{move.status}</Cd></Sts>" if version == "08" else f"<Sts>{move.status}</Sts>"
    ref = f"<AcctSvcrRef>{move.ref}</AcctSvcrRef>" if move.ref else ""
    details = "".join(_detail(one, version) for one in (move.parts or [move]))
    return (
        f'<Ntry><Amt Ccy="{currency}">{abs(D(move.amount))}</Amt><CdtDbtInd>{sense}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>{move.day}</Dt></BookgDt><ValDt><Dt>{move.day}</Dt></ValDt>{ref}"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def _detail(move: Move, version: str) -> str:
    amount = f'<Amt Ccy="EUR">{abs(D(move.amount))}</Amt>'
    told = amount if version == "08" else f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>"
    person = f"<Pty><Nm>{move.name}</Nm></Pty>" if version == "08" else f"<Nm>{move.name}</Nm>"
    side = "Cdtr" if D(move.amount) < 0 else "Dbtr"
    account = f"<{side}Acct><Id><IBAN>{move.iban}</IBAN></Id></{side}Acct>" if move.iban else ""
    structured = f"<Strd><CdtrRefInf><Ref>{move.structured}</Ref></CdtrRefInf></Strd>" if move.structured else ""
    said = f"<Ustrd>{move.said}</Ustrd>" if move.said else ""
    back = f"<RtrInf><Rsn><Cd>{move.back}</Cd></Rsn></RtrInf>" if move.back else ""
    return (
        f"<TxDtls><Refs><EndToEndId>{move.end_to_end}</EndToEndId></Refs>{told}"
        f"<RltdPties><{side}>{person}</{side}>{account}</RltdPties><RmtInf>{said}{structured}</RmtInf>{back}</TxDtls>"
    )
