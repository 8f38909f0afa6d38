"""Accessibility of a screen, by axe-core: WCAG 2.2 AA and RGAA 4."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "RGAAv4"]
#: Only what is wrong leaves the page: all that axe knows is long, and took as long to tell as to find.
RUN = """async ([part, options]) => (await axe.run(part || document, options)).violations.map(
    ({ id, help, nodes }) => `${id}: ${help} — ${nodes.slice(0, 4).map(({ html }) => html.slice(0, 160)).join(" · ")}`
)"""
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}


def violations(page: Page, within: str = "") -> list[str]:
    """Return the violations of the page, once loaded, or of a part of it, each with the elements concerned."""
    page.wait_for_load_state()  # a click comes back when the new page begins, not when all of it is there
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    return list(page.evaluate(RUN, [within, OPTIONS]))
