"""Delivers notices as WeChat Pay does: signed, sealed, repeated on its schedule until acknowledged."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import Condition, Thread
from typing import Any

import requests

from wechat.aead import seal
from wechat.simulator.clock import rfc3339
from wechat.simulator.store import MerchantAccount, Store
from wechat.simulator.wire import Signer

# Seconds before each further attempt: 15 attempts after the first, 24 h 4 min in all.
SCHEDULE = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
# The business circle's authorisation has a hurried one of its own: 10 attempts after the first, 4 min 51 s in all.
HURRIED = (1, 10, 10, 10, 10, 10, 60, 60, 60, 60)
# Complaints too: 1000 further attempts, the last after three and a half days.
COMPLAINTS = (5, *(60,) * 10, *(300,) * 989)
ANSWER_SECONDS = 5
TROUBLES = ("drop", "delay", "duplicate", "hold", "wrong")
_TICK = 0.2


@dataclass
class Trouble:
    """What happens to the next `times` notices.

    drop: never sent · delay: first sent after `seconds` · duplicate: `copies` at once · hold: kept until released, the
    newest first · wrong: sent once with a fault, then as it should be; `what` is bad_signature, probe, stale, serial,
    amount, currency, mchid, appid or key.
    """

    kind: str
    times: int = 1
    seconds: float = 1.0
    copies: int = 2
    what: str = "bad_signature"

    def __post_init__(self) -> None:
        if self.kind not in TROUBLES:
            raise ValueError(f"kind is one of {', '.join(TROUBLES)}")


@dataclass
class Notice:
    """One notice and every attempt to deliver it."""

    id: str
    url: str
    merchant: MerchantAccount
    event_type: str
    original_type: str
    summary: str
    content: dict[str, Any]
    created_at: datetime
    schedule: tuple[int, ...] = SCHEDULE
    attempts: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: bool = False
    wrong: str = ""


class NoticeSender:
    """A thread that runs what is due on the simulator's clock."""

    def __init__(self, store: Store, signer: Signer, factor: float, answer_seconds: float) -> None:
        self.notices: list[Notice] = []
        self.troubles: list[Trouble] = []
        self._store, self._clock, self._signer = store, store.clock, signer
        self._factor, self._answer_seconds = factor, answer_seconds
        self._busy = 0
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._held: list[Notice] = []
        self._order = count()
        self._wake = Condition()
        self._http = _session()
        Thread(target=self._work, name="notice sender", daemon=True).start()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Run an action when the simulator's clock is this much further."""
        with self._wake:
            heapq.heappush(self._due, (self._clock() + timedelta(seconds=seconds), next(self._order), action))
            self._wake.notify_all()

    def post(
        self,
        merchant: MerchantAccount,
        url: str,
        event: str,
        original: str,
        summary: str,
        content: dict[str, Any],
        schedule: tuple[int, ...] = SCHEDULE,
    ) -> Notice:
        """Send a notice from now on, until it is acknowledged or the schedule is over."""
        number = self._store.dice.uuid("notice", event, *self._numbers(content))
        notice = Notice(number, url, merchant, event, original, summary, content, self._clock(), schedule)
        with self._wake:
            self.notices.append(notice)
            trouble = self._take_trouble() or self._random_trouble(notice)
        self._start_delivery(notice, trouble)
        return notice

    def wait_until_idle(self, seconds: float = 10.0) -> bool:
        """Wait until nothing is due and nothing is under way; False when that took longer than `seconds`."""
        end = time.monotonic() + seconds
        with self._wake:
            while self._busy or (self._due and self._due[0][0] <= self._clock()):
                if (left := end - time.monotonic()) <= 0:
                    return False
                self._wake.wait(min(left, _TICK))
        return True

    def redeliver(self, notice: Notice, copies: int = 1) -> None:
        """Deliver a notice again, `copies` at once, as WeChat Pay may at any time."""
        for _ in range(copies):
            self._start(lambda: self._deliver(notice))

    def release(self) -> int:
        """Send what was held, the newest first; returns how many."""
        with self._wake:
            held, self._held = self._held[::-1], []
        for notice in held:
            self._deliver(notice)
        return len(held)

    def drop_waiting(self) -> int:
        """Drop everything that still waits: further attempts, held and delayed notices, refunds under way; returns how many."""
        with self._wake:
            forgotten = len(self._due) + len(self._held)
            self._due.clear()
            self._held.clear()
            self._wake.notify_all()
        return forgotten

    def wake(self) -> None:
        """The clock was moved: check again what is due."""
        with self._wake:
            self._wake.notify_all()

    def _start_delivery(self, notice: Notice, trouble: Trouble | None) -> None:
        kind = trouble.kind if trouble else ""
        if trouble and kind == "wrong":
            notice.wrong = trouble.what
        if kind == "hold":
            self._held.append(notice)
        elif trouble and kind == "delay":
            self.later(trouble.seconds, lambda: self._attempt(notice, 0))
        elif kind != "drop":
            self.later(0, lambda: self._attempt(notice, 0))
        if trouble and kind == "duplicate":
            self.later(0, lambda: self.redeliver(notice, trouble.copies - 1))

    def _take_trouble(self) -> Trouble | None:
        if not self.troubles:
            return None
        trouble = self.troubles[0]
        trouble.times -= 1
        if trouble.times <= 0:
            self.troubles.pop(0)
        return trouble

    def _random_trouble(self, notice: Notice) -> Trouble | None:
        rates = self._store.failure_rates
        if not rates.notices:
            return None
        thrown = self._store.dice.chance("notice weather", notice.event_type, *self._numbers(notice.content))
        kind = rates.pick(rates.notices, thrown)
        return Trouble(kind, seconds=rates.seconds) if kind else None

    def _numbers(self, content: dict[str, Any]) -> tuple[str, ...]:
        names = ("combine_out_trade_no", "out_trade_no", "out_refund_no", "transaction_id", "openid", "complaint_id")
        return self._store.dice.nth(*(str(content[name]) for name in names if name in content))

    def _work(self) -> None:
        while True:
            action = self._next()
            # A thread each: a slow receiver does not delay the notices of others.
            self._start(action, counted=True)

    def _start(self, action: Callable[[], None], *, counted: bool = False) -> None:
        if not counted:
            with self._wake:
                self._busy += 1
        Thread(target=self._run, args=(action,), daemon=True).start()

    def _run(self, action: Callable[[], None]) -> None:
        try:
            action()
        finally:
            with self._wake:
                self._busy -= 1
                self._wake.notify_all()

    def _next(self) -> Callable[[], None]:
        with self._wake:
            while not self._due or self._due[0][0] > self._clock():
                self._wake.wait(self._seconds_to_next())
            self._busy += 1
            return heapq.heappop(self._due)[2]

    def _seconds_to_next(self) -> float | None:
        if not self._due:
            return None
        return min(_TICK, max(0.0, (self._due[0][0] - self._clock()).total_seconds()))

    def _attempt(self, notice: Notice, done: int) -> None:
        # A copy may have been acknowledged before: the first delivery is made all the same.
        if done and notice.acknowledged:
            return
        self._deliver(notice)
        if not notice.acknowledged and done < len(notice.schedule):
            self.later(notice.schedule[done] * self._factor, lambda: self._attempt(notice, done + 1))

    def _deliver(self, notice: Notice) -> None:
        wrong, notice.wrong = notice.wrong, ""
        body = json.dumps(self._envelope(notice, wrong), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **self._signer.headers(body, wrong=wrong)}
        at = self._clock()
        delivery = requests.Request("POST", notice.url, data=body, headers=headers)
        try:
            sent = self._http.prepare_request(delivery)
            status = self._http.send(sent, timeout=self._answer_seconds, allow_redirects=False).status_code
        except requests.RequestException:
            status = 0
        notice.attempts.append({"at": at.isoformat(), "status": status, "wrong": wrong})
        # The body of the answer does not count: 200 with code FAIL is an acknowledgement.
        notice.acknowledged = notice.acknowledged or status in (200, 204)

    def _envelope(self, notice: Notice, wrong: str) -> dict[str, Any]:
        key = b"another-key-of-thirty-two-bytes!" if wrong == "key" else notice.merchant.api_v3_key
        nonce = self._store.dice.hex(12, "seal", notice.id)
        plain = json.dumps(_falsified(notice.content, wrong), ensure_ascii=False).encode()
        resource = {
            "original_type": notice.original_type,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": seal(key, nonce, notice.original_type, plain),
            "associated_data": notice.original_type,
            "nonce": nonce,
        }
        return {
            "id": notice.id,
            "create_time": rfc3339(notice.created_at),
            "resource_type": "encrypt-resource",
            "event_type": notice.event_type,
            "summary": notice.summary,
            "resource": resource,
        }


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    pool = requests.adapters.HTTPAdapter(pool_maxsize=64)
    session.mount("http://", pool)
    session.mount("https://", pool)
    return session


def _falsified(content: dict[str, Any], wrong: str) -> dict[str, Any]:
    if wrong == "amount":
        return {**content, "amount": {**content["amount"], "total": content["amount"]["total"] + 1}}
    if wrong == "currency":
        return {**content, "amount": {**content["amount"], "currency": "USD"}}
    if wrong in ("mchid", "appid"):
        name = f"sp_{wrong}" if f"sp_{wrong}" in content else wrong
        return {**content, name: "wx0000000000000000" if wrong == "appid" else "1900000000"}
    return content
