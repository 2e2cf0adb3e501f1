"""The running mall that a browser visits: real processes on free ports, the demo mall in the database, the built pages."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import requests
from PIL import Image

from api.kit import db
from api.kit.roles import Role
from api.settings import ROOT, Settings
from api.staff import service as accounts
from deploy import demo, embedded, merchants, paper, web_pages
from deploy.demo_shops import SHOPS
from tests import processes

MALL = demo.CODE
MEMBERS = 40
SALES_A_MEMBER = 12
ZONE = ZoneInfo("Asia/Shanghai")
SHOP_STAFF = "browser-manager"
CAFE = 8  # 木棉咖啡, in the list of the demo's shops

_number = itertools.count(1)


@dataclass
class Stack:
    """Where everything is, and what a test may do past the pages: sign in, send a photo, look at the database."""

    settings: Settings
    run: processes.Processes
    url: str
    wechat: str
    alipay: str

    def ask(self, method: str, path: str, token: str | None = None, **given: Any) -> requests.Response:
        """Speak to the API as a device would."""
        headers = {"X-Device-Id": "browser-tests", "Idempotency-Key": uuid.uuid4().hex} | given.pop("headers", {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return requests.request(method, self.url + path, headers=headers, timeout=60, **given)

    def told(self, method: str, path: str, token: str | None = None, **given: Any) -> Any:
        """What the API answers; AssertionError with its own words when it refuses."""
        answer = self.ask(method, path, token, **given)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def join(self, person: str) -> dict[str, Any]:
        """Somebody's wallet signs in through the simulator; the tokens and the member."""
        code = requests.post(f"{self.wechat}/_sim/login-code", json={"person": person}, timeout=20).json()["js_code"]
        body = {"js_code": code, "consent_version": "1"}
        return {**self.told("POST", f"/v1/malls/{MALL}/sign-in/wechat", json=body), "person": person}

    def staff(self, login: str) -> dict[str, Any]:
        """Somebody of the staff signs in; the tokens and the account."""
        body = {"login": login, "password": demo.PASSWORD}
        return dict(self.told("POST", f"/v1/malls/{MALL}/staff-sign-in", json=body))

    def another(self, role: Role) -> dict[str, Any]:
        """One more person of the office signs in; the tokens and the account."""
        login = f"another-{uuid.uuid4().hex[:8]}"
        with db.unit_of_work(self.mall):
            accounts.seed_account(login=login, password=demo.PASSWORD, name=login, role=role)
        return self.staff(login)

    def blank_cards(self, code: str, cards: int) -> list[str]:
        """Numbers of new cards of plastic: finance made them, an administrator of its own had them printed."""
        token, finance = self.staff("admin")["access_token"], self.staff("finance")["access_token"]
        kind = {"title_zh": "现金卡", "title_en": "Cash card", "limit_fen": 100_000, "valid_years": 3, "form": "physical", "named": False}
        asked = self.told("POST", "/v1/office/card-products", token, json=kind | {"code": code, "invoice": "at_use"})
        self.told("PUT", f"/v1/office/approvals/{asked['id']}/approval", finance)
        kind_id = self.rows("SELECT id FROM card_products WHERE code = %s", code)[0][0]
        batch = self.told("POST", "/v1/office/card-batches", finance, json={"product_id": kind_id, "cards": cards, "note": code})
        printer = self.another(Role.ADMINISTRATOR)["access_token"]
        lines = self.told("POST", f"/v1/office/card-batches/{batch['id']}/print-parts", printer, json={})["lines"]
        return [line["number"] for line in lines]

    def send(self, token: str, *photos: bytes, name: str = "receipt.jpg") -> int:
        """Upload the photos of a receipt; its id."""
        files = [("photo", (name, photo, "image/jpeg")) for photo in photos]
        return int(self.told("POST", "/v1/receipts", token, files=files)["id"])

    def decided(self, token: str, receipt: int, seconds: float = 120) -> dict[str, Any]:
        """Wait until the reader has decided; the receipt as its shopper sees it."""

        def look() -> dict[str, Any] | None:
            found = self.told("GET", f"/v1/receipts/{receipt}", token)
            return None if found["state"] in {"received", "reading"} else dict(found)

        return dict(processes.until(look, seconds, every=0.5))

    def sim(self, wallet: str, path: str, **said: Any) -> dict[str, Any]:
        """Steer a wallet's simulator: what a person does on the phone."""
        answer = requests.post(f"{self.alipay if wallet == 'alipay' else self.wechat}/_sim/{path}", json=said, timeout=20)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text[:300]}"
        return dict(answer.json())

    def plate(self, shop: str = f"T{CAFE + 1:03d}") -> str:
        """The code of the plate on a shop's counter."""
        found = self.rows("SELECT p.code FROM plates p JOIN shops s ON s.id = p.shop_id WHERE s.code = %s AND p.state = 'bound'", shop)
        return str(found[0][0])

    def buys(self, token: str, fen: int, *, remark: str | None = None, shop: str = f"T{CAFE + 1:03d}", pays: bool = True) -> dict[str, Any]:
        """Somebody pays an amount at a shop's plate by WeChat; the order as it stands afterwards."""
        basket = {"purchase": {"kind": "plate", "plate": self.plate(shop), "amount_fen": fen, "remark": remark}}
        left = self.told("POST", "/v1/quotes", token, json=basket)["gateway_fen"]
        order = self.told("POST", "/v1/orders", token, json=basket | {"channel": "wechat", "expected_fen": left})["order"]
        if pays and left:
            self.sim("wechat", "pay", out_trade_no=self.payment(order["number"]))
        if not pays:
            return dict(order)

        def paid() -> dict[str, Any] | None:
            found = self.told("GET", f"/v1/orders/{order['number']}", token)
            return dict(found) if found["state"] == "paid" else None

        return dict(processes.until(paid, 60, every=0.2))

    def payment(self, order: str) -> str:
        """Our number at the gateway of an order's payment."""
        found = self.rows("SELECT p.number FROM payments p JOIN orders o ON o.payment_id = p.id WHERE o.number = %s", order)
        return str(found[0][0])

    def recharge(self, token: str, fen: int = 50_000) -> None:
        """Somebody recharges by a package of so much, through WeChat."""
        package = next(one for one in self.told("GET", "/v1/wallet/packages", token)["items"] if one["pays_fen"] == fen)
        body = {"purchase": {"kind": "recharge", "package_id": package["id"]}, "channel": "wechat", "expected_fen": fen}
        number = self.told("POST", "/v1/orders", token, json=body)["order"]["number"]
        self.sim("wechat", "pay", out_trade_no=self.payment(number))
        processes.until(lambda: self.told("GET", f"/v1/orders/{number}", token)["state"] == "paid" or None, 60, every=0.2)

    def differs(self, token: str, fen: int, desk: str) -> int:
        """We believe that somebody paid four days ago; the wallet's bill of that day does not know of it. The difference's id."""
        number = self.payment(self.buys(token, fen)["number"])
        older = "UPDATE payments SET paid_at = paid_at - interval '4 days' WHERE number = %s"
        [(account, day)] = self.rows(f"{older} RETURNING account_id, (paid_at AT TIME ZONE 'Asia/Shanghai')::date", number)
        self.told("POST", "/v1/office/gateway-bills", desk, json={"account_id": account, "billed_on": day.isoformat()})
        asked = f"/v1/office/bill-differences?state=open&number={number}"
        found = processes.until(lambda: self.told("GET", asked, desk)["items"], 60)
        return int(found[0]["id"])

    def clear_queue(self) -> None:
        """Refuse every case that waits at the desk, whoever holds it."""
        token = self.staff("admin")["access_token"]
        self.rows("UPDATE receipt_reviews SET taken_by = NULL, hold_ends_at = NULL")
        while (case := self.ask("POST", "/v1/office/receipt-reviews/next", token)).content and case.ok and case.json():
            number = case.json()["review"]["id"]
            body = {"reason": "not_legible", "why": "left by another test"}
            self.told("POST", f"/v1/office/receipt-reviews/{number}/refusal", token, json=body)

    def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """Look at the database past the wall."""
        with psycopg.connect(self.settings.owner_url.replace(embedded.OWNER, "postgres"), autocommit=True) as connection:
            answer = connection.execute(sql, arguments)  # type: ignore[arg-type]
            return answer.fetchall() if answer.description else []

    @property
    def mall(self) -> int:
        return int(self.rows("SELECT id FROM malls WHERE code = %s", MALL)[0][0])


def receipt(*, shop: int = CAFE, yuan: str = "128.00", minutes_ago: int | None = None, name: str = "", unsure: str = "") -> bytes:
    """A photo of a receipt that a till of the demo mall printed, unlike any other. `unsure`: a second total that contradicts the first."""
    number = next(_number)
    _, unit, called, _, _ = SHOPS[shop]
    at = datetime.now(ZONE).replace(microsecond=0) - timedelta(minutes=minutes_ago if minutes_ago is not None else 5 + number % 50)
    fen, many = round(float(yuan) * 100), 1 + number * 5 % 14
    prices = [fen // (many + 1)] * many
    printed = f"{at:%Y%m%d}{uuid.uuid4().int % 10**6:06d}"
    lines = paper.sale(name or called, unit, at=at, number=printed, prices_fen=[*prices, fen - sum(prices)])
    if unsure:
        # Neither says that it was paid: the reader must ask.
        lines = [*lines[:-3], ("折后", unsure), ("谢谢惠顾", None)]
    return _on_a_table(paper.draw(lines), number)


def _on_a_table(photo: bytes, seed: int) -> bytes:
    """The paper on another table each time: receipts of one till look alike, and a picture seen before goes to a person."""
    chance = random.Random(seed)
    drawn = Image.open(io.BytesIO(photo))
    slip = drawn.crop((80, 80, drawn.width - 80, drawn.height - 80))
    tiles = Image.new("L", (4, 4))
    tiles.putdata([chance.randrange(40, 190) for _ in range(16)])
    width, height = slip.width + chance.randrange(200, 520), slip.height + chance.randrange(200, 520)
    table = tiles.resize((width, height), Image.Resampling.NEAREST).convert("RGB")
    table.paste(slip, (chance.randrange(60, width - slip.width - 60), chance.randrange(60, height - slip.height - 60)))
    out = io.BytesIO()
    table.save(out, "JPEG", quality=88)
    return out.getvalue()


@contextlib.contextmanager
def running(database: str, owner: str, redis: str, base: Settings, folder: Path) -> Iterator[Stack]:
    """The whole mall, ended at the end. The pages are built first, unless nothing changed since."""
    web_pages.build(["h5", "console"])
    web, wechat, alipay = embedded.free_port(), embedded.free_port(), embedded.free_port()
    settings = replace(
        base,
        database_url=database,
        owner_url=owner,
        redis_url=redis,
        files=folder / "files",
        web_pages=web_pages.FOLDER,
        public_url=f"http://127.0.0.1:{web}",
        wechat_api=f"http://127.0.0.1:{wechat}",
        alipay_gateway=f"http://127.0.0.1:{alipay}/gateway.do",
        alipay_keys=folder / "alipay",
    )
    (folder / "logs").mkdir(parents=True)
    extra = {
        "DATABASE_OWNER_URL": owner, "WEB_PAGES_FOLDER": str(settings.web_pages), "PUBLIC_URL": settings.public_url,
        "WECHAT_API": settings.wechat_api, "ALIPAY_GATEWAY": settings.alipay_gateway, "ALIPAY_KEYS": str(settings.alipay_keys),
        "READ_TIMEOUT": "90", "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    with processes.running(settings, folder / "logs", **extra) as run:
        _simulator(run, "wechat", wechat, folder)
        _simulator(run, "alipay", alipay, folder)
        fill(run, MEMBERS, SALES_A_MEMBER)
        run.extra["LIVE_URL"] = run.live().url
        server = run.web(1, port=web)
        run.worker("work")
        run.worker("ocr")
        made = Stack(settings, run, server.url, settings.wechat_api, f"http://127.0.0.1:{alipay}")
        yield made


def _simulator(run: processes.Processes, wallet: str, port: int, folder: Path) -> None:
    command = [sys.executable, "-m", f"{wallet}.simulator", "--port", str(port), "--keys", str(folder / wallet)]
    process = run.start(wallet, *command, url=f"http://127.0.0.1:{port}")
    run._await(process, lambda: embedded.port_taken(port))


def fill(run: processes.Processes, members: int, sales_a_member: int) -> None:
    """The demo mall, as `make run` fills it, with a manager of a shop beside the mall's own staff."""
    many = ["--members", str(members), "--sales-a-member", str(sales_a_member)]
    done = subprocess.run(
        [sys.executable, "-m", "deploy.demo", *many], cwd=ROOT, env=run.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def shop_manager(mall: int) -> None:
    """Somebody who runs the café, for the tablet's pages."""
    from sqlalchemy import select

    from api.kit.db import session
    from api.kit.roles import Role
    from api.malls.models import Shop
    from api.staff import service as staff

    with db.unit_of_work(mall):
        shop = session.scalars(select(Shop).where(Shop.code == f"T{CAFE + 1:03d}")).one()
        staff.seed_account(login=SHOP_STAFF, password=demo.PASSWORD, name="木棉店长", role=Role.SHOP_MANAGER, shop_id=shop.id)


def merchant_accounts(settings: Settings, mall: int) -> None:
    """The mall collects through both simulators, with the keys that they made."""
    with db.unit_of_work(mall):
        merchants.set_up_accounts(settings, settings.alipay_keys.parent)


def kept(entrance: str, answer: dict[str, Any]) -> dict[str, str]:
    """What the pages keep in the browser's storage of somebody signed in: entrance “m”, “office” or “shop”."""
    import time

    ends = int(time.time() * 1000) + answer["expires_in"] * 1000
    if entrance == "m":
        held = {"access": answer["access_token"], "refresh": answer["refresh_token"], "endsAt": ends}
        # In development the pages act as the person who was named when signing in.
        person = {"draft:sign-in.person": json.dumps({"type": "string", "data": answer["person"]})} if "person" in answer else {}
        return {f"tokens:{MALL}": json.dumps({"type": "object", "data": held}), **person}
    held = {"access": answer["access_token"], "refresh": answer["refresh_token"], "ends": ends, "account": answer["account"]}
    return {f"mallbridge.{entrance}.{MALL}": json.dumps(held)}
