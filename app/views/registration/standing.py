"""Where the fields of the path by hand stand, for who signs in again after a form of theirs met an ended sign-in."""

from __future__ import annotations

from collections.abc import Mapping

from flask import url_for

from app.views.shell.resume.keeping import stands_at


def pasting_paths(key: str) -> tuple[str, ...]:
    """Return the paths to which pasted rows are sent: the preview, its « Ajouter », « Revoir le collage »."""
    return tuple(url_for(f"LinesView.{name}", key=key) for name in ("paste", "add_pasted", "paste_again"))


def _drivers(asked: str, form: Mapping[str, str], key: str, **_: object) -> str:
    step = "checks" if form.get("retour") == "controle" else "drivers"
    return asked or url_for(f"WizardView.{step}", key=key)


def _line(asked: str, form: Mapping[str, str], key: str, number: int) -> str:
    return asked or url_for("WizardView.drivers", key=key, ligne=number)


def _pasting(_asked: str, _form: Mapping[str, str], key: str) -> str:
    return url_for("LinesView.paste", key=key)


stands_at(
    LinesView__add=_drivers,
    LinesView__field=_drivers,
    LinesView__fill=_drivers,
    LinesView__correct=_drivers,
    LinesView__change=_line,
    LinesView__paste=_pasting,
    LinesView__add_pasted=_pasting,
    LinesView__paste_again=_pasting,
    WizardView__check=_drivers,
)
