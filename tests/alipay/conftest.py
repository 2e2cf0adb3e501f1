"""An Alipay simulator of its own for these tests, spoken to over real HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest
import requests

from alipay.client import AlipayClient, TradeOrder
from alipay.signing import private_key
from alipay.simulator import Settings, create_app, keys
from alipay.simulator.serve import server
from alipay.trust import Trust

collect_ignore = [] if os.environ.get("MALLBRIDGE_SHARED") else ["test_vectors.py"]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Simulator:
    url: str
    settings: Settings
    files: keys.KeyFiles

    def sim(self, path: str, /, **said: Any) -> dict[str, Any]:
        """A control call."""
        answer = self.post(path, **said)
        assert answer.status_code == 200, answer.text
        said_back: dict[str, Any] = answer.json()
        return said_back

    def post(self, path: str, /, **said: Any) -> requests.Response:
        """A control call that may be refused."""
        return requests.post(f"{self.url}/_sim/{path}", json=said, timeout=10)

    def rest(self) -> None:
        """What one test asked for does not reach into the next."""
        self.heal()
        requests.delete(f"{self.url}/_sim/notices", timeout=10)
        self.sim("clock", start=True)

    def heal(self) -> None:
        requests.delete(f"{self.url}/_sim/faults", timeout=10)

    def notices(self, out_trade_no: str) -> list[dict[str, Any]]:
        letters = requests.get(f"{self.url}/_sim/notices", timeout=10).json()["notices"]
        return [letter for letter in letters if letter["fields"]["out_trade_no"] == out_trade_no]

    def open_id(self, person: str) -> str:
        return str(self.sim("users", person=person)["open_id"])

    @property
    def gateway(self) -> str:
        return f"{self.url}/gateway.do"

    @property
    def content_key(self) -> str:
        return self.files.content_key.read_text().strip()

    @property
    def trust(self) -> Trust:
        return Trust.public_keys(self.files.alipay_public_key.read_text())

    def client(self, **changed: Any) -> AlipayClient:
        said: dict[str, Any] = {
            "app_id": self.settings.app_id,
            "key": private_key(self.files.app_key.read_text()),
            "trust": self.trust,
            "clock": now,
            "gateway": self.gateway,
        }
        return AlipayClient(**{**said, **changed})

    def order(self, number: str, **changed: Any) -> TradeOrder:
        said = {
            "out_trade_no": number,
            "subject": "三楼 面馆",
            "total_fen": 1280,
            "notify_url": "http://127.0.0.1:9/nobody",
            "buyer_open_id": self.open_id("li-lei"),
        }
        return TradeOrder(**{**said, **changed})


class Mailbox:
    """Where notices arrive: keeps each body and form, answers with the next of `answers`, then success, in `status`."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.answers: list[bytes] = []
        self.status = 200
        self._lock = Lock()

    def take(self, body: bytes) -> bytes:
        with self._lock:
            self.bodies.append(body)
            self.forms.append(dict(parse_qsl(body.decode(), keep_blank_values=True)))
            return self.answers.pop(0) if self.answers else b"success"


@contextmanager
def started(folder: Path, **changed: Any) -> Iterator[Simulator]:
    """A simulator of its own, with these settings."""
    settings = Settings(**{"keys": folder, "identity": "both", **changed})
    web = server(create_app(settings), 0)
    Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield Simulator(f"http://127.0.0.1:{web.server_port}", settings, keys.ensure(folder))
    web.shutdown()
    web.server_close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with started(tmp_path_factory.mktemp("alipay-keys"), schedule_factor=0.0002) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.rest()


@pytest.fixture
def client(simulator: Simulator) -> AlipayClient:
    return simulator.client()


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    box, path = Mailbox(), f"/v1/notices/{uuid4().hex}"

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != path:
                self.send_error(404)  # sent again to an earlier receiver on this port
                return
            answer = box.take(body)
            self.send_response(box.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *said: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield box, f"http://127.0.0.1:{web.server_port}{path}"
    web.shutdown()
    web.server_close()
