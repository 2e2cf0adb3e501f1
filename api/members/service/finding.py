"""Members as staff find them. Callers show masked data only."""

from __future__ import annotations

from api.kit.db import session
from api.members.errors import MemberNotFound, PhoneInvalid, SearchTooWide
from api.members.models import Member
from api.members.service import member_codes, profile


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


def search(phone: str | None, number: int | None, code: str | None, *, by: str) -> list[Member]:
    """The members found by exactly one of phone, number and code: one or none. SearchTooWide, and a code's own refusals."""
    if [phone, number, code].count(None) != 2:
        raise SearchTooWide()
    if code is not None:
        return [member_codes.use_code(code, by=by, shop_id=None)]
    found = _by_phone(phone) if phone is not None else session.get(Member, number)
    return [found] if found is not None else []


def _by_phone(text: str) -> Member | None:
    try:
        return profile.lookup_by_phone(text)
    except PhoneInvalid:
        return None


def _by_number(text: str) -> Member | None:
    return session.get(Member, int(text)) if text.isascii() and text.isdecimal() and len(text) <= 10 else None
