"""Who works here, and who of them may come in."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import exists, select

from api.kit import identity
from api.kit.db import session
from api.kit.identity import Principal
from api.staff import permissions
from api.staff.models import StaffAccount, StaffSession
from api.staff.states import AccountState


def admitted(claimed: Principal) -> Principal:
    """The principal of a token with the role it has now. TokenInvalid for suspended accounts, revoked tablets, ended sign-ins."""
    ended = exists().where(StaffSession.public_id == claimed.session_id, StaffSession.ended_at.is_not(None))
    row = session.execute(
        select(StaffAccount.role, StaffAccount.shop_id).where(
            StaffAccount.id == claimed.id, StaffAccount.state == AccountState.ACTIVE, ~ended
        )
    ).one_or_none()
    if row is None or (row.shop_id is None) != (claimed.kind == "staff"):
        raise identity.TokenInvalid()
    return replace(claimed, shop_id=row.shop_id, role=row.role, permissions=permissions.of(row.role))


identity.loader("staff", admitted)
identity.loader("shop", admitted)
