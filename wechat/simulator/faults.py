"""Faults on command: an answer that is late, never comes, is refused, or cannot be trusted."""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import dataclass
from threading import Lock

from flask import Flask, Response, g, request

from wechat.simulator.dice import Dice, FailureRates

KINDS = ("late", "silent", "reset", "refuse", "unsigned", "bad_signature", "probe", "stale", "busy")

_NUMBERS = ("out_return_no", "out_refund_no", "out_order_no", "combine_out_trade_no", "out_trade_no", "transaction_id")

# Of concurrent calls, each fault hits exactly as many as it says.
_TAKING = Lock()


@dataclass
class Fault:
    """`times` more calls whose path starts with `path` suffer it.

    late: done, answered after `seconds` · silent: done, then the line stays open for `seconds` without an answer ·
    reset: done, then the connection is cut · refuse: not done, answers `status` and `code` · busy: not done, errcode -1
    · unsigned, bad_signature, probe, stale: done, but the answer's signature is missing, wrong, a SIGNTEST, or old.
    """

    kind: str
    path: str = "/"
    times: int = 1
    seconds: float = 1.0
    status: int = 500
    code: str = "SYSTEM_ERROR"
    method: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")

    def hits(self, method: str, path: str) -> bool:
        """Whether this call is one of its victims."""
        return self.times > 0 and path.startswith(self.path) and self.method in ("", method)


def install(app: Flask, faults: list[Fault], failure_rates: FailureRates, dice: Dice) -> None:
    """Apply the listed faults, then the random ones, to calls outside /_sim."""

    @app.before_request
    def begin() -> Response | None:
        g.fault = _take(faults) or _random_trouble(failure_rates, dice)
        return _instead_of_answer(g.fault)

    @app.after_request
    def end(response: Response) -> Response:
        fault: Fault | None = g.get("fault")
        if fault is not None:
            _after_answer(fault, response)
        return response


def _take(faults: list[Fault]) -> Fault | None:
    if request.path.startswith("/_sim"):
        return None
    with _TAKING:
        return _first_hit(faults)


def _random_trouble(failure_rates: FailureRates, dice: Dice) -> Fault | None:
    if not failure_rates.calls or request.path.startswith("/_sim"):
        return None
    route = request.url_rule.rule if request.url_rule else request.path
    kind = failure_rates.pick(failure_rates.calls, dice.chance("call weather", request.method, route, *dice.nth(*_subject())))
    return Fault(kind, seconds=failure_rates.seconds) if kind else None


def _subject() -> list[str]:
    asked = request.get_json(force=True, silent=True) if request.get_data() else None
    fields = {**(asked if isinstance(asked, dict) else {}), **(request.view_args or {})}
    return [str(fields[name]) for name in _NUMBERS if name in fields]


def _first_hit(faults: list[Fault]) -> Fault | None:
    for fault in faults:
        if fault.hits(request.method, request.path):
            fault.times -= 1
            if fault.times <= 0:
                faults.remove(fault)
            return fault
    return None


def _instead_of_answer(fault: Fault | None) -> Response | None:
    if fault is not None and fault.kind == "busy":
        return _json({"errcode": -1, "errmsg": "system error"}, 200)
    if fault is not None and fault.kind == "refuse":
        return _json({"code": fault.code, "message": "系统繁忙，请稍后重试"}, fault.status)
    return None


def _json(body: dict[str, object], status: int) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, content_type="application/json; charset=utf-8")


def _after_answer(fault: Fault, response: Response) -> None:
    if fault.kind in ("late", "silent"):
        time.sleep(fault.seconds)
    if fault.kind in ("silent", "reset"):
        _cut_connection()
    if fault.kind == "unsigned":
        for name in [name for name, _ in response.headers if name.startswith("Wechatpay-")]:
            del response.headers[name]


def _cut_connection() -> None:
    line = request.environ.get("werkzeug.socket")
    if isinstance(line, socket.socket):
        # Linger 0 makes the kernel send RST: the caller sees a reset, not an empty answer.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.shutdown(socket.SHUT_RDWR)
