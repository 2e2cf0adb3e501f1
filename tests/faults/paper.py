"""Photos of receipts, drawn by the tests: plain Latin print on paper, another for every number."""

from __future__ import annotations

import io
import random
from datetime import datetime

from PIL import Image, ImageDraw, ImageFont

SHOP = "BLUE LAGOON CAFE"


def paper(
    number: int, at: datetime, *, yuan: str = "128.00", shop: str = SHOP, size: int = 34, angle: float = 0.0, quality: int = 88
) -> bytes:
    """A JPEG of one receipt: its printed number, local time and total; `angle`, `quality` make another photo of the same paper."""
    lines = [
        shop,
        "Unit L2-018",
        "SALES RECEIPT",
        f"Receipt No: {number:012d}",
        f"Date: {at:%Y-%m-%d %H:%M:%S}",
        "------------------------------",
        f"Set menu for two   1   {yuan}",
        "------------------------------",
        f"Subtotal             {yuan}",
        f"TOTAL                {yuan}",
        f"WeChat Pay           {yuan}",
        "Thank you, see you again",
    ]
    font = ImageFont.load_default(size)
    picture = Image.new("RGB", (size * 22, size * 2 * (len(lines) + 3)), (250, 249, 246))
    draw = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        draw.text((size * 2, size * 2 * (row + 1)), line, fill=(25, 25, 28), font=font)
    if angle:
        picture = picture.rotate(angle, expand=True, fillcolor=(120, 100, 80))
    noise = random.Random(number)
    for _ in range(200):
        picture.putpixel((noise.randrange(picture.width), noise.randrange(picture.height)), (noise.randrange(256),) * 3)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
