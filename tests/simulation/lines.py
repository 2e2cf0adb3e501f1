"""The lines between the mall and both gateways, inside one process: no socket, no thread of its own, nothing left to chance.

The real clients and the real simulators speak to each other; whoever holds the lines decides what is lost on the way.
"""

from __future__ import annotations

import contextlib
import heapq
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Condition
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from werkzeug.test import Client

from alipay import simulator as alipay_simulator
from alipay.simulator import notice_sender as alipay_notices
from alipay.simulator import store as alipay_store
from wechat import simulator as wechat_simulator
from wechat.simulator import notice_sender as wechat_notices
from wechat.simulator import store as wechat_store

MALL, WECHAT, ALIPAY = "mall.localhost", "wechat.test", "alipay.test"


class Patient:
    """A notice sender without a thread: notices wait until somebody delivers them, actions until their time is asked for."""

    notices: list[Any]
    _clock: Callable[[], datetime]
    _due: list[tuple[datetime, int, Callable[[], None]]]
    _deliver: Callable[[Any], None]

    def _begin(self) -> None:
        self.notices, self.troubles, self._due, self._held = [], [], [], []
        self._order, self._wake, self._busy = count(), Condition(), 0

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self._clock() + timedelta(seconds=seconds), next(self._order), action))

    def _start_delivery(self, letter: Any, trouble: Any) -> None:
        """It waits in `notices`."""

    def do_what_is_due(self) -> None:
        while self._due and self._due[0][0] <= self._clock():
            heapq.heappop(self._due)[2]()

    def deliver(self, letter: Any) -> bool:
        """Deliver it once; whether it was acknowledged now."""
        before = len(letter.attempts)
        self._deliver(letter)
        return letter.attempts[before]["status"] in (200, 204)


class WeChatSender(Patient, wechat_notices.NoticeSender):
    def __init__(self, store: Any, signer: Any, factor: float, answer_seconds: float) -> None:
        self._begin()
        self._store, self._clock, self._signer = store, store.clock, signer
        self._factor, self._answer_seconds, self._http = factor, answer_seconds, requests.Session()
        made.append(self)


class AlipaySender(Patient, alipay_notices.NoticeSender):
    def __init__(self, store: Any, signer: Any, factor: float) -> None:
        self._begin()
        self._store, self._clock, self._signer = store, store.clock, signer
        self._factor, self._http = factor, requests.Session()
        made.append(self)


made: list[Any] = []


@dataclass
class Side:
    """One gateway: what it remembers, its letters, and its address."""

    channel: str
    host: str
    web: Any
    store: Any
    notice_sender: Any
    keys: Path

    def sim(self, path: str, /, **said: Any) -> dict[str, Any]:
        """What a phone does, or chance; the answer, with its status."""
        answer = Client(self.web).post(f"/_sim/{path}", json=said)
        return dict(answer.get_json()) | {"status_code": answer.status_code}

    def forget(self) -> None:
        """A new world begins: no order, no letter, no fault."""
        store = self.store
        names = ("orders", "prepaid", "transactions", "refunds", "shares", "share_returns", "receivers", "pay_codes", "bad_accounts")
        for name in (*names, "trades", "by_trade_no", "codes", "faults"):
            getattr(store, name, {}).clear()
        self.notice_sender.notices.clear()
        self.notice_sender._due.clear()
        for account in (store.merchants if self.channel == "wechat" else store.apps).values():
            account.can_refund = True


@dataclass
class Lines:
    """Every request of this process that goes to one of the three hosts; `carry` is asked how it fares."""

    webs: dict[str, Any] = field(default_factory=dict)
    carry: Callable[[str, requests.PreparedRequest, Callable[[], requests.Response]], requests.Response] | None = None

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        host = urlsplit(request.url or "").netloc

        def through() -> requests.Response:
            return _answered(self.webs[host], request)

        return through() if self.carry is None else self.carry(host, request, through)


class _Adapter(BaseAdapter):
    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self.lines = lines

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:  # type: ignore[override]
        return self.lines.send(request)

    def close(self) -> None:
        """Nothing is open."""


def _answered(web: Any, request: requests.PreparedRequest) -> requests.Response:
    address = urlsplit(request.url or "")
    body = request.body.encode() if isinstance(request.body, str) else request.body
    path = address.path + (f"?{address.query}" if address.query else "")
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
    told = Client(web).open(path, method=request.method, data=body, headers=headers, base_url=f"http://{address.netloc}")
    answer = requests.Response()
    answer.status_code, answer.url, answer.raw = told.status_code, request.url or "", io.BytesIO(told.get_data())
    answer.headers, answer.request = CaseInsensitiveDict(told.headers), request
    return answer


@contextlib.contextmanager
def laid(folder: Path, mall_web: Any) -> Iterator[tuple[Lines, dict[str, Side]]]:
    """Both simulators, and the lines to them and to the mall."""
    lines = Lines({MALL: mall_web})
    adapter, usual = _Adapter(lines), requests.Session.get_adapter

    def get_adapter(session: requests.Session, url: str) -> Any:
        return adapter if urlsplit(url).netloc in lines.webs else usual(session, url)

    wechat_settings = wechat_simulator.Settings(keys=folder / "wechat", dice_seed="simulation", refund_seconds=3)
    alipay_settings = alipay_simulator.Settings(keys=folder / "alipay", dice_seed="simulation")
    made.clear()
    # Only while these two are made: every other simulator of this process keeps its thread.
    with mock.patch("wechat.simulator.app.NoticeSender", WeChatSender), mock.patch("alipay.simulator.app.NoticeSender", AlipaySender):
        webs = wechat_simulator.create_app(wechat_settings), alipay_simulator.create_app(alipay_settings)
    lines.webs |= {WECHAT: webs[0], ALIPAY: webs[1]}
    sides = {
        channel: Side(channel, host, web, notice_sender._store, notice_sender, folder / channel)
        for channel, host, web, notice_sender in zip(("wechat", "alipay"), (WECHAT, ALIPAY), webs, made, strict=True)
    }
    with mock.patch.object(requests.Session, "get_adapter", get_adapter):
        yield lines, sides


__all__ = ["ALIPAY", "MALL", "WECHAT", "Lines", "Side", "alipay_store", "laid", "wechat_store"]
