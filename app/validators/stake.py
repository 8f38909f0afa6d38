"""What is at stake in registering a line beyond its errors: billed again, or billed with documents that are withheld."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from app.validators.context import Context
from app.validators.fields import NameKey, name_key
from app.validators.line import Line
from app.validators.remark import Code

#: The informations that cost money or withhold: whoever was not told of one has not agreed to it.
TOLD = frozenset({Code.ALREADY_REGISTERED, Code.IDENTITY_DIFFERS})


class Stake(NamedTuple):
    """What registering a line would lead to. ``times``: how often this centre registered that driver for that training."""

    withheld: bool = False
    times: int = 0
    is_known: bool = False
    """This centre registered the driver before: it may be told what the register knows of them."""


NOTHING = Stake()
TrainingKey = Callable[[Line], tuple[object, ...] | None]


def withholds(account_name: NameKey | None, last_name: str, first_name: str) -> bool:
    """Tell whether what is registered under a name is withheld: the driver's account (None without one) bears another."""
    return account_name is not None and not account_name.agrees(name_key(last_name, first_name))


def stake_of(line: Line, context: Context, key_of: TrainingKey) -> Stake:
    """Return what is at stake in a line, by the facts."""
    driver = line.driver_key
    if driver is None:
        return NOTHING
    account_name = context.account_names.get(driver)
    withheld = line.has_names and withholds(account_name, line.last_name, line.first_name)
    times = context.own_times.get(key_of(line), 0)  # type: ignore[arg-type]
    return Stake(withheld, times, driver in context.own_names)
