"""Faults on command: an answer that is late, never comes, is refused, or cannot be trusted."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from threading import Lock

from flask import Flask, Response, g, request

KINDS = ("late", "silent", "reset", "lost", "refuse", "retry", "unknown", "unsigned", "bad_signature", "error_response")

# Of callers at once, each fault befalls exactly as many as it says.
_TAKING = Lock()


@dataclass
class Fault:
    """`times` more calls of `method` (empty: any) suffer it.

    late: done, answered after `seconds` · silent: done, then the line stays open for `seconds` without an answer ·
    reset: done, then the connection is cut · lost: cut before it is done · refuse: not done, answers `code` and `sub_code`
    · retry: not done, answers retry_flag Y (cancel) · unknown: done, but answers 20000 · unsigned, bad_signature: done,
    but the answer's signature is missing or wrong · error_response: not done, answered as an unsigned error.
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


def install(app: Flask, faults: list[Fault]) -> None:
    """Let the faults of the list befall gateway calls."""

    @app.before_request
    def begin() -> Response | None:
        g.fault = _take(faults)
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


def _first_hit(faults: list[Fault]) -> Fault | None:
    for fault in faults:
        if fault.method in ("", request.values.get("method")):
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
