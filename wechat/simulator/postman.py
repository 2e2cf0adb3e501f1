"""Delivers notices as WeChat Pay does: signed, sealed, again and again until acknowledged, never in a hurry."""

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
    youngest first · wrong: sent once with a fault, then as it should be; `what` is bad_signature, probe, stale, serial,
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
class Letter:
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


class Postman:
    """A thread that does whatever is due on the simulator's clock."""

    def __init__(self, store: Store, signer: Signer, factor: float, answer_seconds: float) -> None:
        self.letters: list[Letter] = []
        self.troubles: list[Trouble] = []
        self._store, self._clock, self._signer = store, store.clock, signer
        self._factor, self._answer_seconds = factor, answer_seconds
        self._busy = 0
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._held: list[Letter] = []
        self._order = count()
        self._wake = Condition()
        self._http = _session()
        Thread(target=self._work, name="postman", daemon=True).start()

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do something when the simulator's clock is this much further."""
        with self._wake:
            heapq.heappush(self._due, (self._clock() + timedelta(seconds=seconds), next(self._order), deed))
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
    ) -> Letter:
        """Send a notice from now on, until it is acknowledged or the schedule is over."""
        number = self._store.dice.uuid("notice", event, *self._numbers(content))
        letter = Letter(number, url, merchant, event, original, summary, content, self._clock(), schedule)
        with self._wake:
            self.letters.append(letter)
            trouble = self._take_trouble() or self._bad_weather(letter)
        self._send_off(letter, trouble)
        return letter

    def settle(self, seconds: float = 10.0) -> bool:
        """Wait until nothing is due by now and nothing is under way. Whether that came true in time."""
        end = time.monotonic() + seconds
        with self._wake:
            while self._busy or (self._due and self._due[0][0] <= self._clock()):
                if (left := end - time.monotonic()) <= 0:
                    return False
                self._wake.wait(min(left, _TICK))
        return True

    def again(self, letter: Letter, copies: int = 1) -> None:
        """Deliver a notice again, `copies` at once, as WeChat Pay may at any time."""
        for _ in range(copies):
            self._start(lambda: self._deliver(letter))

    def release(self) -> int:
        """Send what was held, the youngest first. Says how many."""
        with self._wake:
            held, self._held = self._held[::-1], []
        for letter in held:
            self._deliver(letter)
        return len(held)

    def forget(self) -> int:
        """Let nothing that still waits happen: no further attempt, nothing held or delayed, no refund under way. Says how many."""
        with self._wake:
            forgotten = len(self._due) + len(self._held)
            self._due.clear()
            self._held.clear()
            self._wake.notify_all()
        return forgotten

    def wake(self) -> None:
        """Look at the clock again: it was moved."""
        with self._wake:
            self._wake.notify_all()

    def _send_off(self, letter: Letter, trouble: Trouble | None) -> None:
        kind = trouble.kind if trouble else ""
        if trouble and kind == "wrong":
            letter.wrong = trouble.what
        if kind == "hold":
            self._held.append(letter)
        elif trouble and kind == "delay":
            self.later(trouble.seconds, lambda: self._attempt(letter, 0))
        elif kind != "drop":
            self.later(0, lambda: self._attempt(letter, 0))
        if trouble and kind == "duplicate":
            self.later(0, lambda: self.again(letter, trouble.copies - 1))

    def _take_trouble(self) -> Trouble | None:
        if not self.troubles:
            return None
        trouble = self.troubles[0]
        trouble.times -= 1
        if trouble.times <= 0:
            self.troubles.pop(0)
        return trouble

    def _bad_weather(self, letter: Letter) -> Trouble | None:
        weather = self._store.weather
        if not weather.notices:
            return None
        thrown = self._store.dice.chance("notice weather", letter.event_type, *self._numbers(letter.content))
        kind = weather.strikes(weather.notices, thrown)
        return Trouble(kind, seconds=weather.seconds) if kind else None

    def _numbers(self, content: dict[str, Any]) -> tuple[str, ...]:
        names = ("combine_out_trade_no", "out_trade_no", "out_refund_no", "transaction_id", "openid", "complaint_id")
        return self._store.dice.nth(*(str(content[name]) for name in names if name in content))

    def _work(self) -> None:
        while True:
            deed = self._next()
            # A thread each: a receiver that is slow holds up nobody else's notices.
            self._start(deed, counted=True)

    def _start(self, deed: Callable[[], None], *, counted: bool = False) -> None:
        if not counted:
            with self._wake:
                self._busy += 1
        Thread(target=self._run, args=(deed,), daemon=True).start()

    def _run(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        finally:
            with self._wake:
                self._busy -= 1
                self._wake.notify_all()

    def _next(self) -> Callable[[], None]:
        with self._wake:
            while not self._due or self._due[0][0] > self._clock():
                self._wake.wait(self._patience())
            self._busy += 1
            return heapq.heappop(self._due)[2]

    def _patience(self) -> float | None:
        if not self._due:
            return None
        return min(_TICK, max(0.0, (self._due[0][0] - self._clock()).total_seconds()))

    def _attempt(self, letter: Letter, done: int) -> None:
        # A copy may have been acknowledged before: the first delivery is made all the same.
        if done and letter.acknowledged:
            return
        self._deliver(letter)
        if not letter.acknowledged and done < len(letter.schedule):
            self.later(letter.schedule[done] * self._factor, lambda: self._attempt(letter, done + 1))

    def _deliver(self, letter: Letter) -> None:
        wrong, letter.wrong = letter.wrong, ""
        body = json.dumps(self._envelope(letter, wrong), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **self._signer.headers(body, wrong=wrong)}
        at = self._clock()
        delivery = requests.Request("POST", letter.url, data=body, headers=headers)
        try:
            sent = self._http.prepare_request(delivery)
            status = self._http.send(sent, timeout=self._answer_seconds, allow_redirects=False).status_code
        except requests.RequestException:
            status = 0
        letter.attempts.append({"at": at.isoformat(), "status": status, "wrong": wrong})
        # The body of the answer does not count: 200 with code FAIL is an acknowledgement.
        letter.acknowledged = letter.acknowledged or status in (200, 204)

    def _envelope(self, letter: Letter, wrong: str) -> dict[str, Any]:
        key = b"another-key-of-thirty-two-bytes!" if wrong == "key" else letter.merchant.api_v3_key
        nonce = self._store.dice.hex(12, "seal", letter.id)
        plain = json.dumps(_falsified(letter.content, wrong), ensure_ascii=False).encode()
        resource = {
            "original_type": letter.original_type,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": seal(key, nonce, letter.original_type, plain),
            "associated_data": letter.original_type,
            "nonce": nonce,
        }
        return {
            "id": letter.id,
            "create_time": rfc3339(letter.created_at),
            "resource_type": "encrypt-resource",
            "event_type": letter.event_type,
            "summary": letter.summary,
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
