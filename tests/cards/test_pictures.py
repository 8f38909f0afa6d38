"""Pictures: what they hold decides, they are drawn anew without what came along, and hostile ones harm nothing."""

from __future__ import annotations

import io
import struct
import time
import zlib

import pytest
from PIL import Image

from app.services.storage import pictures
from app.services.storage.pictures import PHOTO, SIGNATURE, PictureRefused, redraw
from tests.cards.making import photo, picture, signature


@pytest.fixture(params=["none"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """No base is needed."""
    return str(request.param)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(413, 531), (826, 1062), (3000, 3900)])
def test_a_photo_is_drawn_anew(form: str, size: tuple[int, int]) -> None:
    kept = opened(redraw(picture(*size, form), PHOTO))
    assert kept.format == "JPEG"
    assert kept.width <= 826
    assert kept.height <= 1062


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1", "LA"])
def test_a_signature_may_have_any_colours(mode: str) -> None:
    kept = opened(redraw(picture(900, 300, "PNG", mode=mode), SIGNATURE))
    assert (kept.format, kept.mode, kept.size) == ("PNG", "L", (900, 300))


def test_a_signature_on_nothing_is_put_on_white() -> None:
    drawn = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    drawn.paste((0, 0, 0, 255), (100, 90, 500, 110))
    out = io.BytesIO()
    drawn.save(out, "PNG")
    out.seek(0)
    kept = opened(redraw(out, SIGNATURE))
    assert (kept.getpixel((5, 5)), kept.getpixel((300, 100))) == (255, 0)


def test_nothing_that_came_along_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x9286] = "SECRET-CAMERA", "SECRET-COMMENT"
    content = picture(826, 1062, "JPEG", exif=exif, comment=b"SECRET-COMMENT").read()
    assert b"SECRET" in content
    kept = redraw(io.BytesIO(content + b"SECRET-TAIL<script>"), PHOTO)
    assert b"SECRET" not in kept
    assert not opened(kept).getexif()


def test_a_photo_taken_lying_down_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = opened(redraw(picture(1062, 826, "JPEG", exif=exif), PHOTO))
    assert kept.width < kept.height


def _png_of(width: int, height: int) -> bytes:
    """Return a small PNG that says it is huge."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 4_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        (PHOTO, b"", "est vide"),
        (PHOTO, b"%PDF-1.7 photo.jpg", "JPEG ou PNG"),
        (PHOTO, b"GIF89a" + b"\0" * 50, "JPEG ou PNG"),
        (PHOTO, b"<svg onload=alert(1)>", "JPEG ou PNG"),
        (SIGNATURE, b"\xff\xd8\xff" + b"\0" * 2000, "illisible"),
        (PHOTO, b"\x89PNG\r\n\x1a\n" + b"\0" * 2000, "illisible"),
        (PHOTO, picture(826, 1062).read()[:4000], "illisible"),
        (PHOTO, b"\xff\xd8\xff" + b"\0" * (5 * 1024 * 1024), "5 Mo"),
        (PHOTO, _png_of(30_000, 30_000), "pixels"),
        (PHOTO, _png_of(6_900, 8_600), "illisible"),
        (PHOTO, picture(412, 530).read(), "trop petite"),
        (PHOTO, picture(1062, 826).read(), "35 mm sur 45 mm"),
        (PHOTO, picture(800, 800).read(), "35 mm sur 45 mm"),
        (SIGNATURE, picture(299, 100).read(), "trop petite"),
        (SIGNATURE, picture(400, 400).read(), "recadrez"),
        (SIGNATURE, picture(2000, 100).read(), "recadrez"),
    ],
)
def test_what_is_refused_and_the_sentence(kind: str, content: bytes, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(PictureRefused, match=words):
        redraw(io.BytesIO(content), kind)
    assert time.monotonic() - began < pictures.WALL_SECONDS


@pytest.mark.parametrize(("kind", "size"), [(PHOTO, (826, 1062)), (SIGNATURE, (900, 300))])
def test_an_empty_picture_is_seen(kind: str, size: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, "PNG")
    out.seek(0)
    with pytest.raises(PictureRefused, match=r"seule couleur|vide"):
        redraw(out, kind)


def test_where_no_child_can_be_started_it_is_said_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_arguments: object, **_options: object) -> None:
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(pictures.subprocess, "Popen", none)
    with pytest.raises(PictureRefused, match=r"pour le moment\. Réessayez plus tard"):
        redraw(photo(), PHOTO)


def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "WALL_SECONDS", 0.01)
    with pytest.raises(PictureRefused, match="illisible"):
        redraw(picture(4000, 5100, "PNG"), PHOTO)


def test_the_fixtures_themselves_are_taken() -> None:
    assert redraw(photo(), PHOTO)
    assert redraw(signature(), SIGNATURE)
