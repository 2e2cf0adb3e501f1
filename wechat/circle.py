"""The smart business circle (智慧商圈): purchases at the mall's shops are reported to the mall, points are reported back to the payer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote, urlencode

from wechat import records
from wechat.client import PayClient, rfc3339
from wechat.records import Authorization

BASE = "/v3/businesscircle"


@dataclass(frozen=True)
class Points:
    """What a purchase earned. None earned needs a remark: without this report WeChat notifies no refund of it."""

    transaction_id: str
    openid: str
    earned: int
    at: datetime
    total: int | None = None
    remark: str = ""


class BusinessCircle:
    """The calls of a mall in one mini-program. Errors as the client's."""

    def __init__(self, client: PayClient, appid: str, brand: int) -> None:
        self._client = client
        self._appid = appid
        self._brand = brand

    def report_points(self, points: Points) -> None:
        """Report what a purchase earned; from then on its refunds are notified to us."""
        asked: dict[str, object] = {
            **self._client.sub_name(),
            "appid": self._appid,
            "transaction_id": points.transaction_id,
            "openid": points.openid,
            "earn_points": points.earned > 0,
            "increased_points": points.earned,
            "points_update_time": rfc3339(points.at),
        }
        if points.total is not None:
            asked["total_points"] = points.total
        if points.remark:
            asked["no_points_remarks"] = points.remark
        self._client.call("POST", f"{BASE}/points/notify", asked)

    def report_parking(self, openid: str, plate: str, state: Literal["IN", "OUT"], at: datetime) -> None:
        """Report that a member's car came or left."""
        asked = {
            **self._client.sub_name(),
            "brandid": self._brand,
            "appid": self._appid,
            "openid": openid,
            "plate_number": plate,
            "state": state,
            "time": rfc3339(at),
        }
        self._client.call("POST", f"{BASE}/parkings", asked)

    def authorization(self, openid: str) -> Authorization:
        """Whether a payer lets WeChat report purchases to the mall: the remedy for a lost authorisation notice."""
        query = urlencode({"appid": self._appid, **self._client.sub_name()})
        path = f"{BASE}/user-authorizations/{quote(openid, safe='')}?{query}"
        return self._client.read(self._client.get(path), records.authorization)

    def waits_for_points(self, openid: str) -> bool:
        """Whether a payer has purchases whose points were not reported yet."""
        query = urlencode({"brandid": self._brand, "appid": self._appid, **self._client.sub_name()})
        path = f"{BASE}/users/{quote(openid, safe='')}/points/commit_status?{query}"
        return self._client.read(self._client.get(path), lambda answer: records.text(answer, "points_commit_status")) == "PENDING"
