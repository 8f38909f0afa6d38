"""The forms by which agents invite a person to a centre, and change one."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from flask_appbuilder.forms import DynamicForm
from wtforms import StringField
from wtforms.validators import InputRequired

from app.models import Membership
from app.services.rights.editing import Edited
from app.services.rights.granting import Grant
from app.validators.address import ADDRESS_MAX, parse_address
from app.validators.fields import clean, parse_name
from app.views.crud import choices
from app.views.crud.forms import as_id, choice, day, text
from app.views.shell.forms import formed, needed, parsed

ADDRESS_FORMAT = f"Écrivez une adresse comme prenom.nom@exemple.fr, de {ADDRESS_MAX} caractères au plus."


class InvitationForm(DynamicForm):  # type: ignore[misc]
    """Whom to invite, and to which centre. ``sent_to``: the address, once it is invited."""

    sent_to = ""
    centre_id = choice("Centre", choices.centres, as_id)
    email = text(
        "Adresse électronique", ADDRESS_MAX, hint="La personne reçoit un lien valable 7 jours, qui ne sert qu’une fois"
    )


class PersonForm(DynamicForm):  # type: ignore[misc]
    """A person at a centre, without their rights. ``waits``: a new address was asked for, and is to be confirmed."""

    waits = False
    last_name = StringField("Nom", [needed("last_name"), formed(parse_name, "last_name")])
    first_name = StringField("Prénom", [needed("first_name"), formed(parse_name, "first_name")])
    email = StringField(
        "Adresse électronique",
        [InputRequired("Saisissez une adresse électronique."), parsed(parse_address, ADDRESS_FORMAT)],
    )
    valid_to = day("Dernier jour", needed=False, hint="Inclus ; vide pour une intervention sans fin prévue")

    @classmethod
    def refresh(cls, obj: Membership | None = None) -> PersonForm:
        """Return the form, filled with a place and its person."""
        if obj is None:
            return cls()
        person = obj.person
        names = {"last_name": person.last_name, "first_name": person.first_name, "email": person.email}
        return cls(obj=SimpleNamespace(**names, valid_to=obj.valid_to))

    @property
    def address(self) -> str:
        """Return the address in its one form; the form must be valid."""
        return parse_address(self.email.data) or ""

    def edited(self, rights: Mapping[str, Grant]) -> Edited:
        """Return the person as they should be; the form must be valid."""
        first, last = (parse_name(clean(name.data)) or "" for name in (self.first_name, self.last_name))
        last_day: Any = self.valid_to.data
        return Edited(first, last, self.address, rights, last_day)
