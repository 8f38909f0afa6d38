"""The throw-away child that opens a picture: `python -I -B picture_child.py photo|signature|identity`.

The file comes on standard input. On standard output goes one letter: P and the picture drawn anew, or R and the code of
a refusal. The parent takes any other end for an unreadable picture, so that what a hostile file does to the decoder
stays in here, within this memory and time.
"""

from __future__ import annotations

import io
import resource
import sys
from typing import NamedTuple

from PIL import Image, ImageOps, ImageStat

MEMORY = 768 * 1024 * 1024
CPU_SECONDS = 10
#: A telephone's camera makes 12 to 50 million points.
MAX_POINTS, MAX_SIDE = 60_000_000, 12_000


class Want(NamedTuple):
    """What a kind of picture must be: least width and height in points, width over height, and the size it is kept at."""

    width: int
    height: int
    ratio: tuple[float, float]
    kept: tuple[int, int]
    kept_as: str


#: An identity photograph is 35 × 45 mm (0,78): printed at 300 points an inch it has 413 × 531 points.
WANTED = {
    "photo": Want(413, 531, (0.70, 0.86), (826, 1062), "JPEG"),
    "signature": Want(300, 80, (1.5, 7.0), (1200, 600), "PNG"),
    # A card lies or stands, a passport's page too: read on screen, never printed.
    "identity": Want(400, 400, (0.4, 2.5), (1800, 1800), "JPEG"),
}
#: Standard deviation of the grey levels below which a picture shows nothing.
PLAIN = 2.0


class Refused(Exception):
    """The picture is not taken; the argument is the code of the reason."""


def redraw(content: bytes, kind: str) -> bytes:
    """Return the picture drawn anew at the size kept, without what came along with it; raise :class:`Refused`."""
    want = WANTED[kind]
    with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as file:
        if max(file.size) > MAX_SIDE or file.width * file.height > MAX_POINTS:
            raise Refused("large")
        file.draft("RGB", (want.kept[0] * 2, want.kept[1] * 2))  # a JPEG is decoded at a fraction of its size
        file.load()
        picture: Image.Image = file
        ImageOps.exif_transpose(picture, in_place=True)  # a telephone writes how it was held, and turns nothing
        _judge(picture.size, want)
        if picture.mode == "P":
            picture = picture.convert("RGBA")
        picture.thumbnail(want.kept, Image.Resampling.LANCZOS)
        picture = _flatten(picture)
    if ImageStat.Stat(picture.convert("L")).stddev[0] < PLAIN:
        raise Refused("plain")
    return _written(picture, want.kept_as)


def _judge(size: tuple[int, int], want: Want) -> None:
    width, height = size
    least, most = want.ratio
    if not least <= width / height <= most:
        raise Refused("ratio")
    if width < want.width or height < want.height:
        raise Refused("small")


def _flatten(picture: Image.Image) -> Image.Image:
    """Return the picture on white: a signature drawn on nothing would be black on black."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return picture.convert("RGB")


def _written(picture: Image.Image, kept_as: str) -> bytes:
    """Return the picture's points alone, in a fresh file: no place, no camera, no colour profile, no thumbnail."""
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    out = io.BytesIO()
    if kept_as == "JPEG":
        bare.save(out, "JPEG", quality=90, optimize=True)
    else:
        bare.convert("L").save(out, "PNG", optimize=True)
    return out.getvalue()


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Read a picture, answer, end."""
    Image.init()
    Image.MAX_IMAGE_PIXELS = None  # :func:`redraw` judges the size itself, before anything is decoded
    content = sys.stdin.buffer.read()
    _confine()
    try:
        answer = b"P" + redraw(content, sys.argv[1])
    except Refused as refusal:
        answer = b"R" + str(refusal).encode()
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
