"""Who of the staff may do what: one table, role → permissions. Routes name a permission, never a role."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody is at the mall, or at a shop of it."""

    ADMINISTRATOR = "administrator"  # 系统管理员
    REVIEWER = "reviewer"  # 小票审核
    MARKETER = "marketer"  # 营销
    FINANCE = "finance"  # 财务
    FLOOR_MANAGER = "floor_manager"  # 楼层经理
    SERVICE_DESK = "service_desk"  # 服务台
    SHOP_MANAGER = "shop_manager"  # 店长
    SHOP_CLERK = "shop_clerk"  # 店员
    TABLET = "tablet"  # a shop's paired tablet


SHOP_ROLES = frozenset({Role.SHOP_MANAGER, Role.SHOP_CLERK, Role.TABLET})
MALL_ROLES = frozenset(Role) - SHOP_ROLES

_A, _R, _M, _F, _FM, _D = (
    Role.ADMINISTRATOR,
    Role.REVIEWER,
    Role.MARKETER,
    Role.FINANCE,
    Role.FLOOR_MANAGER,
    Role.SERVICE_DESK,
)
_SM, _SC, _T = Role.SHOP_MANAGER, Role.SHOP_CLERK, Role.TABLET

#: permission → the roles that hold it. Every @blp.permission of a route has its row here; a test compares both.
HOLDERS: dict[str, frozenset[Role]] = {
    # malls
    "shops.read": frozenset({_A, _R, _M, _F, _FM, _D}),
    "shops.write": frozenset({_A, _FM}),
    "shops.import": frozenset({_A}),
    "aliases.write": frozenset({_A, _R, _FM}),
    "policy.read": frozenset({_A, _R, _M, _F, _FM}),
    "policy.write": frozenset({_A}),
    # staff
    "self.read": frozenset(Role),
    "self.write": frozenset(Role) - {_T},
    "staff.read": frozenset({_A}),
    "staff.write": frozenset({_A}),
    "tablets.manage": frozenset({_A, _FM}),
    "own_tablets.manage": frozenset({_SM}),
    "audit.read": frozenset({_A, _F}),
    "jobs.read": frozenset({_A}),
    "jobs.retry": frozenset({_A}),
    # exports: of the lists that the role may see anyway
    "exports.make": MALL_ROLES,
    "exports.all": frozenset({_A}),
    # members
    "members.read": frozenset({_A, _M, _D}),
    "members.write": frozenset({_A, _D}),
    "merges.read": frozenset({_A, _F, _D}),
    "merges.propose": frozenset({_A, _D}),
    "merges.decide": frozenset({_A, _F}),
    "members.check": frozenset({_SM, _SC, _T}),
    "levels.write": frozenset({_A, _M}),
    # ledger and points
    "ledger.read": frozenset({_A, _F}),
    "points.read": frozenset({_A, _M, _F, _D}),
    "points.rules": frozenset({_A, _M}),
    "points.adjust": frozenset({_A, _D}),
    "points.approve": frozenset({_A, _F}),
    "points.report": frozenset({_A, _M, _F}),
    # payments
    "payments.read": frozenset({_A, _F, _D}),
    "payments.ask": frozenset({_A, _F, _D}),
    "notices.read": frozenset({_A, _F}),
    "notices.rerun": frozenset({_A, _F}),
    "complaints.read": frozenset({_A, _F, _D}),
    "complaints.answer": frozenset({_A, _D}),
    "refunds.send": frozenset({_A, _F}),
    "refunds.drop": frozenset({_F}),
    "shares.send": frozenset({_A, _F}),
    "bills.read": frozenset({_A, _F}),
    "bills.settle": frozenset({_A, _F}),
    "merchants.read": frozenset({_A, _F}),
    "merchants.write": frozenset({_A}),
    # partners
    "partners.read": frozenset({_A, _F}),
    "partners.write": frozenset({_A}),
    # stored value
    "cards.read": frozenset({_A, _F, _D}),
    "cards.write": frozenset({_A, _D}),
    "cards.sell": frozenset({_A, _D}),
    "cards.approve": frozenset({_A, _F}),
    "cards.issue": frozenset({_A, _F}),
    "cards.print": frozenset({_A}),
    "cards.products": frozenset({_A, _F}),
    "cards.packages": frozenset({_A, _F, _M}),
    "cards.report": frozenset({_A, _F}),
    "cards.check": frozenset({_SM, _SC, _T}),
    # sales
    "sales.read": frozenset({_A, _R, _F, _FM, _D}),
    "own_sales.read": frozenset({_SM, _SC, _T}),
    "own_sales.report": frozenset({_SM, _T}),
    "sales_reports.read": frozenset({_A, _R, _F, _FM}),
    "sales_reports.write": frozenset({_A, _F, _FM}),
    # plates
    "plates.read": frozenset({_A, _F, _FM, _D}),
    "plates.write": frozenset({_A, _FM}),
    "plates.check": frozenset({_A, _FM}),
    # paying
    "orders.read": frozenset({_A, _F, _D}),
    "orders.refund": frozenset({_A, _F, _D}),
    "orders.approve": frozenset({_A, _F}),
    "own_payments.read": frozenset({_SM, _SC, _T}),
    "own_payments.charge": frozenset({_SM, _SC, _T}),
    "own_payments.refund": frozenset({_SM, _SC}),
    # receipts
    "receipts.read": frozenset({_A, _R, _D}),
    "receipts.review": frozenset({_A, _R}),
    "receipts.report": frozenset({_A, _R, _F}),
    "receipts.reviewers": frozenset({_A}),
    "own_receipts.read": frozenset({_SM, _SC, _T}),
}

#: Every permission there is.
PERMISSIONS = frozenset(HOLDERS)

#: The same table, read the other way: role → permissions.
ROLES: dict[str, frozenset[str]] = {
    str(role): frozenset(permission for permission, roles in HOLDERS.items() if role in roles) for role in Role
}


def of(role: str) -> frozenset[str]:
    """What a role may do."""
    return ROLES.get(role, frozenset())
