"""A StaffAccount is a person of the mall's or a shop's staff, or a shop's tablet; a StaffSession is one sign-in of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.roles import SHOP_ROLES, Role
from api.kit.states import Stateful
from api.staff.states import ALLOWED, AccountState

_ROLES = tuple(str(role) for role in Role)
_SHOP_ROLES = tuple(sorted(str(role) for role in SHOP_ROLES))


class StaffAccount(Stateful, MallOwned, Model):
    """Somebody who works here. A tablet has no login: it was paired by a code."""

    __tablename__ = "staff_accounts"
    noun = "staff_account"
    lifecycle = AccountState
    allowed = ALLOWED
    __table_args__ = (
        UniqueConstraint("mall_id", "login"),
        CheckConstraint(f"role IN {_ROLES}", name="role_is_known"),
        CheckConstraint(f"(role IN {_SHOP_ROLES}) = (shop_id IS NOT NULL)", name="shop_roles_have_a_shop"),
        CheckConstraint("(role = 'tablet') = (login IS NULL)", name="people_have_a_login"),
        CheckConstraint("(login IS NULL) = (password_hash IS NULL)", name="a_login_has_a_password"),
        Index("ix_staff_accounts_shop", "shop_id"),
    )

    login: Mapped[str | None]  # lower case
    password_hash: Mapped[str | None]  # argon2id
    name: Mapped[str]
    role: Mapped[str]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    made_at: Mapped[datetime]

    @property
    def kind(self) -> str:
        """The kind of token this account signs in with: staff (mall) or shop."""
        return "shop" if self.shop_id is not None else "staff"


class AccountTie(MallOwned, Model):
    """Somebody opened, let in or raised an account: for a while the two are not two people who agree about value."""

    __tablename__ = "account_ties"
    __table_args__ = (Index("ix_account_ties_account", "account_id", "at"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    by: Mapped[str]  # "staff:3"
    did: Mapped[str]  # opened · password · role · state
    at: Mapped[datetime]


class StaffSession(MallOwned, Model):
    """One sign-in: a family of refresh tokens, numbered; only the newest counts, and using an older one ends the family."""

    __tablename__ = "staff_sessions"
    __table_args__ = (UniqueConstraint("mall_id", "public_id"), Index("ix_staff_sessions_account", "account_id"))

    account_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    public_id: Mapped[str]  # the `sid` of its access tokens
    generation: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    began_at: Mapped[datetime]
    used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class SignInTries(MallOwned, Model):
    """Tries to sign in under one login since the last right one, kept for logins that do not exist just the same."""

    __tablename__ = "sign_in_tries"
    __table_args__ = (UniqueConstraint("mall_id", "login_key"),)

    login_key: Mapped[str]  # keyed hash: people type passwords into the wrong box
    tries: Mapped[int]
    unlocks_at: Mapped[datetime | None]
    tried_at: Mapped[datetime]


class PairingCode(MallOwned, Model):
    """A short code that lets one tablet in, once, for ten minutes."""

    __tablename__ = "pairing_codes"
    __table_args__ = (UniqueConstraint("mall_id", "code_key"),)

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    code_key: Mapped[str]  # keyed hash: the code itself is not kept
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
