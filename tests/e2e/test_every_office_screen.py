"""Every screen of the agents, as `test_every_screen.py` looks at everybody else's."""

from __future__ import annotations

import pytest

from .test_every_screen import Round, enter, house, rounds, screens, sent

__all__ = ["enter", "house", "rounds", "screens", "sent"]

pytestmark = pytest.mark.browser


def test_every_screen_is_for_agents(rounds: Round) -> None:
    rounds.walk("agent")
