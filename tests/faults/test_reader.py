"""The process that reads photos dies or hangs: another takes over, a bad photo is set aside, nothing is scored twice."""

import time

import pytest
import requests

from tests import processes
from tests.faults.conftest import Common


@pytest.fixture(autouse=True)
def _no_other_reader(common: Common) -> None:
    """What a reader does here, none of another test may do for it."""
    common.end("ocr")


def being_read(town, receipt: int) -> int:
    """How often reading it has begun, while it is being read; else 0."""
    return int(town.rows("SELECT CASE WHEN state = 'reading' THEN reads ELSE 0 END FROM receipts WHERE id = %s", receipt)[0][0])


def test_a_reader_killed_in_the_middle_of_a_photo_is_replaced_within_30_seconds(town) -> None:
    town.start_web()
    first = town.run.worker("ocr")
    member = town.member()
    receipt = town.sent(member, town.paper())
    processes.until(lambda: being_read(town, receipt), 30, every=0.01)
    first.kill()
    killed = time.monotonic()
    town.run.worker("ocr", wait=False)
    found = town.decided(member, receipt, 30)
    assert found["state"] == "scored", found
    assert town.awards() == 1
    assert town.rows("SELECT reads FROM receipts WHERE id = %s", receipt) == [(2,)]
    assert time.monotonic() - killed < 30


def test_a_photo_that_kills_the_reader_is_set_aside_and_the_queue_moves_on(town) -> None:
    town.start_web()
    ocr = town.run.worker("ocr")
    crafter, shopper = town.member(), town.member()
    bad = town.sent(crafter, town.paper(size=20))
    good = town.sent(shopper, town.paper())
    for time_ in (1, 2, 3):
        # The reader dies each time that it opens this photo, and only then.
        processes.until(lambda time_=time_: being_read(town, bad) == time_, 40, every=0.01)
        reader = ocr.child("read")
        assert reader is not None
        reader.kill()
    told = town.decided(crafter, bad, 40)
    assert told["state"] == "set_aside", told
    assert told["sentence"]["zh"]
    assert told["next_action"]
    assert told["award"] is None
    assert town.decided(shopper, good, 30)["state"] == "scored"
    assert town.awards() == 1
    assert ocr.running()
    assert ocr.child("read") is not None


def test_a_photo_that_hangs_the_reader_ends_the_process_by_its_watchdog(town) -> None:
    town.start_web()
    # Nothing is read within 50 ms: to this reader each photo is one that hangs, its own first one too, so nobody waits until it is ready.
    ocr = town.run.worker("ocr", wait=False, READ_TIMEOUT="0.05")
    member = town.member()
    receipt = town.sent(member, town.paper())
    processes.until(lambda: "the reader ended and is started again" in ocr.said(), 30)
    assert "a photo hangs the reader, the process ends" in ocr.said()
    assert ocr.running()
    ocr.end()
    town.run.worker("ocr", wait=False)
    assert town.decided(member, receipt, 40)["state"] == "scored"
    assert town.awards() == 1


def test_what_is_not_a_photo_inside_is_told_and_kills_nothing(town) -> None:
    town.start_web()
    ocr = town.run.worker("ocr")
    member = town.member()
    whole = town.paper()
    broken = [whole[: len(whole) // 2], whole[:2000] + bytes(4000) + whole[6000:], whole[:-2]]
    ids = [town.sent(member, photo) for photo in broken]
    states = [town.decided(member, receipt, 60)["state"] for receipt in ids]
    assert set(states) <= {"refused", "scored", "in_review", "asking"}
    assert states[0] == "refused"
    assert "the reader ended" not in ocr.said()
    assert requests.get(f"{town.web.url}/healthz", timeout=5).status_code == 200
