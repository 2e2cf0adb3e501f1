"""Members found by any part of their name, in any script: each name is kept from each of its characters on."""

from __future__ import annotations

import unicodedata
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, select

from api.kit import pages
from api.kit.db import session
from api.members.models import Member, NameKey

#: Above every character, so that a beginning is a range of keys.
_LAST = chr(0x10FFFF)


def comparable(name: str) -> str:
    """A name as it is compared: width, case and spaces do not count."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def index_name(member_id: int, name: str | None) -> None:
    """Let the member be found by this name, and by no other."""
    session.execute(delete(NameKey).where(NameKey.member_id == member_id))
    whole = comparable(name or "")
    keys = [{"member_id": member_id, "key": whole[at:], "before": whole[:at]} for at in range(len(whole))]
    if keys:
        session.execute(insert(NameKey), keys)


def search(part: str, cursor: str | None, limit: int) -> pages.Page[Member]:
    """Members whose name holds this part, in the order of what follows it. Two statements, each by an index."""
    keys: Select[Any] = cast(Select[Any], select(NameKey.key, NameKey.member_id).where(_holds(comparable(part))))
    keys_page = pages.page(keys, NameKey.key, NameKey.member_id, cursor=cursor, limit=limit, descending=False)
    ids = [row.member_id for row in keys_page.items]
    members = {member.id: member for member in session.scalars(select(Member).where(Member.id.in_(ids)))}
    return pages.Page([members[member_id] for member_id in ids], keys_page.next_cursor)


def _holds(part: str) -> ColumnElement[bool]:
    first = func.strpos(NameKey.before + NameKey.key, part) == func.length(NameKey.before) + 1
    return and_(NameKey.key >= part, NameKey.key < part + _LAST, first)
