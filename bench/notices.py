"""Notices of WeChat Pay at real web processes and a worker: the peak, then 10,000 at half of it; none may be lost.

`python -m bench.notices [--small]` prints JSON. The notices are signed and sealed with the simulator's keys, each for an order that
waits for its payment, and one of twenty is sent twice at once. They are sent at their own moments, whether or not earlier ones were
answered, at rates that rise until the answers fall behind. Time runs from the moment when a notice was due until its answer, which is
given after the commit. The worker settles meanwhile. Afterwards every payment must be paid and every order settled, with one sale and
one award. The baseline is the answer of `/healthz` by the same web processes at the same rate.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, islice

import psycopg

from bench.figures import load, percentile
from bench.street import NUMBER, Held, Street, gateway_no, look, street
from wechat.aead import api_v3_key, seal
from wechat.signing import fresh_nonce
from wechat.simulator.clock import SimClock, rfc3339
from wechat.simulator.keys import KeyFiles
from wechat.simulator.settings import Settings as WeChat
from wechat.simulator.wire import Signer

NOTICES, SMALL = 10_000, 200
RISING = 14_000  # at most so many on the way to the peak
MEMBERS, SHOPS = 2_000, 400
SENDERS = 64
FIRST_RATE, GROWTH, STEP_SECONDS = 20.0, 1.3, 6.0
TWICE = 20  # one of so many is sent twice
#: Answers fall behind when fewer than this share of a step's notices are answered in its time, or one of a hundred takes longer.
KEEPS_UP, SLOW_MS = 0.95, 1_000
PATIENCE = 3_600  # seconds for the worker to settle everything


@dataclass(frozen=True)
class Call:
    """Something to be sent, and the answer that is good."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]
    good: int


@dataclass
class Answers:
    """What came back: statuses, milliseconds since each was due, what has to be sent again, and how long it all took."""

    statuses: Counter[int] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    again: list[Call] = field(default_factory=list)
    seconds: float = 0.0


class Writer:
    """Writes notices as WeChat Pay does, one for each held order in turn."""

    def __init__(self, place: Street, held: Held) -> None:
        files = KeyFiles(place.keys)
        self.held = held
        self.path = f"/v1/notices/demo/wechat/{place.account.id}"
        self.signer = Signer.from_files(files, SimClock(), "public_key")
        self.key = api_v3_key(files.api_v3_key.read_text().strip())
        self.written = 0

    def calls(self) -> Iterator[Call]:
        """Notices without end."""
        while True:
            call = self._write(self.written)
            self.written += 1
            yield call
            if self.written % TWICE == 0:
                yield call

    def _write(self, number: int) -> Call:
        now = rfc3339(datetime.now(UTC))
        fen = self.held.fen(number)
        content = {
            "appid": WeChat.appid, "mchid": WeChat.mchid, "out_trade_no": NUMBER.format(number), "transaction_id": gateway_no(number),
            "trade_type": "JSAPI", "trade_state": "SUCCESS", "trade_state_desc": "支付成功", "bank_type": "OTHERS", "attach": "",
            "success_time": now, "payer": {"openid": "o-bench"},
            "amount": {"total": fen, "payer_total": fen, "currency": "CNY", "payer_currency": "CNY"},
        }  # fmt: skip
        nonce = fresh_nonce()[:12]
        plain = json.dumps(content, ensure_ascii=False).encode()
        sealed = {
            "original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "associated_data": "transaction", "nonce": nonce,
            "ciphertext": seal(self.key, nonce, "transaction", plain),
        }  # fmt: skip
        envelope = {
            "id": f"bench-{number}", "create_time": now, "resource_type": "encrypt-resource", "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功", "resource": sealed,
        }  # fmt: skip
        body = json.dumps(envelope, ensure_ascii=False).encode()
        return Call("POST", self.path, body, {"Content-Type": "application/json", **self.signer.headers(body)}, 204)


def healthy() -> Iterator[Call]:
    """The baseline."""
    return iter(lambda: Call("GET", "/healthz", b"", {}, 200), None)


def send(place: Street, calls: Iterator[Call], rate: float, total: int) -> Answers:
    """So many calls at a rate, each at its own moment; they are made ready a little before."""
    due: queue.Queue[tuple[float, Call] | None] = queue.Queue(SENDERS)
    answers, lock = Answers(), threading.Lock()
    senders = [threading.Thread(target=_send, args=(place, due, answers, lock), daemon=True) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    began = time.perf_counter() + 1.0
    for number, call in enumerate(islice(calls, total)):
        due.put((began + number / rate, call))
    for _ in senders:
        due.put(None)
    for sender in senders:
        sender.join()
    answers.seconds = time.perf_counter() - began
    return answers


def _send(place: Street, due: queue.Queue[tuple[float, Call] | None], answers: Answers, lock: threading.Lock) -> None:
    line = http.client.HTTPConnection("127.0.0.1", int(place.place.env["PORT"]), timeout=30)
    while (item := due.get()) is not None:
        moment, call = item
        time.sleep(max(0.0, moment - time.perf_counter()))
        status = 0
        with contextlib.suppress(OSError, http.client.HTTPException):
            line.request(call.method, call.path, call.body, call.headers)
            answer = line.getresponse()
            answer.read()
            status = answer.status
        took = (time.perf_counter() - moment) * 1000
        if status == 0:
            line.close()
        with lock:
            answers.statuses[status] += 1
            answers.took.append(took)
            if status != call.good:
                answers.again.append(call)
    line.close()


def send_until_acknowledged(place: Street, answers: Answers) -> None:
    """What was not acknowledged comes again, as WeChat Pay sends it."""
    for _ in range(5):
        if not answers.again:
            return
        time.sleep(2)
        answers.again = send(place, iter(answers.again), FIRST_RATE, len(answers.again)).again


def peak(place: Street, writer: Writer, growth: float, seconds: float, highest: float) -> tuple[float, list[dict[str, float]]]:
    """The highest rate at which the answers keep up, and what each rate showed."""
    highest_kept, steps = 0.0, []
    for step in count():
        rate = FIRST_RATE * growth**step
        if rate > highest:
            break
        answers = send(place, writer.calls(), rate, int(rate * seconds))
        send_until_acknowledged(place, answers)
        answered = len(answers.took) / max(answers.seconds, seconds)
        slow = percentile(answers.took, 0.99)
        steps.append({"rate": round(rate), "answered": round(answered, 1), "p99_ms": slow})
        if answered < KEEPS_UP * rate or slow > SLOW_MS:
            break
        highest_kept = rate
    return highest_kept, steps


def wait_for_worker(place: Street) -> float:
    """Wait until the worker has handled every notice; the seconds it took. Stops waiting after PATIENCE."""
    began = time.perf_counter()
    with psycopg.connect(place.place.postgres.url("bench", "postgres"), autocommit=True) as connection:
        while time.perf_counter() < began + PATIENCE:
            row = connection.execute("SELECT count(*) FROM payment_notices WHERE state IN ('received', 'error')").fetchone()
            if row is not None and row[0] == 0:
                break
            time.sleep(0.5)
    return time.perf_counter() - began


def measure(total: int, members: int, growth: float, seconds: float, highest: float) -> dict[str, object]:
    """Find the peak, let the worker catch up, send at half of it, let the worker catch up again, and look at every order."""
    busy = load()
    with street(shoppers=members, sales_a_member=1) as place:
        place.more_shops(SHOPS)
        held = place.hold(total + RISING)
        place.place.start("web", "worker", "wechat")
        place.place.wait_for(f"{place.place.web}/readyz")
        writer = Writer(place, held)
        send_until_acknowledged(place, send(place, writer.calls(), FIRST_RATE, 40))  # everything is warm
        most, steps = peak(place, writer, growth, seconds, highest)
        if not most:
            raise SystemExit(f"the web processes do not keep up with {FIRST_RATE} notices a second: {steps}")
        wait_for_worker(place)
        health = send(place, healthy(), most / 2, int(most / 2 * seconds))
        before = writer.written
        answers = send(place, writer.calls(), most / 2, total + total // TWICE)
        send_until_acknowledged(place, answers)
        drain = wait_for_worker(place)
        outcome = look(place, held)
    sent = writer.written - before
    return {
        "bench": "notices",
        "load_average": busy,
        "web_processes": 2,
        "peak_per_second": round(most),
        "rising": steps,
        "rate_per_second": round(most / 2, 1),
        "notices": sent,
        "sent_twice": len(answers.took) - sent,
        "answers": {str(status): times for status, times in answers.statuses.items()},
        "p50_ms": percentile(answers.took, 0.5),
        "p99_ms": percentile(answers.took, 0.99),
        "max_ms": percentile(answers.took, 1),
        "p50_over_that_of_healthz": round(percentile(answers.took, 0.5) / percentile(health.took, 0.5), 1),
        "not_acknowledged": len(answers.again),
        "lost": writer.written - outcome["settled"],
        "settled_seconds_after_the_last": round(drain, 1),
        "settled_per_second": round(sent / (answers.seconds + drain), 1),
        "found_afterwards": outcome,
        "targets": {"p99_ms": 100, "lost": 0},
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="200 notices, and only three rates: does it run at all")
    small = parser.parse_args().small
    figures = measure(SMALL, 200, 2.0, 1.0, 40.0) if small else measure(NOTICES, MEMBERS, GROWTH, STEP_SECONDS, float("inf"))
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
