"""Draw a receipt as a till of the demo mall prints it: `python -m deploy.paper receipt > receipt.jpg`.

Kinds: receipt, refund, unpaid_bill, stranger (a shop outside the mall), old (printed three months ago).
"""

from __future__ import annotations

import argparse
import io
import random
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image, ImageDraw, ImageFont

from api.kit import clock, money
from deploy.demo_shops import SHOPS

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


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m deploy.paper", description=__doc__)
    asked.add_argument("kind", choices=KINDS)
    asked.add_argument("--shop", type=int, default=7 + 1, choices=range(len(SHOPS)), help="which shop of the demo mall")
    asked.add_argument("--seed", type=int, default=clock.now().toordinal(), help="another number, another receipt")
    given = asked.parse_args()
    sys.stdout.buffer.write(paper(given.kind, shop=given.shop, seed=given.seed))
