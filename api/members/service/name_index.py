"""Members found by their whole name, in any script. A part finds nobody: who sees masked names must not spell them out by searching."""

from __future__ import annotations

import unicodedata
from typing import Any, cast

from sqlalchemy import Select, delete, select

from api.kit import pages
from api.kit.db import session
from api.members.models import Member, NameKey


def comparable(name: str) -> str:
    """A name as it is compared: width, case and spaces do not count."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def index_name(member_id: int, name: str | None) -> None:
    """Let the member be found by this name, and by no other."""
    session.execute(delete(NameKey).where(NameKey.member_id == member_id))
    if key := comparable(name or ""):
        session.add(NameKey(member_id=member_id, key=key))
        session.flush()


def search(name: str, cursor: str | None, limit: int) -> pages.Page[Member]:
    """Members who are called exactly so, by number. Two statements, each by an index."""
    keys: Select[Any] = cast(Select[Any], select(NameKey.key, NameKey.member_id).where(NameKey.key == comparable(name)))
    keys_page = pages.page(keys, NameKey.key, NameKey.member_id, cursor=cursor, limit=limit, descending=False)
    ids = [row.member_id for row in keys_page.items]
    members = {member.id: member for member in session.scalars(select(Member).where(Member.id.in_(ids)))}
    return pages.Page([members[member_id] for member_id in ids], keys_page.next_cursor)
