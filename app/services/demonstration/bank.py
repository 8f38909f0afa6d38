"""Account statements of the demonstration, as a bank writes them: camt.053, version 02. Its accounts are nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class Transfer:
    """What came in: from whom, how much, what it says, the creditor reference where it says one."""

    name: str
    iban: str
    amount: Decimal
    said: str
    reference: str = ""


def statement(iban: str, name: str, day: date, opening: Decimal, transfers: Sequence[Transfer]) -> bytes:
    """Return the statement of an account, of one day."""
    closing = opening + sum((one.amount for one in transfers), Decimal(0))
    entries = "".join(_entry(one, f"{name}-{one.reference or one.iban[-12:]}", day) for one in transfers)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>{name}</MsgId></GrpHdr><Stmt><Id>{name}</Id>"
        f"<Acct><Id><IBAN>{iban}</IBAN></Id></Acct>"
        f"{_balance('OPBD', opening, day)}{_balance('CLBD', closing, day)}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _balance(code: str, amount: Decimal, day: date) -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>'
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(one: Transfer, ref: str, day: date) -> str:
    said = f"<Strd><CdtrRefInf><Ref>{one.reference}</Ref></CdtrRefInf></Strd>" if one.reference else ""
    return (
        f'<Ntry><Amt Ccy="EUR">{one.amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><RltdPties><Dbtr><Nm>{escape(one.name)}</Nm></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{one.iban}</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RmtInf><Ustrd>{escape(one.said)}</Ustrd>{said}</RmtInf></TxDtls></NtryDtls></Ntry>"
    )
