"""Everything that is asked of a screen in the browser, at both widths: axe, the keyboard, the frame, French."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.shell.test_french import ENGLISH, words_of

from .axe import SCRIPT, has_new_controls, violations

WIDTHS = (1280, 390)
#: At which nothing is wider than the page (WCAG 1.4.10).
NARROWEST = 320


class Screens:
    """Looks at screens and keeps what is wrong.

    Axe and the keyboard are slow. The keyboard finds nothing new in a page made as one before: of the same elements (same
    classes and attributes, other words) in the same places, however often a row is there; nor at the second width where each
    kind of control was met in some page. Axe looks at each kind once a width (`axe.violations`). What only a whole page
    tells, such as what is named and is not there, is asked of every page. The page itself and what surrounds it, menu and
    footer, are remembered apart.
    """

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self._seen: set[tuple[str, int]] = set()

    def look(self, page: Page, name: str) -> None:
        """Look at a screen at both widths, and at the dialogs and menus it opens."""
        page.wait_for_load_state()  # all of it, not only what was waited for
        page.evaluate(SCRIPT)
        page.evaluate("screenTest.unfold()")
        facts = page.evaluate("screenTest.facts()")
        self._frame(facts, name)
        structure, around = (self._is_new(part, facts[part]) for part in ("structure", "around"))
        if not structure and not around:
            return
        for width in WIDTHS:
            said = f"{name} at {width}"
            self._fits(page, said, width)
            page.evaluate(
                "document.activeElement?.blur()"
            )  # the way to the content lies over the mark while it is focused
            is_new = around or width == WIDTHS[0] or has_new_controls(page, "main")
            self._add(said, violations(page, "" if around else "main"))
            if not is_new:
                continue
            self._keyboard(page, said, whole=around)
            self._dialogs(page, said)
            if around:
                self._menus(page, said)
        self._fits(page, f"{name} at {NARROWEST}", NARROWEST)
        self._add(name, [f"in English: {word}" for word in ENGLISH.findall(words_of(page.content()))])
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})

    def _fits(self, page: Page, said: str, width: int) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        self._add(said, [f"{too_wide} px too wide"] * (too_wide > 0))
        self._add(said, page.evaluate("screenTest.cut()"))

    def forms(self, page: Page) -> int:
        """Return how many forms there are that something is typed or chosen in."""
        page.evaluate(SCRIPT)
        page.evaluate("screenTest.unfold()")
        return int(page.evaluate("screenTest.forms()"))

    def send_empty(self, page: Page, at: int, name: str) -> None:
        """Send a form with nothing in it, and look at the answer: a new page, or a part that htmx brought."""
        self.forms(page)
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.evaluate("at => screenTest.sendEmpty(at)", at)
        told = page.locator("[data-error-summary], #messages .notice--error").first
        try:
            expect(told).to_be_visible()
            if told.get_attribute("data-error-summary") is not None:
                expect(told).to_be_focused()
                expect(page).to_have_title(re.compile(r"^Erreur\s: "))
        except AssertionError as error:
            self._add(name, [str(error).splitlines()[0] + f" on {page.url}"])
        self.look(page, name)

    def tell(self) -> str:
        """Return what is wrong so far, once, a line each."""
        told, self.complaints = "\n".join(self.complaints), []
        return told

    def _add(self, said: str, complaints: list[str]) -> None:
        self.complaints += [f"{said}: {complaint}" for complaint in complaints]

    def _is_new(self, part: str, shape: int) -> bool:
        is_new = (part, shape) not in self._seen
        self._seen.add((part, shape))
        return is_new

    def _frame(self, facts: dict[str, Any], said: str) -> None:
        wrong = {
            f"{facts['headings']} headings of level 1": facts["headings"] != 1,
            f"language « {facts['lang']} »": facts["lang"] != "fr",
            f"title « {facts['title']} »": not facts["title"].removesuffix(" – Registre CQC").strip(),
            f"the browser checks, in its own language: {facts['native']}": bool(facts["native"]),
        }
        self._add(said, [words for words, is_wrong in wrong.items() if is_wrong] + facts["named"])

    def _keyboard(self, page: Page, said: str, *, whole: bool) -> None:
        """Press Tab until the focus has come round, or left the page itself."""
        stops = page.evaluate("whole => screenTest.watch(whole)", whole)
        presses = 0
        while presses <= stops or not page.evaluate("screenTest.isDone()"):
            page.keyboard.down("Tab")  # held: one message a stop
            presses += 1
            if presses > 2 * stops + 20:
                self._add(said, ["Tab does not come round: the focus is trapped"])
                break
        page.keyboard.up("Tab")
        self._add(said, page.evaluate("screenTest.findings()"))

    def _dialogs(self, page: Page, said: str) -> None:
        """Open each dialog by the keyboard; the focus goes in, stays, and comes back with Escape."""
        for at in range(page.evaluate("screenTest.openers()")):
            opener, dialog = page.locator(f'[data-test-opener="{at}"]'), page.locator("dialog[open]")
            opener.press("Enter")
            expect(dialog.locator("[data-close]")).to_be_focused()
            words = dialog.locator("h2, button").all_inner_texts()
            if dialog.locator("[data-close]").inner_text() == "Annuler" and sum("Annuler" in one for one in words) > 1:
                self._add(f"{said}, dialog {at}", [f"« Annuler » means two things: {words}"])
            shape = page.evaluate("screenTest.shapeOf('dialog[open]')")
            if self._is_new(f"dialog {page.viewport_size}", shape):
                self._add(f"{said}, dialog {at}", violations(page, "dialog[open]"))
                for _ in range(6):
                    page.keyboard.press("Tab")
                    if not page.evaluate("screenTest.isInDialog()"):
                        self._add(f"{said}, dialog {at}", ["the focus leaves the dialog"])
            page.keyboard.press("Escape")
            expect(dialog).to_have_count(0)
            expect(opener).to_be_focused()

    def _menus(self, page: Page, said: str) -> None:
        """Open each menu of the top bar by the keyboard: axe, Tab through it, Escape."""
        for menu in page.locator("header details[data-menu]").all():
            summary = menu.locator("summary")
            summary.press("Enter")
            expect(menu).to_have_attribute("open", "")
            self._add(f"{said}, menu open", violations(page, "header"))
            for item in menu.locator(":is(a, button):visible").all():
                page.keyboard.press("Tab")
                expect(item).to_be_focused()
            page.keyboard.press("Escape")
            expect(summary).to_be_focused()
            expect(menu).not_to_have_attribute("open", "")
