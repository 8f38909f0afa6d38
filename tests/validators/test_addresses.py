"""Mail addresses: one form to keep and compare, nothing that could end a header of a mail."""

from __future__ import annotations

import pytest

from app.validators.address import ADDRESS_MAX, parse_address


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("pierre.dupont@mail.example", "pierre.dupont@mail.example"),
        ("  Pierre.DUPONT@Mail.Example\u00a0", "pierre.dupont@mail.example"),
        ("p+cqc@sous.domaine-long.example", "p+cqc@sous.domaine-long.example"),
        ("pierre@mail.example\u200b", "pierre@mail.example"),
        ("p@xn--bcher-kva.example", "p@xn--bcher-kva.example"),
    ],
)
def test_usual_addresses_are_kept_in_one_form(typed: str, kept: str) -> None:
    assert parse_address(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "pierre", "pierre@", "@mail.example", "pierre@mail", "a@b@mail.example", "a b@mail.example", ".a@mail.example",
        "a..b@mail.example", "a@-mail.example", "a@mail..example", "Pierre <p@mail.example>", "p@mail.example,q@mail.example",
        "p@mail.example\r\nBcc: q@mail.example", "pïerre@mail.example", '"p"@mail.example', "p@[127.0.0.1]",
        "a" * 65 + "@mail.example", "a@" + "b" * 60 + "." + "c" * 60 + ".example" * 2,
    ],
)  # fmt: skip
def test_anything_else_is_refused(typed: str) -> None:
    assert parse_address(typed) is None


def test_the_longest_that_fits() -> None:
    address = "a@" + "b" * 60 + "." + "c" * (ADDRESS_MAX - 2 - 61 - 8) + ".example"
    assert len(address) == ADDRESS_MAX
    assert parse_address(address) == address
    assert parse_address("a" + address) is None
