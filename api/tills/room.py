"""What the tills of shops report becomes sightings and refunds."""

from __future__ import annotations

from api.kit.roles import ADMINISTRATOR, FINANCE, FLOOR_MANAGER, REVIEWER, SHOP_MANAGER, TABLET
from api.kit.rooms import Room
from api.sales import channels
from api.sales.service import TILL

#: What tills report is known; it earns by a receipt or a payment.
channels.declare(TILL, {"zh": "收银上报", "en": "Till report"}, scores=False)

ROOM = Room(
    __name__,
    "收银上报",
    permissions={
        "own_sales.report": {SHOP_MANAGER, TABLET},
        "sales_reports.read": {ADMINISTRATOR, REVIEWER, FINANCE, FLOOR_MANAGER},
        "sales_reports.write": {ADMINISTRATOR, FINANCE, FLOOR_MANAGER},
    },
    value=frozenset({"own_sales.report", "sales_reports.write"}),
)
