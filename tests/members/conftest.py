"""The WeChat and Alipay simulators, spoken to over real HTTP, and people who sign in through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from alipay import simulator as alipay_simulator
from alipay.simulator.serve import server as alipay_server
from api.kit import db
from api.kit.db import session
from api.malls.models import Mall
from api.members import alipay_login, sms, wechat_login
from api.settings import Settings
from tests.factories import make_mall, make_shop
from wechat import simulator as wechat_simulator
from wechat.simulator.serve import server as wechat_server


@dataclass
class Simulator:
    """The control side of a simulator."""

    url: str

    def sim(self, path: str, /, **said: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/_sim/{path}", json=said, timeout=10)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def heal(self) -> None:
        requests.delete(f"{self.url}/_sim/faults", timeout=10)


def _serve(web: Any) -> Iterator[Simulator]:
    Thread(target=web.serve_forever, daemon=True).start()
    yield Simulator(f"http://127.0.0.1:{web.server_port}")
    web.shutdown()
    web.server_close()


@pytest.fixture(scope="session")
def _wechat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    settings = wechat_simulator.Settings(keys=tmp_path_factory.mktemp("wechat-keys"))
    yield from _serve(wechat_server(wechat_simulator.create_app(settings), 0))


@pytest.fixture(scope="session")
def _alipay_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("alipay-keys")


@pytest.fixture(scope="session")
def _alipay(_alipay_keys: Path) -> Iterator[Simulator]:
    settings = alipay_simulator.Settings(keys=_alipay_keys, identity="both")
    yield from _serve(alipay_server(alipay_simulator.create_app(settings), 0))


@pytest.fixture
def connected(settings: Settings, _wechat: Simulator, _alipay: Simulator, _alipay_keys: Path) -> Iterator[Settings]:
    """The seams, pointed at the simulators."""
    here = replace(settings, wechat_api=_wechat.url, alipay_gateway=f"{_alipay.url}/gateway.do", alipay_keys=_alipay_keys)
    for seam in (wechat_login, alipay_login, sms):
        seam.configure(here)
    yield here
    for seam in (wechat_login, alipay_login, sms):
        seam.configure(settings)


@pytest.fixture
def wechat(app: Any, connected: Settings, _wechat: Simulator) -> Iterator[Simulator]:
    yield _wechat
    _wechat.heal()


@pytest.fixture
def alipay(app: Any, connected: Settings, _alipay: Simulator) -> Iterator[Simulator]:
    yield _alipay
    _alipay.heal()


@pytest.fixture
def mall_code(mall: int) -> str:
    with db.unit_of_work():
        return str(session.get_one(Mall, mall).code)


SignIn = Callable[..., Any]


@pytest.fixture
def with_wechat(client: FlaskClient, wechat: Simulator, mall_code: str) -> SignIn:
    """with_wechat("li-lei", source="shop") → the answer of signing in."""

    def sign_in(person: str, **given: Any) -> Any:
        body = {"js_code": wechat.sim("login-code", person=person)["js_code"], "consent_version": "2026-1"} | given
        return client.post(f"/v1/malls/{mall_code}/sign-in/wechat", json=body)

    return sign_in


@pytest.fixture
def with_alipay(client: FlaskClient, alipay: Simulator, mall_code: str) -> SignIn:
    """with_alipay("li-lei") → the answer of signing in."""

    def sign_in(person: str, **given: Any) -> Any:
        body = {"auth_code": alipay.sim("auth-code", person=person)["code"], "consent_version": "2026-1"} | given
        return client.post(f"/v1/malls/{mall_code}/sign-in/alipay", json=body)

    return sign_in


def solve(challenge: dict[str, Any]) -> dict[str, Any]:
    """The solution of a challenge, as a phone finds it."""
    for number in range(challenge["maxnumber"] + 1):
        if sha256(f"{challenge['salt']}{number}".encode()).hexdigest() == challenge["challenge"]:
            return {name: challenge[name] for name in ("algorithm", "challenge", "salt", "signature")} | {"number": number}
    raise AssertionError("the challenge has no solution")


def ask_for_code(client: FlaskClient, mall_code: str, phone: str) -> Any:
    """Ask for a sign-in code, solving the challenge where one is wanted."""
    address = f"/v1/malls/{mall_code}/sign-in/phone-codes"
    answer = client.post(address, json={"phone": phone})
    if answer.status_code == 429 and answer.json["type"] == "/problems/challenge-needed":
        answer = client.post(address, json={"phone": phone, "solution": solve(answer.json["challenge"])})
    return answer


def header(answer: Any) -> dict[str, str]:
    """The header of who got this answer."""
    assert answer.status_code == 200, answer.json
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def check_refused(answer: Any, status: int, name: str) -> None:
    """The answer is this refusal."""
    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{name}"), answer.json


@pytest.fixture
def new_mall(app: Any) -> str:
    """The code of another mall."""
    with db.unit_of_work():
        return str(make_mall().code)


@pytest.fixture
def inside_shop(mall: int) -> int:
    """A shop of the mall."""
    with db.unit_of_work(mall):
        return int(make_shop().id)


def rows(mall: int, query: Any) -> list[tuple[Any, ...]]:
    """What the mall's tables hold."""
    return db.in_mall(mall, lambda: [tuple(row) for row in session.execute(query)])
