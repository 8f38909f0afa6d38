"""The two documents: what stands on them, what they are made of, and what a hostile name cannot do."""

import io
import logging
import re
import socket
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pypdf
import pytest
from reportlab.pdfbase import pdfmetrics

from app.services.documents.page_form import form
from app.services.documents.pages import (
    CertificateData,
    RecapData,
    render_certificate,
    render_recap,
    warm_up,
)

RIGHT_MARGIN = 595.3 - 51.0
CERTIFICATE = CertificateData(
    number="CQ-26-7F3K-92MD",
    verify_url="https://registre.example/verifier/7F3K92MD",
    issuer="exploitant du registre",
    last_name="MARTIN",
    first_name="Marie",
    birth_date=date(1985, 4, 12),
    permit_number="850492100123",
    training_label="Passerelle Voyageurs",
    category="Voyageurs",
    end_date=date(2026, 9, 18),
    established_on=date(2026, 9, 21),
    valid_from=date(2026, 9, 21),
    valid_until=date(2027, 1, 21),
    established_at=datetime(2026, 9, 21, 8, 42, 18, tzinfo=UTC),
    centre_name="Centre de formation Démo",
    centre_siret="12345678200010",
    accreditation_number="FI-69-2020-014",
)
RECAP = RecapData(
    registration_number="ENR-2026-014-00731",
    verify_url="https://registre.example/verifier/ENR731",
    centre_name="Centre de formation Démo",
    centre_siret="12345678200010",
    accreditation_number="FC-69-2022-031",
    accreditation_authority="Préfet de région",
    training_label="Module FCO",
    category="Marchandises",
    hours=7,
    end_date=date(2026, 6, 16),
    last_name="DUPONT",
    first_name="Pierre",
    birth_date=date(1990, 1, 1),
    permit_number="82R987928",
    recorded_at=datetime(2026, 12, 17, 7, 55, 3, tzinfo=UTC),
    available_until=date(2032, 12, 17),
)
MINOR = replace(
    CERTIFICATE,
    training_label="CAP conducteur agent d'accueil en autobus et autocar",
    birth_date=date(2009, 3, 1),
    valid_from=date(2027, 3, 1),
    valid_until=date(2027, 7, 1),
)


def reader(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


def page_text(pdf: bytes) -> str:
    (page,) = reader(pdf).pages
    return re.sub(r"\s+", " ", page.extract_text())


def compact(pdf: bytes) -> str:
    """The text without any space: a long name is broken over lines."""
    return page_text(pdf).replace(" ", "")


@pytest.mark.parametrize(
    "shown",
    [
        "Certificat de qualification de conducteur",
        "mis à disposition en application de l’article R. 3314-27 du code des transports",
        "Certificat N° CQ-26-7F3K-92MD",
        "Émetteur : exploitant du registre",
        "Nom MARTIN",
        "Prénom Marie",
        "Date de naissance 12/04/1985",
        "N° de permis de conduire 850492100123",
        "Libellé Passerelle Voyageurs",
        "Catégorie Voyageurs",
        "Date de fin de formation 18/09/2026",
        "Valable jusqu’au 21 janvier 2027 inclus",
        "Établi le 21 septembre 2026, pour 4 mois",
        "Établi et mis à disposition le 21/09/2026 à 10:42:18 (heure de Paris)",
        "Centre de formation Centre de formation Démo",
        "SIRET 123 456 782 00010",
        "Agrément FI-69-2020-014",
        "https://registre.example/verifier/7F3K92MD",
    ],
)
def test_the_certificate_shows(shown: str) -> None:
    assert shown in page_text(render_certificate(CERTIFICATE))


@pytest.mark.parametrize(
    "shown",
    [
        "Récapitulatif de formation",
        "Il ne vaut pas certificat de qualification",
        "Enregistrement N° ENR-2026-014-00731",
        "Formation suivie Module FCO terminée le 16 juin 2026",
        "Catégorie Marchandises",
        "Durée 7 heures",
        "Date de fin de formation 16/06/2026",
        "Enregistrée le 17/12/2026 à 08:55:03 (heure de Paris)",
        "Nom DUPONT",
        "Prénom Pierre",
        "Date de naissance 01/01/1990",
        "N° de permis de conduire 82R987928",
        "Nom Centre de formation Démo",
        "SIRET 123 456 782 00010",
        "Agrément FC-69-2022-031 (Préfet de région)",
        "jusqu’au 17/12/2032 (6 ans)",
        "https://registre.example/verifier/ENR731",
    ],
)
def test_the_recap_shows(shown: str) -> None:
    assert shown in page_text(render_recap(RECAP))


def test_a_minor_certificate_is_valid_from_the_18th_birthday() -> None:
    text = page_text(render_certificate(MINOR))
    assert "Valable du 1er mars 2027 au 1er juillet 2027 inclus" in text
    assert "Établi le 21 septembre 2026, valable 4 mois à compter du 18" in text
    assert "jusqu’au" not in text


def test_a_recap_without_hours_or_address_leaves_them_out() -> None:
    pdf = render_recap(replace(RECAP, hours=None, verify_url=None))
    assert "Durée" not in page_text(pdf)
    assert "Vérifier" not in page_text(pdf)
    assert len(reader(pdf).pages[0].images) == 0


DOCUMENTS = [
    pytest.param(render_certificate, CERTIFICATE, id="certificate"),
    pytest.param(render_certificate, MINOR, id="minor"),
    pytest.param(render_recap, RECAP, id="recap"),
]


@pytest.mark.parametrize(("render", "data"), DOCUMENTS)
def test_every_font_is_embedded(render: Any, data: Any) -> None:
    page = reader(render(data)).pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert {font["/BaseFont"].split("+")[1] for font in fonts} == {"NotoSans-Regular", "NotoSans-Bold"}
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts)


@pytest.mark.parametrize(("render", "data"), DOCUMENTS)
def test_the_code_is_an_image_without_transparency(render: Any, data: Any) -> None:
    page = reader(render(data)).pages[0]
    (image,) = (entry.get_object() for entry in page["/Resources"]["/XObject"].values())
    assert image["/Width"] == image["/Height"] > 150
    assert "/SMask" not in image
    assert "/Mask" not in image


def test_the_code_follows_the_address() -> None:
    pdfs = [render_certificate(replace(CERTIFICATE, verify_url=f"https://r.example/{code}")) for code in ("AA", "AB")]
    first, second = (reader(pdf).pages[0].images[0].data for pdf in pdfs)
    assert first != second


def test_the_file_says_what_it_is() -> None:
    pdf = reader(render_certificate(CERTIFICATE))
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Certificat de qualification de conducteur CQ-26-7F3K-92MD"
    assert pdf.metadata.author == "exploitant du registre"
    assert pdf.metadata.creation_date == CERTIFICATE.established_at
    assert pdf.trailer["/Root"]["/Lang"] == "fr-FR"
    recap = reader(render_recap(RECAP)).metadata
    assert recap is not None
    assert recap.title == "Récapitulatif de formation ENR-2026-014-00731"


def test_nothing_is_complained_of(caplog: pytest.LogCaptureFixture) -> None:
    form.cache_clear()
    with caplog.at_level(logging.WARNING):
        warm_up()
        render_certificate(CERTIFICATE)
        render_certificate(MINOR)
        render_recap(RECAP)
    assert caplog.messages == []


@pytest.mark.parametrize(
    "name", ["Nguyễn", "Łukasiewicz-Żółć", "Œuvrard", "NÚÑEZ", "D'ARTAGNAN", "Đặng Thị Hằng", "Țurcanu", "Ǆ"]
)
def test_names_keep_their_letters(name: str) -> None:
    pdf = render_certificate(replace(CERTIFICATE, last_name=name, first_name=name))
    assert f"Nom {name} Prénom {name} " in page_text(pdf)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize(
    "name",
    [
        "<img src=http://127.0.0.1:{port}/x>",
        "<link rel=stylesheet href=http://127.0.0.1:{port}/x>",
        "</style><style>@import url(http://127.0.0.1:{port}/x);</style>",
        '"><pdf:insertpdf src="http://127.0.0.1:{port}/x">',
        "{{{{7*7}}}}{{% x %}}",
        "{{number}} {{0}} {{last_name.__class__}}",
        "<b>&amp;&lt;</b>",
    ],
)
def test_markup_in_a_name_is_only_text(name: str, listener: socket.socket) -> None:
    name = name.format(port=listener.getsockname()[1])
    certificate = render_certificate(replace(CERTIFICATE, last_name=name, centre_name=name, training_label=name))
    recap = render_recap(replace(RECAP, last_name=name, centre_name=name, training_label=name))
    for pdf in (certificate, recap):
        assert compact(pdf).count(name.replace(" ", "")) == 3
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("render", [render_certificate, render_recap])
def test_long_values_stay_whole_and_inside_the_margins(render: Any) -> None:
    wide = {
        "last_name": "W" * 60,
        "first_name": "Nguyễn-" * 8 + "ŒUVR",
        "centre_name": "Organisme de formation professionnelle des transports et de la logistique d’Auvergne " * 2,
        "training_label": "Titre Professionnel " + "W" * 50,
    }
    data = replace(MINOR if render is render_certificate else RECAP, **wide)
    pdf = render(data)
    for value in wide.values():
        assert value.replace(" ", "") in compact(pdf)
    ends: list[float] = []

    def measure(text: str, _cm: Any, tm: Any, font: Any, size: float) -> None:
        if text.strip():
            face = "noto sans_10" if "Bold" in font["/BaseFont"] else "noto sans_00"
            # The space that ends a line, for who reads on to the next, is beyond the margin and not seen.
            ends.append(_cm[4] + tm[4] + pdfmetrics.stringWidth(text.strip(), face, size))

    reader(pdf).pages[0].extract_text(visitor_text=measure)
    assert len(ends) > 20
    assert max(ends) <= RIGHT_MARGIN


def test_a_character_without_a_glyph_is_reported_without_the_name(caplog: pytest.LogCaptureFixture) -> None:
    render_certificate(replace(CERTIFICATE, last_name="MARTIN永"))
    assert "U+6C38" in caplog.text
    assert "MARTIN" not in caplog.text


def test_control_characters_do_not_reach_the_page() -> None:
    text = page_text(render_certificate(replace(CERTIFICATE, last_name="MAR\x00TIN\nDUPONT\u200b")))
    assert "Nom MARTIN DUPONT Prénom" in text


def test_the_same_values_give_the_same_bytes_whatever_was_drawn_between() -> None:
    first = render_certificate(CERTIFICATE)
    other = render_certificate(replace(CERTIFICATE, last_name="PETIT", number="CQ-26-0000-0000"))
    assert "MARTIN" not in page_text(other)
    assert "CQ-26-7F3K" not in page_text(other)
    assert render_certificate(CERTIFICATE) == first


@pytest.mark.parametrize(("render", "data"), DOCUMENTS)
def test_each_text_makes_a_difference(render: Any, data: Any) -> None:
    drawn = render(data)
    for field in fields(data):
        if isinstance(value := getattr(data, field.name), str):
            assert render(replace(data, **{field.name: value + "9"})) != drawn, field.name


def test_a_time_stamp_needs_its_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        render_recap(replace(RECAP, recorded_at=datetime(2026, 6, 17, 8, 55)))  # noqa: DTZ001


@pytest.mark.parametrize("field", ["centre_name", "issuer"])
def test_what_does_not_fit_one_page_goes_on_on_a_second_and_leaves_no_trace(field: str) -> None:
    before = render_certificate(CERTIFICATE)
    long = " ".join(f"Centre{at:03}" for at in range(250))
    first, second = reader(render_certificate(replace(CERTIFICATE, **{field: long}))).pages
    texts = [page.extract_text() for page in (first, second)]
    assert all(f"{CERTIFICATE.number}, page {at}/2" in text for at, text in enumerate(texts, 1))
    said = re.findall(r"Centre\d{3}", " ".join(texts))
    assert said == long.split(" ")
    assert render_certificate(CERTIFICATE) == before


def test_the_longest_values_that_the_base_holds_take_one_page_of_smaller_type() -> None:
    longest = {"last_name": "W" * 60, "first_name": "W" * 60, "training_label": "W" * 120, "centre_name": "W" * 160}
    recap = replace(RECAP, **longest, accreditation_number="W" * 40, accreditation_authority="W" * 120)
    for pdf in (render_recap(recap), render_certificate(replace(MINOR, **longest, accreditation_number="W" * 40))):
        assert compact(pdf).count("W") >= sum(map(len, longest.values())) + 40
