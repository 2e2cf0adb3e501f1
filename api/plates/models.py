"""A Plate is the printed code on a shop's counter. It knows its shop, never an amount. Spot checks and silence reveal a swapped one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.plates.states import PLATE_MOVES, PlateState

ALARM_KINDS = ("silence", "wrong_plate")
FINDINGS = ("right", "not_ours", "blank", "retired", "other_shop", "looks_wrong")


class PlateBatch(MallOwned, Model):
    """Plates that were made together (批次), to be printed on one sheet."""

    __tablename__ = "plate_batches"
    __table_args__ = (CheckConstraint("plates > 0", name="holds_plates"),)

    note: Mapped[str]
    plates: Mapped[int]
    first_number: Mapped[int]
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class Plate(Stateful, MallOwned, Model):
    """One plate (码牌). `number` is printed under the code; `shop_id` is where it stands, or stood last."""

    __tablename__ = "plates"
    __table_args__ = (
        UniqueConstraint("mall_id", "code"),
        UniqueConstraint("mall_id", "number"),
        CheckConstraint("state <> 'blank' OR shop_id IS NULL", name="blank_has_no_shop"),
        CheckConstraint("state <> 'bound' OR shop_id IS NOT NULL", name="bound_has_a_shop"),
        Index("ix_plates_batch", "mall_id", "batch_id", "id"),
        Index("ix_plates_shop", "mall_id", "shop_id", "id", postgresql_where=text("shop_id IS NOT NULL")),
        Index("ix_plates_newest", "mall_id", "id"),
    )
    noun = "plate"
    lifecycle = PlateState
    allowed = PLATE_MOVES

    batch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("plate_batches.id"))
    code: Mapped[str] = mapped_column(ForeignKey("public_codes.code"))
    number: Mapped[int]
    shop_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shops.id"))

    @property
    def printed(self) -> str:
        """The number as it is printed: 000042."""
        return printed(self.number)


def printed(number: int) -> str:
    """A plate's number as it is printed: 000042."""
    return f"{number:06}"


class PlateTerms(MallOwned, Model):
    """What one shop's plates allow instead of what the mall's policy says; None: as the policy says."""

    __tablename__ = "plate_terms"
    __table_args__ = (
        UniqueConstraint("mall_id", "shop_id"),
        CheckConstraint("min_fen > 0", name="least_is_something"),
        CheckConstraint("max_fen >= min_fen", name="limits_in_order"),
        CheckConstraint("decimals BETWEEN 0 AND 2", name="decimals_known"),
    )

    shop_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shops.id"))
    min_fen: Mapped[int | None]
    max_fen: Mapped[int | None]
    decimals: Mapped[int | None]
    excluded_allowed: Mapped[bool | None]


class PlateCheck(MallOwned, Model):
    """A floor walker scanned what stands on a counter (巡检): the finding, and what was expected there."""

    __tablename__ = "plate_checks"
    __table_args__ = (
        CheckConstraint(f"finding IN {FINDINGS}", name="finding_is_known"),
        Index("ix_plate_checks_shop", "mall_id", "shop_id", "id"),
        Index("ix_plate_checks_newest", "mall_id", "id"),
    )

    scanned: Mapped[str]  # as the scanner read it: a swapped sticker may say anything
    plate_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("plates.id"))
    shop_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shops.id"))  # where the walker stood
    finding: Mapped[str]
    note: Mapped[str]
    checked_by: Mapped[str]
    checked_at: Mapped[datetime]


class PlateAlarm(MallOwned, Model):
    """Something about a shop's plates that a person must look at: silence while it is usually busy, or a wrong plate on its counter."""

    __tablename__ = "plate_alarms"
    __table_args__ = (
        CheckConstraint(f"kind IN {ALARM_KINDS}", name="kind_is_known"),
        CheckConstraint("(seen_at IS NULL) = (seen_by IS NULL)", name="seen_whole"),
        Index("uq_plate_alarms_silence", "mall_id", "shop_id", unique=True, postgresql_where=text("kind = 'silence' AND over_at IS NULL")),
        Index("ix_plate_alarms_open", "mall_id", "id", postgresql_where=text("seen_at IS NULL")),
        Index("ix_plate_alarms_shop", "mall_id", "shop_id", "id"),
        Index("ix_plate_alarms_newest", "mall_id", "id"),
    )

    kind: Mapped[str]
    shop_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shops.id"))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raised_at: Mapped[datetime]
    over_at: Mapped[datetime | None]  # payments came again
    seen_by: Mapped[str | None]
    seen_at: Mapped[datetime | None]
    verdict: Mapped[str | None]
