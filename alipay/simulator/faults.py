"""Faults on command: an answer that is late, never comes, is refused, or cannot be trusted."""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import dataclass
from threading import Lock

from flask import Flask, Response, g, request

from alipay.simulator.dice import Dice, FailureRates

KINDS = ("late", "silent", "reset", "lost", "refuse", "retry", "unknown", "unsigned", "bad_signature", "other_trade", "error_response")

# Of concurrent calls, each fault hits exactly as many as it says.
_TAKING = Lock()


@dataclass
class Fault:
    """`times` more calls of `method` (empty: any; downloadBillFile.resource: a download) suffer it.

    late: done, answered after `seconds` · silent: done, then the line stays open for `seconds` without an answer ·
    reset: done, then the connection is cut · lost: cut before it is done · refuse: not done, answers `code` and `sub_code`
    · retry: not done, answers retry_flag Y (cancel) · unknown: done, but answers 20000 · unsigned, bad_signature: done,
    but the answer's signature is missing or wrong · other_trade: done, but the answer is about another one ·
    error_response: not done, answered as an unsigned error.
    """

    kind: str
    method: str = ""
    times: int = 1
    seconds: float = 1.0
    code: str = "20000"
    sub_code: str = "isp.unknow-error"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")


def install(app: Flask, faults: list[Fault], failure_rates: FailureRates, dice: Dice) -> None:
    """Apply the listed faults, then the random ones, to gateway calls and downloads."""

    @app.before_request
    def begin() -> Response | None:
        g.fault = _take(faults) or _random_trouble(failure_rates, dice)
        if g.fault is not None and g.fault.kind == "lost":
            _cut_connection()
            return Response()
        return None

    @app.after_request
    def end(response: Response) -> Response:
        fault: Fault | None = g.get("fault")
        if fault is not None and fault.kind in ("late", "silent"):
            time.sleep(fault.seconds)
        if fault is not None and fault.kind in ("silent", "reset"):
            _cut_connection()
        return response


def _take(faults: list[Fault]) -> Fault | None:
    if request.path.startswith("/_sim"):
        return None
    with _TAKING:
        return _first_hit(faults)


def _random_trouble(failure_rates: FailureRates, dice: Dice) -> Fault | None:
    if not failure_rates.calls or request.path.startswith("/_sim"):
        return None
    kind = failure_rates.pick(failure_rates.calls, dice.chance("call weather", _method(), dice.place(_out_trade_no())))
    return Fault(kind, seconds=failure_rates.seconds) if kind else None


def _method() -> str:
    # A download is no method of the gateway: its path is its name.
    return request.values.get("method") or request.path.strip("/")


def _out_trade_no() -> str:
    try:
        return str(json.loads(request.values["biz_content"])["out_trade_no"])
    except (ValueError, KeyError, TypeError):
        return ""


def _first_hit(faults: list[Fault]) -> Fault | None:
    for fault in faults:
        if fault.method in ("", _method()):
            fault.times -= 1
            if fault.times <= 0:
                faults.remove(fault)
            return fault
    return None


def _cut_connection() -> None:
    line = request.environ.get("werkzeug.socket")
    if isinstance(line, socket.socket):
        # Linger 0 makes the kernel send RST: the caller sees a reset, not an empty answer.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.shutdown(socket.SHUT_RDWR)
