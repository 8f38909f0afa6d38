"""What a person could read in an answer: text, the members of an archive (.xlsx, .zip), the text of a PDF."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path


def words_in(content: bytes, words: Iterable[str]) -> list[str]:
    """Return the words that some bytes say, in whatever case."""
    text = readable(content).casefold()
    return [word for word in words if word.casefold() in text]


def readable(content: bytes) -> str:
    """Return the text of some bytes, unpacked."""
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "\n".join([name + "\n" + readable(archive.read(name)) for name in archive.namelist()])
    if content.startswith(b"%PDF"):
        return _pdf(content)
    return content.decode(errors="replace")


@lru_cache(maxsize=100)
def _pdf(content: bytes) -> str:
    done = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True)
    return done.stdout.decode()


def mails(folder: Path) -> list[str]:
    """Return each mail written, its parts decoded, attachments left out but for their text."""
    from email import message_from_bytes, policy

    told = []
    for file in sorted(folder.glob("*.eml")):
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        parts = [readable(part.get_payload(decode=True) or b"") for part in message.walk() if not part.is_multipart()]  # type: ignore[arg-type]
        told.append("\n".join([str(message["To"]), str(message["Subject"]), *parts]))
    return told
