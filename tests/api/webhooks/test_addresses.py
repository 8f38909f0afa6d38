"""Which addresses are called, and that nothing else can be reached through them."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from app.services.api import webhook_transport
from app.services.api.webhook_transport import AddressRefused, NoAnswer, post, target
from tests.receiver import Receiver, receiver

Resolve = Callable[..., None]
BODY = b"{}"


@pytest.fixture
def backend_name() -> str:
    """No base is asked."""
    return "sqlite"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Answer for the resolver: each call the next list of addresses, the last one for ever."""

    def act(*answers: list[str]) -> None:
        left = list(answers)

        def getaddrinfo(_host: str, port: int, *_: Any, **__: Any) -> list[Any]:
            found = left.pop(0) if len(left) > 1 else left[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        monkeypatch.setattr(webhook_transport.socket, "getaddrinfo", getaddrinfo)

    return act


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1",
        "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "100::1",
    ],
)  # fmt: skip
def test_addresses_that_are_never_called(app: Flask, names: Resolve, address: str) -> None:
    assert not webhook_transport.is_public(ipaddress.ip_address(address))
    names([address])
    with pytest.raises(AddressRefused, match="privé ou réservé"):
        post(target("https://logiciel.example/"), {}, BODY)
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused):
        post(target(f"https://{literal}/"), {}, BODY)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert webhook_transport.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://logiciel.example/", "ftp://logiciel.example/", "https://", "https:///chemin", "logiciel.example", "",
        "https://a:b@logiciel.example/", "https://logiciel.example@127.0.0.1/", "https://logiciel.example:22/",
        "https://logiciel.example:6379/", "https://logiciel.example:99999/", "https://logiciel.example/#x",
        "https://logiciel.example/\r\nHost: x", "https://logiciel.example/ x", "https://é.example/",
        "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://[::1/",
        "https://logiciel.example/" + "a" * 500,
    ],
)  # fmt: skip
def test_addresses_refused_as_they_are_typed(app: Flask, url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        target(url)
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize("url", ["https://logiciel.example", "https://logiciel.example:8443/a?b=c&d=%20"])
def test_addresses_taken(app: Flask, url: str) -> None:
    assert target(url).host == "logiciel.example"


def test_one_private_address_among_public_ones_is_enough_to_refuse(app: Flask, names: Resolve) -> None:
    names(["93.184.216.34", "10.0.0.1"])
    with pytest.raises(AddressRefused):
        post(target("https://logiciel.example/"), {}, BODY)


def test_a_name_is_resolved_once_and_the_connection_goes_where_it_was_judged(
    app: Flask, names: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second resolution would answer with this machine (DNS rebinding): it never comes."""
    names(["93.184.216.34"], ["127.0.0.1"])
    asked: list[object] = []

    def connect(address: tuple[str, int], **_: object) -> socket.socket:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(webhook_transport.socket, "create_connection", connect)
    with pytest.raises(NoAnswer):
        post(target("https://logiciel.example/"), {}, BODY)
    assert asked == [("93.184.216.34", 443)]


def test_an_unknown_name(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(webhook_transport.socket, "getaddrinfo", fail)
    with pytest.raises(NoAnswer, match="inconnu"):
        post(target("https://logiciel.example/"), {}, BODY)


class TestAnswers:
    @pytest.fixture(autouse=True)
    def _near(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        app.config["WEBHOOK_PRIVATE_ADDRESSES"] = True
        monkeypatch.setattr(webhook_transport, "TIMEOUT", 0.5)

    def test_a_plain_answer(self) -> None:
        with receiver() as software:
            assert post(target(software.url), {"webhook-id": "msg_1"}, b'{"a": "\xc3\xa9"}') == 204
        [message] = software.messages
        assert (message.headers["webhook-id"], message.headers["host"]) == ("msg_1", f"127.0.0.1:{software.port}")
        assert message.told == {"a": "é"}

    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            (b"SSH-2.0-OpenSSH_9\r\n", "n’est pas une réponse HTTP"),
            (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 4000, "n’est pas une réponse HTTP"),
            (b"", "n’est pas une réponse HTTP|interrompue"),
        ],
    )
    def test_what_is_no_answer(self, said: bytes, sentence: str) -> None:
        with _talker(lambda peer: peer.sendall(said)) as url, pytest.raises(NoAnswer, match=sentence):
            post(target(url), {}, BODY)

    def test_an_answer_that_drips_for_ever_is_left(self) -> None:
        def drip(peer: socket.socket) -> None:
            for _ in range(3_000):  # a minute
                peer.sendall(b"H")
                time.sleep(0.02)

        start = time.monotonic()
        with _talker(drip) as url, pytest.raises(NoAnswer, match=r"Pas de réponse en|n’est pas une réponse"):
            post(target(url), {}, BODY)
        assert time.monotonic() - start < 30

    def test_a_body_without_end_is_not_read(self) -> None:
        def flood(peer: socket.socket) -> None:
            peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(10_000):
                peer.sendall(b"x" * 65536)

        with _talker(flood) as url:
            assert post(target(url), {}, BODY) == 200


class TestTls:
    @pytest.fixture(autouse=True)
    def _near(self, app: Flask, names: Resolve) -> None:
        app.config["WEBHOOK_PRIVATE_ADDRESSES"] = True
        names(["127.0.0.1"])

    @pytest.mark.parametrize(
        ("name", "known", "taken"),
        [("logiciel.example", True, True), ("autre.example", True, False), ("logiciel.example", False, False)],
    )
    def test_the_certificate_must_be_that_of_the_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, known: bool, taken: bool
    ) -> None:
        chain, key = _certificate(tmp_path, name)
        if known:
            monkeypatch.setenv("SSL_CERT_FILE", chain)
        with receiver((chain, key)) as software:
            to = target(f"https://logiciel.example:{software.port}/")
            if taken:
                assert post(to, {}, BODY) == 204
            else:
                with pytest.raises(NoAnswer, match="certificat"):
                    post(to, {}, BODY)
        assert len(software.messages) == taken


def _certificate(folder: Path, name: str) -> tuple[str, str]:
    """Write a certificate for a name, signed by itself, and its key; return both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return str(chain), str(private)


class _talker:
    """A server that takes one connection, reads a little and says whatever it likes."""

    def __init__(self, say: Callable[[socket.socket], None]) -> None:
        self._say = say

    def __enter__(self) -> str:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.getsockname()[1]}/"

    def _serve(self) -> None:
        peer, _ = self._server.accept()
        with peer:
            peer.recv(65536)
            with contextlib.suppress(OSError):
                self._say(peer)

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._server.close()


def test_the_receiver_is_where_it_says(software: Receiver) -> None:
    assert target(software.url).port == software.port
