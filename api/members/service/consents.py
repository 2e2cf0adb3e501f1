"""What members agreed to, and when they took it back."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, pages
from api.kit.db import rows_changed, session
from api.members.errors import ConsentIsBasic, ConsentUnknown, DocumentUnknown
from api.members.models import Consent

BASIC = "privacy"

#: What members can agree to: membership itself, advertising, a profile of what they buy, telling of their family.
DOCUMENTS = frozenset({BASIC, "marketing", "profiling", "family"})


def give(member_id: int, document: str, version: str) -> None:
    """The member agrees to a version of a document. Agreeing again changes nothing."""
    given = insert(Consent).values(member_id=member_id, document=document, version=version, given_at=clock.now())
    session.execute(given.on_conflict_do_nothing())


def agree(member_id: int, document: str, version: str) -> Consent:
    """The member agrees to a version of a document; the standing consent, whether it is new or was there. DocumentUnknown."""
    _known(document)
    give(member_id, document, version)
    same = (Consent.member_id == member_id, Consent.document == document, Consent.version == version)
    return session.scalars(select(Consent).where(*same, Consent.withdrawn_at.is_(None))).one()


def withdraw(member_id: int, document: str) -> None:
    """The member takes back every standing version of a document. ConsentUnknown; ConsentIsBasic for the one of membership itself."""
    _known(document)
    if document == BASIC:
        raise ConsentIsBasic()
    if end_standing(member_id, document) == 0:
        raise ConsentUnknown()


def end_standing(member_id: int, document: str | None = None) -> int:
    """End standing consents, of one document or of all; returns how many."""
    standing = [Consent.member_id == member_id, Consent.withdrawn_at.is_(None)]
    if document is not None:
        standing.append(Consent.document == document)
    return rows_changed(update(Consent).where(*standing).values(withdrawn_at=clock.now()))


def stands(member_id: int, document: str) -> bool:
    """Whether the member agrees to a document now, in any version (may we send advertising?)."""
    query = select(Consent.id).where(Consent.member_id == member_id, Consent.document == document, Consent.withdrawn_at.is_(None))
    return session.scalar(query.limit(1)) is not None


def of(member_id: int, cursor: str | None, limit: int) -> pages.Page[Consent]:
    """All consents of a member, newest first, withdrawn ones too."""
    return pages.page(select(Consent).where(Consent.member_id == member_id), Consent.id, cursor=cursor, limit=limit)


def _known(document: str) -> None:
    if document not in DOCUMENTS:
        raise DocumentUnknown()
