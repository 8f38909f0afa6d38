"""The forms about accounts. Their validators only call the rules' parsers and the password's rules."""

from __future__ import annotations

from wtforms import BooleanField, Field, Form, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, ValidationError

from app.services.accounts import passwords
from app.services.accounts.opening import Applicant
from app.validators.address import ADDRESS_MAX, parse_address
from app.validators.fields import clean
from app.views.shell.forms import IdentityForm, ProofForm, new_password, parsed

ADDRESS_MISSING = "Saisissez votre adresse électronique."
ADDRESS_FORMAT = f"Écrivez une adresse comme prenom.nom@exemple.fr, de {ADDRESS_MAX} caractères au plus."
CONSENT = "J’accepte l’usage de ces données pour me reconnaître au registre et ouvrir mon espace"


def _address() -> StringField:
    return StringField("Adresse électronique", [InputRequired(ADDRESS_MISSING), parsed(parse_address, ADDRESS_FORMAT)])


class AddressForm(Form):  # type: ignore[misc]
    """A mail address alone: who forgot a password."""

    email = _address()

    @property
    def address(self) -> str:
        """Return the address in its one form; the form must be valid."""
        return parse_address(self.email.data or "") or ""


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
