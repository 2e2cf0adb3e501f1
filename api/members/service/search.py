"""Members as staff find them. Callers show masked data only."""

from __future__ import annotations

import contextlib
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from api.kit import audit, clock, logs, pages
from api.kit.db import rows_changed, session
from api.malls import service as malls
from api.members.errors import MemberCodeUnknown, MemberNotFound, PhoneInvalid, SearchedEnough, SearchTooWide
from api.members.models import Member, MemberSearches
from api.members.service import member_codes, name_index, profile

log = logs.get(__name__)

UNUSUAL, MOST = 150, 300  # searches of one person on one day: a busy desk finds a shopper every four minutes
KEPT_FOR = timedelta(days=60)


def find(query: str, *, by: str, shop_id: int | None = None) -> Member:
    """Find a member by phone, member number, or a code on the member's phone, which is used up by it.

    MemberNotFound, MemberCodeUnknown, MemberCodeExpired, MemberCodeUsed.
    """
    plain = query.strip()
    if member_codes.is_code(plain):
        return member_codes.use_code(plain, by=by, shop_id=shop_id)
    member = _by_phone(plain) or _by_number(plain)
    if member is None:
        raise MemberNotFound()
    return member


def search(
    *,
    by: str,
    q: str | None = None,
    phone: str | None = None,
    number: int | None = None,
    code: str | None = None,
    name: str | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[Member]:
    """Members by exactly one of: any of it (q), phone, number, code, name; each whole, since what is found is masked.

    SearchTooWide, SearchedEnough, a code's own refusals.
    """
    if [q, phone, number, code, name].count(None) != 4:
        raise SearchTooWide()
    if cursor is None:
        _count(by)
    if code is not None:
        return pages.Page([member_codes.use_code(code, by=by, shop_id=None)], None)
    if q is not None:
        return _anything(q.strip(), by, cursor, limit)
    if name is not None:
        return _by_name(name, cursor, limit)
    member = _by_phone(phone) if phone is not None else session.get(Member, number)
    return pages.Page([member] if member is not None else [], None)


def _count(by: str) -> None:
    today = clock.today(malls.mall_info().timezone)
    counted = insert(MemberSearches).values(by=by, searched_on=today, searches=1)
    more = {"searches": MemberSearches.searches + 1}
    once_more = counted.on_conflict_do_update(
        index_elements=["mall_id", "by", "searched_on"], set_=more, where=MemberSearches.searches < MOST
    )
    searches = session.scalar(once_more.returning(MemberSearches.searches))
    if searches is None:
        raise SearchedEnough(most=MOST)
    if searches in (UNUSUAL, MOST):
        log.warning("security: somebody searches for many members", by=by, searches=searches)
        audit.record(by, "searched for many members", "staff_account", by.partition(":")[2], after={"searches": searches})


def forget_searches() -> int:
    """Remove counts of days long ago; returns how many."""
    return rows_changed(delete(MemberSearches).where(MemberSearches.searched_on < clock.now().date() - KEPT_FOR))


def everyone(*, name: str | None, state: str | None, level_rank: int | None, cursor: str | None, limit: int) -> pages.Page[Member]:
    """Every member, newest first; with `name` those who are called so, whatever their state and level. SearchTooWide."""
    if name is not None:
        return _by_name(name, cursor, limit)
    query = select(Member)
    if state is not None:
        query = query.where(Member.state == state)
    if level_rank is not None:
        query = query.where(Member.level_rank == level_rank)
    return pages.page(query, Member.id, cursor=cursor, limit=limit)


def _anything(plain: str, by: str, cursor: str | None, limit: int) -> pages.Page[Member]:
    """What a person types or scans into one box; a name only when it is no code, phone or number."""
    if member_codes.is_code(plain):
        with contextlib.suppress(MemberCodeUnknown):  # sixteen letters may be a name
            return pages.Page([member_codes.use_code(plain, by=by, shop_id=None)], None)
    exact = _by_phone(plain) or _by_number(plain)
    return pages.Page([exact], None) if exact is not None else _by_name(plain, cursor, limit)


def _by_name(name: str, cursor: str | None, limit: int) -> pages.Page[Member]:
    if not name_index.comparable(name):
        raise SearchTooWide()
    return name_index.search(name, cursor, limit)


def _by_phone(text: str) -> Member | None:
    try:
        return profile.lookup_by_phone(text)
    except PhoneInvalid:
        return None


def _by_number(text: str) -> Member | None:
    return session.get(Member, int(text)) if text.isascii() and text.isdecimal() and len(text) <= 10 else None
