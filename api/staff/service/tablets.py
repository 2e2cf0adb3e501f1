"""Tablets of shops: let in by a short code, listed, revoked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from api.kit import audit, clock, identity, pages, sealed, states
from api.kit.db import session
from api.kit.pages import Page
from api.kit.roles import Role
from api.malls import service as malls
from api.staff.errors import PairingCodeRefused, ShopClosed, TabletNotFound
from api.staff.models import PairingCode, StaffAccount
from api.staff.service import sessions
from api.staff.service.sessions import Origin, Tokens
from api.staff.states import AccountState

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0 O 1 I: it is read aloud and typed
LENGTH = 8
LIVES = timedelta(minutes=10)
#: The permission of who makes a code, by the kind of account: a code ends with the right of its maker.
PAIRS_WITH = {"staff": "tablets.manage", "shop": "own_tablets.manage"}


@dataclass(frozen=True)
class Pairing:
    """A fresh pairing code; it is shown once and kept only as a keyed hash."""

    code: str
    expires_at: datetime


def make_pairing_code(shop_id: int, *, by: str) -> Pairing:
    """A code that lets one tablet into the shop. ShopNotFound, ShopClosed."""
    if malls.shop(shop_id).closed:
        raise ShopClosed()
    now = clock.now()
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    session.add(PairingCode(shop_id=shop_id, code_key=_key(code), made_by=by, made_at=now, expires_at=now + LIVES))
    audit.record(by, "made a pairing code", "shop", shop_id)
    return Pairing(code, now + LIVES)


def _key(code: str) -> str:
    return sealed.find_key(f"pairing:{code}")


def pair(code: str, device_name: str, *, origin: Origin | None = None) -> Tokens:
    """Let a tablet in, once for each code. PairingCodeRefused."""
    now = clock.now()
    typed = code.upper().replace(" ", "").replace("-", "")
    # One guarded UPDATE: of two tablets with one code, one gets in.
    used = session.execute(
        update(PairingCode)
        .where(PairingCode.code_key == _key(typed), PairingCode.used_at.is_(None), PairingCode.expires_at > now)
        .values(used_at=now)
        .returning(PairingCode.shop_id, PairingCode.made_by)
    ).one_or_none()
    if used is None or malls.shop(used.shop_id).closed or not _may_still_pair(used.made_by):
        raise PairingCodeRefused()
    made = StaffAccount(name=device_name.strip(), role=Role.TABLET, shop_id=used.shop_id, state=AccountState.ACTIVE, made_at=now)
    session.add(made)
    session.flush()
    audit.record(used.made_by, "paired a tablet", "tablet", made.id, after={"name": made.name, "shop_id": made.shop_id})
    return sessions.begin(made, origin or Origin())


def _may_still_pair(made_by: str) -> bool:
    kind = made_by.partition(":")[0]
    return kind not in PAIRS_WITH or identity.still_may(made_by, PAIRS_WITH[kind])


def tablets(*, shop_id: int | None, state: str | None = None, cursor: str | None, limit: int) -> Page[StaffAccount]:
    """Tablets of a shop or of all, revoked ones too, newest first."""
    query = select(StaffAccount).where(StaffAccount.role == Role.TABLET)
    if shop_id is not None:
        query = query.where(StaffAccount.shop_id == shop_id)
    if state is not None:
        query = query.where(StaffAccount.state == state)
    return pages.page(query, StaffAccount.id, cursor=cursor, limit=limit)


def revoke(tablet_id: int, *, by: str, why: str, shop_id: int | None = None) -> StaffAccount:
    """Shut a tablet out from its next request on. With `shop_id` only that shop's. TabletNotFound, WrongState."""
    tablet = session.get(StaffAccount, tablet_id)
    if tablet is None or tablet.role != Role.TABLET or shop_id not in (None, tablet.shop_id):
        raise TabletNotFound()
    states.move(tablet, AccountState.CLOSED, by=by, reason=why)
    sessions.end_all(tablet.id, "the tablet was revoked")
    audit.record(by, "revoked the tablet", "tablet", tablet.id, why=why)
    return tablet
