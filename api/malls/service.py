"""What can be done with malls, sites, floors and shops."""

from __future__ import annotations

from sqlalchemy import select

from api.kit.db import session
from api.kit.http import MallNotFound
from api.malls.models import Mall


def id_of(code: str) -> int:
    """The mall with this public code. MallNotFound."""
    mall_id = session.scalar(select(Mall.id).where(Mall.code == code))
    if mall_id is None:
        raise MallNotFound()
    return mall_id
