"""The reader's job between its two transactions, the reader's thread, and the house being kept clean."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.kit import clock, db, storage
from api.receipts import jobs, queries, reading, service
from ocr.decode import UnreadablePhoto
from tests.receipts.conftest import NOW, World, picture, slip, translated


def run(world: World, receipt: int) -> None:
    jobs.read.run(mall_id=world.mall, receipt_id=receipt)


def test_the_job_reads_outside_of_any_transaction_and_scores(world: World, monkeypatch) -> None:
    seen: list[Any] = []

    def read(photos: list[bytes], sent_on: date) -> Any:
        seen.append((photos, sent_on, db.is_open()))
        return translated(slip())

    monkeypatch.setattr(reading, "read", read)
    member = world.member()
    receipt = world.sent(member, picture(1))
    run(world, receipt)
    assert seen == [([picture(1)], date(2026, 5, 20), False)]
    assert world.receipt(receipt).state == "scored"
    run(world, receipt)  # delivered twice
    assert len(seen) == 1 and world.points(member) == [("pending", 128)]


def test_an_error_of_the_reader_is_tried_three_times_then_set_aside(world: World, monkeypatch) -> None:
    def read(photos: list[bytes], sent_on: date) -> Any:
        raise MemoryError("a crafted file")

    monkeypatch.setattr(reading, "read", read)
    receipt = world.sent(world.member())
    for _ in range(2):
        with pytest.raises(MemoryError):
            run(world, receipt)
    run(world, receipt)
    found = world.receipt(receipt)
    assert (found.state, found.reads) == ("set_aside", 3)


def test_a_photo_that_cannot_be_opened_is_refused_at_once(world: World, monkeypatch) -> None:
    def read(photos: list[bytes], sent_on: date) -> Any:
        raise reading.PhotoUnreadable("UnreadablePhoto")

    monkeypatch.setattr(reading, "read", read)
    receipt = world.sent(world.member())
    run(world, receipt)
    assert world.receipt(receipt).why == "photo_damaged"


class Scribe:
    """A reader of photos whose answers the test chooses, called as the real one is: in one thread."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def read(self, photo: bytes, today: date | None = None) -> Any:
        self.threads.add(threading.get_ident())
        if photo == b"damaged":
            raise UnreadablePhoto()
        return slip()

    def healthy(self) -> bool:
        self.threads.add(threading.get_ident())
        return True


@pytest.fixture
def worker(settings, monkeypatch) -> Scribe:
    scribe = Scribe()
    monkeypatch.setattr("ocr.reader.Reader", lambda folder: scribe)
    monkeypatch.setattr(reading, "_worker", None)
    reading.start_reader(settings)
    return scribe


def test_every_call_of_the_reader_is_made_in_one_thread(worker: Scribe) -> None:
    callers = [threading.Thread(target=reading.read, args=([b"photo"],)) for _ in range(5)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert reading.healthy()
    assert len(worker.threads) == 1 and threading.get_ident() not in worker.threads
    assert reading.photos_read() == 5


def test_a_damaged_photo_is_named_and_the_reader_goes_on(worker: Scribe) -> None:
    with pytest.raises(reading.PhotoUnreadable):
        reading.read([b"damaged"])
    assert reading.read([b"photo"]).stored["kind"] == "receipt"


def test_a_photo_that_hangs_the_reader_ends_the_process(worker: Scribe, monkeypatch) -> None:
    ended: Future[int] = Future()

    class Ended(Exception):
        pass

    def leave(code: int) -> None:
        ended.set_result(code)
        raise Ended

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(worker, "read", lambda photo, today: time.sleep(0.5) or slip())
    assert reading._worker is not None
    monkeypatch.setattr(reading._worker, "timeout", 0.1)
    with pytest.raises(Ended):
        reading.read([b"photo"])
    assert ended.result(0) == reading.EXIT_HUNG


def test_without_a_reader_nothing_is_read(monkeypatch) -> None:
    monkeypatch.setattr(reading, "_worker", None)
    assert not reading.running() and not reading.healthy() and reading.photos_read() == 0
    with pytest.raises(RuntimeError):
        reading.read([b"photo"])


def test_a_reader_that_reads_its_known_picture_is_seen_at_readyz(world: World, client, worker: Scribe) -> None:
    assert "no reader" in client.get("/readyz").json["checks"]["reader"]
    jobs.beat()
    assert client.get("/readyz").json["checks"]["reader"] == "ok"
    clock.fix(NOW + timedelta(minutes=3))
    assert "180 s" in client.get("/readyz").json["checks"]["reader"]
    with db.unit_of_work():
        assert queries.last_heartbeat() == NOW


def test_photos_go_after_the_time_they_are_kept_and_facts_stay(world: World, settings) -> None:
    member = world.member()
    receipt = world.read(member, slip())
    waits = world.sent(member)
    clock.fix(NOW + timedelta(days=181))
    with db.unit_of_work(world.mall):
        assert service.remove_old_photos() == 1  # the one still waiting is kept
    kept = world.receipt(receipt.id)
    assert (kept.state, kept.paid_fen, kept.reading) == ("scored", 12_850, None)
    with db.unit_of_work(world.mall):
        photo = service.photos_of(receipt.id)[0]
        assert photo.lines is None and photo.sha256 and photo.removed_at
        assert not Path(settings.files, photo.file_key).exists()
        assert Path(settings.files, service.photos_of(waits)[0].file_key).exists()
    clock.fix(NOW)
    gone = world.get(f"/v1/receipts/{receipt.id}/photos/1", member)
    assert (gone.status_code, gone.json["type"]) == (410, "/problems/file-removed")


def test_the_nightly_sweep_takes_only_old_files_without_a_receipt(world: World, settings) -> None:
    receipt = world.sent(world.member())
    orphan, fresh = (storage.new_key(world.mall, "receipts", "jpeg") for _ in range(2))
    for key in (orphan, fresh):
        storage.put(key, picture())
    with db.unit_of_work(world.mall):
        known = service.photos_of(receipt)[0].file_key
    long_ago = (NOW - timedelta(days=1)).timestamp()
    for key in (orphan, known):
        os.utime(Path(settings.files, key), (long_ago, long_ago))
    now = time.time()
    os.utime(Path(settings.files, fresh), (now, now))
    with db.unit_of_work(world.mall):
        jobs.sweep_orphans.run()
    assert [Path(settings.files, key).exists() for key in (orphan, known, fresh)] == [False, True, True]


def test_promises_are_watched(world: World) -> None:
    world.read(world.member(), slip(fen=350_000))
    clock.fix(NOW + timedelta(days=2))
    with db.unit_of_work(world.mall):
        jobs.watch_promises.run()
        assert service.close_unanswered() == 0


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("电话 13812345678", True), ("138 1234 5678", True), ("+86 13812345678", True), ("卡号 6222****1234", True),
        ("622202****1234", True), ("6222 0212 3456 7894", True), ("会员卡 88001234", True), ("单号 202605200001234567", False),
        ("合计 128.50", False), ("2026-05-20 11:30:00", False), ("电话 021-61234567", False),
    ],
)  # fmt: skip
def test_a_persons_digits_are_known_from_a_receipts_own(text: str, hidden: bool) -> None:
    assert reading.private(text) is hidden
