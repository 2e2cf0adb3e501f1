"""What somebody must hear of about an account, at the next sign-in and until it was seen."""

from __future__ import annotations

from sqlalchemy import insert, literal, select, update

from api.kit import clock
from api.kit.db import rows_changed, session
from api.kit.roles import Role
from api.staff.errors import NewsNotFound
from api.staff.models import StaffAccount, StaffNews
from api.staff.states import AccountState

MOST = 20  # are shown at a time


def tell(account_id: int, what: str, *, about_id: int, by: str) -> None:
    """Tell one person."""
    session.add(StaffNews(account_id=account_id, what=what, about_id=about_id, by=by, at=clock.now()))


def tell_administrators(what: str, *, about_id: int, by: str) -> None:
    """Tell every administrator but whom it is about."""
    others = select(StaffAccount.id, literal(what), literal(about_id), literal(by), literal(clock.now())).where(
        StaffAccount.role == Role.ADMINISTRATOR, StaffAccount.state != AccountState.CLOSED, StaffAccount.id != about_id
    )
    session.execute(insert(StaffNews).from_select(["account_id", "what", "about_id", "by", "at"], others))


def unseen(account_id: int) -> list[tuple[StaffNews, str]]:
    """What somebody has not seen yet, with the name of whom it is about, oldest first."""
    query = (
        select(StaffNews, StaffAccount.name)
        .join(StaffAccount, StaffAccount.id == StaffNews.about_id)
        .where(StaffNews.account_id == account_id, StaffNews.seen_at.is_(None))
        .order_by(StaffNews.id)
        .limit(MOST)
    )
    return [(row.StaffNews, row.name) for row in session.execute(query)]


def see(account_id: int, news_id: int) -> None:
    """Somebody has seen it. NewsNotFound."""
    own = StaffNews.id == news_id, StaffNews.account_id == account_id
    if rows_changed(update(StaffNews).where(*own, StaffNews.seen_at.is_(None)).values(seen_at=clock.now())) == 0:
        raise NewsNotFound()
