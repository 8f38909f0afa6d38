"""Pictures in the place of photographs, signatures and identity documents: nobody's."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


def portrait() -> io.BytesIO:
    """Return a drawing in the place of a photograph."""
    image = Image.new("RGB", (826, 1062), "#dfe6e8")
    draw = ImageDraw.Draw(image)
    draw.ellipse((143, 760, 683, 1500), fill="#365a66")
    draw.rectangle((353, 640, 473, 830), fill="#d8b08c")
    draw.ellipse((253, 230, 573, 690), fill="#e3be9d")
    draw.chord((243, 200, 583, 560), 180, 360, fill="#4a3a2c")
    return _file(image)


def signature() -> io.BytesIO:
    """Return some strokes in the place of a signature."""
    image = Image.new("RGB", (900, 300), "white")
    points = [(80, 200), (150, 90), (190, 220), (260, 130), (310, 210), (380, 120), (450, 205), (560, 140), (820, 190)]
    ImageDraw.Draw(image).line(points, fill="#1b2a4a", width=9, joint="curve")
    return _file(image)


def identity_document(*lines: str) -> io.BytesIO:
    """Return a card that says it is a specimen, with some lines of text."""
    image = Image.new("RGB", (1012, 638), "#e8eef5")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1012, 90), fill="#26436b")
    draw.text((30, 24), "SPECIMEN", fill="white", font_size=40)
    draw.rectangle((40, 140, 300, 480), fill="#cfd9e3")
    draw.ellipse((105, 190, 235, 350), fill="#e3be9d")
    draw.pieslice((75, 340, 265, 620), 180, 360, fill="#365a66")
    for at, line in enumerate(lines):
        draw.text((340, 150 + 70 * at), line, fill="#1b2a4a", font_size=36)
    return _file(image)


def _file(image: Image.Image) -> io.BytesIO:
    out = io.BytesIO()
    image.save(out, "PNG")
    out.seek(0)
    return out
