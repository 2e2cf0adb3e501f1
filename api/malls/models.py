"""A Mall is the operator: members and value belong to it. Sites are its buildings, a Shop is a tenant's unit in one."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.kit.db import MallOwned, Model

#: A page on the web, as it may be shown to shoppers: https, a host with a dot, no user name, no blank; and that in words.
HTTPS = r"https://[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,5}(:[0-9]{1,5})?([/?#][!-~]{0,400})?"
HTTPS_SAYS = "an address that begins with https://, with at most 400 characters after its host"
ALIAS_KINDS = ("name", "unit", "tax_no", "phone", "printed")


class Mall(Model):
    """The operator (商场). The one table above the wall between malls."""

    __tablename__ = "malls"
    __table_args__ = (CheckConstraint("code ~ '^[a-z0-9-]{2,40}$'", name="code_is_a_slug"),)

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    timezone: Mapped[str] = mapped_column(server_default=text("'Asia/Shanghai'"), default="Asia/Shanghai")
    currency: Mapped[str] = mapped_column(server_default=text("'CNY'"), default="CNY")
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"), default=dict)
    shops_version: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # grows with every change of a shop or alias
    settings_version: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # grows with what `malls.cached` holds
    partner_events: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"), default=list)  # that any partner wants


class PublicCode(Model):
    """What a printed code means: its mall, its kind, and nothing else. It is read before a mall is entered."""

    __tablename__ = "public_codes"
    __table_args__ = (
        CheckConstraint("code ~ '^[a-z2-9]{12}$'", name="code_is_opaque"),
        CheckConstraint("kind IN ('plate')", name="kind_is_known"),
    )

    code: Mapped[str] = mapped_column(unique=True)
    mall_id: Mapped[int] = mapped_column(ForeignKey("malls.id"))
    kind: Mapped[str]


class Site(MallOwned, Model):
    """One building (楼栋) of the mall."""

    __tablename__ = "sites"
    __table_args__ = (UniqueConstraint("mall_id", "code"),)

    code: Mapped[str]
    name: Mapped[str]
    address: Mapped[str] = mapped_column(server_default=text("''"), default="")


class Floor(MallOwned, Model):
    """One floor (楼层) of a site; `label` is what the lift says (B1, L2), `position` grows upwards."""

    __tablename__ = "floors"
    __table_args__ = (UniqueConstraint("mall_id", "site_id", "label"),)

    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    label: Mapped[str]
    position: Mapped[int] = mapped_column(server_default=text("0"), default=0)

    site: Mapped[Site] = relationship(lazy="raise")


class Shop(MallOwned, Model):
    """A tenant's unit (门店/租户). `code` is the mall's own number for the contract, the key of imports."""

    __tablename__ = "shops"
    __table_args__ = (
        UniqueConstraint("mall_id", "code"),
        CheckConstraint("points_rate_bp BETWEEN 0 AND 1000000", name="points_rate_in_range"),
        CheckConstraint("ends_on IS NULL OR starts_on IS NULL OR starts_on <= ends_on", name="contract_runs_forward"),
        CheckConstraint("invoice_url LIKE 'https://%'", name="invoice_url_is_https"),
        Index("ix_shops_floor", "mall_id", "floor_id"),
        Index("ix_shops_name", "mall_id", "name", "id"),
    )

    code: Mapped[str]
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    floor_id: Mapped[int] = mapped_column(ForeignKey("floors.id"))
    unit: Mapped[str]  # 铺位号: L2-018
    name: Mapped[str]  # what is over the door (招牌)
    legal_name: Mapped[str | None]
    trading_names: Mapped[list[str]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"), default=list)
    tax_number: Mapped[str | None]  # 统一社会信用代码
    category: Mapped[str] = mapped_column(server_default=text("''"), default="")
    phone: Mapped[str | None]
    invoice_url: Mapped[str | None]  # where a shopper asks this tenant for an invoice (开票)
    opening_hours: Mapped[str | None]  # "1-5 10:00-22:00; 6-7 10:00-22:30", days from Monday = 1
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]  # last day of the contract
    points_rate_bp: Mapped[int] = mapped_column(server_default=text("10000"), default=10_000)  # 10,000 = the mall's own rate
    excluded: Mapped[bool] = mapped_column(server_default=text("false"), default=False)  # earns no points at all
    photo_key: Mapped[str | None]
    closed: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    search_text: Mapped[str] = mapped_column(server_default=text("''"), default="")  # names.search_text of this row

    site: Mapped[Site] = relationship(lazy="raise")
    floor: Mapped[Floor] = relationship(lazy="raise")

    @property
    def photo(self) -> str | None:
        """Which photo the shop has now: changes with the photo, and is not its key."""
        return Path(self.photo_key).stem[:12] if self.photo_key else None

    def trades_on(self, day: date) -> bool:
        """Whether a purchase on that day (the mall's own) can be this tenant's by its contract."""
        return (self.starts_on is None or self.starts_on <= day) and (self.ends_on is None or day <= self.ends_on)


class ShopAlias(MallOwned, Model):
    """Another way a shop is printed on paper, mostly learned from reviews. One text may point to several shops."""

    __tablename__ = "shop_aliases"
    __table_args__ = (
        UniqueConstraint("mall_id", "normalised", "kind", "shop_id"),
        Index("ix_shop_aliases_shop", "shop_id"),
        CheckConstraint(f"kind IN {ALIAS_KINDS}", name="kind_is_known"),
    )

    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    kind: Mapped[str]
    text: Mapped[str]
    normalised: Mapped[str]
    learned_from: Mapped[str]  # "receipt:71", "staff:3", "import"
    learned_at: Mapped[datetime]
