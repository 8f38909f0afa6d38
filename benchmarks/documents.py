"""Documents a second on one warm process, beside plain reportlab pages that hold the same text in the same run.

Run: python benchmarks/documents.py
"""

import io
import sys
import time
from collections.abc import Callable
from dataclasses import astuple
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from reportlab.lib.styles import ParagraphStyle  # noqa: E402
from reportlab.pdfbase import pdfmetrics  # noqa: E402
from reportlab.pdfbase.ttfonts import TTFont  # noqa: E402
from reportlab.pdfgen.canvas import Canvas  # noqa: E402
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table  # noqa: E402

from app.services.documents.pages import (  # noqa: E402
    CertificateData,
    RecapData,
    render_certificate,
    render_recap,
    warm_up,
)

ROUNDS, PER_ROUND = 4, 20
NOW = datetime(2026, 9, 21, 10, 42, 18, tzinfo=ZoneInfo("Europe/Paris"))
STYLE = ParagraphStyle("plain", fontName="plain", fontSize=10, leading=13)


def certificate(number: int) -> CertificateData:
    """Give the number-th certificate: another name, number and address each time."""
    address = f"https://registre.example/verifier/{number:08d}"
    day = date(2026, 9, 21)
    holder = (f"MARTIN-{'ABCDEFGHIJ'[number % 10]}", "Marie", date(1985, 4, 12), f"8504921{number:05d}")
    training = ("Passerelle Voyageurs", "Voyageurs", date(2026, 9, 18), day, day, date(2027, 1, 21), NOW)
    centre = ("Centre de formation Démo", "12345678200010", "FI-69-2020-014")
    return CertificateData(f"CQ-26-{number:08d}", address, "exploitant du registre", *holder, *training, *centre)


def recap(number: int) -> RecapData:
    """Give the number-th récapitulatif."""
    address = f"https://registre.example/verifier/{number:08d}"
    centre = ("Centre de formation Démo", "12345678200010", "FC-69-2022-031", "Préfet de région")
    holder = (f"DUPONT-{'ABCDEFGHIJ'[number % 10]}", "Pierre", date(1990, 1, 1), f"8504921{number:05d}")
    training = ("Module FCO", "Marchandises", 7, date(2026, 6, 16))
    return RecapData(f"ENR-{number:08d}", address, *centre, *training, *holder, NOW, date(2032, 9, 21))


def ours(number: int) -> bytes:
    """Draw a certificate or a récapitulatif, in turn."""
    return render_certificate(certificate(number)) if number % 2 else render_recap(recap(number))


def texts(number: int) -> list[str]:
    """Give the same values as plain lines."""
    return [str(value) for value in astuple(certificate(number) if number % 2 else recap(number))]


def platypus(number: int) -> bytes:
    """Draw the values as paragraphs in a bare two-column table, without code, panel or mark."""
    out = io.BytesIO()
    rows = [[Paragraph("Libellé", STYLE), Paragraph(text, STYLE)] for text in texts(number)]
    SimpleDocTemplate(out).build([Table(rows)])
    return out.getvalue()


def canvas(number: int) -> bytes:
    """Draw the values line by line, which is as little as a page can cost with the same font."""
    out = io.BytesIO()
    page = Canvas(out)
    page.setFont("plain", 10)
    for line, text in enumerate(texts(number)):
        page.drawString(60, 780 - 20 * line, f"Libellé {text}")
    page.save()
    return out.getvalue()


def seconds(draw: Callable[[int], bytes], start: int) -> float:
    """Give the seconds one document takes, over one round."""
    begin = time.perf_counter()
    for number in range(start, start + PER_ROUND):
        draw(number)
    return (time.perf_counter() - begin) / PER_ROUND


def main() -> None:
    """Measure the three in turn, several rounds, and print the best round of each."""
    pdfmetrics.registerFont(TTFont("plain", ROOT / "app" / "static" / "fonts" / "NotoSans-Regular.ttf"))
    warm_up()
    drawers = {"documents (both kinds in turn)": ours, "plain platypus page": platypus, "plain canvas page": canvas}
    best = dict.fromkeys(drawers, float("inf"))
    for number in range(ROUNDS):
        for name, draw in drawers.items():
            best[name] = min(best[name], seconds(draw, number * PER_ROUND))
    reference = best["documents (both kinds in turn)"]
    for name, each in best.items():
        print(f"{name:32} {1 / each:6.1f}/s  {each * 1000:5.1f} ms  a document costs {reference / each:4.1f} x this")


if __name__ == "__main__":
    main()
