"""A deploy in the middle of the day: SIGTERM under load, and the next server takes over."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from tests import processes


def test_a_server_told_to_stop_answers_what_it_has_begun(town, figure) -> None:
    """Row 33."""
    old = town.start_web(workers=2)
    photos = [town.paper(size=12) for _ in range(4)]
    members = [town.member() for _ in range(30)]
    tokens = {member: town.token(member) for member in members}
    numbers, stopping = itertools.count(), threading.Event()
    answered: list[int] = []
    refused: list[float] = []
    cut: list[str] = []

    def phone() -> None:
        deadline = time.monotonic() + 30
        while not stopping.is_set() and time.monotonic() < deadline:
            number = next(numbers)
            member = members[number % len(members)]
            try:
                answered.append(town.send(member, photos[number % 4], f"deploy-{number:05}", token=tokens[member]).status_code)
            except requests.ConnectionError as error:
                # Not let in any more: a proxy asks the next server. Let in and then cut off: a lost request.
                if "refused" in str(error):
                    refused.append(time.monotonic())
                    time.sleep(0.05)
                else:
                    cut.append(str(error))

    with ThreadPoolExecutor(6) as pool:
        phones = [pool.submit(phone) for _ in range(6)]
        processes.until(lambda: len(answered) >= 20, 20)
        assert old.terminate(30) == 0
        new = town.run.web(1)
        town.web = new
        before = len(answered)
        processes.until(lambda: len(answered) >= before + 10, 20)
        stopping.set()
        for one in phones:
            one.result(30)
    assert cut == []
    assert set(answered) == {202}
    assert town.rows("SELECT count(*) FROM receipts") == [(len(answered),)]
    assert not [member for member in old.family() if member.is_running()]
    figure(f"{len(answered)} uploads over a change of servers, {len(cut)} cut off, {len(set(answered) - {202})} errors")


def test_nothing_of_the_family_stays_when_the_reader_is_told_to_stop(town) -> None:
    ocr = town.run.worker("ocr")
    family = ocr.family()
    assert len(family) == 2
    assert ocr.terminate(20) == 0
    processes.until(lambda: not any(member.is_running() for member in family), 10)
    assert town.rows("SELECT count(*) FROM procrastinate_workers") == [(0,)]
