"""The forms of what agents keep. What may be written is judged by `services.reference.rules`."""

from __future__ import annotations

from decimal import Decimal

from flask_appbuilder.forms import DynamicForm
from wtforms import BooleanField, IntegerField
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional
from wtforms.widgets import TextInput

from app.models.catalogue import CATEGORIES, PRICE_CLASSES
from app.validators.postal import TERRITORIES
from app.views.crud import choices
from app.views.crud.forms import NEEDED, AmountField, ChecksField, ChoiceField, as_id, choice, day, named, text


class CentreForm(DynamicForm):  # type: ignore[misc]
    """A centre."""

    name = text("Nom du centre", 160)
    siret = text("SIRET", 30, hint="14 chiffres ; les espaces sont acceptés")
    address = text("Adresse", 300, needed=False)
    email = text("Adresse électronique", 254, needed=False)
    is_public = BooleanField("Organisme public")
    chorus_service = text("Code service Chorus", 50, needed=False, hint="Pour un organisme public seulement")


class AccreditationForm(DynamicForm):  # type: ignore[misc]
    """An accreditation."""

    centre_id = choice("Centre", choices.centres, as_id)
    authority = text("Autorité", 120, hint="Préfet de région, ministère, académie")
    number = text("N° d’agrément", 40)
    trainings = ChecksField(
        "Formations couvertes", choices.training_groups, validators=[DataRequired("Cochez au moins une formation.")]
    )
    valid_from = day("Valable du")
    valid_to = day("Valable jusqu’au", needed=False, hint="Dernier jour inclus")
    withdrawn_on = day("Retiré le", needed=False, hint="À partir de ce jour, l’agrément ne vaut plus")


class SuspensionForm(DynamicForm):  # type: ignore[misc]
    """A suspension of an accreditation."""

    accreditation_id = choice("Agrément", choices.accreditations, as_id)
    starts_on = day("Suspendu du")
    ends_on = day("Suspendu jusqu’au", needed=False, hint="Dernier jour inclus ; vide tant que la fin n’est pas connue")
    reason = text("Motif", 300)


class TrainingForm(DynamicForm):  # type: ignore[misc]
    """An entry of the catalogue."""

    family = text("Type de formation", 60, hint="FIMO, Passerelle, FCO, Titre professionnel, Éducation nationale")
    label = text("Libellé", 120)
    category = choice("Catégorie", [(name, name) for name in CATEGORIES])
    hours = IntegerField(
        "Durée en heures", [Optional(), NumberRange(1, 5000, "Entre 1 et 5000 heures.")], widget=TextInput()
    )
    price_class = choice("Classe de tarif", named({k: v for k, v in PRICE_CLASSES.items() if k != "card_fee"}))
    minors_allowed = BooleanField("Ouverte aux mineurs")
    valid_from = day("Au catalogue du", needed=False)
    valid_to = day("Au catalogue jusqu’au", needed=False, hint="Dernier jour inclus")


class TariffForm(DynamicForm):  # type: ignore[misc]
    """A price of one class, from a day on."""

    price_class = choice("Classe de tarif", named(PRICE_CLASSES))
    amount = AmountField("Montant HT, en euros", [InputRequired(NEEDED)])
    vat_rate = AmountField(
        "Taux de TVA d’une personne, en pour cent", [InputRequired(NEEDED)], default=Decimal("20.00")
    )
    valid_from = day("En vigueur du")
    valid_to = day("En vigueur jusqu’au", needed=False, hint="Dernier jour inclus ; vide pour un tarif sans fin connue")


class VatRegimeForm(DynamicForm):  # type: ignore[misc]
    """The VAT of a territory, from a day on."""

    territory = choice("Territoire", [(code.value, name) for code, name in TERRITORIES.items()])
    rate = AmountField("Taux de TVA, en pour cent", [InputRequired(NEEDED)])
    mention = text(
        "Mention portée par la facture", 200, needed=False, hint="Là où rien n’est taxé seulement : pourquoi"
    )
    valid_from = day("En vigueur du")
    valid_to = day("En vigueur jusqu’au", needed=False, hint="Dernier jour inclus ; vide pour une TVA sans fin connue")


class SellerForm(DynamicForm):  # type: ignore[misc]
    """A version of the seller, from a day on."""

    name = text("Nom ou raison sociale", 160)
    legal_form = text("Forme juridique", 60, hint="SAS, SA, SCIC…")
    capital = text("Capital", 30, hint="Comme la facture l’écrit : 100 000 €")
    rcs = text("RCS", 60, hint="Comme la facture l’écrit : RCS Lyon 800 000 002")
    siren = text("SIREN", 20)
    siret = text("SIRET", 30)
    vat_number = text("N° de TVA intracommunautaire", 20)
    street = text("Numéro et voie", 38)
    postcode = text("Code postal", 10)
    city = text("Commune", 32)
    e_address = text("Adresse de facturation électronique", 60, hint="Le SIREN, seul ou suivi de « _ » et d’un code")
    iban = text("IBAN", 50, hint="Où les centres paient")
    bic = text("BIC", 20)
    vat_on_debits = ChoiceField(
        "TVA exigible",
        [InputRequired(NEEDED)],
        choices=[(True, "À la facturation (option pour les débits)"), (False, "À l’encaissement")],
        coerce=lambda value: {"True": True, "False": False}.get(str(value)),
    )
    valid_from = day("En vigueur du", hint="Les factures émises à partir de ce jour portent cette version")
