from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ocr import known
from ocr.reader import Reader


def test_the_known_receipt_is_read_whole(reader: Reader) -> None:
    reading = reader.read(known.PICTURE.read_bytes())
    assert reader.healthy()
    assert reading.total_fen.value == known.TOTAL_FEN
    assert reading.receipt_no.value == known.RECEIPT_NO
    assert reading.merchant.value == known.MERCHANT
    assert reading.paid_at.value is not None
    assert reading.paid_at.value.isoformat() == known.PAID_AT
    assert reading.auto


@pytest.mark.parametrize("turn", [90, 180, 270, 33])
def test_a_turned_receipt_reads_the_same(reader: Reader, turn: int) -> None:
    turned = known.draw().convert("RGB").rotate(turn, expand=True, fillcolor=(120, 110, 100))
    buffer = io.BytesIO()
    turned.save(buffer, "JPEG", quality=90)
    assert reader.read(buffer.getvalue()).total_fen.value == known.TOTAL_FEN


def test_boxes_are_in_pixels_of_the_upright_picture(reader: Reader) -> None:
    paper = known.draw().convert("RGB").resize((2880, 3168))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    paper.rotate(90, expand=True).save(buffer, "JPEG", quality=85, exif=exif)
    reading = reader.read(buffer.getvalue())
    assert (reading.picture.width, reading.picture.height) == (2880, 3168)
    box = reading.total_fen.box
    assert box is not None
    assert box[0][1] == pytest.approx(7.5 * 44 * 6, abs=80)
    assert box[1][0] == pytest.approx(456 * 6, abs=80)


def test_a_picture_without_text_has_no_fields(reader: Reader) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (600, 800), (90, 120, 90)).save(buffer, "PNG")
    reading = reader.read(buffer.getvalue())
    assert (reading.lines, reading.total_fen.value, reading.kind, reading.auto) == ((), None, "other", False)


def test_the_command_prints_one_json_line_a_photo_and_nothing_else(tmp_path: Path) -> None:
    bad = tmp_path / "notes.txt"
    bad.write_text("no picture")
    command = [sys.executable, "-m", "ocr", "read", str(bad), str(known.PICTURE), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 1
    assert (first["file"], first["error"]) == (str(bad), "NotAPicture")
    assert (second["total_fen"], second["currency"], second["kind"]) == (known.TOTAL_FEN, "", "receipt")
    assert set(second) == {
        "file", "merchant", "total_fen", "currency", "paid_at", "receipt_no", "kind", "confidence", "auto", "lines", "ms",
    }  # fmt: skip
    assert set(second["lines"][0]) == {"text", "score", "box"}
