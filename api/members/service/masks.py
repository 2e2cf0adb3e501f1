"""Members as lists of the office name them: never more than the first character."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from api.kit.db import session
from api.members.models import Member


def masked_names(member_ids: Collection[int]) -> dict[int, str]:
    """First character and two stars, of those members that gave a name. One statement."""
    rows = session.execute(select(Member.id, Member.nickname).where(Member.id.in_(member_ids), Member.nickname.is_not(None)))
    return {member_id: f"{nickname[0]}**" for member_id, nickname in rows if nickname}
