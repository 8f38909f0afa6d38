"""One signed POST to an address that a centre chose: never to a machine of ours, never for long, never read at length.

The name is resolved once, every address it has is judged, and the connection goes to an address that was judged: a name that
answers otherwise the second time (DNS rebinding) finds nobody to answer to. Redirections are not followed.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app

from app.services.core.refusal import Refusal

#: Ports of public web servers; nothing else is of a centre's software.
PORTS = (443, 8443)
URL_MAX = 500
#: Seconds for the whole of one call, the name's resolution left out (the resolver has a time-out of its own).
TIMEOUT = 10.0
#: What is read of an answer at most: its status and headers; its body never.
ANSWER_MAX = 16 * 1024

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
#: IPv6 that wraps an IPv4 address of anybody's choice.
_TUNNELS = tuple(map(ipaddress.IPv6Network, ("2001::/32", "2002::/16")))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Refusal):
    """The address is not one that is ever called."""


class NoAnswer(Refusal):
    """No answer came: name unknown, connection refused, certificate refused, too slow, not HTTP."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart: what to connect to, what to ask for."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Return the `Host` header: the port is named where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"


def target(url: str) -> Target:
    """Return an address taken apart; raise :class:`AddressRefused` for one that is never called, whatever it resolves to."""
    if len(url) > URL_MAX or not url.isascii() or any(not "!" <= letter <= "~" for letter in url):
        raise AddressRefused("L’adresse contient des caractères inattendus, ou dépasse 500 caractères.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused("L’adresse n’est pas une adresse web valide.") from None
    open_to_all = current_app.config["WEBHOOK_PRIVATE_ADDRESSES"]
    if parts.scheme != "https" and not (open_to_all and parts.scheme == "http"):
        raise AddressRefused("L’adresse commence par https://.")
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("L’adresse ne contient ni identifiant, ni mot de passe, ni « # ».")
    port = (443 if parts.scheme == "https" else 80) if port is None else port
    if port not in PORTS and not open_to_all:
        raise AddressRefused("Le port de l’adresse est 443 ou 8443.")
    literal = _literal(host)
    if literal is not None:
        _judge([literal])
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path)


def is_public(address: Address) -> bool:
    """Tell whether an address is public: not private, loopback, link-local, multicast, reserved, nor such a one in IPv6."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    in_tunnel = any(address in network for network in _TUNNELS)
    return address in _GLOBAL_UNICAST and address.is_global and address.scope_id is None and not in_tunnel


def post(to: Target, headers: Mapping[str, str], body: bytes) -> int:
    """Send a body and return the HTTP status of the answer; raise :class:`AddressRefused` or :class:`NoAnswer`."""
    addresses = _resolve(to)
    ends = time.monotonic() + TIMEOUT
    try:
        with _connect(to, addresses, ends) as connection:
            connection.settimeout(_left(ends))
            connection.sendall(_request(to, headers, body))
            answer = http.client.HTTPResponse(_Reading(connection, ends), method="POST")  # type: ignore[arg-type]
            answer.begin()
            return answer.status
    except ssl.SSLCertVerificationError:
        raise NoAnswer("Le certificat du serveur n’est pas valable pour cette adresse.") from None
    except ssl.SSLError:
        raise NoAnswer("La connexion chiffrée (TLS) n’a pas pu s’établir.") from None
    except TimeoutError:
        raise NoAnswer(f"Pas de réponse en {TIMEOUT:.0f} secondes.") from None
    except (http.client.HTTPException, ValueError):
        raise NoAnswer("La réponse n’est pas une réponse HTTP.") from None
    except OSError:
        raise NoAnswer("La connexion a été refusée ou interrompue.") from None


def _literal(host: str) -> Address | None:
    """Return the address that a host is itself; the forms only resolvers know (« 127.1 », « 0x7f000001 ») count too."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _resolve(to: Target) -> list[str]:
    """Return the addresses of a name, all of them judged; raise :class:`AddressRefused` when any is not public."""
    try:
        found = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoAnswer("Le nom du serveur est inconnu.") from None
    texts = list(dict.fromkeys(str(one[4][0]) for one in found))
    _judge([ipaddress.ip_address(text) for text in texts])
    return texts


def _judge(addresses: list[Address]) -> None:
    if not current_app.config["WEBHOOK_PRIVATE_ADDRESSES"] and not all(map(is_public, addresses)):
        raise AddressRefused("L’adresse mène à un réseau privé ou réservé : elle n’est jamais appelée.")


def _connect(to: Target, addresses: list[str], ends: float) -> socket.socket:
    """Return a connection to the first of these very addresses that takes one; TLS names the host, and proves it."""
    failure: OSError = ConnectionError()
    for address in addresses:
        try:
            connection = socket.create_connection((address, to.port), timeout=_left(ends))
        except OSError as error:
            failure = error
            continue
        if to.scheme == "http":
            return connection
        try:
            connection.settimeout(_left(ends))
            return ssl.create_default_context().wrap_socket(connection, server_hostname=to.host)
        except BaseException:
            connection.close()
            raise
    raise failure


def _request(to: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    told = {
        "Host": to.authority,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "Registre-CQC-Webhooks/1",
        "Accept": "*/*",
        "Connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"POST {to.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Reading(io.RawIOBase):
    """What is read of a connection: until the end of the time, however slowly it drips, and ANSWER_MAX bytes."""

    def __init__(self, connection: socket.socket, ends: float) -> None:
        self._connection, self._ends, self._room = connection, ends, ANSWER_MAX

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return itself, as `http.client` asks it of a socket."""
        return io.BufferedReader(self, 1024)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what has come."""
        if self._room <= 0:
            raise http.client.LineTooLong("answer")
        self._connection.settimeout(_left(self._ends))
        count = self._connection.recv_into(buffer)
        self._room -= count
        return count
