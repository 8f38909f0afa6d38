"""`deploy/nginx.conf` in a real nginx: it waits for whole requests, names the client, and logs nobody."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.authority import make_seal
from tests.backends import missing
from tests.cli.test_web_worker import ROOT, SOON, Server
from tests.e2e.conftest import free_port

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
#: Started by root, nginx works as somebody who may not enter the test's folder.
USER = "user root;\n" if os.geteuid() == 0 else ""
MAIN = (
    USER
    + "daemon off;\npid {0}/nginx.pid;\nerror_log {0}/error.log;\nevents {{}}\nhttp {{\n{1}\n    include {0}/site.conf;\n}}\n"
)
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Proxy:
    """A running nginx with the site's file, on ports of its own, before one web process that reads as slowly as it is sent."""

    def __init__(self, folder: Path, behind: Server) -> None:
        self.folder, self.port, self.plain = folder, free_port(), free_port()
        seal = make_seal(folder)
        subprocess.run(
            ["openssl", "ec", "-in", seal["SEAL_KEY"], "-passin", "pass:secret", "-out", str(folder / "site.key")],
            check=True, capture_output=True,
        )  # fmt: skip
        site = (ROOT / "deploy" / "nginx.conf").read_text()
        for theirs, ours in (
            ("127.0.0.1:8080", f"127.0.0.1:{behind.port}"), ("listen 80;", f"listen 127.0.0.1:{self.plain};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"), ("/var/log/nginx", str(folder)),
            ("/etc/ssl/registre/site.pem", seal["SEAL_CERTIFICATE"]),
            ("/etc/ssl/registre/site.key", str(folder / "site.key")),
        ):  # fmt: skip
            assert theirs in site
            site = site.replace(theirs, ours)
        (folder / "site.conf").write_text(site)
        places = "\n".join(f"    {name}_temp_path {folder}/{name};" for name in TEMPORARY)
        (folder / "nginx.conf").write_text(MAIN.format(folder, places))
        command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        self.process = subprocess.Popen(command)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                self.connect().close()
            except OSError:
                assert time.monotonic() < until, (self.folder / "error.log").read_text()
                time.sleep(0.05)
            else:
                return

    def connect(self) -> ssl.SSLSocket:
        """Open a connection by TLS."""
        import socket

        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return context.wrap_socket(plain, server_hostname="registre.example")

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        """Send a whole request, and return status and text of the answer."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20)
        connection.sock = self.connect()
        connection.request(method, path, body, {"Host": "registre.example", **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Run nginx before a single sync worker of gunicorn's own, which any one slow sender would stop."""
    if not NGINX:
        missing("nginx")
    server = Server(tmp_path_factory.mktemp("behind"), "tests.cli.echo:app", "--worker-class", "sync", "--workers", "1")
    running = Proxy(tmp_path_factory.mktemp("proxy"), server)
    yield running
    running.process.terminate()
    running.process.wait(10)
    server.stop()


@pytest.mark.parametrize(
    "beginning", [b"GET / HTTP/1.1\r\nHost: registre.example\r\nX: ",
                  b"POST / HTTP/1.1\r\nHost: registre.example\r\nContent-Length: 5000\r\n\r\nab",
                  b"POST / HTTP/1.1\r\nHost: registre.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"]
)  # fmt: skip
def test_who_trickles_through_the_proxy_stops_nobody(proxy: Proxy, beginning: bytes) -> None:
    with ExitStack() as held:
        slow = [held.enter_context(proxy.connect()) for _ in range(20)]
        for _ in range(3):
            for client in slow:
                client.send(beginning)
            began = time.monotonic()
            assert proxy.ask("GET", "/healthz")[0] == 200
            assert time.monotonic() - began < SOON


def test_the_web_process_is_told_who_asks_and_by_what(proxy: Proxy) -> None:
    status, said = proxy.ask("GET", "/from", **{"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http"})
    assert (status, said) == (200, "127.0.0.1 https registre.example")


def test_a_large_upload_arrives_and_one_too_large_is_told_why(proxy: Proxy) -> None:
    assert proxy.ask("POST", "/", b"x" * 10_400_000)[1].startswith("10400000 ")
    status, said = proxy.ask("POST", "/", b"x" * 12_000_000)
    assert (status, said[:25]) == (413, "Le fichier dépasse 10 Mo ")


def test_plain_http_leads_to_https(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.plain, timeout=10)
    connection.request("GET", "/login/?a=1", headers={"Host": "registre.example"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, "https://registre.example/login/?a=1")
    connection.close()


def test_the_log_keeps_no_search_and_no_secret(proxy: Proxy) -> None:
    secret = "s3cret-of_a_link-sent-by-mail"
    proxy.ask("GET", f"/adresse/{secret}/x?recherche=DUPONT", Referer="https://registre.example/?nom=DUPONT")
    proxy.ask("GET", f"/adresse/{secret}")
    log = proxy.folder / "registre.log"
    until = time.monotonic() + 5
    while (written := log.read_text()).count("adresse") < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert '"GET /adresse/***/x" 200' in written
    assert '"GET /adresse/***" 200' in written
    assert "DUPONT" not in written
    assert secret not in written
