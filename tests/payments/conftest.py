"""Both gateways' simulators over real HTTP, the mall's accounts at them, and an address where their notices arrive."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from alipay import simulator as alipay_simulator
from alipay.simulator.serve import server as alipay_server
from api.kit import clock, db
from api.kit import jobs as kit
from api.kit.db import session
from api.malls import service as malls
from api.payments import service
from api.payments.models import MerchantAccount, Payment, Refund
from api.payments.service import hooks
from api.settings import Settings
from tests.conftest import bearer, owner_rows
from tests.factories import make_staff
from wechat import simulator as wechat_simulator
from wechat.simulator.serve import server as wechat_server

PRICE = 12_80
DEMO = {
    "wechat": {"merchant_no": wechat_simulator.Settings.mchid, "app_id": wechat_simulator.Settings.appid},
    "alipay": {"merchant_no": alipay_simulator.Settings.seller_id, "app_id": alipay_simulator.Settings.app_id},
}


@dataclass
class Simulator:
    """The control side of a simulator, and its key files."""

    channel: str
    url: str
    keys: Path

    def sim(self, path: str, /, **said: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/_sim/{path}", json=said, timeout=10)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def rest(self) -> None:
        """What one test asked for does not reach into the next."""
        self.heal()
        requests.delete(f"{self.url}/_sim/notices", timeout=10)
        self.sim("clock", start=True)

    def heal(self) -> None:
        requests.delete(f"{self.url}/_sim/faults", timeout=10)

    def pay(self, payment: Payment, **said: Any) -> None:
        """The person pays on the phone."""
        self.sim("pay", out_trade_no=payment.number, **said)

    def fault(self, kind: str, verb: str = "", **said: Any) -> None:
        """The next call of a verb goes wrong."""
        if self.channel == "wechat":
            paths = {"place": "/v3/pay/transactions/jsapi", "charge": "/v3/pay/transactions/codepay", "": "/"}
            paths |= {"query": "/v3/pay/transactions/out-trade-no", "refund": "/v3/refund", "close": "/v3/pay/transactions/out-trade-no"}
            methods = {"query": "GET", "close": "POST", "refund": "POST"}
            self.sim("faults", kind=kind, path=paths[verb], method=methods.get(verb, ""), **said)
        else:
            methods = {"place": "create", "charge": "pay", "query": "query", "refund": "refund", "close": "close"}
            self.sim("faults", kind=kind, method=f"alipay.trade.{methods[verb]}" if verb else "", **said)

    def letters(self, number: str) -> list[dict[str, Any]]:
        """Every notice about a payment, with its deliveries."""
        found = requests.get(f"{self.url}/_sim/notices", timeout=10).json()["notices"]
        name = "content" if self.channel == "wechat" else "fields"
        return [letter for letter in found if letter[name].get("out_trade_no") == number]

    def payer(self, person: str) -> str:
        told = self.sim("users", person=person)
        return str(told.get("openid") or told["open_id"])

    def auth_code(self, person: str, **said: Any) -> str:
        told = self.sim("auth-pay-code", person=person, **said)
        return str(told.get("auth_code") or told["code"])


def _serve(channel: str, web: Any, keys: Path) -> Iterator[Simulator]:
    Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield Simulator(channel, f"http://127.0.0.1:{web.server_port}", keys)
    web.shutdown()
    web.server_close()


@pytest.fixture(scope="session")
def _wechat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    keys = tmp_path_factory.mktemp("wechat-keys")
    settings = wechat_simulator.Settings(keys=keys, schedule_factor=0.002, refund_seconds=0.02)
    yield from _serve("wechat", wechat_server(wechat_simulator.create_app(settings), 0), keys)


@pytest.fixture(scope="session")
def _alipay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    keys = tmp_path_factory.mktemp("alipay-keys")
    settings = alipay_simulator.Settings(keys=keys, schedule_factor=0.0002)
    yield from _serve("alipay", alipay_server(alipay_simulator.create_app(settings), 0), keys)


@dataclass
class Mailbox:
    """Where notices arrive: the app behind a real socket. `answers` are the statuses that it gave."""

    url: str = ""
    answers: list[int] = field(default_factory=list)

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> requests.Response:
        """Deliver something ourselves."""
        return requests.post(f"{self.url}{path}", data=body, headers=headers, timeout=20)


@pytest.fixture(scope="session")
def mailbox(app: Any) -> Iterator[Mailbox]:
    box = Mailbox()

    def take(environ: Any, start_response: Any) -> Any:
        def note(status: str, headers: Any, exc_info: Any = None) -> Any:
            box.answers.append(int(status[:3]))
            return start_response(status, headers, exc_info)

        return app(environ, note)

    web = make_server("127.0.0.1", 0, take, threaded=True)
    Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    box.url = f"http://127.0.0.1:{web.server_port}"
    yield box
    web.shutdown()
    web.server_close()


@pytest.fixture
def connected(app: Any, settings: Settings, mailbox: Mailbox, _wechat: Simulator, _alipay: Simulator) -> Iterator[Settings]:
    """The seams, pointed at the simulators; our address is the mailbox."""
    here = replace(settings, wechat_pay=_wechat.url, alipay_gateway=f"{_alipay.url}/gateway.do", public_url=mailbox.url)
    service.configure(here)
    mailbox.answers.clear()
    yield here
    for simulator in (_wechat, _alipay):
        simulator.rest()
    _wechat.sim("sign-mode", mode="public_key")
    service.configure(settings)


@pytest.fixture(params=["wechat", "alipay"])
def gateway(request: pytest.FixtureRequest, connected: Settings, _wechat: Simulator, _alipay: Simulator) -> Simulator:
    """Each gateway in turn."""
    return _wechat if request.param == "wechat" else _alipay


@pytest.fixture
def wechat(connected: Settings, _wechat: Simulator) -> Simulator:
    return _wechat


@pytest.fixture
def alipay(connected: Settings, _alipay: Simulator) -> Simulator:
    return _alipay


def add_account(simulator: Simulator, **given: Any) -> MerchantAccount:
    """The mall's account at a simulator, with all its keys; inside a unit of work."""
    made = service.open_account(by="test", **{"channel": simulator.channel, "name": "测试商户", **DEMO[simulator.channel], **given})
    for kind, file, more in key_files(simulator):
        service.add_key(made.id, kind=kind, text=(simulator.keys / file).read_text(), by="test", **more)
    return made


def key_files(simulator: Simulator) -> list[tuple[str, str, dict[str, str]]]:
    """Which file of a simulator's folder is which key."""
    if simulator.channel == "alipay":
        return [("own_key", "app_key.pem", {}), ("trusted_key", "alipay_public_key.pem", {})]
    return [
        ("own_key", "merchant_key.pem", {"certificate": (simulator.keys / "merchant_cert.pem").read_text()}),
        ("notice_key", "api_v3_key.txt", {}),
        ("trusted_key", "wechatpay_public_key.pem", {"serial": (simulator.keys / "wechatpay_public_key_id.txt").read_text()}),
        ("trusted_certificate", "platform_cert.pem", {}),
    ]


@dataclass
class Till:
    """Makes payments of a mall at one gateway and looks at them."""

    mall: int
    simulator: Simulator
    settings: Settings
    account_id: int
    orders: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def intend(self, amount_fen: int = PRICE, *, kind: str = "prepay", person: str = "li-lei", minutes: float = 15) -> Payment:
        payer = self.simulator.payer(person) if kind == "prepay" else None
        with db.unit_of_work(self.mall):
            return service.intend(
                channel=self.simulator.channel,
                account=service.account(self.account_id),
                order_id=next(self.orders),
                amount_fen=amount_fen,
                description="三楼 面馆",
                payer_subject=payer,
                expires_at=clock.now() + timedelta(minutes=minutes),
                kind=kind,
            )

    def place(self, payment: Payment) -> dict[str, str]:
        with db.unit_of_work(self.mall):
            return service.place(service.read(payment.id))

    def placed(self, amount_fen: int = PRICE, **said: Any) -> Payment:
        payment = self.intend(amount_fen, **said)
        self.place(payment)
        return self.read(payment)

    def paid(self, amount_fen: int = PRICE) -> Payment:
        """A payment that the gateway has told us of."""
        payment = self.placed(amount_fen)
        self.simulator.pay(payment, notify=False)
        with db.unit_of_work(self.mall):
            found = service.ask(payment.id)
        assert found.state == "paid"
        return found

    def do(self, work: Callable[[], Any]) -> Any:
        with db.unit_of_work(self.mall):
            return work()

    def read(self, payment: Payment) -> Payment:
        with db.unit_of_work(self.mall):
            return service.read(payment.id)

    def refund(self, refund: Refund) -> Refund:
        with db.unit_of_work(self.mall):
            return service.refund(refund.id)

    def give_back(self, payment: Payment, amount_fen: int, cause: int | str = 1) -> Refund:
        with db.unit_of_work(self.mall):
            return service.intend_refund(payment.id, amount_fen=amount_fen, reason="退货", cause_type="test", cause_id=cause)

    def moves(self, row: Payment | Refund) -> list[str]:
        with db.unit_of_work(self.mall):
            from api.payments.service.views import moves

            return [move.to_state for move in moves(type(row), row.id)]

    def path(self) -> str:
        """Where this account's notices arrive."""
        with db.unit_of_work(self.mall):
            return f"/v1/notices/{malls.mall_info().code}/{self.simulator.channel}/{self.account_id}"

    def set(self, row: Payment | Refund, **values: Any) -> None:
        """Change a row behind everybody's back: make it older."""
        with db.unit_of_work(self.mall):
            found = session.get_one(type(row), row.id)
            for name, value in values.items():
                setattr(found, name, value)

    def due(self, *, ahead: float = 0.0) -> int:
        """Do every job that is due (in `ahead` seconds), as the worker would; how many."""
        return run_due(self.settings, clock.now() + timedelta(seconds=ahead))


@pytest.fixture
def till(mall: int, gateway: Simulator, settings: Settings) -> Till:
    """The mall's account at each gateway in turn."""
    return _till(mall, gateway, settings)


@pytest.fixture
def wechat_till(mall: int, wechat: Simulator, settings: Settings) -> Till:
    return _till(mall, wechat, settings)


@pytest.fixture
def alipay_till(mall: int, alipay: Simulator, settings: Settings) -> Till:
    return _till(mall, alipay, settings)


def _till(mall: int, simulator: Simulator, settings: Settings) -> Till:
    with db.unit_of_work(mall):
        account = add_account(simulator)
    return Till(mall, simulator, settings, account.id)


def run_due(settings: Settings, until: datetime) -> int:
    """Take each job that is due out of the queue and do it; a failure is the test's."""
    done = 0
    taken = (
        "DELETE FROM procrastinate_jobs WHERE id = (SELECT id FROM procrastinate_jobs WHERE status = 'todo' "
        "AND (scheduled_at IS NULL OR scheduled_at <= %s) ORDER BY id LIMIT 1) RETURNING task_name, args"
    )
    while rows := owner_rows(settings, taken, until, unchecked=True):
        [(name, arguments)] = rows
        kit.app.tasks[name].func(**arguments)
        done += 1
    return done


@dataclass
class Told:
    """What the rooms above were told, in order."""

    paid: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    refunds: list[str] = field(default_factory=list)


@pytest.fixture(autouse=True)
def told(app: Any) -> Iterator[Told]:
    """Listen where checkout listens, in its place: these payments are of no order."""
    hooked: list[list[Any]] = [hooks.on_paid, hooks.on_closed, hooks.on_refund_final, hooks.ledger_of]
    kept = [list(held) for held in hooked]
    heard = Told()
    hooks.on_paid[:] = [lambda payment: heard.paid.append(payment.number)]
    hooks.on_closed[:] = [lambda payment: heard.closed.append(payment.number)]
    hooks.on_refund_final[:] = [lambda refund: heard.refunds.append(f"{refund.number} {refund.state}")]
    hooks.ledger_of.clear()
    yield heard
    for held, before in zip(hooked, kept, strict=True):
        held[:] = before


@contextlib.contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Our clock stands still here meanwhile."""
    clock.fix(moment)
    try:
        yield
    finally:
        clock.fix(None)


@pytest.fixture
def desk(client: Any, mall: int) -> Callable[..., Any]:
    """Speak as somebody of the mall: desk("get", path, role=…)."""
    headers: dict[str, dict[str, str]] = {}
    numbers = iter(range(1000))

    def ask(verb: str, path: str, *, role: str = "administrator", **body: Any) -> Any:
        if role not in headers:
            with db.unit_of_work(mall):
                headers[role] = bearer("staff", make_staff(role).id, mall)
        more = {"Idempotency-Key": f"desk-key-{next(numbers)}"} if verb == "post" else {}
        return getattr(client, verb)(f"/v1/office{path}", headers=headers[role] | more, **({"json": body} if verb != "get" else {}))

    return ask
