"""A WeChat simulator of its own for these tests, spoken to over real HTTP."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from uuid import uuid4

import pytest
import requests

from wechat.aead import api_v3_key
from wechat.client import JsapiOrder, PayClient
from wechat.miniprogram import MiniProgram
from wechat.signing import Merchant, Trust
from wechat.simulator import Settings, create_app, keys
from wechat.simulator.serve import server

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
        answer = requests.post(f"{self.url}/_sim/{path}", json=said, timeout=10)
        assert answer.status_code == 200, answer.text
        said_back: dict[str, Any] = answer.json()
        return said_back

    def rest(self) -> None:
        """What one test asked for does not reach into the next."""
        self.heal()
        requests.delete(f"{self.url}/_sim/notices", timeout=10)
        self.sim("clock", start=True)

    def heal(self) -> None:
        requests.delete(f"{self.url}/_sim/faults", timeout=10)
        self.sim("sign-mode", mode="public_key")

    def notices(self, out_trade_no: str) -> list[dict[str, Any]]:
        return [letter for letter in self.notices_of(out_trade_no) if letter["content"]["out_trade_no"] == out_trade_no]

    def notices_of(self, beginning: str) -> list[dict[str, Any]]:
        """Those of the orders whose number begins so."""
        letters = requests.get(f"{self.url}/_sim/notices", timeout=10).json()["notices"]
        return [letter for letter in letters if str(letter["content"].get("out_trade_no", "")).startswith(beginning)]

    def openid(self, person: str) -> str:
        return str(self.sim("users", person=person)["openid"])

    @property
    def public_key_id(self) -> str:
        return self.files.public_key_id.read_text().strip()

    @property
    def merchant(self) -> Merchant:
        files = self.files
        return Merchant.from_pem(self.settings.mchid, files.merchant_cert.read_text(), files.merchant_key.read_text())

    @property
    def trust(self) -> Trust:
        return Trust.public_key(self.public_key_id, self.files.public_key.read_text())

    @property
    def v3_key(self) -> bytes:
        return api_v3_key(self.files.api_v3_key.read_text().strip())

    def pay_client(self, **changed: Any) -> PayClient:
        said: dict[str, Any] = {"clock": now, "base_url": self.url, "answer_key": self.public_key_id, **changed}
        return PayClient(said.pop("merchant", self.merchant), said.pop("trust", self.trust), **said)

    def order(self, number: str, **changed: Any) -> JsapiOrder:
        said = {
            "appid": self.settings.appid,
            "out_trade_no": number,
            "description": "三楼 面馆",
            "total_fen": 1280,
            "payer_openid": self.openid("li-lei"),
            "notify_url": "http://127.0.0.1:9/nobody",
        }
        return JsapiOrder(**{**said, **changed})


@dataclass
class Delivery:
    headers: dict[str, str]
    body: bytes


class Mailbox:
    """Where notices arrive: keeps each delivery and answers after `seconds` with the next of `answers`, then `answer`."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.answers: list[int] = []
        self.answer = 204
        self.seconds = 0.0
        self.at_once = self.most_at_once = 0
        self._lock = Lock()

    def take(self, delivery: Delivery) -> int:
        with self._lock:
            self.deliveries.append(delivery)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.seconds)
        with self._lock:
            self.at_once -= 1
            return self.answers.pop(0) if self.answers else self.answer


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("wechat-keys")


@contextmanager
def simulator(settings: Settings) -> Iterator[Simulator]:
    """One that runs while the block does."""
    web = server(create_app(settings), 0)
    Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield Simulator(f"http://127.0.0.1:{web.server_port}", settings, keys.ensure(settings.keys))
    web.shutdown()
    web.server_close()


@pytest.fixture(scope="session")
def running(key_folder: Path) -> Iterator[Simulator]:
    with simulator(Settings(keys=key_folder, schedule_factor=0.002, refund_seconds=0.05)) as one:
        yield one


@pytest.fixture
def wechat(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.rest()


@pytest.fixture
def mini(wechat: Simulator) -> MiniProgram:
    return MiniProgram(wechat.settings.appid, wechat.settings.secret, clock=now, base_url=wechat.url)


@pytest.fixture
def pay(wechat: Simulator) -> PayClient:
    return wechat.pay_client()


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    box, path = Mailbox(), f"/v1/notices/{uuid4().hex}"

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # What is sent again to an earlier receiver on this port is not ours.
            self.send_response(box.take(Delivery(dict(self.headers), body)) if self.path == path else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *said: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield box, f"http://127.0.0.1:{web.server_port}{path}"
    web.shutdown()
    web.server_close()
