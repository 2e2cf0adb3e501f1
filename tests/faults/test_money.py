"""Payments through real processes that are killed, and over a line to the database that is cut in the middle of a COMMIT.

WeChat's notices come again until they are answered; afterwards every order is settled, with one sale and one award, and the ledger agrees.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import select
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from api.app import configure
from bench.notices import Call, Writer
from bench.street import Held, Street, look_at, street
from deploy import embedded
from tests import processes
from tests.faults.conftest import befall, in_order_again
from tests.trials import trials

KILLS, WORKER_NOTICES, WEB_NOTICES, CUTS, CACHELESS = trials(6, least=2), trials(200), trials(120), trials(100), trials(40)
PAYER, PLANTED = "o-bench", "planted-in-a-forged-notice"
CLEAN = {"paid_by_half": 0, "not_one_sale": 0, "not_one_award": 0, "differences_found_by_the_proof": 0}


@pytest.fixture(scope="module")
def road(app: Any, settings: Any) -> Iterator[tuple[Street, Held, Writer]]:
    """A mall of its own on servers of its own, with orders that wait for their payments."""
    with street(shoppers=40, sales_a_member=0) as place:
        held = place.hold(WORKER_NOTICES + WEB_NOTICES + 4 * CUTS + 4 * CACHELESS)
        yield place, held, Writer(place, held)
    configure(settings)


@pytest.fixture
def run(road: tuple[Street, Held, Writer], settings: Any, tmp_path: Path) -> Iterator[processes.Processes]:
    """Processes on that mall."""
    env = road[0].place.env
    there = replace(settings, database_url=env["DATABASE_URL"], redis_url=env["REDIS_URL"], secret=env["MALLBRIDGE_SECRET"])
    extra = {name: env[name] for name in ("WECHAT_API", "ALIPAY_GATEWAY", "PUBLIC_URL", "MALLBRIDGE_FILES")}
    with processes.running(there, tmp_path, **extra) as made:
        yield made
    secrets = (there.secret, there.data_key, road[0].place.postgres.password, road[2].key.decode(), PAYER, PLANTED, "PRIVATE KEY")
    lines = "\n".join(path.read_text(errors="replace") for path in tmp_path.glob("*.log")).splitlines()
    assert [line[:200] for line in lines if any(secret in line for secret in secrets)] == []


def written(writer: Writer, count: int) -> list[Call]:
    """Notices of so many orders; one of twenty comes twice."""
    calls, until = writer.calls(), writer.written + count
    made = []
    while writer.written < until:
        made.append(next(calls))
    return made


def send_until_acknowledged(url: str, call: Call, seconds: float = 120) -> int:
    """Send a notice as WeChat Pay does, again until it is acknowledged; how often it was sent."""
    end = time.monotonic() + seconds
    for times in itertools.count(1):
        try:
            if requests.post(url + call.path, data=call.body, headers=call.headers, timeout=10).status_code == call.good:
                return times
        except requests.RequestException:
            pass
        assert time.monotonic() < end, "a notice was never acknowledged"
        time.sleep(0.1)
    raise AssertionError("unreachable")


def settled(place: Street, first: int, count: int) -> dict[str, int]:
    """What became of so many orders."""
    return look_at(place, place_first(place, first), place_first(place, first) + count - 1)


def place_first(place: Street, number: int) -> int:
    """The id of a held order by its number."""
    with psycopg.connect(place.place.postgres.url("bench", "postgres")) as connection:
        row = connection.execute("SELECT id FROM orders WHERE number = 'B' || lpad(%s::text, 17, '0')", [number]).fetchone()
    assert row is not None
    return int(row[0])


def all_settled(place: Street, first: int, count: int, seconds: float) -> float:
    """Wait until so many orders are settled; the seconds it took."""
    began = time.monotonic()
    lowest = place_first(place, first)
    with psycopg.connect(place.place.postgres.url("bench", "postgres"), autocommit=True) as connection:
        paid = "SELECT count(*) FROM orders WHERE id BETWEEN %s AND %s AND state = 'paid'"

        def all_paid() -> bool:
            row = connection.execute(paid, [lowest, lowest + count - 1]).fetchone()
            return row is not None and row[0] == count

        processes.until(all_paid, seconds, every=0.2)
    return time.monotonic() - began


def test_a_worker_killed_again_and_again_settles_every_payment_once(road, run, figure) -> None:
    place, _, writer = road
    web, first = run.web(1), writer.written
    worker = run.worker()
    with ThreadPoolExecutor(4) as senders:
        list(senders.map(lambda call: send_until_acknowledged(web.url, call), written(writer, WORKER_NOTICES)))
    dice = random.Random(17)
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.05, 0.5))
        worker.kill()
        worker = run.worker(wait=True)
    took = all_settled(place, first, WORKER_NOTICES, 45)
    assert settled(place, first, WORKER_NOTICES) == {"settled": WORKER_NOTICES} | CLEAN
    figure(f"{WORKER_NOTICES} payments, worker killed {KILLS} times, 0 lost, 0 doubled; the last settled {took:.0f} s after")


def test_web_processes_killed_in_the_middle_of_notices_lose_and_double_none(road, run, figure) -> None:
    place, _, writer = road
    port, first = embedded.free_port(), writer.written
    web = run.web(1, port)
    run.worker()
    over, kills = threading.Event(), 0
    calls = written(writer, WEB_NOTICES)

    def killer() -> None:
        nonlocal web, kills
        dice = random.Random(1)
        while not over.is_set() and kills < KILLS:
            time.sleep(dice.uniform(0.05, 0.4))
            web.kill()
            kills += 1
            web = run.web(1, port)

    killing = threading.Thread(target=killer)
    killing.start()
    url = f"http://127.0.0.1:{port}"
    with ThreadPoolExecutor(3) as senders:
        sent = list(senders.map(lambda call: (time.sleep(0.1), send_until_acknowledged(url, call))[1], calls))
    over.set()
    killing.join(60)
    all_settled(place, first, WEB_NOTICES, 60)
    assert settled(place, first, WEB_NOTICES) == {"settled": WEB_NOTICES} | CLEAN
    assert kills > 0
    figure(f"{WEB_NOTICES} notices, web killed {kills} times, {sum(sent) - len(sent)} sent again, 0 lost, 0 doubled")


class Line:
    """A line to the database. While it is `cutting`, it is cut at commits: before the server hears of one and after it obeyed, in turn."""

    def __init__(self, port: int) -> None:
        self.to, self.cuts, self.cutting = port, {"before": 0, "after": 0}, False
        self.lock, self.dice = threading.Lock(), random.Random(16)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near, socket.create_connection(("127.0.0.1", self.to))), daemon=True).start()

    def _when(self, data: bytes) -> str:
        """Whether, and on which side of the commit, this line is cut now."""
        with self.lock:
            if not self.cutting or b"COMMIT\x00" not in data or self.dice.random() < 0.6:
                return ""
            when = min(self.cuts, key=self.cuts.__getitem__)
            self.cuts[when] += 1
            return when

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        try:
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    data = ready.recv(65536)
                    when = self._when(data) if ready is near else ""
                    if not data or when == "before":
                        return
                    other[ready].sendall(data)
                    if when == "after":
                        far.recv(65536)  # the server has committed, and nobody will hear of it
                        return
        except OSError:
            return
        finally:
            near.close()
            far.close()

    def close(self) -> None:
        """Nobody else comes in."""
        self.listener.close()


def test_a_commit_cut_on_its_way_or_on_its_way_back_is_one_payment(road, run, figure) -> None:
    place, _, writer = road
    line, first = Line(place.place.postgres.port), writer.written
    there = re.sub(r":\d+/", f":{line.port}/", place.place.env["DATABASE_URL"])
    web = run.web(1, DATABASE_URL=there)
    run.worker(DATABASE_URL=there)
    line.cutting = True
    sent = times = 0
    with ThreadPoolExecutor(2) as senders:
        while sum(line.cuts.values()) < CUTS and sent < 4 * CUTS:
            calls = written(writer, 20)
            times += sum(senders.map(lambda call: send_until_acknowledged(web.url, call), calls)) - len(calls)
            sent += 20
    line.cutting = False
    all_settled(place, first, sent, 120)
    line.close()
    assert settled(place, first, sent) == {"settled": sent} | CLEAN
    assert sum(line.cuts.values()) >= CUTS
    assert min(line.cuts.values()) >= CUTS // 2
    figure(f"{sent} payments, commits cut before the server obeyed: {line.cuts['before']}, after: {line.cuts['after']}; {times} sent again")


@pytest.fixture
def cache(road: tuple[Street, Held, Writer]) -> Iterator[embedded.Valkey]:
    """The cache, in order again at the end."""
    with in_order_again(road[0].place.valkey) as server:
        yield server


@pytest.mark.parametrize("fault", ["stopped", "hung", "flushed"])
def test_notices_are_taken_and_settled_whatever_the_cache_does(road, run, cache, figure, fault: str) -> None:
    """Row 18."""
    place, _, writer = road
    web, first = run.web(1), writer.written
    run.worker()
    befall(cache, fault)
    calls = written(writer, CACHELESS)
    with ThreadPoolExecutor(4) as senders:
        sending = senders.map(lambda call: requests.post(web.url + call.path, data=call.body, headers=call.headers, timeout=5), calls)
        answers = list(sending)
    assert [answer.status_code for answer in answers] == [204] * len(calls)
    all_settled(place, first, CACHELESS, 60)
    assert settled(place, first, CACHELESS) == {"settled": CACHELESS} | CLEAN
    figure(f"{len(calls)} notices while the cache is {fault}, 0 failed, slowest {max(a.elapsed.total_seconds() for a in answers):.2f} s")


def test_payments_leave_no_payer_key_or_body_in_any_log(road, run, figure) -> None:
    """Row 35: every level of the log, good notices and forged ones; what is planted is looked for after each test of this file."""
    place, _, writer = road
    web, first = run.web(1, LOG_LEVEL="DEBUG"), writer.written
    worker = run.worker(LOG_LEVEL="DEBUG")
    calls = written(writer, CACHELESS)
    for call in calls:
        forged = call.body.replace(b'"summary"', f'"{PLANTED}": 1, "summary"'.encode())
        assert requests.post(web.url + call.path, data=forged, headers=call.headers, timeout=10).status_code == 401
        send_until_acknowledged(web.url, call)
    all_settled(place, first, CACHELESS, 60)
    lines = [*web.said().splitlines(), *worker.said().splitlines()]
    assert sum("security: a notice was refused" in line for line in lines) == len(calls)
    bodies = [json.loads(call.body)["resource"]["ciphertext"] for call in calls]
    assert not [line[:200] for line in lines if any(body[:40] in line for body in bodies)]
    figure(f"{len(lines)} lines about {2 * len(calls)} notices, 0 with a payer, a key or a body")
