"""What was typed, put back into the fields of a page: its tags are rewritten where they stand, nothing else changes.

Hidden fields keep what the page says now (its token, the version of what it shows); passwords and files stay empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from app.services.accounts.kept_forms import Sent

_NOT_TYPED = ("hidden", "password", "file", "submit", "button", "image", "reset")
_TICKED = ("checkbox", "radio")
#: Names of fields that nobody types: they say where a form stood, or which version of what it showed.
_CARRIED = frozenset({"page", "retour", "version", "told", "champ", "grille", "lignes", "ecarter"})


@dataclass
class _Control:
    """A field of the page: where its tag stands, and for a text area or a select where its content does."""

    tag: str
    attributes: dict[str, str]
    start: int
    end: int
    form: _Form | None
    content: tuple[int, int] = (0, 0)
    options: list[_Control] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.attributes.get("type", "text").lower() if self.tag == "input" else self.tag

    @property
    def name(self) -> str:
        return self.attributes.get("name", "")

    @property
    def is_typed(self) -> bool:
        return bool(self.name) and self.kind not in _NOT_TYPED and "disabled" not in self.attributes


@dataclass(eq=False)
class _Form:
    """A form of the page: its name in it, and the paths it may be sent to."""

    id: str
    actions: set[str]


class _Reader(HTMLParser):
    """Finds the forms of a page and their fields, with the places of their tags."""

    def __init__(self, page: str, path: str) -> None:
        super().__init__(convert_charrefs=False)
        self.forms: list[_Form] = []
        self.controls: list[_Control] = []
        self._open: _Form | None = None
        self._path = path
        self._lines = [0, *(match.end() for match in re.finditer("\n", page))]
        self.feed(page)
        self.close()

    @property
    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a form, a field, a choice of a select, a button that sends elsewhere."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = _Form(attributes.get("id", ""), {urlsplit(attributes.get("action") or self._path).path})
            self.forms.append(self._open)
        elif tag in ("input", "textarea", "select", "option"):
            start, text = self._at, self.get_starttag_text() or ""
            made = _Control(tag, attributes, start, start + len(text), self._form_of(attributes))
            if tag != "option":
                self.controls.append(made)
            elif self.controls and self.controls[-1].tag == "select":
                self.controls[-1].options.append(made)
        elif tag == "button" and "formaction" in attributes and (form := self._form_of(attributes)):
            form.actions.add(urlsplit(attributes["formaction"]).path)

    def handle_endtag(self, tag: str) -> None:
        """Take note of where a form, or the content of a text area, ends."""
        if tag == "form":
            self._open = None
        elif tag == "textarea" and self.controls and self.controls[-1].tag == tag:
            self.controls[-1].content = (self.controls[-1].end, self._at)

    def _form_of(self, attributes: dict[str, str]) -> _Form | None:
        """Return the form a field belongs to: the one it names, which may stand further on, or the one around it."""
        if name := attributes.get("form"):
            known = next((form for form in self.forms if form.id == name), None)
            if known is None:
                self.forms.append(known := _Form(name, set()))
            return known
        return self._open


@dataclass(frozen=True, slots=True)
class Filled:
    """A page with what was typed: whether it holds some of it, and what of it has no field there."""

    page: str
    is_back: bool
    left: list[str]


def put_back(page: str, path: str, forms: Sequence[Sent]) -> Filled:
    """Return the page at ``path`` with the forms' fields filled in."""
    reader, changes, left, is_back = _Reader(page, path), list[tuple[int, int, str]](), list[str](), False
    for sent in forms:
        if fields := _fields_of(reader, sent):
            changes += _changes(page, fields, sent)
            is_back = True
        elif not any(sent.action in form.actions for form in reader.forms):
            left += [value for name, value in sent.fields if value.strip() and name not in _CARRIED]
    for start, end, text in sorted(changes, reverse=True):
        page = page[:start] + text + page[end:]
    return Filled(page, is_back, left)


def _fields_of(reader: _Reader, sent: Sent) -> list[_Control]:
    """Return the fields of the form that was sent: by its path, and of several by how many names they share."""
    names = {name for name, _ in sent.fields}
    best: tuple[int, int, list[_Control]] = (0, 0, [])
    for form in _one_by_one(reader.forms):
        typed = [one for one in reader.controls if one.is_typed and _same(one.form, form)]
        shared = len({one.name for one in typed} & names)
        score = (int(any(sent.action in one.actions for one in reader.forms if _same(one, form))), shared)
        if shared and score > best[:2]:
            best = (*score, typed)
    return best[2]


def _one_by_one(forms: Sequence[_Form]) -> Iterator[_Form]:
    for at, form in enumerate(forms):
        if not any(_same(form, other) for other in forms[:at]):
            yield form


def _same(one: _Form | None, other: _Form) -> bool:
    return one is other or (one is not None and bool(one.id) and one.id == other.id)


def _changes(page: str, fields: Sequence[_Control], sent: Sent) -> Iterator[tuple[int, int, str]]:
    """Yield place and new text of each tag or content that changes."""
    left: dict[str, list[str]] = {}
    for name, value in sent.fields:
        left.setdefault(name, []).append(value)
    every = {name: list(values) for name, values in left.items()}
    for one in fields:
        tag = page[one.start : one.end]
        if one.kind in _TICKED:
            wanted = one.attributes.get("value", "on") in every.get(one.name, ())
            yield one.start, one.end, _with(tag, "checked", "" if wanted else None)
        elif one.tag == "select" and one.name in every:
            for option in one.options:
                chosen = option.attributes.get("value", "") in every[one.name]
                yield (
                    option.start,
                    option.end,
                    _with(page[option.start : option.end], "selected", "" if chosen else None),
                )
        elif left.get(one.name):
            value = left[one.name].pop(0)
            if one.tag == "textarea":
                yield *one.content, "\n" + escape(value, quote=False)
            else:
                yield one.start, one.end, _with(tag, "value", value)


def _with(tag: str, name: str, value: str | None) -> str:
    """Return a start tag with an attribute of this value, or without it for None."""
    bare = re.sub(rf"""\s{name}(\s*=\s*("[^"]*"|'[^']*'|[^\s>]+))?(?=[\s/>])""", "", tag, count=1)
    if value is None:
        return bare
    said = f' {name}="{escape(value)}"' if value or name == "value" else f" {name}"
    end = "/>" if bare.endswith("/>") else ">"
    return bare.removesuffix(end).rstrip() + said + end
