"""Family (家庭成员): whom a member tells of by choice, under a consent of its own that takes everything along when it is withdrawn."""

from __future__ import annotations

from sqlalchemy import delete, func, select, update

from api.kit import clock, db, pages
from api.kit.db import session
from api.members.errors import BirthMonthMisplaced, FamilyConsentNeeded, FamilyMemberNotFound, TooManyInFamily
from api.members.models import FamilyMember
from api.members.service import consents

MOST = 10
DOCUMENT = "family"


def of(member_id: int, cursor: str | None, limit: int) -> pages.Page[FamilyMember]:
    """The member's family as entered, newest first."""
    return pages.page(select(FamilyMember).where(FamilyMember.member_id == member_id), FamilyMember.id, cursor=cursor, limit=limit)


def add(
    member_id: int, relation: str, *, nickname: str | None = None, birth_year: int | None = None, birth_month: int | None = None
) -> FamilyMember:
    """Tell of somebody. FamilyConsentNeeded; BirthMonthMisplaced: only a child's month is kept, never a day; TooManyInFamily."""
    if not consents.stands(member_id, DOCUMENT):
        raise FamilyConsentNeeded()
    if (birth_year is not None or birth_month is not None) and relation != "child":
        raise BirthMonthMisplaced()
    db.lock("family", member_id)
    count = session.scalar(select(func.count()).where(FamilyMember.member_id == member_id)) or 0
    if count >= MOST:
        raise TooManyInFamily(most=MOST)
    facts = {"relation": relation, "nickname": nickname, "birth_year": birth_year, "birth_month": birth_month}
    row = FamilyMember(member_id=member_id, added_at=clock.now(), **facts)
    session.add(row)
    session.flush()
    return row


def remove(member_id: int, family_id: int) -> None:
    """Take somebody off the list. FamilyMemberNotFound."""
    row = session.scalar(select(FamilyMember).where(FamilyMember.id == family_id, FamilyMember.member_id == member_id))
    if row is None:
        raise FamilyMemberNotFound()
    session.delete(row)
    session.flush()


def forget(member_id: int) -> None:
    """The consent was withdrawn: everybody goes."""
    session.execute(delete(FamilyMember).where(FamilyMember.member_id == member_id))


def hand_over(from_member_id: int, into_member_id: int) -> None:
    """Two memberships became one: the family goes along, as far as there is room."""
    held = session.scalar(select(func.count()).where(FamilyMember.member_id == into_member_id)) or 0
    coming = select(FamilyMember.id).where(FamilyMember.member_id == from_member_id).order_by(FamilyMember.id).limit(MOST - held)
    session.execute(update(FamilyMember).where(FamilyMember.id.in_(coming)).values(member_id=into_member_id))
    forget(from_member_id)
