"""The main story, with the real reader: a photographed receipt becomes points, a question, or a clear reason why not."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from api.jobs import run_worker
from api.kit import db
from api.malls.service import invalidate_shops
from api.receipts import reading
from api.receipts.jobs import READER_QUEUE
from ocr import models
from tests.factories import make_shop
from tests.receipts.conftest import World, world  # noqa: F401 - a fixture

SHOP = "BLUE LAGOON CAFE"


@pytest.fixture(scope="module")
def _reader(settings: Any) -> Iterator[None]:
    reading.start_reader(replace(settings, ocr_models=models.ensure(), read_timeout=60.0))
    yield
    reading._worker = None


@pytest.fixture
def cafe(world: World, _reader: None) -> int:  # noqa: F811
    with db.unit_of_work(world.mall):
        shop: int = make_shop(name=SHOP, unit="L1-020").id
        invalidate_shops()
    return shop


def paper(*lines: str, angle: float = 0.0, light: int = 250) -> bytes:
    """A photo of a printed slip; another angle and light, another photo of the same paper."""
    picture = Image.new("RGB", (760, 70 * (len(lines) + 3)), (light, light, light - 4))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(34)
    for row, line in enumerate(lines):
        draw.text((60, 70 * (row + 1)), line, fill=(25, 25, 28), font=font)
    turned = picture.rotate(angle, expand=True, fillcolor=(120, 100, 80))
    out = io.BytesIO()
    turned.save(out, "JPEG", quality=88)
    return out.getvalue()


def receipt(number: str = "202605200417", total: str = "128.00", *, day: str = "2026-05-20", shop: str = SHOP, **more: Any) -> bytes:
    return paper(
        shop, "SALES RECEIPT", f"Receipt No: {number}", f"Date: {day} 11:30:25", "----------------------------",
        f"Set menu for two   1   {total}", "----------------------------", f"Subtotal             {total}",
        f"TOTAL                {total}", f"WeChat Pay           {total}", "Thank you", **more,
    )  # fmt: skip


def work(world: World, settings: Any, receipt_id: int) -> None:  # noqa: F811
    """A reader's worker, until it has decided on the receipt."""
    undecided = {"received", "reading"}
    until = lambda: world.receipt(receipt_id).state not in undecided  # noqa: E731
    asyncio.run(asyncio.wait_for(run_worker(settings, {READER_QUEUE: 1}, until=until), 120))


def story(world: World, member: int, *photos: bytes) -> Any:  # noqa: F811
    receipt_id = world.sent(member, *photos)
    work(world, world.client.application.extensions["settings"], receipt_id)
    return world.get(f"/v1/receipts/{receipt_id}", member).json


def test_a_photo_becomes_points_and_its_copies_do_not(world: World, cafe: int) -> None:  # noqa: F811
    member, other = world.member(), world.member()
    first = story(world, member, receipt())
    assert (first["state"], first["paid_fen"], first["shop_id"], first["receipt_no"]) == ("scored", 12_800, cafe, "202605200417")
    assert first["paid_at"] == "2026-05-20T11:30:25+08:00" or first["paid_at"] == "2026-05-20T03:30:25+00:00"
    assert first["award"]["points"] == 128 and first["award"]["explanation"]["zh"]
    assert story(world, member, receipt())["reason"] == "scored_before"
    assert story(world, other, receipt(angle=2.0, light=225))["reason"] == "scored_for_another"
    assert story(world, other, receipt(total="928.00"))["state"] == "in_review"
    assert [points for _, points in world.points(member) + world.points(other)] == [128]


def test_what_does_not_earn_is_told_why(world: World, cafe: int) -> None:  # noqa: F811
    member = world.member()
    assert story(world, member, receipt(shop="RED HARBOUR GRILL"))["reason"] == "shop_not_in_mall"
    assert story(world, member, receipt(number="202605010007", day="2026-05-01"))["reason"] == "too_old"
    blank = io.BytesIO()
    Image.new("RGB", (600, 800), "white").save(blank, "PNG")
    assert story(world, member, blank.getvalue())["reason"] == "nothing_to_read"
    cut = receipt(number="202605200555")[:9_000]
    assert story(world, member, cut)["reason"] == "photo_damaged"
    assert world.points(member) == []


def test_a_long_receipt_in_two_photos_is_read_as_one(world: World, cafe: int) -> None:  # noqa: F811
    head = paper(
        SHOP, "SALES RECEIPT", "Receipt No: 202605200999", "Date: 2026-05-20 11:30:25", "Steak 88.00", "Salad 40.00", "Bread 10.00"
    )
    foot = paper("Salad 40.00", "Bread 10.00", "Subtotal             138.00", "TOTAL                138.00", "WeChat Pay           138.00")
    found = story(world, world.member(), head, foot)
    assert (found["state"], found["paid_fen"]) == ("scored", 13_800)


def test_a_refund_slip_takes_the_points_back(world: World, cafe: int) -> None:  # noqa: F811
    member = world.member()
    bought = story(world, member, receipt())
    slip = paper(
        SHOP, "REFUND RECEIPT", "Receipt No: 202605200500", "Original Receipt No: 202605200417", "Date: 2026-05-20 11:45:10",
        "Set menu for two   1   -128.00", "REFUND TOTAL         -128.00", "WeChat Pay           -128.00",
    )  # fmt: skip
    assert story(world, member, slip)["state"] == "taken_back"
    assert world.get(f"/v1/receipts/{bought['id']}", member).json["state"] == "returned"
    assert [points for _, points in world.points(member)] == [0]
