"""Photos, signatures, identity documents: judged by what they hold, drawn anew by a throw-away child, kept under random names.

This process never decodes a picture.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO

from app.services.core.refusal import Refusal
from app.services.storage import store

from . import picture_child

PHOTO, SIGNATURE, IDENTITY = "photo", "signature", "identity"
#: Where they lie in the store.
FOLDER = "pictures"
MAX_BYTES = 5 * 1024 * 1024
#: A picture drawn anew is far smaller; more is not believed from the child.
MAX_ANSWER = 4 * 1024 * 1024
WALL_SECONDS = 15.0
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
TYPES = {PHOTO: "image/jpeg", SIGNATURE: "image/png", IDENTITY: "image/jpeg"}
_ENDINGS = {PHOTO: "jpg", SIGNATURE: "png", IDENTITY: "jpg"}

_THE = {PHOTO: "La photo", SIGNATURE: "La signature", IDENTITY: "L’image de la pièce d’identité"}
_SENTENCES = {
    (
        PHOTO,
        "small",
    ): "La photo est trop petite : il faut au moins 413 × 531 pixels, soit 35 × 45 mm à 300 pixels par pouce.",
    (PHOTO, "ratio"): "La photo n’a pas le format d’une photo d’identité : cadrez-la en hauteur, 35 mm sur 45 mm.",
    (PHOTO, "plain"): "La photo est d’une seule couleur : on n’y voit aucun visage.",
    (SIGNATURE, "small"): "La signature est trop petite : il faut au moins 300 × 80 pixels.",
    (SIGNATURE, "ratio"): "La signature n’est pas cadrée : recadrez l’image en largeur, au plus près de la signature.",
    (SIGNATURE, "plain"): "L’image de la signature est vide : on n’y voit aucun trait.",
    (
        IDENTITY,
        "small",
    ): "L’image de la pièce d’identité est trop petite pour être lue : il faut au moins 400 pixels de côté.",
    (IDENTITY, "ratio"): "L’image de la pièce d’identité est trop étroite : cadrez la pièce entière.",
    (IDENTITY, "plain"): "L’image de la pièce d’identité est d’une seule couleur : on n’y lit rien.",
}


class PictureRefused(Refusal):
    """The picture is not taken; the message says why and what is expected."""


def redraw(stream: IO[bytes], kind: str) -> bytes:
    """Return the picture that was sent, drawn anew: PNG for a signature, else JPEG, nothing but its points.

    Raises :class:`PictureRefused`, whatever the file does.
    """
    content = stream.read(MAX_BYTES + 1)
    if not content:
        raise PictureRefused(f"{_THE[kind]} est vide : vérifiez le fichier choisi.")
    if len(content) > MAX_BYTES:
        raise PictureRefused(f"{_THE[kind]} dépasse 5 Mo : réduisez l’image, puis envoyez-la de nouveau.")
    if not content.startswith((_PNG, _JPEG)):
        raise PictureRefused(f"{_THE[kind]} doit être une image JPEG ou PNG : le fichier envoyé n’en est pas une.")
    try:
        answer = _ask_child(content, kind)
    except OSError:  # no room for another process, or for its file: the picture may be as good as any
        raise PictureRefused(f"{_THE[kind]} ne peut pas être vérifiée pour le moment. Réessayez plus tard.") from None
    if answer[:1] == b"P":
        return answer[1:]
    code = answer[1:].decode("ascii", "replace")
    if code == "large":
        raise PictureRefused(f"{_THE[kind]} a trop de pixels : réduisez l’image à moins de 60 millions de pixels.")
    unreadable = f"{_THE[kind]} est illisible : enregistrez l’image de nouveau en JPEG ou en PNG."
    raise PictureRefused(_SENTENCES.get((kind, code), unreadable))


def keep(content: bytes, kind: str) -> store.Stored:
    """Store a picture drawn anew under a random name and return where; durable when it returns.

    Raises :class:`PictureRefused` while the store takes nothing.
    """
    name = secrets.token_hex(16)
    try:
        return store.put_named(f"{FOLDER}/{name[:2]}/{name}.{_ENDINGS[kind]}", content)
    except OSError:
        raise PictureRefused(
            f"{_THE[kind]} ne peut pas être enregistrée pour le moment. Réessayez plus tard."
        ) from None


def _ask_child(content: bytes, kind: str) -> bytes:
    """Return what the child answers, nothing when it ends otherwise than it should; OSError where it cannot be started."""
    child = _start(content, kind)
    assert child.stdout is not None
    patience = threading.Timer(WALL_SECONDS, os.killpg, (child.pid, signal.SIGKILL))
    patience.start()
    try:
        answer = child.stdout.read(MAX_ANSWER + 1)
    finally:
        patience.cancel()
        # Not waited for yet, so the number is still its own.
        os.killpg(child.pid, signal.SIGKILL)
        child.stdout.close()
        child.wait()
    return answer if len(answer) <= MAX_ANSWER else b""


def _start(content: bytes, kind: str) -> subprocess.Popen[bytes]:
    """Start the child on a picture."""
    command = [sys.executable, "-I", "-B", str(Path(picture_child.__file__).resolve()), kind]
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        return subprocess.Popen(
            command,
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,
        )
