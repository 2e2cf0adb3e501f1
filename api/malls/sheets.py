"""The sheet of shops: which columns it has, and an example of it."""

from __future__ import annotations

from api.kit import sheets
from api.kit.sheets import EXTRA, FORMULA, MAX_BYTES, Row

__all__ = ["COLUMNS", "EXTRA", "FORMULA", "MAX_BYTES", "NEEDED", "Row", "read", "template"]

MAX_ROWS = 5000

#: column → its heading in Chinese. Both are understood; the first five are needed for a new shop.
COLUMNS = {
    "code": "门店编号",
    "site": "楼栋编号",
    "floor": "楼层",
    "unit": "铺位号",
    "name": "店招名称",
    "legal_name": "公司名称",
    "trading_names": "别名",
    "tax_number": "税号",
    "category": "品类",
    "phone": "电话",
    "invoice_url": "开票链接",
    "opening_hours": "营业时间",
    "starts_on": "合同开始",
    "ends_on": "合同结束",
    "points_rate_bp": "积分系数(万分比)",
    "excluded": "不参与积分",
    "closed": "已撤场",
}
NEEDED = ("code", "site", "floor", "unit", "name")
EXAMPLE = (
    "A-0018", "T1", "L2", "L2-018", "海底捞火锅", "四川海底捞餐饮股份有限公司", "海底捞|Haidilao", "91510000MA0000000X", "餐饮",
    "021-60000000", "https://invoice.example.com/A-0018", "10:00-22:00", "2026-01-01", "2028-12-31", "10000", "否", "否",
)  # fmt: skip


def read(data: bytes) -> list[tuple[int, Row]]:
    """The rows of a sheet by column, each with its line number as the person sees it; empty rows are left out.

    SheetTooLarge, SheetUnreadable, SheetIncomplete.
    """
    return list(sheets.read(data, COLUMNS, needed=["code"], max_rows=MAX_ROWS))


def template() -> bytes:
    """An example sheet as CSV."""
    return sheets.template(COLUMNS.values(), EXAMPLE)
