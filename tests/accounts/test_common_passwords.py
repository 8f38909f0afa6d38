"""Common passwords, French ones first, are refused whatever stands around them; good ones are taken."""

from __future__ import annotations

import re

import pytest

from app.services.accounts import common_passwords, passwords


def test_the_list_is_long_and_all_of_it_can_be_met() -> None:
    assert len(common_passwords.common()) >= 10_000
    assert all(re.fullmatch(r"[a-z0-9]+", word) for word in common_passwords.common())


@pytest.mark.parametrize(
    "password",
    [
        "azertyuiop12", "AZERTYUIOP!!", "Azerty123456", "qsdfghjklm12", "wxcvbn,;:!wxcvbn", "wxcvbn123456", "aqwzsxedcrfv",
        "1a2z3e4r5t6y", "poiuytreza12", "mlkjhgfdsq!1", "nbvcxwnbvcxw", "azertyqsdfgh", "azerqsdfwxcv1", "123456789012",
        "098765432109", "Marseille2024!", "marseille-13013", "Saint-Étienne42", "Christophe1985", "christophe_1985!",
        "Clémence*2010", "JeTaimeMarie1", "mariejetaime7", "MarieJulien2020", "AllezLyon2024!", "Motdepasse2024",
        "M0td3p@sse2026", "Bonjour123456", "Chocolat!2023", "chocolat....", "monchaton2021", "Doudou-Marie-12",
        "ParisParisParis", "Papillon&2022", "!!Soleil2025!!", "Bienvenue1234", "abcdefghijkl", "qwertyuiop123",
        "2024Toulouse2024", "Password20261", "P@ssw0rd!2026", "Transport2026", "administrateur1",
    ],
)  # fmt: skip
def test_a_common_one_is_refused(password: str) -> None:
    assert passwords.objection(password) == passwords.COMMON


@pytest.mark.parametrize(
    "password",
    [
        "volant-Ardoise-2026", "trois chats dorment ici", "Rivage#Biscuit#Ortie", "kx9vTq2mWz7p", "la pluie tombe sur Brest",
        "zorglub-42-palissandre",
    ],
)  # fmt: skip
def test_a_good_one_is_taken(password: str) -> None:
    assert passwords.objection(password) == ""
