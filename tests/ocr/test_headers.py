"""What phones, scanners and broken connections make of a file, and what strangers do: read or refused by name, within limits."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from ocr import headers, known
from ocr.decode import MAX_BYTES, NotAPicture, PhotoRefused, UnreadablePhoto, check, decode
from ocr.reader import Reader

SIZE = (600, 410)


def scene(mode: str = "RGB") -> Image.Image:
    """Grain with a dark bar at the top and a light one at the foot, and no pixel that is quite black."""
    grain = np.random.default_rng(3).normal(140, 25, (SIZE[1], SIZE[0], 3))
    grain[:40], grain[-60:] = 30, 240
    return Image.fromarray(np.clip(grain, 1, 255).astype(np.uint8)).convert(mode)


def stored(kind: str = "JPEG", mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    scene(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def after_start(data: bytes, inserted: bytes) -> bytes:
    return data[:2] + inserted + data[2:]


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def scan_at(data: bytes) -> int:
    return data.index(b"\xff\xda")


# HEIC


def boxes(data: bytes, at: int, end: int) -> list[tuple[bytes, int, int]]:
    """Kind, begin and end of the boxes of a file that has none of the long kind."""
    spans = []
    while at < end:
        size, kind = struct.unpack_from(">I4s", data, at)
        spans.append((kind, at, at + size))
        at += size
    return spans


def with_late_meta(data: bytes, gap: int) -> bytes:
    """The same HEIC with `meta` behind the picture's data, and so many bytes of nothing before both."""
    top = {kind: data[begin:end] for kind, begin, end in boxes(data, 0, len(data))}
    free = struct.pack(">I4s", 8 + gap, b"free") + bytes(gap)
    before = len(top[b"ftyp"]) + len(free)
    was = next(begin for kind, begin, _ in boxes(data, 0, len(data)) if kind == b"mdat")
    return top[b"ftyp"] + free + top[b"mdat"] + moved(top[b"meta"], before - was)


def moved(meta: bytes, by: int) -> bytes:
    """Every place in the file that `iloc` names, further by so many bytes (versions 0 and 1, one extent an item)."""
    out = bytearray(meta)
    at = next(begin for kind, begin, _ in boxes(meta, 12, len(meta)) if kind == b"iloc") + 8
    version, offset_size, base_size = meta[at], meta[at + 4] >> 4, meta[at + 5] >> 4
    length_size = meta[at + 4] & 15
    count = struct.unpack_from(">H", meta, at + 6)[0]
    at += 8
    for _ in range(count):
        at += 2
        in_file = True
        if version == 1:
            in_file = struct.unpack_from(">H", meta, at)[0] & 15 == 0
            at += 2
        at += 2 + base_size
        extents = struct.unpack_from(">H", meta, at)[0]
        at += 2
        for _ in range(extents):
            if in_file:
                place = int.from_bytes(meta[at : at + offset_size], "big") + by
                out[at : at + offset_size] = place.to_bytes(offset_size, "big")
            at += offset_size + length_size
    return bytes(out)


def test_a_heic_whose_description_stands_behind_its_data_is_read() -> None:
    late = with_late_meta(stored("HEIF", quality=90), gap=1 << 20)
    photo = decode(late)
    assert (photo.format, photo.width, photo.height) == ("HEIC", *SIZE)
    assert photo.pixels[:30].mean() < 60 < 200 < photo.pixels[-30:].mean()


def test_the_size_of_a_heic_is_looked_for_in_its_boxes_only() -> None:
    false_size = b"\x00\x00\x00\x14ispe" + struct.pack(">III", 0, 50_000, 50_000)
    plain = stored("HEIF")
    assert check(plain + struct.pack(">I4s", 8 + len(false_size), b"free") + false_size) == "HEIC"


def exif_turned(data: bytes, orientation: int) -> bytes:
    """The same file with another number in the orientation tag of its EXIF."""
    for order, tag in (("<", b"\x12\x01\x03\x00\x01\x00\x00\x00"), (">", b"\x01\x12\x00\x03\x00\x00\x00\x01")):
        if tag in data:
            at = data.index(tag) + 8
            return data[:at] + struct.pack(order + "H", orientation) + data[at + 2 :]
    raise AssertionError("The file has no orientation tag.")


def with_orientation(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return stored("HEIF", quality=90, exif=exif.tobytes())


def test_a_heic_that_only_its_exif_turns_is_turned() -> None:
    data = exif_turned(with_orientation(1), 6)
    assert b"irot" not in data
    photo = decode(data)
    assert (photo.width, photo.height) == SIZE[::-1]
    assert photo.pixels[:, -30:].mean() < 60 < 200 < photo.pixels[:, :30].mean()


def test_a_heic_that_turns_itself_is_not_turned_again_by_its_exif() -> None:
    data = with_orientation(6)
    assert b"irot" in data
    photo = decode(exif_turned(data, 6))
    assert (photo.width, photo.height) == SIZE[::-1]
    assert photo.pixels[:, -30:].mean() < 60 < 200 < photo.pixels[:, :30].mean()


def test_an_avif_is_no_heic() -> None:
    with pytest.raises(NotAPicture):
        check(b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf" + bytes(100))


# JPEG


def test_stray_bytes_between_the_segments_are_skipped() -> None:
    plain = stored()
    dirty = after_start(plain, b"\xff\x00hello\xff\xff") + b""
    table = dirty.index(b"\xff\xdb")
    dirty = dirty[:table] + b"stray \xff\x00 bytes" + dirty[table:]
    assert check(dirty) == "JPEG"
    assert np.array_equal(decode(dirty).pixels, decode(plain).pixels)


def test_a_motion_photo_is_read_whatever_its_film_holds() -> None:
    film = struct.pack(">I4s", 8 + 4 * 50_000, b"mdat") + b"\xff\xda\x00\x08" * 50_000
    plain = stored(progressive=True)
    assert headers.read(plain + film, "JPEG").scans == headers.read(plain, "JPEG").scans > 1
    assert np.array_equal(decode(plain + film).pixels, decode(plain).pixels)


def test_scans_are_not_counted_in_what_describes_the_picture() -> None:
    data = after_start(stored(), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"\xff\xda" * 200))
    assert headers.read(data, "JPEG").scans == 1 and decode(data).width == SIZE[0]


@pytest.mark.parametrize("missing", [1, 2, 3, 10])
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}], ids=["plain", "no subsampling", "progressive"])
def test_a_jpeg_without_its_last_bytes_is_read_whole(options: dict[str, object], missing: int) -> None:
    plain = stored(**options)
    cut, whole = decode(plain[:-missing]).pixels, decode(plain).pixels
    assert cut.shape == whole.shape
    assert np.array_equal(cut[:-32], whole[:-32]) or options
    assert abs(cut[-32:].mean() - whole[-32:].mean()) < 30


def test_a_jpeg_whose_end_was_filled_with_zeros_is_read_when_its_rows_are_there() -> None:
    plain = stored()
    assert decode(plain[:-2] + bytes(5000)).height == SIZE[1]
    with pytest.raises(UnreadablePhoto):
        decode(plain[: len(plain) // 2] + bytes(len(plain) // 2))


def test_a_jpeg_whose_last_rows_are_missing_is_refused() -> None:
    plain = stored()
    begin = scan_at(plain)
    rows_lost = 80  # of the foot, whose bar takes fewer bytes than grain
    assert headers.read(plain[:-1], "JPEG").whole is False
    with pytest.raises(UnreadablePhoto):
        decode(plain[: begin + (len(plain) - begin) * (SIZE[1] - rows_lost) // SIZE[1]])


def test_a_progressive_jpeg_that_lacks_a_pass_is_refused() -> None:
    plain = stored(progressive=True)
    last = plain.rindex(b"\xff\xda")
    assert decode(plain[: last + 40]).height == SIZE[1]
    with pytest.raises(UnreadablePhoto):
        decode(plain[:last])


# PNG and the others


def test_sixteen_bits_of_grey_become_eight() -> None:
    ramp = np.linspace(0, 65_535, SIZE[0]).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(np.tile(ramp, (SIZE[1], 1))).save(buffer, "PNG")
    assert buffer.getvalue()[24:26] == b"\x10\x00"  # 16 bits, grey
    pixels = decode(buffer.getvalue()).pixels
    assert np.abs(pixels[100, :, 0].astype(int) - ramp // 257).max() <= 1


def test_a_slip_in_sixteen_bits_keeps_its_print() -> None:
    paper = Image.new("L", SIZE, 240)
    ImageDraw.Draw(paper).text((40, 40), "TOTAL 50.00", fill=40, font_size=60)
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(paper).astype(np.uint16) * 257).save(buffer, "PNG")
    assert np.array_equal(decode(buffer.getvalue()).pixels[:, :, 0], np.asarray(paper))


def test_a_png_with_large_descriptions_and_profiles_is_read() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt("XML:com.adobe.xmp", "x" * 3_000_000)
    notes.add_text("Comment", "y" * 3_000_000, zip=True)
    profile = np.random.default_rng(1).bytes(2_000_000)
    data = stored("PNG", pnginfo=notes, icc_profile=profile)
    assert len(data) > 5_000_000
    assert np.array_equal(decode(data).pixels, decode(stored("PNG")).pixels)


def test_a_png_without_its_last_bytes_is_read_and_without_rows_refused() -> None:
    plain = stored("PNG")
    for missing in (4, 12, 15):
        assert np.array_equal(decode(plain[:-missing]).pixels, decode(plain).pixels)
    with pytest.raises(UnreadablePhoto):
        decode(plain[: len(plain) * 9 // 10])


def opens(data: bytes) -> bool:
    """Whether it is read; False when it is refused as what it is, and any other error is the test's."""
    try:
        return decode(data).width == SIZE[0]
    except (UnreadablePhoto, NotAPicture):
        return False


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_picture_cut_anywhere_is_read_or_refused_by_name(kind: str) -> None:
    data = stored(kind)
    assert opens(data)
    assert not any(opens(data[: len(data) * percent // 100]) for percent in range(95))


# The known receipt as such files hold it


def filed(paper: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    paper.save(buffer, kind, **options)
    return buffer.getvalue()


def in_sixteen_bits(paper: Image.Image) -> bytes:
    return filed(Image.fromarray(np.asarray(paper).astype(np.uint16) * 257), "PNG")


def with_stray_bytes(paper: Image.Image) -> bytes:
    data = filed(paper, "JPEG", quality=90)
    table = data.index(b"\xff\xdb")
    return data[:table] + b"hello" + data[table:]


def without_its_end(paper: Image.Image) -> bytes:
    return filed(paper, "JPEG", quality=90)[:-5]


def described_late(paper: Image.Image) -> bytes:
    return with_late_meta(filed(paper.convert("RGB"), "HEIF", quality=90), gap=1 << 20)


@pytest.mark.parametrize("made", [in_sixteen_bits, with_stray_bytes, without_its_end, described_late], ids=lambda made: made.__name__)
def test_the_known_receipt_is_read_however_its_file_is_made(reader: Reader, made: Callable[[Image.Image], bytes]) -> None:
    reading = reader.read(made(known.draw()))
    assert (reading.total_fen.value, reading.receipt_no.value) == (known.TOTAL_FEN, known.RECEIPT_NO)


def test_a_time_of_fourteen_digits_comes_through_the_picture(reader: Reader) -> None:
    paper = Image.new("L", (880, 878), 246)
    pen = ImageDraw.Draw(paper)
    for number, text in enumerate(("HARBOUR CAFE", "NO 000417", "TIME 20261129120509", "COFFEE 12.00", "TOTAL 12.00")):
        pen.text((80, 80 + 90 * number), text, fill=50, font_size=44)
    assert any("20261129120509" in line.text for line in reader.read(filed(paper, "JPEG", quality=70)).lines)


# What strangers send: the walk ends after a fixed number of parts, and looks at each byte a few times at most.


def nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = struct.pack(">I4s", 12 + len(inner), b"meta") + bytes(4) + inner
    return b"\0\0\0\x18ftypheic" + bytes(12) + inner


HOSTILE: dict[str, Callable[[], bytes]] = {
    "FF without end": lambda: b"\xff\xd8" + b"\xff" * (MAX_BYTES - 2),
    "FF without end in the picture": lambda: stored()[:2000] + b"\xff" * 8_000_000,
    "stuffing without end": lambda: stored()[:2000] + b"\xff\x00" * 4_000_000,
    "zeros without end": lambda: b"\xff\xd8\xff" + bytes(MAX_BYTES - 3),
    "200,000 segments": lambda: after_start(stored(), b"\xff\xe1\x00\x02" * 200_000),
    "segments with FF between": lambda: b"\xff\xd8" + (b"\xff\xe1\x00\x02" + b"\xff" * 5000) * 2000,
    "scans without end": lambda: stored()[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 200_000,
    "chunks without end": lambda: stored("PNG")[:33] + (b"\0\0\0\0tEXt" + bytes(4)) * 800_000,
    "boxes without end": lambda: b"\0\0\0\x18ftypheic" + bytes(12) + b"\0\0\0\x08free" * 1_000_000,
    "boxes in boxes": lambda: nested(3000),
    "boxes of no size": lambda: b"\0\0\0\x18ftypheic" + bytes(12) + b"\0\0\0\0meta" * 1_000_000,
}


@pytest.mark.parametrize("made", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_header_costs_a_bounded_walk(made: Callable[[], bytes]) -> None:
    data = made()
    kind = headers.format_of(data)
    assert kind is not None
    header = headers.read(data, kind)
    assert header.parts <= max(headers.MAX_SEGMENTS, headers.MAX_CHUNKS, headers.MAX_BOXES)
    assert header.looked <= 4 * len(data) + 2000 * header.parts
    with contextlib.suppress(PhotoRefused):
        decode(data)  # some hold a picture after all


def test_the_walk_over_a_photo_of_a_phone_stays_far_from_its_limits() -> None:
    for kind, options in (("JPEG", {"progressive": True}), ("PNG", {}), ("HEIF", {})):
        data = stored(kind, **options)
        assert headers.read(data, str(headers.format_of(data))).parts < 100
