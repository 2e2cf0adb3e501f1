"""The database and the cache fail under load: nothing acknowledged is lost, nobody waits long, no restart is needed."""

import itertools
import threading
import time

import pytest
import requests

from deploy import embedded
from tests import processes
from tests.faults.conftest import Town, befall, in_order_again


class Load:
    """Four phones that send photos one after the other, until told to stop; what each was answered, and when."""

    def __init__(self, town: Town, phones: int = 4, pause: float = 0.3) -> None:
        self.town, self.pause = town, pause
        self.stopping = threading.Event()
        self.answers: list[tuple[float, int, int | None]] = []  # when, status (0 = no answer), receipt
        numbers = itertools.count(700000)
        self.photos = [town.paper(next(numbers), size=12) for _ in range(8)]
        self.members = [town.member() for _ in range(40)]
        self.tokens = {member: town.token(member) for member in self.members}
        self.next = itertools.count()
        self.threads = [threading.Thread(target=self._phone, daemon=True) for _ in range(phones)]
        for thread in self.threads:
            thread.start()

    def _phone(self) -> None:
        deadline = time.monotonic() + 60
        while not self.stopping.is_set() and time.monotonic() < deadline:
            number = next(self.next)
            member = self.members[number % len(self.members)]
            try:
                answer = self.town.send(member, self.photos[number % 8], f"load-{number:06}", token=self.tokens[member], timeout=10)
                self.answers.append((time.monotonic(), answer.status_code, answer.json().get("id")))
            except requests.RequestException:
                self.answers.append((time.monotonic(), 0, None))
            time.sleep(self.pause)

    def end(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(20)

    @property
    def acknowledged(self) -> list[int]:
        return [receipt for _, status, receipt in self.answers if status == 202 and receipt is not None]

    def statuses(self, since: float = 0.0) -> set[int]:
        return {status for at, status, _ in self.answers if at >= since}


def start_again(postgres: embedded.Postgres) -> None:
    """Start a server that was killed; its orphaned children may hold the memory for a moment."""
    for _ in range(100):
        try:
            postgres.start()
            return
        except embedded.CannotStart:
            time.sleep(0.2)
    postgres.start()


def test_a_database_that_is_killed_under_load_loses_nothing_acknowledged(town) -> None:
    town.start_web()
    worker, ocr = town.common.worker(), town.common.reader()
    load = Load(town)
    processes.until(lambda: len(load.acknowledged) >= 8, 20)
    before = load.acknowledged
    town.servers.postgres.kill()
    time.sleep(2)
    start_again(town.servers.postgres)
    back = time.monotonic()
    processes.until(lambda: [1 for at, status, _ in load.answers if at > back and status == 202], 10)
    time.sleep(max(0.0, back + 10 - time.monotonic()))
    processes.until(lambda: [1 for at, *_ in load.answers if at > back + 10], 5)
    load.end()
    assert load.statuses(since=back + 10) == {202}, "errors go on more than 10 s after the database is back"
    assert load.statuses() <= {202, 503}, "the phones were told something else than: try again shortly"
    kept = {row[0] for row in town.rows("SELECT id FROM receipts")}
    assert set(load.acknowledged) <= kept
    keys = [row[0] for row in town.rows("SELECT file_key FROM receipt_photos")]
    assert all((town.settings.files / key).is_file() for key in keys)
    # The workers outlived it: what waited is read, nothing stays behind in the hands of a worker that is gone.
    waiting = "SELECT id, reads FROM receipts WHERE id = ANY(%s) AND state IN ('received', 'reading')"
    processes.until(lambda: not town.rows(waiting, before), 60, every=0.5)
    assert worker.running()
    assert ocr.running()
    assert town.awards() == len(town.rows("SELECT 1 FROM receipts WHERE state = 'scored'")) <= len(load.photos)


@pytest.fixture
def cache(town) -> embedded.Valkey:
    """The cache, in order again at the end."""
    with in_order_again(town.servers.valkey) as server:
        yield server


@pytest.mark.parametrize("fault", ["stopped", "hung", "flushed"])
def test_uploads_and_awards_go_on_whatever_the_cache_does(town, cache, fault: str) -> None:
    town.start_web()
    town.common.reader()
    member = town.member()
    town.look(member, town.sent(member, town.paper(size=12)))
    befall(cache, fault)
    began = time.monotonic()
    receipt = town.sent(member, town.paper())
    assert time.monotonic() - began < 5
    assert town.decided(member, receipt, 60)["state"] == "scored"
    assert town.awards() == len(town.rows("SELECT 1 FROM receipts WHERE state = 'scored'"))

    def state_of_cache() -> str:
        return str(requests.get(f"{town.web.url}/readyz", timeout=10).json()["checks"]["cache"])

    if fault == "flushed":
        # Where the reader takes the processors, even a healthy cache may be late once; then it is not asked for `cache.REST` seconds.
        processes.until(lambda: state_of_cache() == "ok", 10)
    else:
        assert state_of_cache() == "does not answer; the mall goes on without it"
