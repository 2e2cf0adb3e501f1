"""The print sheet: A4 with six plates a page, QR and text as shapes that any viewer and any printer shows the same."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import segno

if TYPE_CHECKING:
    from fpdf import FPDF

FONT = Path(__file__).with_name("fonts") / "plate.otf"
MOST = 120  # plates a sheet: twenty pages, drawn in less than two seconds

# All in millimetres.
PAGE_WIDTH, PAGE_HEIGHT = 210.0, 297.0
COLUMNS, ROWS = 2, 3
LEFT, TOP = 12.0, 10.5
WIDTH, HEIGHT = (PAGE_WIDTH - 2 * LEFT) / COLUMNS, (PAGE_HEIGHT - 2 * TOP) / ROWS
QR = 44.0
PAD = 5.0

#: Quartile: a quarter of the code may be scratched or stained.
CORRECTION = "q"

INK, QUIET = (24, 26, 30), (96, 100, 108)
WALLETS = (("微信支付", (7, 150, 80)), ("支付宝", (16, 100, 215)))
SCAN = "扫一扫付款  Scan to pay"
BEWARE = "付款前请核对页面上的店名、照片和编号"
LACKING = "〓"


@dataclass(frozen=True)
class PlateFace:
    """What is printed on one plate. Without a shop a line is left to write its name on."""

    address: str
    number: str
    mall: str
    shop: str | None
    place: str


def draw(faces: Sequence[PlateFace]) -> bytes:
    """A PDF of these plates, in their order."""
    from fpdf import FPDF  # it and its fonts load slowly, and only whoever prints needs them

    pdf = FPDF(format=(PAGE_WIDTH, PAGE_HEIGHT), unit="mm")
    pdf.set_auto_page_break(False)
    pdf.set_title("码牌 · Code plates")
    pdf.add_font("plate", fname=FONT)
    a_page = COLUMNS * ROWS
    for first in range(0, len(faces), a_page):
        pdf.add_page()
        _cutting_lines(pdf)
        for place, face in enumerate(faces[first : first + a_page]):
            row, column = divmod(place, COLUMNS)
            _plate(pdf, face, LEFT + column * WIDTH, TOP + row * HEIGHT)
    return bytes(pdf.output())


def _cutting_lines(pdf: FPDF) -> None:
    pdf.set_draw_color(190)
    pdf.set_line_width(0.1)
    pdf.set_dash_pattern(dash=1.5, gap=1.5)
    for column in range(COLUMNS + 1):
        pdf.line(LEFT + column * WIDTH, TOP, LEFT + column * WIDTH, TOP + ROWS * HEIGHT)
    for row in range(ROWS + 1):
        pdf.line(LEFT, TOP + row * HEIGHT, LEFT + COLUMNS * WIDTH, TOP + row * HEIGHT)
    pdf.set_dash_pattern()


def _plate(pdf: FPDF, face: PlateFace, x: float, y: float) -> None:
    _text(pdf, face.mall, x, y + 4, size=9, colour=QUIET)
    _wallets(pdf, x, y + 9.5)
    _text(pdf, SCAN, x, y + 16.5, size=8, colour=QUIET)
    _code(pdf, face.address, x + (WIDTH - QR) / 2, y + 21)
    _text(pdf, f"No. {face.number}", x, y + 66.5, size=11, bold=True)
    if face.shop is None:
        pdf.set_draw_color(*INK)
        pdf.line(x + WIDTH / 4, y + 79, x + WIDTH * 3 / 4, y + 79)
    else:
        _text(pdf, face.shop, x, y + 72, size=15, bold=True)
    _text(pdf, face.place, x, y + 79.5, size=9, colour=QUIET)
    _text(pdf, BEWARE, x, y + 85.5, size=6.5, colour=QUIET)


def _wallets(pdf: FPDF, x: float, y: float) -> None:
    """Both wallets' names, each with its mark."""
    pdf.set_font("plate", size=13)
    dot, gap = 2.6, 7.0
    widths = [pdf.get_string_width(name) + dot + 1.4 for name, _ in WALLETS]
    at = x + (WIDTH - sum(widths) - gap * (len(WALLETS) - 1)) / 2
    for (name, colour), width in zip(WALLETS, widths, strict=True):
        pdf.set_fill_color(*colour)
        pdf.ellipse(at, y + 1.7, dot, dot, style="F")
        _words(pdf, name, at + dot + 1.4, y, width, bold=True, align="L")
        at += width + gap


def _code(pdf: FPDF, address: str, x: float, y: float) -> None:
    """The QR as black bars on white, each run of dark modules one bar."""
    rows = list(segno.make_qr(address, error=CORRECTION, boost_error=False).matrix_iter(scale=1, border=4))
    module = QR / len(rows)
    pdf.set_fill_color(255, 255, 255)
    pdf.rect(x, y, QR, QR, style="F")
    pdf.set_fill_color(0, 0, 0)
    for number, row in enumerate(rows):
        for begin, length in _runs(row):
            # A hair higher than a module, so that no renderer leaves a white line between two rows.
            pdf.rect(x + begin * module, y + number * module, length * module, module * 1.02, style="F")


def _runs(row: Iterable[int]) -> Iterator[tuple[int, int]]:
    begin = None
    for place, dark in enumerate([*row, 0]):
        if dark and begin is None:
            begin = place
        elif not dark and begin is not None:
            yield begin, place - begin
            begin = None


def _text(pdf: FPDF, text: str, x: float, y: float, *, size: float, colour: tuple[int, int, int] = INK, bold: bool = False) -> None:
    """One centred line, made smaller until it fits between the edges."""
    printable, width = _printable(text), WIDTH - 2 * PAD
    pdf.set_font("plate", size=size)
    if (natural := pdf.get_string_width(printable)) > width:
        pdf.set_font_size(size * width / natural)
    pdf.set_text_color(*colour)
    _words(pdf, printable, x + PAD, y, width, bold=bold, align="C")
    pdf.set_text_color(*INK)


def _words(pdf: FPDF, text: str, x: float, y: float, width: float, *, bold: bool, align: str) -> None:
    from fpdf.enums import TextMode

    # There is one weight of the font in the house: bold is the same outline, drawn with a thin edge.
    pdf.set_xy(x, y)
    with pdf.local_context(text_mode=TextMode.FILL_STROKE if bold else TextMode.FILL, line_width=0.12, draw_color=INK):
        pdf.cell(w=width, h=6, text=text, align=align)


@functools.cache
def _drawn() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    with TTFont(FONT, lazy=True) as font:
        return frozenset(font.getBestCmap())


def _printable(text: str) -> str:
    return "".join(letter if ord(letter) in _drawn() else LACKING for letter in text)
