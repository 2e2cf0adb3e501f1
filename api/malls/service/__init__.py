"""What can be done with malls, sites, floors and shops."""

from api.malls.service.imports import ImportReport, PlannedRow, import_shops
from api.malls.service.mall import MallInfo, change_policy, hold, id_of, mall_info, open_mall, policy, shops_changed
from api.malls.service.matching import ShopNames, add_alias, aliases, forget_alias, learn_alias, shops_for_matching
from api.malls.service.shops import (
    add_floor,
    add_site,
    change_floor,
    change_shop,
    change_site,
    floors,
    open_shop,
    open_shops,
    refresh_search,
    shop,
    shop_in_view,
    shops,
    sites,
)

__all__ = [
    "ImportReport",
    "MallInfo",
    "PlannedRow",
    "ShopNames",
    "add_alias",
    "add_floor",
    "add_site",
    "aliases",
    "change_floor",
    "change_policy",
    "change_shop",
    "change_site",
    "floors",
    "forget_alias",
    "hold",
    "id_of",
    "import_shops",
    "learn_alias",
    "mall_info",
    "open_mall",
    "open_shop",
    "open_shops",
    "policy",
    "refresh_search",
    "shop",
    "shop_in_view",
    "shops",
    "shops_changed",
    "shops_for_matching",
    "sites",
]
