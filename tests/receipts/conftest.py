"""Shoppers, photos and readings. A reading built by hand is what the reader hands over: input, not a stand-in."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from api.kit import clock, db
from api.kit.db import session
from api.receipts import reading, service
from api.receipts.models import Receipt
from api.receipts.reading import ReceiptReading
from ocr.reading import Candidate, Field, Line, Picture, Reading, Signals, Tender
from tests.conftest import bearer
from tests.factories import make_floor, make_member, make_rule, make_shop, make_site, make_staff

NOW = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)  # noon in Shanghai
PAID = datetime(2026, 5, 20, 11, 30)  # noqa: DTZ001 - as printed
BOX = ((10.0, 10.0), (200.0, 10.0), (200.0, 40.0), (10.0, 40.0))

_number = itertools.count(1)


def picture(colour: int = 255, size: tuple[int, int] = (120, 160), kind: str = "JPEG") -> bytes:
    """A small picture; another colour, other bytes."""
    out = io.BytesIO()
    Image.new("L", size, colour % 256).save(out, kind, comment=str(colour).encode()) if kind == "JPEG" else Image.new(
        "L", size, colour % 256
    ).save(out, kind)
    return out.getvalue()


def slip(**given: Any) -> Reading:
    """What the reader says of a plain receipt of ¥128.50 from 海底捞火锅, today at 11:30."""
    number = next(_number)
    fen = given.pop("fen", 12_850)
    sure = given.pop("sure", 0.95)
    lines = given.pop("lines", ("海底捞火锅", f"单号 {number:012}", f"实付 {fen}"))
    values: dict[str, Any] = {
        "lines": tuple(Line(text, 0.99, tuple((x, y + 40 * i) for x, y in BOX)) for i, text in enumerate(lines)),
        "merchant": Field(given.pop("shop", "海底捞火锅"), sure, (0,), BOX),
        "total_fen": Field(fen, sure, (2,), BOX),
        "currency": "CNY",
        "paid_at": Field(given.pop("at", PAID), given.pop("sure_at", sure), (1,), BOX),
        "receipt_no": Field(given.pop("no", f"{number:012}"), sure, (1,), BOX),
        "kind": "receipt",
        "kind_confidence": 0.95,
        "auto": True,
        "picture": Picture(
            1200, 1600, "JPEG", given.pop("phash", f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"), given.pop("signals", Signals())
        ),
        "candidates": (Candidate(fen or 0, 0.9, "实付", 2, BOX), Candidate(20_000, 0.6, "合计", 2, BOX)),
        "tenders": (Tender("微信支付", fen or 0),),
    }
    return Reading(**(values | given))


@dataclass
class World:
    """A mall with one shop, somebody shopping, and clients that are signed in."""

    mall: int
    shop: int
    client: FlaskClient

    def member(self) -> int:
        with db.unit_of_work(self.mall):
            return make_member().id

    def staff(self, role: str = "reviewer") -> int:
        with db.unit_of_work(self.mall):
            return make_staff(role).id

    def send(self, member: int, *photos: bytes, key: str | None = None) -> Any:
        files = [(io.BytesIO(data), "photo.jpg") for data in (photos or (picture(next(_number)),))]
        headers = bearer("member", member, self.mall) | {"Idempotency-Key": key or f"send-{next(_number):08}"}
        return self.client.post("/v1/receipts", data={"photo": files}, headers=headers, content_type="multipart/form-data")

    def sent(self, member: int, *photos: bytes) -> int:
        answer = self.send(member, *photos)
        assert answer.status_code == 202, answer.json
        return int(answer.json["id"])

    def conclude(self, receipt: int, *readings: Reading) -> Any:
        with db.unit_of_work(self.mall):
            assert service.begin_reading(receipt)
        with db.unit_of_work(self.mall):
            service.conclude(receipt, translated(*readings))
        return self.receipt(receipt)

    def read(self, member: int, *readings: Reading) -> Any:
        """Send a photo, have it read as given, and give the receipt as it then stands."""
        return self.conclude(self.sent(member, *(picture(next(_number)) for _ in readings)), *readings)

    def receipt(self, receipt: int) -> Receipt:
        with db.unit_of_work(self.mall):
            found = session.get_one(Receipt, receipt)
            session.expunge(found)
            return found

    def get(self, path: str, member: int) -> Any:
        return self.client.get(path, headers=bearer("member", member, self.mall))

    def post(self, path: str, member: int, body: Any) -> Any:
        headers = bearer("member", member, self.mall) | {"Idempotency-Key": f"post-{next(_number):08}"}
        return self.client.post(path, json=body, headers=headers)

    def office(self, method: str, path: str, staff: int, body: Any = None) -> Any:
        headers = bearer("staff", staff, self.mall) | {"Idempotency-Key": f"office-{next(_number):08}"}
        return self.client.open(path, method=method, json=body, headers=headers)

    def points(self, member: int) -> list[tuple[str, int]]:
        """The member's awards: state, points left of each."""
        from api.points.models import Award

        with db.unit_of_work(self.mall):
            return [(one.state, one.points - one.taken_back) for one in session.query(Award).filter_by(member_id=member).order_by(Award.id)]


def translated(*readings: Reading) -> ReceiptReading:
    return reading.translate(list(readings or (slip(),)))


@pytest.fixture
def world(app: Any, client: FlaskClient, mall: int) -> World:
    clock.fix(NOW)
    with db.unit_of_work(mall):
        from api.malls.models import Mall

        session.get_one(Mall, mall).name = "云锦天地"
        floor = make_floor(site_id=make_site(name="云锦天地").id)
        shop = make_shop(name="海底捞火锅", floor_id=floor.id, unit="L2-018")
        make_rule("base", "base", points=1, per_fen=100)
        shop_id = shop.id
    return World(mall, shop_id, client)


@pytest.fixture
def policy(world: World) -> Callable[..., None]:
    """policy(auto_limit_fen=…) sets rules of the mall."""
    from api.malls.models import Mall

    def change(**rules: Any) -> None:
        with db.unit_of_work(world.mall):
            mall = session.get_one(Mall, world.mall)
            mall.policy = mall.policy | rules

    return change
