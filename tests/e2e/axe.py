"""Accessibility of a screen, by axe-core: WCAG 2.2 AA and RGAA 4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SCRIPT = Path(__file__).with_name("screen.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "RGAAv4"]
#: Only what is wrong leaves the page: all that axe knows is long, and took as long to tell as to find.
RUN = """async ([part, kinds, options]) => (
    await axe.run(part ? screenTest.ofKinds(part, kinds) : document, options)
).violations.map(
    ({ id, help, nodes }) => `${id}: ${help} — ${nodes.slice(0, 4).map(({ html }) => html.slice(0, 160)).join(" · ")}`
)"""
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
#: What the width decides: how large what one presses is, whether the keyboard reaches what scrolls.
LAYOUT = {**OPTIONS, "runOnly": {"type": "rule", "values": ["target-size", "scrollable-region-focusable"]}}


#: Width → the kinds of elements axe has found nothing wrong with; the frames of pages, looked at as a whole.
_faultless: dict[int, set[int]] = {}
_frames: dict[int, set[int]] = {}


def violations(page: Page, within: str = "") -> list[str]:
    """Return the violations of the page, once loaded, or of a part of it, each with the elements concerned.

    Axe looks at each kind of element once a width, and at all that an element of a new kind holds. A kind is an element that is
    seen, without its words: its classes and attributes, labelled or not, in what holds it. A page whose frame is new is looked
    at as a whole. Names, roles and colours are the same at each width: of what is known at another one, its layout is asked.
    """
    page.wait_for_load_state()  # a click comes back when the new page begins, not when all of it is there
    width, made = _width(page), _made(page, within or "body")
    kinds, frame = set(made["kinds"]), made["frame"]
    is_known = bool(within) or frame in _frames.get(width, ())
    unknown = sorted(kinds - _faultless.setdefault(width, set()))
    if is_known and not unknown:
        return []
    if not made["axe"]:
        page.evaluate(AXE_SCRIPT)
    is_new = kinds.difference(*_faultless.values()) or not (within or frame in set().union(*_frames.values()))
    options = OPTIONS if is_new else LAYOUT
    found = list(page.evaluate(RUN, [(within or "body") if is_known else "", unknown, options]))
    if not found:
        _faultless[width] |= kinds
        if not within:
            _frames.setdefault(width, set()).add(frame)
    return found


def has_new_controls(page: Page, within: str) -> bool:
    """Tell whether a part of the page shows a kind of control that axe has not looked at in this width."""
    return not _faultless.get(_width(page), set()).issuperset(_made(page, within)["controls"])


def _made(page: Page, part: str) -> dict[str, Any]:
    """Return how a part of the page is made (`screen.js`), which is told what that means where it does not know yet."""
    made = page.evaluate("part => window.screenTest?.made(part)", part)
    if made is None:
        page.evaluate(SCRIPT)
        made = page.evaluate("part => screenTest.made(part)", part)
    return dict(made)


def _width(page: Page) -> int:
    return (page.viewport_size or {"width": 0})["width"]
