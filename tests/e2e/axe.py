"""Accessibility of a screen, by axe-core: WCAG 2.2 AA and RGAA 4."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "RGAAv4"]


def violations(page: Page) -> list[str]:
    """Return the violations of the page, once loaded, each with the elements concerned."""
    page.wait_for_load_state()  # a click comes back when the new page begins, not when all of it is there
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}}).response["violations"]
    return [f"{v['id']}: {v['help']} — " + " · ".join(n["html"][:160] for n in v["nodes"][:4]) for v in found]
