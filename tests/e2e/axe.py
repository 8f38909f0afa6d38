"""Accessibility of a screen, by axe-core: WCAG 2.2 AA and RGAA 4."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SCRIPT = Path(__file__).with_name("screen.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "RGAAv4"]
#: Only what is wrong leaves the page: all that axe knows is long, and took as long to tell as to find.
RUN = """async ([part, options]) => (await axe.run(part || document, options)).violations.map(
    ({ id, help, nodes }) => `${id}: ${help} — ${nodes.slice(0, 4).map(({ html }) => html.slice(0, 160)).join(" · ")}`
)"""
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}


#: Width, part, and how it is made: what axe has found nothing wrong with.
_faultless: set[tuple[int, str, int]] = set()


def violations(page: Page, within: str = "") -> list[str]:
    """Return the violations of the page, once loaded, or of a part of it, each with the elements concerned.

    What is made of the same elements (same classes and attributes, other words) as something faultless before is faultless.
    """
    page.wait_for_load_state()  # a click comes back when the new page begins, not when all of it is there
    page.evaluate(SCRIPT)
    width = (page.viewport_size or {"width": 0})["width"]
    made = (width, within, page.evaluate("part => screenTest.shapeOf(part)", within or "body"))
    if made in _faultless:
        return []
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    found = list(page.evaluate(RUN, [within, OPTIONS]))
    if not found:
        _faultless.add(made)
    return found
