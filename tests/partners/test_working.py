"""The worker itself: partners have places of their own, so that one who is slow holds up neither another partner nor the mall."""

from __future__ import annotations

import asyncio
from typing import Any

from api.jobs import run_worker
from api.kit import db
from api.kit import jobs as kit
from api.partners import jobs
from tests.conftest import owner_rows
from tests.partners.conftest import Office, Receiver


def test_a_partner_that_hangs_holds_up_no_other_and_no_other_work(
    office: Office, receiver: Receiver, other: Receiver, settings: Any
) -> None:
    office.partner(receiver.url)
    office.partner(other.url)
    receiver.answers = ["hang"]
    for _ in range(3):
        office.sell()
    meanwhile: dict[str, int] = {}

    def done() -> bool:
        sweeps = "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'default' AND status = 'succeeded'"
        if len(other.letters) == 3 and receiver.at_once == 1 and not meanwhile and owner_rows(settings, sweeps)[0][0]:
            meanwhile.update(hanging=receiver.at_once, other=len(other.letters))
            receiver.freed.set()
        return bool(meanwhile) and len(receiver.letters) >= 1

    with db.unit_of_work(office.mall):
        kit.later(jobs.forget_more)
    lanes = {kit.DEFAULT_QUEUE: 1, jobs.QUEUE: 2}
    asyncio.run(asyncio.wait_for(run_worker(settings, lanes, until=done), 60))
    assert meanwhile == {"hanging": 1, "other": 3}
    assert len(set(other.ids)) == 3
