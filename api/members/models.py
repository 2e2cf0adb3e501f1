"""A Member is one person of one mall. Channel identities (WeChat, Alipay, phone) all lead to the one member."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.members.states import MOVES, MemberState

CHANNELS = ("wechat", "alipay", "phone")
RELATIONS = ("partner", "child", "parent", "other", "pet")


class Member(Stateful, MallOwned, Model):
    """A person who joined (会员). The phone is sealed; `phone_key` finds it. A closed member keeps its number and nothing personal."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("mall_id", "phone_key"),
        CheckConstraint("(phone_sealed IS NULL) = (phone_key IS NULL)", name="phone_is_sealed_and_findable"),
        CheckConstraint("state = 'active' OR phone_key IS NULL", name="only_active_members_have_phones"),
        CheckConstraint("level_rank >= 0", name="levels_start_at_zero"),
        Index("ix_members_level_until", "mall_id", "level_until_on"),
        Index("ix_members_referrer", "referrer_id"),
    )
    noun = "member"
    lifecycle = MemberState
    allowed = MOVES

    nickname: Mapped[str | None]
    birthday_on: Mapped[date | None]
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_key: Mapped[str | None]
    level_rank: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    level_until_on: Mapped[date | None]  # the level is reviewed on this day; None: the lowest level, kept for good
    growth: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # 成长值, of the whole life
    joined_at: Mapped[datetime]
    source: Mapped[str]
    referrer_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    joined_shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    folded_into_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))


class MemberIdentity(MallOwned, Model):
    """Who somebody is in a channel: an openid in a mini-program, a user_id in an Alipay application, a verified phone."""

    __tablename__ = "member_identities"
    __table_args__ = (
        UniqueConstraint("mall_id", "channel", "app_id", "subject"),
        Index("ix_member_identities_union", "mall_id", "channel", "union_id"),
        Index("ix_member_identities_member", "member_id"),
        CheckConstraint(f"channel IN {CHANNELS}", name="channel_is_known"),
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    channel: Mapped[str]
    app_id: Mapped[str]  # empty for phones
    subject: Mapped[str]  # openid, open_id or user_id; for a phone its keyed hash
    union_id: Mapped[str | None]
    first_seen_at: Mapped[datetime]


class NameKey(MallOwned, Model):
    """A member's whole name as it is compared. Parts are not kept: a search by them would spell out what is masked."""

    __tablename__ = "member_name_keys"
    __table_args__ = (UniqueConstraint("mall_id", "key", "member_id"), Index("ix_member_name_keys_member", "member_id"))

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    key: Mapped[str] = mapped_column(Text(collation="C"))


class MemberSearches(MallOwned, Model):
    """How often somebody of the staff searched for members on one day."""

    __tablename__ = "member_searches"
    __table_args__ = (UniqueConstraint("mall_id", "by", "searched_on"),)

    by: Mapped[str]
    searched_on: Mapped[date]
    searches: Mapped[int]


class Consent(MallOwned, Model):
    """What the member agreed to, in which version, and when that was withdrawn."""

    __tablename__ = "member_consents"
    __table_args__ = (
        Index(
            "uq_member_consents_standing", "mall_id", "member_id", "document", "version",
            unique=True, postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )  # fmt: skip

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    document: Mapped[str]
    version: Mapped[str]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class MemberSession(MallOwned, Model):
    """One sign-in on one device: a family of refresh tokens, of which only the newest counts. Only its hash is kept."""

    __tablename__ = "member_sessions"
    __table_args__ = (UniqueConstraint("mall_id", "public_id"), Index("ix_member_sessions_member", "member_id"))

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    public_id: Mapped[str]
    channel: Mapped[str]
    token_hash: Mapped[str]
    seq: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    began_at: Mapped[datetime]
    rotated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class PhoneCode(MallOwned, Model):
    """A six-digit code on its way to a phone; only its keyed hash is kept."""

    __tablename__ = "phone_codes"
    __table_args__ = (
        Index("ix_phone_codes_phone", "mall_id", "phone_key", "id"),
        CheckConstraint("tries >= 0", name="tries_are_counted"),
    )

    phone_key: Mapped[str]
    code_hash: Mapped[str]
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class TextMessage(MallOwned, Model):
    """A text message (短信) to be sent; phone and text are sealed, and the text is dropped once it is sent."""

    __tablename__ = "text_messages"
    __table_args__ = (
        Index("ix_text_messages_phone", "mall_id", "phone_key", "id"),
        CheckConstraint("state IN ('queued', 'sent')", name="state_is_known"),
    )

    phone_key: Mapped[str]
    phone_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    text_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(server_default=text("'queued'"), default="queued")
    queued_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class SpentProof(MallOwned, Model):
    """Something that counts once: a member code that was shown, an Alipay phone payload. Only its keyed hash is kept."""

    __tablename__ = "spent_proofs"
    __table_args__ = (UniqueConstraint("mall_id", "kind", "digest"), Index("ix_spent_proofs_forget", "mall_id", "forget_at"))

    kind: Mapped[str]
    digest: Mapped[str]
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    spent_by: Mapped[str]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    spent_at: Mapped[datetime]
    forget_at: Mapped[datetime | None]  # None: kept, because the proof itself carries no time


class Vehicle(MallOwned, Model):
    """A car of a member, by its plate. At most one is the default."""

    __tablename__ = "vehicles"
    __table_args__ = (
        UniqueConstraint("mall_id", "member_id", "plate"),
        Index("uq_vehicles_default", "mall_id", "member_id", unique=True, postgresql_where=text("is_default")),
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    plate: Mapped[str]
    is_default: Mapped[bool]
    added_at: Mapped[datetime]


class FamilyMember(MallOwned, Model):
    """A person or a pet of a member's household; of a child the month of birth, of others no date at all."""

    __tablename__ = "family_members"
    __table_args__ = (
        Index("ix_family_members_member", "mall_id", "member_id", "id"),
        CheckConstraint(f"relation IN {RELATIONS}", name="relation_known"),
        CheckConstraint("relation = 'child' OR (birth_year IS NULL AND birth_month IS NULL)", name="only_children_have_birth_months"),
        CheckConstraint("birth_month IS NULL OR birth_year IS NOT NULL", name="a_month_has_a_year"),
        CheckConstraint("birth_month BETWEEN 1 AND 12", name="month_of_a_year"),
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    relation: Mapped[str]
    nickname: Mapped[str | None]
    birth_year: Mapped[int | None]
    birth_month: Mapped[int | None]
    added_at: Mapped[datetime]


class Level(MallOwned, Model):
    """A level (等级): what reaches it and what keeps it, in growth of the last twelve months, and how points multiply."""

    __tablename__ = "levels"
    __table_args__ = (
        UniqueConstraint("mall_id", "rank"),
        CheckConstraint("rank >= 0", name="ranks_start_at_zero"),
        CheckConstraint("keep_growth BETWEEN 0 AND reach_growth", name="keeping_costs_no_more_than_reaching"),
        CheckConstraint("multiplier_bp BETWEEN 0 AND 1000000", name="multiplier_in_range"),
    )

    rank: Mapped[int]
    name: Mapped[str]
    name_en: Mapped[str]
    reach_growth: Mapped[int]
    keep_growth: Mapped[int]
    multiplier_bp: Mapped[int]


class GrowthEntry(MallOwned, Model):
    """Growth earned, or taken back, at one moment. One cause counts once."""

    __tablename__ = "growth_entries"
    __table_args__ = (UniqueConstraint("mall_id", "cause"), Index("ix_growth_entries_member", "member_id", "earned_at"))

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    growth: Mapped[int]
    cause: Mapped[str | None]
    earned_at: Mapped[datetime]


class LevelChange(MallOwned, Model):
    """A member reached or lost a level, and the figures that decided it."""

    __tablename__ = "level_changes"
    __table_args__ = (Index("ix_level_changes_member", "member_id", "id"),)

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    from_rank: Mapped[int]
    to_rank: Mapped[int]
    reason: Mapped[str]
    growth: Mapped[int]
    changed_at: Mapped[datetime]
