"""A deploy in the middle of the day: SIGTERM under load, and the next server takes over."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from deploy import embedded
from tests import processes


def test_a_server_told_to_stop_answers_what_it_has_begun(town, figure) -> None:
    """Row 33. A connection that has sent nothing yet may be closed: the proxy or the phone asks again, with its key."""
    old = town.web = town.run.web(2)
    photos = [town.paper(size=12) for _ in range(4)]
    members = [town.member() for _ in range(30)]
    tokens = {member: town.token(member) for member in members}
    numbers, stopping = itertools.count(), threading.Event()
    answered: list[int] = []
    refused: list[str] = []
    cut: list[str] = []

    def phone() -> None:
        deadline = time.monotonic() + 30
        while not stopping.wait(0.1) and time.monotonic() < deadline:
            number = next(numbers)
            answered.append(asked_until_answered(members[number % len(members)], photos[number % 4], f"deploy-{number:05}"))

    def asked_until_answered(member: int, photo: bytes, key: str) -> int:
        deadline = time.monotonic() + 30
        while True:
            try:
                return int(town.send(member, photo, key, token=tokens[member]).status_code)
            except requests.ConnectionError as error:
                assert time.monotonic() < deadline
                (refused if "refused" in str(error) else cut).append(str(error))
                time.sleep(0.05)

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
    assert set(answered) == {202}
    assert town.rows("SELECT count(*) FROM receipts") == [(len(answered),)]  # each tap one, whatever was asked twice
    assert not [member for member in old.family() if member.is_running()]
    assert len(cut) <= 6  # each phone had one connection open when the server was told
    figure(f"{len(answered)} uploads over a change of servers, {len(cut)} of them cut off and asked again, none lost or twice")


def test_a_server_told_to_stop_while_a_worker_still_loads_ends(town) -> None:
    """The signal is not lost between the fork of a worker and the moment it is ready."""
    for later in (0.3, 1.0, 2.0):
        server = town.run.start(
            "web", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(embedded.free_port()), "--workers", "2",
            "--no-ws", "--log-level", "warning", "wsgi:app",
        )  # fmt: skip
        processes.until(lambda server=server: len(server.family()) == 3, 20)
        time.sleep(later)
        assert server.terminate(20) == 0
        assert "Unexpected" not in server.said()


def test_nothing_of_the_family_stays_when_the_reader_is_told_to_stop(town) -> None:
    before = town.rows("SELECT id FROM procrastinate_workers ORDER BY id")
    ocr = town.run.worker("ocr")
    family = ocr.family()
    assert len(family) == 2
    assert ocr.terminate(20) == 0
    processes.until(lambda: not any(member.is_running() for member in family), 10)
    assert town.rows("SELECT id FROM procrastinate_workers ORDER BY id") == before
