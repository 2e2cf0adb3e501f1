"""A mall with partners, and a partner's own server: a real socket that answers as it is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.kit import clock, db
from api.partners import sending, service
from api.settings import Settings
from tests.conftest import bearer, owner_rows
from tests.factories import make_member, make_shop, make_sighted, make_staff
from tests.payments.conftest import run_due

ALL = ["sale.recorded", "sale.refunded", "payment.paid", "refund.done"]


@dataclass
class Received:
    """One notice as it came over the wire; header names in small letters."""

    headers: dict[str, str]
    body: bytes
    path: str


@dataclass
class Receiver:
    """A partner's server. `answers` are given in turn, then 204: a status, "hang", or an address to send us to."""

    server: ThreadingHTTPServer
    scheme: str = "http"
    letters: list[Received] = field(default_factory=list)
    answers: list[int | str] = field(default_factory=list)
    slow: float = 0.0
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    freed: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}/hooks?mall=1"

    @property
    def ids(self) -> list[str]:
        return [letter.headers["webhook-id"] for letter in self.letters]

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self.lock:
            self.letters.append(Received(headers, body, handler.path))
            answer = self.answers.pop(0) if self.answers else 204
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        time.sleep(self.slow)
        if answer == "hang":
            self.freed.wait(30)
        self.say(handler, answer)
        with self.lock:
            self.at_once -= 1

    def say(self, handler: BaseHTTPRequestHandler, answer: int | str) -> None:
        if answer == "hang":
            return
        if answer == "trickle":
            self.trickle(handler)
            return
        said = f"said {answer}".encode() if answer != 204 else b""
        handler.send_response(answer if isinstance(answer, int) else 302)
        if isinstance(answer, str):
            handler.send_header("Location", answer)
        handler.send_header("Content-Length", str(len(said)))
        handler.end_headers()
        handler.wfile.write(said)

    def trickle(self, handler: BaseHTTPRequestHandler) -> None:
        """A header every now and then, and never an end."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in itertools.count():
            if self.freed.wait(0.1):
                return
            try:
                handler.wfile.write(f"x-{number}: 1\r\n".encode())
                handler.wfile.flush()
            except OSError:
                return


def serve(wrap: Callable[[Any], Any] | None = None) -> Iterator[Receiver]:
    """Start a receiver; `wrap` puts TLS around its socket."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(server, "https" if wrap else "http")
    if wrap:
        server.socket = wrap(server.socket)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield receiver
    receiver.freed.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    yield from serve()


@pytest.fixture
def other() -> Iterator[Receiver]:
    yield from serve()


@dataclass
class Office:
    """The mall's desk, its shop, and what happens there."""

    mall: int
    shop_id: int
    client: FlaskClient
    settings: Settings
    staff: dict[str, int] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def ask(self, verb: str, path: str, body: Any = None, *, role: str = "administrator", key: str | None = None) -> Any:
        if role not in self.staff:
            with db.unit_of_work(self.mall):
                self.staff[role] = make_staff(role).id
        headers = bearer("staff", self.staff[role], self.mall) | {"Idempotency-Key": key or f"office-key-{next(self.numbers)}"}
        return getattr(self.client, verb)(f"/v1/office{path}", headers=headers, **({} if verb == "get" else {"json": body or {}}))

    def partner(self, url: str, *, name: str | None = None, events: list[str] | None = None, shop_id: int | None = None) -> tuple[int, str]:
        """A new partner: its number and its secret."""
        body = {"name": name or f"CRM {next(self.numbers)}", "url": url, "events": events or ALL, "shop_id": shop_id}
        answer = self.ask("post", "/partners", body)
        assert answer.status_code == 201, answer.json
        return answer.json["partner"]["id"], answer.json["secret"]

    def sell(self, **given: Any) -> int:
        """A purchase, told to partners in its own transaction; the sale's number."""
        with db.unit_of_work(self.mall):
            return self.sold(**given)

    def sold(self, *, shop_id: int | None = None, member_id: int | None = None, paid_fen: int | None = None) -> int:
        """The same within a transaction of the test. No two cost the same, so that none is another sighting of the one before."""
        number = next(self.numbers)
        shop, paid_fen = shop_id or self.shop_id, paid_fen or 10_000 + 100 * number
        seen = make_sighted(shop_id=shop, paid_fen=paid_fen, source_id=number, member_id=member_id)
        service.publish(
            service.sale_recorded(
                seen.sale_id, shop_id=shop, member_id=member_id, channel="plate", paid_at=clock.now(), paid_fen=paid_fen, order="O1",
                receipt=None,
            )
        )  # fmt: skip
        return seen.sale_id

    def due(self, *, ahead: float = 0.0) -> int:
        """Do every job that is due, as the worker would."""
        return run_due(self.settings, clock.now() + timedelta(seconds=ahead))

    def until(self, moment: datetime) -> None:
        """Let the time pass until then: each job at its own moment."""
        while True:
            planned = owner_rows(self.settings, "SELECT min(coalesce(scheduled_at, now())) FROM procrastinate_jobs WHERE status = 'todo'")[
                0
            ][0]
            if planned is None or planned > moment:
                clock.fix(moment)
                return
            clock.fix(max(planned, clock.now()))
            self.due()

    def log(self, query: str = "") -> list[dict[str, Any]]:
        answer = self.ask("get", f"/partner-deliveries{query}")
        assert answer.status_code == 200, answer.json
        return list(answer.json["items"])

    def whole(self, delivery_id: int) -> dict[str, Any]:
        return dict(self.ask("get", f"/partner-deliveries/{delivery_id}").json)

    def shown(self, partner_id: int) -> dict[str, Any]:
        return dict(self.ask("get", f"/partners/{partner_id}").json)


@pytest.fixture
def office(app: Any, mall: int, client: FlaskClient, settings: Settings) -> Office:
    with db.unit_of_work(mall):
        return Office(mall, make_shop(code="L2-08").id, client, settings)


@pytest.fixture
def member(office: Office) -> int:
    with db.unit_of_work(office.mall):
        return make_member().id


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second instead of ten."""
    monkeypatch.setattr(sending, "LIMIT", 0.5)
