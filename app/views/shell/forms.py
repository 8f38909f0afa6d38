"""What the forms of several rooms share. They hold no rule: they ask the rules' parsers and say the rules' sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from wtforms import Field, Form, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Optional, ValidationError

from app.services.accounts import activation, passwords
from app.services.accounts.link import Identity
from app.services.core import clock
from app.validators.fields import clean, loosen_date, parse_date, parse_name, parse_permit, parse_text
from app.validators.remark import SENTENCES, Code, Remark, malformed
from app.validators.trainer import Finding
from app.validators.validity import add_months

#: A remark on the label or the category concerns the one choice of step 1.
_FIELD_OF_FORM = {"training_label": "training_id", "category": "training_id"}
CODE_FORMAT = (
    "Le code d’activation compte 8 lettres et chiffres, comme ACDE-FGHJ. Il est sur la fiche remise par votre centre."
)
#: No token is longer.
TOKEN_MAX = 64
AGE_MAX = 100


def loosened(value: str | None) -> str:
    """Return a date as the rules know it, where it was typed in another of the usual ways."""
    return loosen_date(value or "")


def needed(code: str) -> InputRequired:
    """Return the validator of a field that must be filled, with the rules' sentence."""
    return InputRequired(SENTENCES[Code.MISSING, code])


def parsed(parse: Callable[[str], Any], sentence: str) -> Any:
    """Return a WTForms validator that asks one parser of the rules."""

    def check(_form: Form, field: Field) -> None:
        if parse(clean(field.data or "")) is None:
            raise ValidationError(sentence)

    return check


def formed(parse: Callable[[str], Any], code: str) -> Any:
    """Return the validator that asks one parser of the rules, with the rules' sentence."""

    def check(_form: Form, field: Field) -> None:
        text = clean(field.data or "")
        if parse(text) is None:
            raise ValidationError(malformed(code, text).message)

    return check


def as_text(code: str) -> Any:
    """Return a WTForms validator that asks the rules' own parser whether a reference or an order number has its form."""

    def check(_form: Form, field: Field) -> None:
        if parse_text(clean(field.data or "")) is None:
            raise ValidationError(SENTENCES[Code.FORMAT, code])

    return check


def new_password(label: str, validators: list[Any]) -> PasswordField:
    """Return the field of a password that is chosen, read in its one form: typed twice, it may be so by two keyboards."""
    return PasswordField(label, validators, filters=[passwords.normal])


def put_remarks(form: Form, remarks: Iterable[Remark | Finding]) -> None:
    """Put each remark on its field, one sentence a field; what concerns no field of the form is said above it."""
    for remark in remarks:
        name = remark.field or ""
        field = form[name] if name in form else form._fields.get(_FIELD_OF_FORM.get(name, ""))
        if field is None:
            form.form_errors = [*form.form_errors, remark.message]
        elif not field.errors:
            field.errors = [remark.message]


def _plausible(_form: Form, field: Field) -> None:
    """Refuse a birth date to come, or of more than a hundred years ago."""
    born, today = parse_date(clean(field.data or "")), clock.today()
    if born and born > today:
        raise ValidationError(SENTENCES[Code.BIRTH_DATE_IN_FUTURE, "birth_date"])
    if born and add_months(born, 12 * AGE_MAX) < today:
        raise ValidationError("Vérifiez l’année : cette date de naissance remonte à plus de 100 ans.")


class ProofForm(Form):  # type: ignore[misc]
    """What proves an identity. ``invitation`` comes from the link of a centre's mail, and stands for a code."""

    code = StringField("Code d’activation", [Optional(), parsed(activation.parse, CODE_FORMAT)])
    invitation = HiddenField("Invitation")

    @property
    def proof(self) -> str:
        """Return the code typed, else the invitation's token; empty without any."""
        return activation.parse(self.code.data or "") or (self.invitation.data or "").strip()[:TOKEN_MAX]


class IdentityForm(Form):  # type: ignore[misc]
    """Who somebody is, as on the licence."""

    last_name = StringField("Nom", [needed("last_name"), formed(parse_name, "last_name")])
    first_name = StringField("Prénom", [needed("first_name"), formed(parse_name, "first_name")])
    birth_date = StringField(
        "Date de naissance",
        [needed("birth_date"), formed(parse_date, "birth_date"), _plausible],
        filters=[loosened],
    )
    permit_number = StringField("N° de permis", [needed("permit_number"), formed(parse_permit, "permit_number")])

    @property
    def identity(self) -> Identity:
        """Return who it is; the form must be valid."""
        born = parse_date(clean(self.birth_date.data))
        assert isinstance(born, date)
        permit = parse_permit(clean(self.permit_number.data)) or ""
        last, first = (parse_name(clean(name.data)) or "" for name in (self.last_name, self.first_name))
        return Identity(last, first, born, permit)


class CodeForm(ProofForm):
    """An activation code, for who has an account already."""

    def validate_invitation(self, _field: Field) -> None:
        """Ask for a code where no invitation stands for it."""
        if not self.proof and not self.code.errors:
            self.code.errors = ["Saisissez votre code d’activation."]
