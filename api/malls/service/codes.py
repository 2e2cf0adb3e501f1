"""Codes that stand on walls and counters: opaque, unguessable, and without a mall until they are looked up."""

from __future__ import annotations

import re
import secrets

from sqlalchemy import insert, select

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


def mall_of_code(code: str, kind: str) -> int | None:
    """The mall of a printed code, or None when nobody ever printed it."""
    if not _CODE.fullmatch(code):
        return None
    return session.scalar(select(PublicCode.mall_id).where(PublicCode.code == code, PublicCode.kind == kind))
