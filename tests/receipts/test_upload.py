"""Taking photos in: by magic and header, within limits, once a key."""

from __future__ import annotations

import io
import resource
import struct
import time
import zlib
from pathlib import Path

import pytest
from sqlalchemy import select

from api.kit import cache, db, storage
from api.kit.db import session
from api.receipts import reading, service
from api.receipts.models import Receipt
from tests.conftest import bearer
from tests.receipts.conftest import World, picture


def files(world: World, settings) -> list[Path]:
    return [path for path in Path(settings.files).joinpath(str(world.mall)).rglob("*") if path.is_file()]


def stored(world: World) -> list[int]:
    with db.unit_of_work(world.mall):
        return list(session.scalars(select(Receipt.id)))


def waiting(world: World, settings) -> list[dict]:
    from tests.conftest import owner_rows

    sql = "SELECT args FROM procrastinate_jobs WHERE queue_name = 'ocr' AND (args->>'mall_id')::int = %s ORDER BY id"
    return [row[0] for row in owner_rows(settings, sql, world.mall)]


def test_a_photo_is_taken_in_and_put_in_the_readers_queue(world: World, settings) -> None:
    member = world.member()
    answer = world.send(member, picture(1))
    assert answer.status_code == 202
    body = answer.json
    assert (body["state"], body["reason"], body["next_action"]) == ("received", "waiting", "wait")
    assert body["sentence"]["zh"] and body["sentence"]["en"]
    assert body["poll_url"] == f"/v1/receipts/{body['id']}"
    assert waiting(world, settings)[-1] == {"mall_id": world.mall, "receipt_id": body["id"]}
    assert world.get(body["poll_url"], member).json == body
    shown = world.get(f"/v1/receipts/{body['id']}/photos/1", member)
    assert (shown.data, shown.mimetype) == (picture(1), "image/jpeg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_each_kind_of_picture_is_accepted(world: World, kind: str) -> None:
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    assert world.send(world.member(), picture(3, kind=kind)).status_code == 202


def test_up_to_four_photos_are_one_receipt(world: World, settings) -> None:
    before = len(files(world, settings))
    receipt = world.sent(world.member(), *(picture(one) for one in range(4)))
    with db.unit_of_work(world.mall):
        assert [photo.position for photo in service.photos_of(receipt)] == [1, 2, 3, 4]
    assert len(files(world, settings)) == before + 4


def png_header(width: int, height: int) -> bytes:
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr)) + b"\0" * 40


def jpeg_header(width: int, height: int) -> bytes:
    return b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03" + b"\0" * 60


REFUSED = {
    "nothing": ([], 422, "photo-missing"),
    "five": ([picture(1)] * 5, 422, "too-many-photos"),
    "zero bytes": ([b""], 422, "photo-empty"),
    "a PDF": ([b"%PDF-1.7\n" + b"0" * 100], 415, "not-a-picture"),
    "a GIF": ([b"GIF89a" + b"0" * 100], 415, "not-a-picture"),
    "a zip bomb": ([b"PK\x03\x04" + b"0" * 100], 415, "not-a-picture"),
    "text called jpg": ([b"hello, this is no picture"], 415, "not-a-picture"),
    "a PNG of 50,000 x 50,000": ([png_header(50_000, 50_000)], 413, "too-many-pixels"),
    "a JPEG of 50,000 x 50,000": ([jpeg_header(50_000, 50_000)], 413, "too-many-pixels"),
    "a picture without a size": ([png_header(0, 10)], 422, "photo-damaged"),
    "a cut JPEG": ([b"\xff\xd8\xff\xe0" + b"\0" * 20], 422, "photo-damaged"),
    "10 MB of FF": ([b"\xff\xd8" + b"\xff" * (10 * 2**20 - 2)], 422, "photo-damaged"),
    "200,000 segments": ([picture(1)[:2] + b"\xff\xe1\x00\x02" * 200_000 + picture(1)[2:]], 422, "photo-damaged"),
    "an AVIF": ([b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1avifmiaf" + bytes(100)], 415, "not-a-picture"),
    "eleven MB": ([picture(1) + b"\0" * (11 * 1024 * 1024)], 413, "photo-too-large"),
    "more than all four may be": ([picture(1) + b"\0" * (15 * 1024 * 1024)] * 3, 413, "body-too-large"),
    "a good one and a bad one": ([picture(1), b"GIF89a"], 415, "not-a-picture"),
}


@pytest.mark.parametrize(("photos", "status", "name"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_photo_is_refused_by_name_at_once_and_leaves_nothing(world: World, settings, photos, status, name) -> None:
    member = world.member()
    world.send(member, b"warm up")
    before, files_before = memory_mb(), files(world, settings)
    began = time.monotonic()
    if photos:
        answer = world.send(member, *photos)
    else:
        headers = bearer("member", member, world.mall) | {"Idempotency-Key": "nothing-sent"}
        answer = world.client.post("/v1/receipts", data={"other": "1"}, headers=headers, content_type="multipart/form-data")
    took = time.monotonic() - began
    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{name}")
    assert took < (0.2 if sum(map(len, photos)) < 1_000_000 else 1.0)  # the test client writes its large bodies itself
    assert memory_mb() - before < 50 + 3 * sum(map(len, photos)) / 2**20  # of which the test itself holds copies
    assert files(world, settings) == files_before and stored(world) == []


def test_no_transaction_is_open_while_pictures_are_checked(world: World, monkeypatch) -> None:
    real, opened = reading.check_photo, []

    def check_photo(data: bytes) -> str:
        opened.append(db.is_open())
        return real(data)

    monkeypatch.setattr(reading, "check_photo", check_photo)
    statuses = [world.send(world.member(), *photos).status_code for photos in ((picture(1), picture(2)), (b"GIF89a",))]
    assert (statuses, opened) == ([202, 415], [False, False, False])


def test_a_refused_picture_is_counted_like_any_other(world: World) -> None:
    member = world.member()
    for _ in range(service.BY_MEMBER.times):
        assert world.send(member, b"\xff\xd8\xff\xe0").json["type"] == "/problems/photo-damaged"
    assert world.send(member, b"\xff\xd8\xff\xe0").status_code == 429


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_the_same_key_sends_once_and_stores_the_files_once(world: World, settings) -> None:
    member = world.member()
    first = world.send(member, picture(5), key="one-and-the-same")
    count = len(files(world, settings))
    again = world.send(member, picture(5), key="one-and-the-same")
    assert again.json == first.json and again.headers["Idempotent-Replay"] == "true"
    assert len(files(world, settings)) == count
    other = world.send(member, picture(6), key="one-and-the-same")
    assert (other.status_code, other.json["type"]) == (409, "/problems/idempotency-key-reused")


def test_a_full_queue_says_when_to_come_back_and_stores_nothing(world: World, app, settings, monkeypatch) -> None:
    from dataclasses import replace

    member = world.member()
    world.sent(member)
    monkeypatch.setitem(app.extensions, "settings", replace(settings, receipt_queue_limit=1))
    count = len(files(world, settings))
    answer = world.send(member, picture(9))
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/receipt-queue-full")
    assert int(answer.headers["Retry-After"]) > 0
    assert len(files(world, settings)) == count and len(stored(world)) == 1


def test_a_full_disk_stores_nothing(world: World, settings, monkeypatch) -> None:
    member, real, done = world.member(), storage.put, []

    def put(key: str, data: bytes) -> None:
        if done:
            raise storage.StorageFull()
        done.append(key)
        real(key, data)

    monkeypatch.setattr(storage, "put", put)
    count = len(files(world, settings))
    answer = world.send(member, picture(1), picture(2))
    assert (answer.status_code, answer.json["type"]) == (503, "/problems/storage-full")
    assert len(files(world, settings)) == count and stored(world) == []


def test_too_many_photos_of_one_member_are_slowed_down(world: World) -> None:
    member = world.member()
    seen = {world.send(member, b"no picture").status_code for _ in range(service.BY_MEMBER.times)}
    assert seen == {415}
    slowed = world.send(member, picture(1))
    assert slowed.status_code == 429 and int(slowed.headers["Retry-After"]) > 0
    assert world.send(world.member(), picture(1)).status_code == 429  # the same device


def test_uploads_go_on_without_the_cache(world: World) -> None:
    cache.configure("redis://127.0.0.1:9/0")
    assert world.send(world.member(), picture(1)).status_code == 202


def test_a_stranger_is_turned_away_before_the_body_is_read(world: World) -> None:
    answer = world.client.post("/v1/receipts", data={"photo": (io.BytesIO(picture()), "a.jpg")}, content_type="multipart/form-data")
    assert answer.status_code == 401


def test_nobody_sees_the_receipts_of_others(world: World) -> None:
    receipt, other = world.sent(world.member()), world.member()
    for path in (f"/v1/receipts/{receipt}", f"/v1/receipts/{receipt}/photos/1"):
        assert world.get(path, other).status_code == 404
    assert world.post(f"/v1/receipts/{receipt}/answers", other, {"value": None}).status_code == 404
    assert world.post(f"/v1/receipts/{receipt}/corrections", other, {"field": "paid_fen", "value": "1"}).status_code == 404
    assert world.client.delete(f"/v1/receipts/{receipt}", headers=bearer("member", other, world.mall)).status_code == 404
    assert world.get("/v1/receipts", other).json == {"items": [], "next_cursor": None}


def test_my_receipts_come_page_by_page_newest_first(world: World) -> None:
    member = world.member()
    sent = [world.sent(member) for _ in range(3)]
    first = world.get("/v1/receipts?limit=2", member).json
    assert [item["id"] for item in first["items"]] == sent[:0:-1]
    second = world.get(f"/v1/receipts?limit=2&cursor={first['next_cursor']}", member).json
    assert [item["id"] for item in second["items"]] == [sent[0]] and second["next_cursor"] is None


def test_a_photo_that_is_not_there_is_not_found(world: World) -> None:
    member = world.member()
    assert world.get(f"/v1/receipts/{world.sent(member)}/photos/2", member).status_code == 404


def test_files_without_a_receipt_are_swept_up(world: World, settings) -> None:
    receipt = world.sent(world.member())
    orphan = storage.new_key(world.mall, "receipts", "jpeg")
    storage.put(orphan, picture())
    with db.unit_of_work(world.mall):
        keys = [photo.file_key for photo in service.photos_of(receipt)]
        assert service.sweep_orphans([orphan, *keys]) == 1
    assert not Path(settings.files, orphan).exists() and all(Path(settings.files, key).exists() for key in keys)
