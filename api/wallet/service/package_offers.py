"""Recharge packages (充值套餐): what is offered, to whom how often, and who bears the bonus."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db, pages
from api.kit.db import session
from api.malls import service as malls
from api.wallet.errors import PackageClosed, PackageLimitReached, PackageNotFound, PackageWrong
from api.wallet.models import ELECTRONIC, CardProduct, PackageUse, Recharge, RechargePackage
from api.wallet.service import card_opening


def packages(member_id: int | None = None) -> list[RechargePackage]:
    """What is offered now, cheapest first; for a member without those that cannot be bought any more often."""
    now = clock.now()
    offered = select(RechargePackage).join(CardProduct, CardProduct.id == RechargePackage.product_id)
    offered = offered.where(RechargePackage.starts_at <= now, or_(RechargePackage.ends_at.is_(None), RechargePackage.ends_at > now))
    rows = session.scalars(offered.where(~CardProduct.closed).order_by(RechargePackage.pays_fen, RechargePackage.id).limit(100)).all()
    if member_id is None:
        return list(rows)
    used = _uses(member_id)
    return [row for row in rows if row.member_limit is None or used.get(row.id, 0) < row.member_limit]


def _uses(member_id: int) -> dict[int, int]:
    rows = session.execute(
        select(PackageUse.package_id, func.count()).where(PackageUse.member_id == member_id).group_by(PackageUse.package_id)
    )
    return {row[0]: row[1] for row in rows}


def package(package_id: int) -> RechargePackage:
    """One package, offered or not. PackageNotFound."""
    package = session.get(RechargePackage, package_id)
    if package is None:
        raise PackageNotFound()
    return package


def offer(package_id: int, member_id: int) -> RechargePackage:
    """A package that this member can buy now. PackageNotFound, PackageClosed, PackageLimitReached."""
    offered = package(package_id)
    if not offered.offered(clock.now()) or card_opening.product(offered.product_id).closed:
        raise PackageClosed()
    if offered.member_limit is not None and _uses(member_id).get(offered.id, 0) >= offered.member_limit:
        raise PackageLimitReached(limit=offered.member_limit)
    return offered


def reserve_package(order_id: int, member_id: int, package_id: int) -> RechargePackage:
    """Let an order take a package for a member, so that parallel orders cannot both take the last one. The same order again is the same.

    PackageNotFound, PackageClosed, PackageLimitReached.
    """
    db.lock("recharge-package", package_id, member_id)
    if session.scalar(select(PackageUse.id).where(PackageUse.order_id == order_id)) is not None:
        return package(package_id)
    reserved = offer(package_id, member_id)
    session.execute(insert(PackageUse).values(order_id=order_id, package_id=package_id, member_id=member_id, taken_at=clock.now()))
    return reserved


def free_package(order_id: int) -> None:
    """The order was given up unpaid: its package can be bought again. What was recharged stays counted."""
    paid = select(Recharge.id).where(Recharge.order_id == order_id).exists()
    session.execute(PackageUse.__table__.delete().where(PackageUse.order_id == order_id, ~paid))  # type: ignore[attr-defined]


def make_package(*, by: str, **values: Any) -> RechargePackage:
    """Offer a package. ProductNotFound, PackageWrong."""
    _refuse_wrong(values)
    made = RechargePackage(made_by=by, **values)
    session.add(made)
    session.flush()
    return made


def change_package(package_id: int, **values: Any) -> RechargePackage:
    """Change texts, end and limit of an offer; price and bonus stay, because members bought them. PackageNotFound."""
    changed = package(package_id)
    after = {name: values.get(name, getattr(changed, name)) for name in ("product_id", "pays_fen", "bonus_bearer", "starts_at", "ends_at")}
    _refuse_wrong(after)
    for name, value in values.items():
        setattr(changed, name, value)
    session.flush()
    return changed


def only_less(package_id: int, **values: Any) -> bool:
    """Whether a change only ends the offer earlier or allows it less often: nobody gets more by it. PackageNotFound."""
    offered = package(package_id)
    ends_at, member_limit = values.get("ends_at", offered.ends_at), values.get("member_limit", offered.member_limit)
    earlier = ends_at is not None and (offered.ends_at is None or ends_at <= offered.ends_at)
    fewer = member_limit is not None and (offered.member_limit is None or member_limit <= offered.member_limit)
    same = ends_at == offered.ends_at, member_limit == offered.member_limit
    return set(values) <= {"ends_at", "member_limit"} and (earlier or same[0]) and (fewer or same[1])


def _refuse_wrong(values: dict[str, Any]) -> None:
    kind = card_opening.product(values["product_id"])
    wrong = {}
    if kind.form != ELECTRONIC:
        wrong["product_id"] = "packages recharge electronic cards"
    if values["pays_fen"] > card_opening.limit_of(kind):
        wrong["pays_fen"] = f"a card of this kind holds at most {card_opening.limit_of(kind)} fen"
    if values.get("ends_at") is not None and values["ends_at"] <= values["starts_at"]:
        wrong["ends_at"] = "ends before it starts"
    bearer = values.get("bonus_bearer", 0)
    if bearer and bearer not in malls.shop_names([bearer]):
        wrong["bonus_bearer"] = "there is no such shop"
    if wrong:
        raise PackageWrong(errors=wrong)


def listed(*, offered: bool | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[RechargePackage]:
    """Packages, newest first; only those offered now, or only the others."""
    now = clock.now()
    query = select(RechargePackage)
    running = (RechargePackage.starts_at <= now) & or_(RechargePackage.ends_at.is_(None), RechargePackage.ends_at > now)
    if offered is not None:
        query = query.where(running if offered else ~running)
    return pages.page(query, RechargePackage.id, cursor=cursor, limit=limit)
