"""Draw a receipt as a till of the demo mall prints it: `python -m deploy.paper receipt > receipt.jpg`.

Kinds: receipt, refund, unpaid_bill, stranger (a shop outside the mall), old (printed three months ago). And `plate`: no picture, but the
address that the code plate of a shop says, asked of the running demo mall.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests
from PIL import Image, ImageDraw, ImageFont

from api.kit import clock, money
from deploy.demo_shops import CODE, PASSWORD, SHOPS, STAFF

FONT = Path(__file__).with_name("fonts") / "receipt.otf"
WIDTH, SIZE, LEADING, MARGIN = 720, 30, 46, 60
KINDS = ("receipt", "refund", "unpaid_bill", "stranger", "old")

#: One printed line: text at the left, and text at the right or None (then the left one is centred).
Printed = tuple[str, str | None]


def draw(lines: Sequence[Printed]) -> bytes:
    """Black on off-white paper lying on a table, as a JPEG."""
    font, large = ImageFont.truetype(str(FONT), SIZE), ImageFont.truetype(str(FONT), SIZE + 14)
    height = LEADING * len(lines) + 2 * MARGIN
    paper = Image.new("RGB", (WIDTH, height), (250, 249, 244))
    pen = ImageDraw.Draw(paper)
    for number, (left, right) in enumerate(lines):
        y = MARGIN + number * LEADING
        if right is None:
            pen.text((WIDTH / 2, y), left, font=large if number == 0 else font, fill=(40, 40, 44), anchor="ma")
        else:
            pen.text((MARGIN, y), left, font=font, fill=(40, 40, 44))
            pen.text((WIDTH - MARGIN, y), right, font=font, fill=(40, 40, 44), anchor="ra")
    table = Image.new("RGB", (WIDTH + 160, height + 160), (121, 96, 74))
    table.paste(paper, (80, 80))
    photo = io.BytesIO()
    table.save(photo, "JPEG", quality=88)
    return photo.getvalue()


def sale(shop: str, unit: str, *, at: datetime, number: str, prices_fen: Sequence[int], paid: bool = True) -> list[Printed]:
    """The lines of a purchase, or of a bill that is not paid yet."""
    total = sum(prices_fen)
    head: list[Printed] = [
        (shop, None),
        (f"云锦天地 {unit}", None),
        ("结账单" if paid else "预结单（未付款）", None),
        ("单号", number),
        ("时间", f"{at:%Y-%m-%d %H:%M:%S}"),
        ("-" * 40, None),
    ]
    items: list[Printed] = [(f"商品{number} x1", money.yuan(price)) for number, price in enumerate(prices_fen, 1)]
    foot: list[Printed] = [("-" * 40, None), ("合计", money.yuan(total))]
    if paid:
        foot += [("实付金额", money.yuan(total)), ("微信支付", money.yuan(total)), ("谢谢惠顾", None)]
    else:
        foot += [("待付金额", money.yuan(total)), ("本单未结账，请到收银台付款", None)]
    return head + items + foot


def refund(shop: str, unit: str, *, at: datetime, number: str, original: str, refund_fen: int) -> list[Printed]:
    """The lines of a refund slip that names the receipt it undoes."""
    return [
        (shop, None),
        (f"云锦天地 {unit}", None),
        ("退货退款单", None),
        ("退款单号", number),
        ("原单号", original),
        ("时间", f"{at:%Y-%m-%d %H:%M:%S}"),
        ("-" * 40, None),
        ("退款金额", f"-{money.yuan(refund_fen)}"),
        ("原路退回 微信支付", f"-{money.yuan(refund_fen)}"),
        ("顾客签名：", ""),
    ]


def paper(kind: str, *, shop: int, seed: int) -> bytes:
    """One sample, the same for the same seed on the same day; a refund undoes the receipt of its seed."""
    chance = random.Random(seed)
    _, unit, name, _, _ = SHOPS[shop]
    now = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).replace(microsecond=0)
    number, prices = f"{now:%Y%m%d}{chance.randrange(10**5, 10**6)}", [chance.randrange(1_500, 9_000) for _ in range(3)]
    bought_at = now - timedelta(minutes=chance.randrange(5, 50))
    if kind == "refund":
        return draw(refund(name, unit, at=now, number=f"T{number}", original=number, refund_fen=sum(prices)))
    if kind == "old":
        bought_at -= timedelta(days=90)
    if kind == "stranger":
        name, unit = "远方大药房", "对面街 12 号"
    return draw(sale(name, unit, at=bought_at, number=number, prices_fen=prices, paid=kind != "unpaid_bill"))


def storefront(name: str, unit: str, *, shade: int) -> bytes:
    """A picture of a shop, as plain as its name over a door, as a JPEG."""
    wall = tuple(90 + (shade * step) % 110 for step in (37, 59, 83))
    picture = Image.new("RGB", (640, 400), wall)
    pen, letters = ImageDraw.Draw(picture), ImageFont.truetype(str(FONT), min(64, 560 // max(1, len(name))))
    pen.rectangle((40, 40, 600, 150), fill=(30, 32, 38))
    pen.text((320, 95), name, font=letters, fill=(250, 246, 230), anchor="mm")
    for left in (60, 340):
        pen.rectangle((left, 180, left + 240, 400), fill=(214, 230, 236), outline=(60, 62, 70), width=6)
    pen.text((320, 166), unit, font=ImageFont.truetype(str(FONT), 20), fill=(20, 20, 24), anchor="mm")
    photo = io.BytesIO()
    picture.save(photo, "JPEG", quality=85)
    return photo.getvalue()


def plate_address(api: str, *, shop: int) -> str:
    """What the plate on the counter of a shop of the demo mall says. requests.RequestException when the mall does not run."""

    login, _, _ = STAFF[0]
    signed_in = _body(requests.post(f"{api}/v1/malls/{CODE}/staff-sign-in", json={"login": login, "password": PASSWORD}, timeout=30))
    who = {"Authorization": f"Bearer {signed_in['access_token']}"}
    _, _, name, _, _ = SHOPS[shop]
    shop_row = _body(requests.get(f"{api}/v1/malls/{CODE}/shops", params={"q": name}, timeout=30))["items"][0]
    plates = _body(requests.get(f"{api}/v1/office/plates", params={"shop_id": shop_row["id"], "state": "bound"}, headers=who, timeout=30))
    return f"{api}/q/{plates['items'][0]['code']}"


def _body(answer: requests.Response) -> dict[str, Any]:
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m deploy.paper", description=__doc__)
    asked.add_argument("kind", choices=(*KINDS, "plate"))
    asked.add_argument("--shop", type=int, default=7 + 1, choices=range(len(SHOPS)), help="which shop of the demo mall")
    asked.add_argument("--seed", type=int, default=clock.now().toordinal(), help="another number, another receipt")
    given = asked.parse_args()
    if given.kind == "plate":
        print(plate_address(os.environ.get("PUBLIC_URL", "http://127.0.0.1:8000"), shop=given.shop))
        sys.exit()
    sys.stdout.buffer.write(paper(given.kind, shop=given.shop, seed=given.seed))
