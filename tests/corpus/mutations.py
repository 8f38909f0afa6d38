"""Valid files spoilt by chance: bytes of the whole, or the content of one part under a checksum that fits."""

from __future__ import annotations

import io
import random
import re
import zipfile

NUMBERS = (b"0", b"-1", b"1e999", b"99999999999", b"4294967296", b"1048577", b"NaN", b"", b"1E+400", b"0x10")
WORDS = (
    b"s",
    b"b",
    b"e",
    b"d",
    b"n",
    b"str",
    b"inlineStr",
    b"x",
    b"true",
    b"rId9",
    b"../..",
    b"XFE1",
    b"A0",
    b"\xc3",
    b"&#0;",
)
TAG = re.compile(rb"<[^<>]*>")
VALUE = re.compile(rb'(?<==")[^"]*(?=")|(?<=<v>)[^<]*(?=</v>)')


def bytes_changed(content: bytes, chance: random.Random) -> bytes:
    """The file with a few bytes changed, left out, doubled, or its end cut off."""
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        if not spoilt:
            break
        at, length = chance.randrange(len(spoilt)), chance.choice((1, 1, 2, 4, 64))
        match chance.randrange(6):
            case 0:
                spoilt[at] ^= 1 << chance.randrange(8)
            case 1:
                spoilt[at : at + length] = chance.randbytes(length)
            case 2:
                del spoilt[at : at + length]
            case 3:
                spoilt[at:at] = spoilt[at : at + length]
            case 4:
                spoilt[at : at + 4] = chance.choice(
                    (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x01\0\0\0")
                )
            case 5:
                del spoilt[at if chance.random() < 0.3 else len(spoilt) - length :]
    return bytes(spoilt)


def part_changed(content: bytes, chance: random.Random) -> bytes:
    """The .xlsx with something amiss inside one part, the archive around it being good."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(sorted(parts))
    for _ in range(chance.choice((1, 1, 3))):
        parts[name] = _spoilt(parts[name], chance)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
    return target.getvalue()


def _spoilt(text: bytes, chance: random.Random) -> bytes:
    values, tags = list(VALUE.finditer(text)), list(TAG.finditer(text))
    match chance.randrange(5):
        case 0 | 1 if values:
            found = chance.choice(values)
            return text[: found.start()] + chance.choice(NUMBERS + WORDS) + text[found.end() :]
        case 2 if tags:
            found = chance.choice(tags)
            return text[: found.start()] + found[0] * chance.choice((0, 2, 50)) + text[found.end() :]
        case 3 if tags:
            one, other = chance.choice(tags), chance.choice(tags)
            return text[: one.start()] + other[0] + text[one.end() :]
    return bytes_changed(text, chance)
