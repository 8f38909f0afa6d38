"""What a service says when it does not do what was asked."""

from __future__ import annotations


class Refusal(Exception):
    """Nothing was done; ``message`` is one French sentence, made to be shown, that says why."""

    message = "Cette action n’est pas possible."

    def __init__(self, message: str = "") -> None:
        self.message = message or self.message
        super().__init__(self.message)
