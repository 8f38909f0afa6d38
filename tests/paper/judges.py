"""Independent judges of PDF/A-3A and PDF/UA-1: page-validation and outloud."""

from __future__ import annotations

import tempfile

import outloud
import page

_PROFILES = (page.ValidationProfile.PDF_A_3A, page.ValidationProfile.PDF_UA_1)
#: What outloud warns of and is meant: lines that are alike on three pages (slips, rows of an annex) are no running head, and a
#: text of which most signs have no glyph is longer than what is drawn of it.
_MEANT = ("PAG-001", "TAG-032")


def faults(content: bytes) -> list[str]:
    """Return what is wrong with a file in the eyes of the judges, warnings included; nothing where all find it right."""
    found = []
    for profile in _PROFILES:
        report = page.validate_pdf_bytes(content, profile=profile, limits=page.SafetyLimits.unlimited())
        found += [f"{profile.value} {one.rule_id} {one.message}" for one in report.failures]
        assert report.is_compliant == (not report.failures)
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(content)
        file.flush()
        result = outloud.check(file.name)
    assert result.error is None
    said = [one for one in result.findings if one.severity in ("error", "warning") and one.rule not in _MEANT]
    return [*found, *(f"outloud {one.rule} {one.message}" for one in said)]
