"""Codes that are printed on walls and counters: opaque, unguessable; only looking one up tells its mall."""

from __future__ import annotations

import re
import secrets

from sqlalchemy import insert

from api.kit import db
from api.kit.db import session
from api.malls.models import PublicCode

#: Without i, l, o, 0 and 1, which people misread: 31 ^ 12 codes, 59 bits.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH = 12
_CODE = re.compile(r"[a-z2-9]{12}", re.ASCII)


def new_codes(kind: str, count: int) -> list[str]:
    """So many fresh codes of the entered mall. One statement."""
    drawn: set[str] = set()
    while len(drawn) < count:
        drawn.add("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))
    codes = list(drawn)
    if codes:
        session.execute(insert(PublicCode), [{"code": code, "mall_id": db.mall(), "kind": kind} for code in codes])
    return codes


def enter_by_code(code: str, kind: str) -> bool:
    """Enter the mall of a printed code; False when there is no such code. One statement."""
    return _CODE.fullmatch(code) is not None and db.enter_by_public_code(code, kind)
