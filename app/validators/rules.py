"""The rules a line answers for alone, beyond missing, malformed and unknown values (4 to 8, 11 to 14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import Enum
from functools import lru_cache

from app.validators.address import parse_address
from app.validators.context import Context, DriverKey
from app.validators.fields import NameKey, clean, name_key, namesake_key
from app.validators.line import Line
from app.validators.remark import EMAIL, Code, Remark

Rule = Callable[[Line, Context], Remark | None]

MAJORITY = 18
OLDEST = 100

_END_DATE_IN_FUTURE = Remark(Code.END_DATE_IN_FUTURE, "end_date")
_MINOR = Remark(Code.MINOR, "birth_date")
_OVER_100 = Remark(Code.OVER_100, "birth_date")
_BIRTH_DATE_IN_FUTURE = Remark(Code.BIRTH_DATE_IN_FUTURE, "birth_date")
_NOT_ACCREDITED = Remark(Code.NOT_ACCREDITED, "training_label")
_CATEGORY_MISMATCH = Remark(Code.CATEGORY_MISMATCH, "category")
_IDENTITY_DIFFERS = Remark(Code.IDENTITY_DIFFERS, "last_name")
_NO_ACCOUNT = Remark(Code.NO_ACCOUNT)
_ADDRESS_UNUSABLE = Remark(Code.ADDRESS_UNUSABLE, EMAIL)


@lru_cache(maxsize=65536)
def birthday(born: date, age: int) -> date:
    """The day someone reaches an age in years; born on 29/02, it is 01/03 of a year that has no such day."""
    year = born.year + age
    if year > date.max.year:
        return date.max
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def end_date_in_future(line: Line, context: Context) -> Remark | None:
    """« La date de fin de formation ne peut pas être postérieure à la date du jour »."""
    return _END_DATE_IN_FUTURE if line.end_date and line.end_date > context.today else None


def minor(line: Line, context: Context) -> Remark | None:
    """« Le stagiaire doit être majeur »: of age on the 18th birthday; silent where the training admits minors."""
    if line.birth_date is None or line.minors_allowed is not False:
        return None
    return _MINOR if birthday(line.birth_date, MAJORITY) > context.today else None


def over_100(line: Line, context: Context) -> Remark | None:
    """« Le stagiaire ne doit pas avoir plus de 100 ans »: the 100th birthday itself is accepted."""
    if line.birth_date is None:
        return None
    return _OVER_100 if birthday(line.birth_date, OLDEST) < context.today else None


def birth_date_in_future(line: Line, context: Context) -> Remark | None:
    """« La date de naissance ne peut pas être postérieure à la date du jour »."""
    return _BIRTH_DATE_IN_FUTURE if line.birth_date and line.birth_date > context.today else None


def not_accredited(line: Line, context: Context) -> Remark | None:
    """« CFR non agréé pour cette formation à la date indiquée »: judged on the end date of the training."""
    if line.training is None or line.end_date is None:
        return None
    return None if context.accreditation_for(line.training, line.end_date) else _NOT_ACCREDITED


def category_mismatch(line: Line, context: Context) -> Remark | None:
    """« La formation ne correspond pas à la catégorie indiquée »: both must be known."""
    if line.training is None or line.category is None:
        return None
    return None if line.training.category is line.category else _CATEGORY_MISMATCH


def already_registered(line: Line, context: Context) -> Remark | None:
    """« Déjà enregistré par votre centre le … »: the same driver and the same training, in this centre's records."""
    if not context.own_registrations or (key := training_key(line)) is None:
        return None
    on = context.own_registrations.get(key)
    return Remark(Code.ALREADY_REGISTERED, on=on) if on else None


def identity_differs(line: Line, context: Context) -> Remark | None:
    """« … connus sous un autre nom »: this centre registered that driver, and never under this name."""
    names = context.own_names.get(line.driver_key) if line.driver_key else None
    if not names or not line.has_names:
        return None
    typed = name_key(line.last_name, line.first_name)
    return None if any(map(typed.agrees, names)) else _IDENTITY_DIFFERS


def no_account(line: Line, context: Context) -> Remark | None:
    """« Ne possède pas encore de compte sur la plateforme »: also said of a stranger's account under another name."""
    if line.driver_key is None:
        return None
    account = context.account_names.get(line.driver_key)
    told = line.driver_key in context.own_names or account is None or _is_named(line, account)
    return None if told and line.driver_key in context.accounts else _NO_ACCOUNT


def _is_named(line: Line, account: NameKey) -> bool:
    """Whether the names of the line are the account's; where the first name is still to be corrected, the surname."""
    if line.has_names:
        return account.agrees(name_key(line.last_name, line.first_name))
    return "".join(account.last) == "".join(name_key(line.last_name, "").last)


def one_slip(one: str, other: str) -> bool:
    """Whether two texts differ by one sign typed, left out or mistyped, or by two neighbours that changed places."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if len(one) != len(other):
        longer, shorter = (one, other) if len(one) > len(other) else (other, one)
        return longer[at + 1 :] == shorter[at:]
    return one[at + 1 :] == other[at + 1 :] or (
        one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    )


def day_and_month_swapped(one: date, other: date) -> bool:
    """Whether two days are of one year and differ by day and month in each other's place."""
    return one != other and (one.year, one.month, one.day) == (other.year, other.day, other.month)


def one_digit_of_the_year(one: date, other: date) -> bool:
    """Whether two days differ by one digit of the year."""
    pairs = zip(f"{one.year:04d}", f"{other.year:04d}", strict=True)
    return (one.month, one.day) == (other.month, other.day) and sum(a != b for a, b in pairs) == 1


def mistyped(one: DriverKey, other: DriverKey, *, years: bool = False) -> str | None:
    """The one field by which two identities differ as a slip of the pen would make them; None where it was none.

    ``years``: another digit in the year of birth is one too.
    """
    if one[0] == other[0]:
        return "permit_number" if one_slip(one[1], other[1]) else None
    if one[1] != other[1]:
        return None
    slip = day_and_month_swapped(one[0], other[0]) or (years and one_digit_of_the_year(one[0], other[0]))
    return "birth_date" if slip else None


def looks_alike(line: Line, context: Context) -> Remark | None:
    """« Ressemble … : vérifiez »: this centre registered the same names under an identity that one slip makes of this one.

    Silent of a driver whom the centre knows under this very identity.
    """
    if line.driver_key is None or line.driver_key in context.own_names:
        return None
    for other in context.own_namesakes.get(namesake_key(line.last_name, line.first_name), ()):
        field = mistyped(line.driver_key, other)
        if field == "permit_number":
            return Remark(Code.LOOKS_ALIKE, field, detail=other[1])
        if field:
            return Remark(Code.LOOKS_ALIKE, field, on=other[0])
    return None


def address_unusable(line: Line, context: Context) -> Remark | None:
    """« Adresse électronique non conforme … »: of an address that may be left out, so that it blocks nothing."""
    typed = line.raw.email
    return _ADDRESS_UNUSABLE if typed and clean(typed) and parse_address(typed) is None else None


class Reads(Enum):
    """What a rule reads of a line and of the context: lines that share it share the answer, which is worked out once."""

    TRAINING = "label, category and end date, today, the accreditations"
    AGE = "birth date, whether the training's type lets minors in, today"
    DRIVER = "what the context knows of the line's driver; of drivers it knows nothing about, the answer is one"
    NAMESAKES = "the centre's drivers of the same names; asked where the lines have any"
    ADDRESS = "the address: asked of the lines that bear one"
    LINE = "anything: asked of every line"


RULES: tuple[tuple[Rule, Reads], ...] = (
    (end_date_in_future, Reads.TRAINING),
    (minor, Reads.AGE),
    (over_100, Reads.AGE),
    (birth_date_in_future, Reads.AGE),
    (not_accredited, Reads.TRAINING),
    (category_mismatch, Reads.TRAINING),
    (already_registered, Reads.DRIVER),
    (identity_differs, Reads.DRIVER),
    (no_account, Reads.DRIVER),
    (looks_alike, Reads.NAMESAKES),
    (address_unusable, Reads.ADDRESS),
)
"""Every rule that looks at one line alone, in the order of the table of rules, with what it reads.

It is all that `batch.Judge` asks, for every door. 1 to 3 are said by reading.py, 9 and 10 compare lines and live in batch.py.
"""


def rules_reading(what: Reads) -> tuple[Rule, ...]:
    """The rules of the table that read this."""
    return tuple(rule for rule, reads in RULES if reads is what)


def ask(rules: Iterable[Rule], line: Line, context: Context) -> tuple[Remark, ...]:
    """What these rules answer about a line."""
    return tuple([remark for rule in rules if (remark := rule(line, context)) is not None])


def training_key(line: Line) -> tuple[date, str, int, date | None] | None:
    """The driver and the training, with the end date for an FCO module only (one label serves several days).

    None while one of them is not known.
    """
    training, driver = line.training, line.driver_key
    if driver is None or training is None or (training.is_module and line.end_date is None):
        return None
    return (*driver, training.id, line.end_date if training.is_module else None)
