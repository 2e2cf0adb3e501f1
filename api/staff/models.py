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
        CheckConstraint("password_hash IS NULL OR login IS NOT NULL", name="a_password_has_a_login"),
        CheckConstraint("state <> 'active' OR role = 'tablet' OR password_hash IS NOT NULL", name="active_people_have_a_password"),
        Index("ix_staff_accounts_shop", "shop_id"),
    )

    login: Mapped[str | None]  # lower case
    password_hash: Mapped[str | None]  # argon2id; none before somebody invited has set it
    password_given: Mapped[bool] = mapped_column(server_default=text("false"), default=False)  # by somebody else: it must be changed first
    codes_waived: Mapped[bool] = mapped_column(server_default=text("false"), default=False)  # for trying out; not heeded in production
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
    did: Mapped[str]  # opened · link · role · state
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
    device: Mapped[str | None]  # "Chrome · Windows"
    address: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class AccountLink(MallOwned, Model):
    """Leave to make one link by which somebody sets the own password, and the link itself once it was shown. A new one ends the others."""

    __tablename__ = "account_links"
    __table_args__ = (
        UniqueConstraint("mall_id", "token_key"),
        CheckConstraint("(token_key IS NULL) = (shown_at IS NULL) AND (shown_at IS NULL) = (ends_at IS NULL)", name="shown_with_its_end"),
        CheckConstraint("used_at IS NULL OR shown_at IS NOT NULL", name="shown_before_used"),
        Index("ix_account_links_account", "account_id", "id"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    also_codes: Mapped[bool]  # the phone with the codes is lost too
    asked_by: Mapped[str]  # who alone may see the link, once
    asked_at: Mapped[datetime]
    token_key: Mapped[str | None]  # keyed hash: the link itself is not kept
    shown_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # another took its place, or the account was closed


class SecondFactor(MallOwned, Model):
    """What makes the codes of an authenticator app (RFC 6238). A fresh secret takes the place of the old one when a code proves it."""

    __tablename__ = "second_factors"
    __table_args__ = (
        UniqueConstraint("account_id"),
        CheckConstraint("(secret IS NULL) = (confirmed_at IS NULL)", name="confirmed_with_a_secret"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    secret: Mapped[bytes | None]  # sealed
    fresh_secret: Mapped[bytes | None]  # sealed
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # of 30 seconds: no code of it or before counts any more


class RecoveryCode(MallOwned, Model):
    """One of ten codes on paper, each of which stands once for a code of the lost phone."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("mall_id", "code_key"), Index("ix_recovery_codes_account", "account_id"))

    account_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    code_key: Mapped[str]  # keyed hash
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class KnownDevice(MallOwned, Model):
    """A browser in which somebody has signed in rightly: what strangers try elsewhere does not slow it down."""

    __tablename__ = "known_devices"
    __table_args__ = (UniqueConstraint("mall_id", "device_key"), Index("ix_known_devices_account", "account_id"))

    account_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    device_key: Mapped[str]  # keyed hash
    began_at: Mapped[datetime]
    used_at: Mapped[datetime]


class StaffNews(MallOwned, Model):
    """Something about an account that somebody must hear of, and stays until it was seen."""

    __tablename__ = "staff_news"
    __table_args__ = (Index("ix_staff_news_unseen", "account_id", "id", postgresql_where=text("seen_at IS NULL")),)

    account_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))  # who is told
    what: Mapped[str]
    about_id: Mapped[int] = mapped_column(ForeignKey("staff_accounts.id"))
    by: Mapped[str]
    at: Mapped[datetime]
    seen_at: Mapped[datetime | None]


class SignInTries(MallOwned, Model):
    """Wrong tries to sign in since the last right one, counted apart for each way in; for logins that do not exist just the same."""

    __tablename__ = "sign_in_tries"
    __table_args__ = (UniqueConstraint("mall_id", "lane_key"), Index("ix_sign_in_tries_login", "mall_id", "login_key"))

    lane_key: Mapped[str]  # keyed hash of the login and the address or device
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
