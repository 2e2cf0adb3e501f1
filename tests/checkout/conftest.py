"""A whole mall over HTTP: the app behind a real socket for notices, both gateways' simulators, shoppers, a shop with its plate."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.serving import make_server

from api.checkout.models import OrderShare
from api.checkout.service import orders
from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.malls import service as malls
from api.members.models import MemberIdentity
from api.payments import service as payments
from api.payments.models import Payment
from api.plates import service as plates
from api.points import service as points
from api.settings import Settings
from api.wallet import service as wallet
from tests.conftest import bearer
from tests.factories import lay_points_rules, make_member, make_shop, make_staff
from tests.payments.conftest import DEMO, Simulator, _alipay, _wechat, add_account, run_due  # noqa: F401 - fixtures
from tests.wallet.conftest import make_package

_orders = itertools.count(900_000)


@dataclass
class Street:
    """The world of one test."""

    app: Any
    settings: Settings
    mall: int
    shop_id: int
    plate: str
    wechat: Simulator
    alipay: Simulator
    client: FlaskClient

    def inside(self) -> Any:
        return db.unit_of_work(self.mall)

    def due(self, ahead: float = 0.0) -> int:
        """Do every job that is due, as the worker would."""
        return run_due(self.settings, clock.now() + timedelta(seconds=ahead))

    def shopper(self, person: str = "li-lei", *, points_held: int = 0, principal_fen: int = 0, bonus_fen: int = 0) -> Shopper:
        """A member who signed in with both wallets."""
        with self.inside():
            member_id = make_member().id
            for simulator in (self.wechat, self.alipay):
                session.add(
                    MemberIdentity(
                        member_id=member_id, channel=simulator.channel, app_id=DEMO[simulator.channel]["app_id"],
                        subject=simulator.payer(person), first_seen_at=clock.now(),
                    )
                )  # fmt: skip
            if points_held:
                points.grant(member_id, points_held, cause_type="test", cause_id=member_id)
            if principal_fen:
                wallet.recharge(next(_orders), member_id, principal_fen=principal_fen, bonus_fen=bonus_fen, gateway_account_id=1)
        return Shopper(self, person, member_id, bearer("member", member_id, self.mall))

    def payer(self, person: str = "han-meimei") -> Shopper:
        """Somebody whom only WeChat knows."""
        code = self.wechat.sim("login-code", person=person)["js_code"]
        with self.inside():
            mall_code = malls.mall_info().code
        told = self.client.post(f"/v1/malls/{mall_code}/payers/wechat", json={"code": code})
        assert told.status_code == 200, told.json
        return Shopper(self, person, 0, {"Authorization": f"Bearer {told.json['access_token']}"})

    def staff(self, role: str, **given: Any) -> Shopper:
        """Somebody of the mall's or the shop's staff."""
        with self.inside():
            made = make_staff(role, **given)
            kind = "shop" if made.shop_id else "staff"
            return Shopper(self, role, made.id, bearer(kind, made.id, self.mall, made.shop_id))

    def payment_of(self, number: str) -> Payment:
        with self.inside():
            order = orders.by_number(number)
            return payments.read(order.payment_id or 0)

    def cash(self, owner: Owner) -> int:
        with self.inside():
            return ledger.balance(owner, Asset.CASH_FEN)

    def books_agree(self) -> None:
        """Nothing is lost between the ledger, the orders and the tenants."""
        with self.inside():
            assert ledger.prove() == []
            for share in session.scalars(select(OrderShare)):
                assert sum(bearer.fen for bearer in share.bearers) in (0, share.amount_fen)
                assert sum(bearer.returned_fen for bearer in share.bearers) in (0, share.refunded_fen)


@dataclass
class Shopper:
    """Somebody with a phone or a tablet."""

    street: Street
    person: str
    id: int
    headers: dict[str, str]
    keys: Iterator[str] = field(default_factory=lambda: iter(lambda: uuid.uuid4().hex, ""))

    def send(self, verb: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        headers = self.headers | {"Idempotency-Key": key or next(self.keys)}
        return getattr(self.street.app.test_client(), verb)(path, json=body, headers=headers)

    def get(self, path: str) -> Any:
        answer = self.street.app.test_client().get(path, headers=self.headers)
        assert answer.status_code == 200, answer.json
        return answer.json

    def sets_pin(self, pin: str) -> None:
        """Set the first PIN with a login code of the wallet that the shopper signs in with."""
        code = self.street.wechat.sim("login-code", person=self.person)["js_code"]
        assert self.send("put", "/v1/wallet/pin", {"pin": pin, "js_code": code}).status_code == 204

    def basket(self, amount_fen: int, **more: Any) -> dict[str, Any]:
        """What is said to buy so much at the plate; what is not of the purchase stands beside it."""
        bought = {name: more.pop(name) for name in ("excluded_fen", "remark") if name in more}
        return {"purchase": {"kind": "plate", "plate": self.street.plate, "amount_fen": amount_fen} | bought} | more

    def charge(self, auth_code: str, amount_fen: int, **more: Any) -> Any:
        """At the till: charge the code on somebody's phone."""
        purchase = {"kind": "charge", "amount_fen": amount_fen} | more
        return self.send("post", "/v1/shop/charges", {"auth_code": auth_code, "purchase": purchase})

    def quote(self, amount_fen: int, **more: Any) -> dict[str, Any]:
        answer = self.send("post", "/v1/quotes", self.basket(amount_fen, **more))
        assert answer.status_code == 200, answer.json
        return dict(answer.json)

    def order(self, amount_fen: int, *, channel: str = "wechat", key: str | None = None, **more: Any) -> Any:
        """Quote and order; the whole answer."""
        pin = {"pin": more.pop("pin")} if "pin" in more else {}
        left = self.quote(amount_fen, **more)["gateway_fen"]
        return self.send("post", "/v1/orders", self.basket(amount_fen, channel=channel, expected_fen=left, **pin, **more), key=key)

    def ordered(self, amount_fen: int, **more: Any) -> dict[str, Any]:
        answer = self.order(amount_fen, **more)
        assert answer.status_code == 201, answer.json
        return dict(answer.json)

    def pays(self, number: str, *, notify: bool = False) -> None:
        """The wallet's own screen: the person confirms."""
        payment = self.street.payment_of(number)
        simulator = self.street.wechat if payment.channel == "wechat" else self.street.alipay
        simulator.sim("pay", out_trade_no=payment.number, notify=notify)

    def paid(self, amount_fen: int, **more: Any) -> dict[str, Any]:
        """Order, pay, and let the query job find the money."""
        number = self.ordered(amount_fen, **more)["order"]["number"]
        self.pays(number)
        self.street.due(ahead=10)
        return self.read(number)

    def read(self, number: str) -> dict[str, Any]:
        return dict(self.get(f"/v1/orders/{number}"))

    def points(self) -> dict[str, Any]:
        return dict(self.get("/v1/points"))

    def value(self) -> tuple[int, int]:
        with self.street.inside():
            held = wallet.funds(self.id)
            return sum(one.principal_fen for one in held), sum(one.bonus_fen for one in held)


@pytest.fixture(scope="session")
def address(app: Any) -> Iterator[str]:
    """The app behind a real socket, for the gateways' notices."""
    web = make_server("127.0.0.1", 0, app, threaded=True)
    Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{web.server_port}"
    web.shutdown()
    web.server_close()


@pytest.fixture
def street(
    app: Any,
    settings: Settings,
    mall: int,
    client: FlaskClient,
    address: str,
    _wechat: Simulator,  # noqa: F811
    _alipay: Simulator,  # noqa: F811
) -> Iterator[Street]:
    """A mall with a shop, its plate, and the mall's accounts at both gateways."""
    from api.members import alipay_login, wechat_login

    here = replace(
        settings, wechat_pay=_wechat.url, wechat_api=_wechat.url, alipay_gateway=f"{_alipay.url}/gateway.do", alipay_keys=_alipay.keys,
        public_url=address,
    )  # fmt: skip
    seams = (payments, wechat_login, alipay_login)
    for seam in seams:
        seam.configure(here)
    with db.unit_of_work(mall):
        lay_points_rules()
        malls.change_policy({"return_window_days": 0, "plate_excluded": True}, by="test", why="points at once")
        shop_id = make_shop().id
        batch = plates.issue(1, note="test", by="test")
        plate = plates.plates(batch_id=batch.id, cursor=None, limit=1).items[0]
        plates.bind(plate.id, shop_id, by="test")
        code = plate.code
        for simulator in (_wechat, _alipay):
            add_account(simulator)
        make_package()
    yield Street(app, here, mall, shop_id, code, _wechat, _alipay, client)
    for simulator in (_wechat, _alipay):
        simulator.rest()
    for seam in seams:
        seam.configure(settings)
