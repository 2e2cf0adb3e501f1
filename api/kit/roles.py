"""Who works at the mall and in its shops, by what they are there. Each room says in its `room.py` what a role may do in it."""

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


ADMINISTRATOR, REVIEWER, MARKETER, FINANCE, FLOOR_MANAGER, SERVICE_DESK, SHOP_MANAGER, SHOP_CLERK, TABLET = Role

SHOP_ROLES = frozenset({SHOP_MANAGER, SHOP_CLERK, TABLET})
MALL_ROLES = frozenset(Role) - SHOP_ROLES
