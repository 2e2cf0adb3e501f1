"""Files that are no photos, or photos no phone makes: refused from their header, before anything is decoded."""

import gzip
import io
import struct
import time
import zipfile
import zlib

from PIL import Image

LIMIT_MB = 50


def png(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG that says it is so large; its body is what a bomb unpacks."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body or zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    """A real small JPEG whose header says another size."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(out, "JPEG")
    data = bytearray(out.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def webp(width: int, height: int) -> bytes:
    """A WebP header of the extended kind with a huge canvas."""
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def zipped(name: str, size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(size))
    return out.getvalue()


def crafted() -> dict[str, tuple[bytes, set[int]]]:
    """Name → bytes, and how it may be refused."""
    bomb = zlib.compress(bytes(300_000_000), 9)
    return {
        "nothing": (b"", {415, 422}),
        "one byte": (b"\xff", {415, 422}),
        "50,000 x 50,000 PNG": (png(50_000, 50_000), {413, 422}),
        "50,000 x 50,000 JPEG": (jpeg(50_000, 50_000), {413, 422}),
        "16,000 x 16,000 WebP": (webp(16_000, 16_000), {413, 415, 422}),
        "PNG that unpacks to 300 MB": (png(20_000, 5_000, bomb), {413, 422}),
        "PNG of no size": (png(0, 0), {415, 422}),
        "PNG of 2**31 pixels a side": (png(2**31 - 1, 2**31 - 1), {413, 415, 422}),
        "zip bomb": (zipped("a.jpg", 200_000_000), {415, 422}),
        "gzip bomb": (gzip.compress(bytes(200_000_000)), {415, 422}),
        "wrong magic": (b"MZ" + bytes(5000), {415, 422}),
        "PDF": (b"%PDF-1.7\n" + b"0 0 obj\n" * 5000, {415, 422}),
        "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', {415, 422}),
        "GIF": (b"GIF89a" + struct.pack("<HH", 50_000, 50_000) + bytes(100), {415, 422}),
        "TIFF": (b"II*\0" + bytes(2000), {415, 422}),
        "HTML under a JPEG's name": (b"<html><script>alert(1)</script></html>", {415, 422}),
        "JPEG head and nothing else": (b"\xff\xd8\xff\xe0", {415, 422}),
        "JPEG whose marks run in a circle": (b"\xff\xd8" + b"\xff\xe1\x00\x02" * 200_000, {415, 422}),
        "10 MB of FF": (b"\xff\xd8" + b"\xff" * (10 * 2**20 - 2), {422}),
        "10 MB of FF between segments": (b"\xff\xd8" + (b"\xff\xe1\x00\x02" + b"\xff" * 5000) * 2000, {422}),
        "200,000 scans": (jpeg(64, 64)[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 200_000, {422}),
        "800,000 chunks": (png(64, 64)[:33] + (bytes(4) + b"tEXt" + bytes(4)) * 800_000, {422}),
        "1,000,000 boxes": (b"\0\0\0\x18ftypheic" + bytes(12) + b"\0\0\0\x08free" * 1_000_000, {422}),
        "HEIC head and nothing else": (b"\0\0\0\x18ftypheic" + bytes(12), {415, 422}),
        "HEIC boxes of size zero": (b"\0\0\0\x18ftypheic" + bytes(12) + b"\0\0\0\0meta" * 1000, {415, 422}),
        "10 MB and one byte": (jpeg(64, 64) + bytes(10 * 2**20), {413}),
        "60 MB": (jpeg(64, 64) + bytes(60 * 2**20), {413}),
    }


def test_crafted_files_are_refused_before_decoding_and_cost_no_memory(town) -> None:
    web = town.start_web()
    member, before = town.member(), town.photo_files()
    assert town.send(member, jpeg(300, 400)).status_code == 202  # warm: what the first upload loads stays
    assert town.send(member, b"").status_code in {415, 422}
    files = crafted()
    start = peak = web.rss_mb()
    slow: dict[str, float] = {}
    for _ in range(2):
        for name, (data, allowed) in files.items():
            began = time.monotonic()
            answer = town.send(town.member(), data)
            slow[name] = min(slow.get(name, 9.0), time.monotonic() - began)
            peak = max(peak, web.rss_mb())
            assert answer.status_code in allowed, f"{name}: {answer.status_code} {answer.text}"
            assert answer.headers["Content-Type"] == "application/problem+json", name
            assert answer.json()["type"].startswith("/problems/"), name
    assert peak - start < LIMIT_MB, f"memory grew by {peak - start:.0f} MB"
    assert town.rows("SELECT count(*) FROM receipts") == [(1,)]
    assert len(town.photo_files() - before) == 1
    (town.run.folder.parent / "crafted.txt").write_text("\n".join(f"{seconds * 1000:6.0f} ms  {name}" for name, seconds in slow.items()))


def test_many_photos_at_once_and_other_shapes_of_a_form_are_refused(town) -> None:
    import requests

    web = town.start_web()
    head = {"Authorization": f"Bearer {town.token(town.member())}"}
    small = jpeg(64, 64)
    forms = [
        {"files": [("photo", ("a.jpg", small))] * 5},
        {"files": [("other", ("a.jpg", small))]},
        {"files": [("photo", ("../../etc/passwd", b"x"))]},
        {"data": {"photo": "not a file"}},
        {"data": b"--x\r\nbroken", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"data": b"x" * 100, "headers": {"Content-Type": "multipart/form-data"}},
        {"json": {"photo": "x"}},
    ]
    for number, form in enumerate(forms):
        headers = head | {"Idempotency-Key": f"form-{number:06}"} | form.pop("headers", {})
        answer = requests.post(f"{web.url}/v1/receipts", headers=headers, timeout=30, **form)
        assert 400 <= answer.status_code < 500, (number, answer.status_code, answer.text)
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert town.rows("SELECT count(*) FROM receipts") == [(0,)]
