"""Combined orders (合单): several orders of several merchants, paid with one password. Amounts are `total_amount` here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from wechat import records
from wechat.client import PayClient, rfc3339
from wechat.records import CombinedTransaction

BASE = "/v3/combine-transactions"


@dataclass(frozen=True)
class SubOrder:
    """One order of a combined one. It is refunded alone, by its own transaction_id."""

    mchid: str
    out_trade_no: str
    description: str
    total_fen: int
    attach: str
    sub_mchid: str = ""
    profit_sharing: bool = False


@dataclass(frozen=True)
class CombinedOrder:
    """What one password pays: at most 50 orders."""

    appid: str
    out_trade_no: str
    payer_openid: str
    notify_url: str
    orders: tuple[SubOrder, ...]
    expires_at: datetime | None = None


class Combined:
    """The combined orders of a client's merchant. Errors as the client's."""

    def __init__(self, client: PayClient) -> None:
        self._client = client

    def prepay_jsapi(self, order: CombinedOrder) -> str:
        """Place all orders or none; gives the prepay_id, good for 2 h."""
        asked: dict[str, Any] = {
            "combine_appid": order.appid,
            "combine_mchid": self._client.merchant.mchid,
            "combine_out_trade_no": order.out_trade_no,
            "combine_payer_info": {"openid": order.payer_openid},
            "notify_url": order.notify_url,
            "sub_orders": [_sub_order(sub) for sub in order.orders],
        }
        if order.expires_at is not None:
            asked["time_expire"] = rfc3339(order.expires_at)
        return self._client.read(self._client.post(f"{BASE}/jsapi", asked), lambda answer: records.text(answer, "prepay_id"))

    def query(self, out_trade_no: str) -> CombinedTransaction:
        """All orders of our combined number. Raises OrderMissing."""
        return self._client.read(self._client.get(f"{BASE}/out-trade-no/{quote(out_trade_no, safe='')}"), records.combined)

    def close(self, out_trade_no: str, appid: str, orders: Sequence[SubOrder]) -> None:
        """Close all orders together; may be repeated. Raises OrderPaid, OrderMissing."""
        names = [_names(sub) | {"out_trade_no": sub.out_trade_no} for sub in orders]
        path = f"{BASE}/out-trade-no/{quote(out_trade_no, safe='')}/close"
        self._client.call("POST", path, {"combine_appid": appid, "sub_orders": names})


def _sub_order(sub: SubOrder) -> dict[str, Any]:
    asked: dict[str, Any] = {
        **_names(sub),
        "out_trade_no": sub.out_trade_no,
        "description": sub.description,
        "attach": sub.attach,
        "amount": {"total_amount": sub.total_fen, "currency": "CNY"},
    }
    return asked | ({"settle_info": {"profit_sharing": True}} if sub.profit_sharing else {})


def _names(sub: SubOrder) -> dict[str, str]:
    return {"mchid": sub.mchid} | ({"sub_mchid": sub.sub_mchid} if sub.sub_mchid else {})
