"""The web server with real sockets: senders that trickle stop nobody, and whole requests come through as they were sent."""

from __future__ import annotations

import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, free_port

WORKERS = 2
#: All that an access log could be made to say of addresses.
EVERYTHING = (
    "%(r)s | %(U)s | %(q)s | %(f)s | %({referer}i)s | %({hx-current-url}i)s | %({raw_uri}e)s | %({query_string}e)s"
    " | %({x-trace-id}o)s"
)
#: A good answer comes at once; a loaded machine may take some seconds.
SOON = 5.0
#: Seconds that the tests' server gives a head, and a body.
HEAD, BODY = 2, 2

Connect = Callable[..., socket.socket]


class Server:
    """A running gunicorn, with the settings of the program's own folder."""

    def __init__(self, folder: Path, what: str, *options: str, **env: str) -> None:
        self.port = free_port()
        settings = folder / "gunicorn.conf.py"
        shorter = f"from app.cli import arrival\narrival.HEAD_SECONDS, arrival.BODY_SECONDS = {HEAD}, {BODY}\n"
        settings.write_text((ROOT / "gunicorn.conf.py").read_text() + shorter)
        command = [sys.executable, "-m", "gunicorn", what, "-c", str(settings), "--bind", f"127.0.0.1:{self.port}"]
        env = {**os.environ, "ENVIRONMENT": "test", "DATA_DIR": str(folder), **env}
        self.log = folder / "web.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--workers", str(WORKERS), *options], cwd=ROOT, env=env, stdout=log, stderr=log
            )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                self.get("/healthz")
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)
            else:
                return
        raise AssertionError(self.log.read_text())

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def get(self, path: str, headers: dict[str, str] | None = None) -> int:
        """Send a whole request, read the whole answer, return its status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def seconds(self, path: str = "/healthz") -> float:
        """Return how long a good answer took."""
        began = time.monotonic()
        assert self.get(path) == 200
        return time.monotonic() - began

    def stop(self) -> int:
        """Stop it as a deployment does, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the program itself."""
    server = Server(tmp_path_factory.mktemp("web"), "run:app")
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run an application that says what it was sent."""
    server = Server(tmp_path_factory.mktemp("echo"), "tests.cli.echo:app")
    yield server
    assert server.stop() == 0


BEGINNINGS = {
    "a head": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "a first byte": b"G",
    "a body": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\nusername=",
    "pieces": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nuser",
    "nothing": b"",
    "a whole request, and staying": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a body too large": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nx",
}


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_many_that_trickle_stop_nobody(program: Server, beginning: str) -> None:
    with ExitStack() as held:
        slow = [held.enter_context(program.connect()) for _ in range(WORKERS * 8)]
        for number in range(3):
            for client in slow:
                try:
                    client.send(BEGINNINGS[beginning] if number == 0 else b"a")
                except OSError:
                    continue  # an answer has come, and the connection is closed
            assert program.seconds() < SOON


@pytest.mark.parametrize("beginning", ["a head", "a first byte", "a body", "pieces"])
def test_who_does_not_come_to_an_end_is_told_so(program: Server, beginning: str) -> None:
    with program.connect() as client:
        client.send(BEGINNINGS[beginning])
        began, answer = time.monotonic(), all_said(client)
        assert answer.startswith("HTTP/1.1 408 ")
        assert "Renvoyez-la" in answer
        assert time.monotonic() - began >= HEAD - 0.5


def test_trickling_does_not_put_the_end_off(program: Server) -> None:
    with program.connect() as client:
        client.settimeout(0.2)
        client.send(BEGINNINGS["a head"])
        until = time.monotonic() + HEAD + 8
        while time.monotonic() < until:
            client.send(b"a")
            try:
                assert client.recv(1000).startswith(b"HTTP/1.1 408 ")
            except TimeoutError:
                continue
            return
        pytest.fail("a head that never ends is waited for")


def all_said(client: socket.socket) -> str:
    """Return all that comes until the server closes the connection: one read may bring the head alone."""
    said = b""
    while data := client.recv(65536):
        said += data
    return said.decode()


def exchange(server: Server, *pieces: bytes, wait: float = 0.05) -> str:
    """Send a request piece by piece and return all that is answered."""
    with server.connect() as client:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(wait)
        return all_said(client)


def told(body: bytes) -> str:
    """Return what the echo says of a body."""
    return f"{len(body)} {hashlib.sha256(body).hexdigest()}"


LARGE = os.urandom(3_000_000)


class TestWhatIsSentArrives:
    """Requests of every framing, whole and in pieces."""

    def test_without_a_body(self, echo: Server) -> None:
        assert told(b"") in exchange(echo, b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n")
        assert told(b"") in exchange(echo, b"GET / HTTP/1.0\r\n\r\n")

    def test_with_a_length(self, echo: Server) -> None:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(LARGE)
        assert told(LARGE) in exchange(echo, head + LARGE)
        assert told(LARGE) in exchange(
            echo, head[:20], head[20:-1], b"\n" + LARGE[:5], LARGE[5:2_000_000], LARGE[2_000_000:]
        )

    def test_in_chunks(self, echo: Server) -> None:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = b"".join(
            b"%x;name=1\r\n%s\r\n" % (len(LARGE[at : at + 70_000]), LARGE[at : at + 70_000])
            for at in range(0, len(LARGE), 70_000)
        )
        end = b"0\r\nX-After: 1\r\n\r\n"
        assert told(LARGE) in exchange(echo, head + chunks + end)
        body = b"5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"
        assert told(b"helloworld") in exchange(echo, head, *(body[at : at + 1] for at in range(len(body))), wait=0.001)

    def test_after_a_hundred_continue(self, echo: Server) -> None:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        said = exchange(echo, head, b"hello")
        assert said.count("100 Continue") == 1
        assert told(b"hello") in said

    def test_slowly_but_steadily(self, echo: Server) -> None:
        body = LARGE[:200_000]
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        pieces = [body[at : at + 5000] for at in range(0, len(body), 5000)]
        assert told(body) in exchange(echo, head, *pieces, wait=(BODY + 2) / len(pieces))

    @pytest.mark.parametrize(
        ("head", "status"),
        [
            (b"Content-Length: five\r\n", "400"),
            (b"Content-Length: 5\r\nContent-Length: 6\r\n", "400"),
            (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "400"),
            (b"Transfer-Encoding: gzip\r\n", "400"),
            (b"Expect: miracles\r\n", "417"),
            (b"X: " + b"x" * 200_000 + b"\r\n", "431"),
        ],
    )
    def test_what_makes_no_sense_is_refused_at_once(self, echo: Server, head: bytes, status: str) -> None:
        began = time.monotonic()
        assert exchange(echo, b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n").startswith(f"HTTP/1.1 {status} ")
        assert time.monotonic() - began < HEAD

    def test_a_body_that_stops_is_no_request(self, echo: Server) -> None:
        with echo.connect() as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nhello")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""


def test_a_body_beyond_the_limit_is_refused_by_its_length(program: Server) -> None:
    head = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"
    assert exchange(program, head + b"x" * 1000).split()[1] == "413"


def test_one_process_does_one_thing_at_a_time_and_the_others_go_on(echo: Server) -> None:
    with ExitStack() as held:
        clients = [held.enter_context(echo.connect()) for _ in range(4)]
        began = time.monotonic()
        for client in clients:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        for client in clients:
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - began > 4 / WORKERS - 0.1


def test_a_request_under_way_is_answered_when_the_server_is_stopped(tmp_path: Path) -> None:
    server = Server(tmp_path, "tests.cli.echo:app")
    with server.connect() as client:
        client.sendall(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        client.sendall(b"llo")
        assert told(b"hello") in all_said(client)
    assert server.process.wait(30) == 0


def test_the_logs_of_the_server_name_nobody(tmp_path: Path) -> None:
    access = tmp_path / "access.log"
    server = Server(tmp_path, "tests.cli.echo:app", "--access-logfile", str(access), "--access-logformat", EVERYTHING)
    secret = "s3cret-of_a_link-sent-by-mail"
    asked = f"/list/{secret}?_flt_0_name=DUPONT&page_Rows=2&recherche=850492100123&DUPONT%20Marie&etat=Marie%20DUPONT"
    headers = {"Referer": f"https://registre.example{asked}", "HX-Current-URL": asked}
    for path in (asked, asked.replace("/list/", "/fail?x=/list/")):
        server.get(path, headers=headers)
    server.get("/fail?_flt_0_name=DUPONT")
    assert server.stop() == 0
    written = access.read_text() + server.log.read_text()
    assert "/list/***?_flt_0_name=***&page_Rows=2&recherche=***&***&etat=***" in written
    assert "| d41d8cd98f00b204e9800998ecf8427e" in written, "the request's number, which names nobody"
    assert "Error handling request GET /fail?_flt_0_name=***" in written
    assert not [word for word in ("DUPONT", "Marie", "8504", secret) if word in written]
