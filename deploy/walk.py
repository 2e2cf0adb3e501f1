"""A shopper's walk through the running demo mall: `python -m deploy.walk` says in JSON what came of it.

It takes every process of the Procfile: signs in by WeChat, sends a receipt and waits for its points, pays at a plate and waits for those,
and listens to the live stream. PUBLIC_URL, LIVE_URL and WECHAT_API say where, as for `make run`.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from deploy import demo_shops, paper
from deploy.demo_shops import SHOPS

PATIENCE = 120.0  # seconds until a photo is read or a payment has settled, on a machine that is busy
LOOK_EVERY = 0.2
AMOUNT_FEN = 3_600
SHOP = 8
UNDECIDED = frozenset({"received", "reading"})


class NotAsExpected(Exception):
    """A step of the walk went another way."""


@dataclass
class Shopper:
    """Somebody who has never been here before."""

    web: str
    live: str
    wechat: str
    http: requests.Session = field(default_factory=requests.Session)

    def ask(self, verb: str, url: str, **more: Any) -> Any:
        """One call; NotAsExpected says which one was refused."""
        answer = self.http.request(verb, url, headers={"Idempotency-Key": uuid.uuid4().hex} if verb == "POST" else {}, timeout=30, **more)
        if not answer.ok:
            raise NotAsExpected(f"{verb} {url} was answered {answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def sign_in(self) -> None:
        """Become a member by WeChat."""
        code = self.ask("POST", f"{self.wechat}/_sim/login-code", json={"person": f"walk-{uuid.uuid4().hex}"})["js_code"]
        body = {"js_code": code, "consent_version": "1"}
        tokens = self.ask("POST", f"{self.web}/v1/malls/{demo_shops.CODE}/sign-in/wechat", json=body)
        self.http.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def hears(self) -> bool:
        """Whether the live stream opens and speaks."""
        with self.http.get(f"{self.live}/v1/live", stream=True, timeout=30) as stream:
            return stream.ok and next(stream.iter_lines(), b"") != b""

    def send_receipt(self) -> dict[str, Any]:
        """Photograph a receipt; what was decided on it."""
        photo = paper.paper("receipt", shop=SHOP, seed=uuid.uuid4().int)
        sent = self.ask("POST", f"{self.web}/v1/receipts", files={"photo": ("receipt.jpg", photo, "image/jpeg")})
        return self._wait(f"{self.web}/v1/receipts/{sent['id']}", lambda receipt: receipt["state"] not in UNDECIDED)

    def pay_at_a_plate(self) -> dict[str, Any]:
        """Scan, look at the quote, place the order, confirm in WeChat; the order once it is paid and has its points."""
        plate = paper.plate_address(self.web, shop=SHOP).rsplit("/", 1)[1]
        basket = {"plate": plate, "amount_fen": AMOUNT_FEN, "choose": {"points": 0, "card_ids": []}}
        quote = self.ask("POST", f"{self.web}/v1/quotes", json=basket)
        placed = self.ask("POST", f"{self.web}/v1/orders", json=basket | {"channel": "wechat", "expected_fen": quote["gateway_fen"]})
        prepay_id = placed["wallet"]["package"].removeprefix("prepay_id=")
        self.ask("POST", f"{self.wechat}/_sim/pay", json={"prepay_id": prepay_id})
        number = placed["order"]["number"]
        return self._wait(f"{self.web}/v1/orders/{number}", lambda order: order["state"] == "paid" and order["points"] is not None)

    def _wait(self, url: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        ends = time.monotonic() + PATIENCE
        while True:
            answer: dict[str, Any] = self.ask("GET", url)
            if done(answer):
                return answer
            if time.monotonic() > ends:
                raise NotAsExpected(f"{url} is still {answer['state']} after {PATIENCE:.0f} s")
            time.sleep(LOOK_EVERY)


def walk(shopper: Shopper) -> dict[str, Any]:
    """The whole of it: {shop, live, receipt, receipt_points, order, order_points, seconds}."""
    began = time.monotonic()
    shopper.sign_in()
    live = shopper.hears()
    receipt = shopper.send_receipt()
    order = shopper.pay_at_a_plate()
    return {
        "shop": SHOPS[SHOP][2],
        "live": live,
        "receipt": receipt["state"],
        "receipt_points": (receipt["award"] or {}).get("points"),
        "order": order["state"],
        "order_points": order["points"],
        "seconds": round(time.monotonic() - began, 1),
    }


def went_well(outcome: dict[str, Any]) -> bool:
    """Whether each step ended as it does for a good receipt and a good payment."""
    return bool(outcome["live"] and outcome["receipt"] == "scored" and outcome["receipt_points"] and outcome["order_points"])


def main() -> int:
    """Walk, and print what came of it."""
    shopper = Shopper(
        web=os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000"),
        live=os.environ.get("LIVE_URL", "http://127.0.0.1:8001"),
        wechat=os.environ.get("WECHAT_API", "http://127.0.0.1:5011"),
    )
    try:
        outcome = walk(shopper)
    except (NotAsExpected, requests.RequestException) as trouble:
        print(f"✗ {trouble}", file=sys.stderr)
        return 1
    print(json.dumps(outcome, ensure_ascii=False))
    return 0 if went_well(outcome) else 1


if __name__ == "__main__":
    sys.exit(main())
