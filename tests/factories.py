"""One factory per table; defaults make the smallest legal row. Each adds, flushes and returns it."""

from __future__ import annotations

import itertools
from typing import Any

from api.kit.db import session
from api.malls.models import Mall

_number = itertools.count(1)


def _add(row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def make_mall(**given: Any) -> Mall:
    number = next(_number)
    made: Mall = _add(Mall(**({"code": f"mall-{number}", "name": f"云锦天地 {number}"} | given)))
    return made
