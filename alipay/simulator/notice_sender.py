"""Delivers notices as Alipay does: eight times in 25 hours, until the answer is exactly `success`."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import Condition, Thread
from typing import Any

import requests

from alipay.money import fen, yuan
from alipay.signing import SIGN_TYPE, beijing, notice_content
from alipay.simulator.signer import Signer
from alipay.simulator.store import Store

# Seconds before each further delivery: 4m, 10m, 10m, 1h, 2h, 6h, 15h.
SCHEDULE = (240, 600, 600, 3600, 7200, 21600, 54000)
ANSWER_SECONDS = 5
_TICK = 0.2
TROUBLES = ("drop", "delay", "duplicate", "hold", "wrong")
_WRONG = ("bad_signature", "sign_type", "amount", "app_id", "seller_id")


@dataclass
class Trouble:
    """What happens to the next `times` notices.

    drop: never sent · delay: first sent after `seconds` · duplicate: `copies` at once · hold: kept until released, the
    newest first · wrong: sent once with a fault, then as it should be; `what` is bad_signature, sign_type, amount,
    app_id or seller_id.
    """

    kind: str
    times: int = 1
    seconds: float = 1.0
    copies: int = 2
    what: str = "bad_signature"

    def __post_init__(self) -> None:
        if self.kind not in TROUBLES or self.what not in _WRONG:
            raise ValueError(f"kind is drop, delay, duplicate, hold or wrong; what is one of {', '.join(_WRONG)}")


@dataclass
class Notice:
    """One notice and every attempt to deliver it."""

    id: str
    url: str
    fields: dict[str, str]
    attempts: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: bool = False
    wrong: str = ""


class NoticeSender:
    """A thread that runs what is due on the simulator's clock."""

    def __init__(self, store: Store, signer: Signer, factor: float) -> None:
        self.notices: list[Notice] = []
        self.troubles: list[Trouble] = []
        self._store, self._clock = store, store.clock
        self._signer, self._factor = signer, factor
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
            self._wake.notify()

    def post(self, url: str, fields: dict[str, str]) -> Notice:
        """Send a notice from now on, until it is acknowledged or the schedule is over."""
        place = self._store.dice.place(fields["out_trade_no"])
        number = self._store.dice.digits(20, "notice", place)
        notice = Notice(f"{self._clock():%Y%m%d}00222{number}", url, fields)
        with self._wake:
            self.notices.append(notice)
            trouble = self._take_trouble() or self._random_trouble(place)
        self._start_delivery(notice, trouble)
        return notice

    def redeliver(self, notice: Notice, copies: int = 1) -> None:
        """Deliver a notice again, `copies` at once, as Alipay may at any time."""
        for _ in range(copies):
            Thread(target=self._deliver, args=(notice,), daemon=True).start()

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
        """Look at the clock again: it was moved."""
        with self._wake:
            self._wake.notify()

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

    def _random_trouble(self, place: str) -> Trouble | None:
        rates = self._store.failure_rates
        kind = rates.pick(rates.notices, self._store.dice.chance("notice weather", place)) if rates.notices else None
        return Trouble(kind, seconds=rates.seconds) if kind else None

    def _work(self) -> None:
        while True:
            action = self._next()
            # A thread each: a slow receiver does not delay the notices of others.
            Thread(target=action, daemon=True).start()

    def _next(self) -> Callable[[], None]:
        with self._wake:
            while not self._due or self._due[0][0] > self._clock():
                self._wake.wait(self._seconds_to_next())
            return heapq.heappop(self._due)[2]

    def _seconds_to_next(self) -> float | None:
        if not self._due:
            return None
        return min(_TICK, max(0.0, (self._due[0][0] - self._clock()).total_seconds()))

    def _attempt(self, notice: Notice, done: int) -> None:
        if notice.acknowledged:
            return
        self._deliver(notice)
        if not notice.acknowledged and done < len(SCHEDULE):
            self.later(SCHEDULE[done] * self._factor, lambda: self._attempt(notice, done + 1))

    def _deliver(self, notice: Notice) -> None:
        wrong, notice.wrong = notice.wrong, ""
        at = self._clock()
        answer, status = b"", 0
        try:
            response = self._http.post(notice.url, data=self._form(notice, wrong), timeout=ANSWER_SECONDS, allow_redirects=False)
            answer, status = response.content, response.status_code
        except requests.RequestException:
            pass
        notice.attempts.append({"at": at.isoformat(), "status": status, "wrong": wrong})
        # Seven bytes and nothing else: a newline after them is a failure.
        notice.acknowledged = notice.acknowledged or (status == 200 and answer == b"success")

    def _form(self, notice: Notice, wrong: str) -> dict[str, str]:
        fields = _falsified(notice.fields, wrong)
        form = {**fields, "notify_id": notice.id, "notify_time": beijing(self._clock()), "sign_type": SIGN_TYPE}
        content = notice_content(form)
        if wrong == "sign_type":
            # What a platform message does, and a trade notice must not: sign_type inside the signed text.
            content += f"&sign_type={SIGN_TYPE}"
        return {**form, "sign": self._signer.sign(content + (" " if wrong == "bad_signature" else ""))[0]}


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    pool = requests.adapters.HTTPAdapter(pool_maxsize=64)
    session.mount("http://", pool)
    session.mount("https://", pool)
    return session


def _falsified(fields: dict[str, str], wrong: str) -> dict[str, str]:
    if wrong == "amount":
        return {**fields, "total_amount": yuan(fen(fields["total_amount"]) + 1)}
    if wrong in ("app_id", "seller_id"):
        return {**fields, wrong: "2088999999999999"}
    return fields
