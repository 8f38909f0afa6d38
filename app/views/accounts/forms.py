"""The forms about accounts. Their validators only call the rules' parsers and the password's rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from wtforms import BooleanField, Field, Form, HiddenField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Optional, ValidationError

from app.services.accounts import activation, passwords
from app.services.accounts.link import Identity
from app.services.accounts.opening import Applicant
from app.services.core import clock
from app.validators.address import ADDRESS_MAX, parse_address
from app.validators.fields import clean, loosen_date, parse_date, parse_name, parse_permit
from app.validators.remark import SENTENCES, Code, malformed
from app.validators.validity import add_months

ADDRESS_MISSING = "Saisissez votre adresse électronique."
ADDRESS_FORMAT = f"Écrivez une adresse comme prenom.nom@exemple.fr, de {ADDRESS_MAX} caractères au plus."
CODE_FORMAT = (
    "Le code d’activation compte 8 lettres et chiffres, comme ACDE-FGHJ. Il est sur la fiche remise par votre centre."
)
#: No token is longer.
TOKEN_MAX = 64
AGE_MAX = 100
CONSENT = "J’accepte l’usage de ces données pour me reconnaître au registre et ouvrir mon espace"


def needed(code: str) -> InputRequired:
    """Return the validator of a field that must be filled, with the rules' sentence."""
    return InputRequired(SENTENCES[Code.MISSING, code])


def _parsed(parse: Callable[[str], Any], sentence: str) -> Any:
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


def _plausible(_form: Form, field: Field) -> None:
    """Refuse a birth date to come, or of more than a hundred years ago."""
    born, today = parse_date(clean(field.data or "")), clock.today()
    if born and born > today:
        raise ValidationError(SENTENCES[Code.BIRTH_DATE_IN_FUTURE, "birth_date"])
    if born and add_months(born, 12 * AGE_MAX) < today:
        raise ValidationError("Vérifiez l’année : cette date de naissance remonte à plus de 100 ans.")


def _loosened(value: str | None) -> str:
    return loosen_date(value or "")


def _address() -> StringField:
    return StringField("Adresse électronique", [InputRequired(ADDRESS_MISSING), _parsed(parse_address, ADDRESS_FORMAT)])


def new_password(label: str, validators: list[Any]) -> PasswordField:
    """Return the field of a password that is chosen, read in its one form: typed twice, it may be so by two keyboards."""
    return PasswordField(label, validators, filters=[passwords.normal])


class AddressForm(Form):  # type: ignore[misc]
    """A mail address alone: who forgot a password."""

    email = _address()

    @property
    def address(self) -> str:
        """Return the address in its one form; the form must be valid."""
        return parse_address(self.email.data or "") or ""


class ProofForm(Form):  # type: ignore[misc]
    """What proves an identity. ``invitation`` comes from the link of a centre's mail, and stands for a code."""

    code = StringField("Code d’activation", [Optional(), _parsed(activation.parse, CODE_FORMAT)])
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
        "Date de naissance", [needed("birth_date"), formed(parse_date, "birth_date"), _plausible],
        filters=[_loosened],
    )  # fmt: skip
    permit_number = StringField("N° de permis", [needed("permit_number"), formed(parse_permit, "permit_number")])

    @property
    def identity(self) -> Identity:
        """Return who it is; the form must be valid."""
        born = parse_date(clean(self.birth_date.data))
        assert isinstance(born, date)
        permit = parse_permit(clean(self.permit_number.data)) or ""
        last, first = (parse_name(clean(name.data)) or "" for name in (self.last_name, self.first_name))
        return Identity(last, first, born, permit)


class SignUpForm(IdentityForm, ProofForm, AddressForm):
    """Everything a sign-up asks."""

    email = _address()
    password = new_password("Mot de passe", [InputRequired("Choisissez un mot de passe.")])
    consent = BooleanField(CONSENT, [InputRequired(f"Cochez « {CONSENT} ».")])

    def validate_password(self, field: Field) -> None:
        """Refuse a weak password, with what is known of the person in mind."""
        words = [self.last_name.data, self.first_name.data, self.email.data, self.birth_date.data]
        if why := passwords.objection(field.data, [clean(word or "") for word in words]):
            raise ValidationError(why)

    @property
    def applicant(self) -> Applicant:
        """Return who signs up; the form must be valid."""
        return Applicant(**self.identity.values, email=self.address)  # type: ignore[arg-type]


class CodeForm(ProofForm):
    """An activation code, for who has an account already."""

    def validate_invitation(self, _field: Field) -> None:
        """Ask for a code where no invitation stands for it."""
        if not self.proof and not self.code.errors:
            self.code.errors = ["Saisissez votre code d’activation."]


class ConfirmForm(Form):  # type: ignore[misc]
    """The password chosen at the sign-up, once more."""

    password = PasswordField("Mot de passe", [InputRequired("Saisissez le mot de passe choisi à l’inscription.")])


class NewPasswordForm(Form):  # type: ignore[misc]
    """A new password, typed twice."""

    password = new_password("Nouveau mot de passe", [InputRequired("Choisissez un mot de passe.")])
    again = new_password(
        "Nouveau mot de passe, une seconde fois", [EqualTo("password", "Les deux saisies ne sont pas identiques.")]
    )


class ChangePasswordForm(NewPasswordForm):
    """A new password, for who knows the current one."""

    current = PasswordField("Mot de passe actuel", [InputRequired("Saisissez votre mot de passe actuel.")])
