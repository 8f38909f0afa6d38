"""What a person asks for: a registration to cancel or replace, why, and the corrected line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.models import Registration
from app.models.amendment import NOT_ATTENDED, OTHER, REASONS, REPLACING
from app.models.centre import REGISTER
from app.services.core.reason import REASON_MAX
from app.services.core.refusal import Refusal
from app.validators.line import RawLine
from app.validators.remark import FIELDS

#: The line's number in the batch of a correction.
ONLY = 1


@dataclass(frozen=True, slots=True)
class Order:
    """A correction asked for. ``line``: the nine fields of the new line, None to cancel without replacing."""

    registration_id: int
    reason_code: str
    reason: str = ""
    line: RawLine | None = None


def order(registration: Registration, reason_code: str, reason: str, typed: Mapping[str, str] | None = None) -> Order:
    """Return what is asked for, well formed; raise `Refusal` for an unknown reason, a text that is missing or too long, a
    replacement that changes nothing or that this reason does not allow.
    """
    if reason_code not in REASONS:
        raise Refusal("Choisissez le motif de la correction.")
    text = " ".join(reason.split())
    if len(text) > REASON_MAX:
        raise Refusal(f"La précision fait {REASON_MAX} caractères au plus.")
    if reason_code == OTHER and not text:
        raise Refusal("Dites en quelques mots pourquoi cet enregistrement est annulé.")
    if typed is None:
        return Order(registration.id, reason_code, text)
    if reason_code not in REPLACING:
        raise Refusal(f"Pour le motif « {REASONS[reason_code]} », l’enregistrement s’annule : rien ne le remplace.")
    line = raw_line(typed)
    if line == as_typed(registration):
        raise Refusal("Aucune valeur ne change : corrigez au moins un champ.")
    return Order(registration.id, reason_code, text, line)


def raw_line(typed: Mapping[str, str]) -> RawLine:
    """Return the nine fields as a line of a correction."""
    return RawLine(ONLY, *(str(typed.get(field, "")).strip() for field in FIELDS))


def as_typed(registration: Registration) -> RawLine:
    """Return a registration as its line would be typed: what the form of the correction begins with."""
    born, end = registration.identity.birth_date, registration.end_date
    return RawLine(
        ONLY,
        registration.reference,
        registration.order_number,
        registration.training.label,
        registration.training.category,
        f"{end:%d/%m}/{end.year:04d}",
        registration.first_name,
        registration.last_name,
        f"{born:%d/%m}/{born.year:04d}",
        registration.identity.permit_number,
    )


@dataclass(frozen=True, slots=True)
class Who:
    """Who asked for a correction, and the agent who decides it; None where the centre acts alone."""

    person_id: int
    agent_id: int | None = None
    #: The right by which the person acts at the centre: « API » for a key.
    right: str = REGISTER
    #: By API: the idempotency key and the hash of what was sent.
    call: tuple[str, str] | None = None
    #: Whether what is invoiced already is given back, as the agent decides; None: as the reason has it.
    credit: bool | None = None

    def gives_back(self, reason_code: str) -> bool:
        """Tell whether what is invoiced already is given back."""
        return gives_back(reason_code) if self.credit is None else self.credit

    @property
    def is_agents_own(self) -> bool:
        """Tell whether an agent acts without having been asked to by the centre."""
        return self.agent_id is not None and self.agent_id == self.person_id

    @property
    def actor_id(self) -> int:
        """Return whose act it is."""
        return self.agent_id or self.person_id


def gives_back(reason_code: str) -> bool:
    """Tell whether a reason has what is invoiced given back, unless an agent decides otherwise: not for a place that was kept
    and not taken, nor for a reason that only words tell."""
    return reason_code not in (NOT_ATTENDED, OTHER)
