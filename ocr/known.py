"""The small receipt that proves a reader healthy. `python -m ocr.known` draws ocr/known.png again."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PICTURE = Path(__file__).with_name("known.png")
TOTAL_FEN = 12850
RECEIPT_NO = "K20260115001"
MERCHANT = "KNOWN CAFE LTD"
PAID_AT = "2026-01-15T12:30:00"
ROWS = (
    (MERCHANT, ""),
    (f"RECEIPT NO: {RECEIPT_NO}", ""),
    ("DATE: 2026-01-15 12:30", ""),
    ("COFFEE", "88.50"),
    ("CAKE", "50.00"),
    ("SUBTOTAL", "138.50"),
    ("DISCOUNT", "-10.00"),
    ("TOTAL", "128.50"),
    ("CASH", "200.00"),
    ("CHANGE", "71.50"),
    ("THANK YOU", ""),
)


def draw() -> Image.Image:
    """The receipt, black on white, 480 pixels wide."""
    step = 44
    paper = Image.new("L", (480, step * (len(ROWS) + 1)), 255)
    pen = ImageDraw.Draw(paper)
    font = ImageFont.load_default(size=26)
    for number, (left, right) in enumerate(ROWS):
        pen.text((24, step // 2 + number * step), left, font=font, fill=0)
        pen.text((456, step // 2 + number * step), right, font=font, fill=0, anchor="ra")
    return paper


def main() -> None:
    """Draw the picture beside this file."""
    draw().save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
