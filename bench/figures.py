"""What measurements reckon alike: percentiles, the statements of a piece of work, how busy the machine was before."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import event

from api.kit import db


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so much of them does not exceed; rounded to a tenth."""
    return round(sorted(values)[math.ceil(len(values) * share) - 1], 1)


def counted(work: Callable[[], Any]) -> int:
    """How many statements some work takes, entering the mall included."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)
    return len(seen)


def load() -> float:
    """How many processes wanted a processor in the last minute: figures of a busy machine say little."""
    return round(os.getloadavg()[0], 2)
