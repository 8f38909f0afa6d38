"""Paragraphs that say which element of the tree they are, and whose lines can be read one after the other."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Paragraph
from reportlab.platypus.paragraph import _HSFrag, _InjectedFrag

from . import faces
from .marking import Paper
from .tree import Element

#: Heading → its level among the bookmarks.
_LEVELS = {"H1": 0, "H2": 1}
#: What parts words; a no-break space does not.
_SPACES = " \t\n\r\f\v"


class Said:
    """What a paragraph of reportlab's is made to do besides: a mixin, before the class of the paragraph."""

    canv: Paper
    width: float
    height: float
    #: One element, or those of the bullet and of the text.
    elements: Element | tuple[Element, Element]
    #: It is the rest of a paragraph that began on another page; the one that begins ends in the space between.
    _goes_on, _ends_in_space = False, False
    #: Where its element leads to, if that is a link.
    address = ""

    def said_as(self) -> Element | tuple[Element, Element]:
        """Return which elements this paragraph is."""
        return self.elements

    def leads_to(self) -> str:
        """Return the address that its element leads to, if that is a link."""
        return self.address

    def hand_on(self, part: Any) -> None:
        """Tell a part of this paragraph which elements it is."""
        part.elements, part.address = self.elements, self.address

    def draw(self) -> None:
        """Draw it, as a piece of its element."""
        end_lines(self, self._ends_in_space)
        said = self.said_as()
        is_new = isinstance(said, Element) and not said.is_drawn
        self.canv.say(said, super().draw, goes_on=self._goes_on)  # type: ignore[misc]
        if not (isinstance(said, Element) and is_new):
            return
        if said.role in _LEVELS and self.canv.sheet.outlined:
            self.canv.bookmark(source(self).replace("\n", " "), _LEVELS[said.role])
        if said.role == "Link":
            corners = *self.canv.absolutePosition(0, 0), *self.canv.absolutePosition(self.width, self.height)
            self.canv.link(said, self.leads_to(), corners)

    def split(self, width: float, height: float) -> list[Any]:
        """Return its parts on two pages: one element still."""
        parts: list[Any] = super().split(width, height)  # type: ignore[misc]
        if len(parts) > 1:
            whole, first = source(self), source(parts[0])
            at = _after(whole, 0, first)
            for part in parts:
                self.hand_on(part)
            parts[0]._goes_on = self._goes_on
            parts[0]._ends_in_space = at < len(whole) and whole[at] in _SPACES
            parts[1]._goes_on, parts[1]._ends_in_space = True, self._ends_in_space
        return parts


class Words(Said, Paragraph):  # type: ignore[misc]
    """A paragraph of reportlab's that is an element of the tree."""

    def __init__(self, markup: str | None, style: ParagraphStyle, elements: Any = None, **options: Any) -> None:
        super().__init__(markup, style, **options)
        self.elements = elements


def plain(value: str, style: ParagraphStyle, element: Element) -> Words:
    """Return a text as a paragraph; whatever it holds is drawn, none of it is markup."""
    return rich(escape(value), style, element)


def rich(markup: str, style: ParagraphStyle, elements: Any, **options: Any) -> Words:
    """Return a paragraph of reportlab's markup; where a sign has no glyph, its element keeps the true text."""
    words = Words(markup, style, elements, **options)
    true, is_shown = faces.one_line(source(words)), True
    for frag in words.frags:
        if text := getattr(frag, "text", ""):
            frag.text = faces.drawable(text)
            is_shown = is_shown and frag.text == faces.one_line(text)
    if not is_shown:
        (elements if isinstance(elements, Element) else elements[-1]).actual = true
    return words


def end_lines(paragraph: Any, the_last: bool = False) -> None:
    """End each line by the space that was between it and the next, or a reader would join two words; a cut word gets none."""
    broken = getattr(paragraph, "blPara", None)
    lines = broken.lines if broken else []
    if the_last and lines:
        _append_space(lines[-1])
    if len(lines) < 2:
        return
    whole, at = source(paragraph), 0
    for line in lines[:-1]:
        at = _after(whole, at, _text(line))
        if at < len(whole) and whole[at] in _SPACES:
            _append_space(line)


def source(paragraph: Any) -> str:
    """Return the text that a paragraph was made of; a wanted break is a line feed."""
    return "".join(_piece(one) for one in paragraph.frags if not isinstance(one, _InjectedFrag))


def _piece(fragment: Any) -> str:
    """Return the text of a fragment; of a word, which reportlab makes of fragments once it has broken them into lines."""
    if not isinstance(fragment, list):
        return "\n" if getattr(fragment, "lineBreak", False) else _decoded(getattr(fragment, "text", ""))
    told = "".join("\n" if getattr(style, "lineBreak", False) else _decoded(text) for style, text in fragment[1:])
    return f"{told} " if isinstance(fragment, _HSFrag) else told


def _after(source: str, at: int, said: str) -> int:
    """Return where the source goes on once this was said."""
    for sign in said:
        if sign in _SPACES:
            continue
        while at < len(source) and source[at] != sign:
            at += 1
        at += 1
    return at


def _text(line: Any) -> str:
    if isinstance(line, tuple | list):
        return " ".join(_decoded(word) for word in line[1])
    return "".join(_decoded(getattr(word, "text", "")) for word in line.words)


def _append_space(line: Any) -> None:
    if isinstance(line, tuple | list):
        words = line[1]
        if words and not _decoded(words[-1]).endswith(" "):
            words[-1] = _decoded(words[-1]) + " "
    elif line.words and not _decoded(line.words[-1].text).endswith(" "):
        line.words[-1].text = _decoded(line.words[-1].text) + " "


def _decoded(word: str | bytes) -> str:
    return word.decode("utf-8") if isinstance(word, bytes) else word
