from __future__ import annotations

from typing import Any

from api.kit import http, identity, limits
from api.kit.limits import Limit, TooOften
from api.members.errors import MemberClosed, MemberNotFound
from api.members.service import get as active_member
from api.wallet import schemas, service
from api.wallet.service.pay_codes import PayCode

CODES_BY_MEMBER = Limit("pay-codes", 30, 60)

members = http.Blueprint("wallet", __name__, audience=identity.members, url_prefix="/wallet", description="My stored value")


@members.get("/packages")
@members.response(200, schemas.PackagesSchema)
def list_packages() -> dict[str, Any]:
    """Recharge packages that I can buy now"""
    return {"items": service.packages(identity.member().id)}


@members.post("/pay-code")
@members.response(201, schemas.PayCodeSchema)
@members.problems(MemberNotFound, MemberClosed, TooOften)
def make_pay_code() -> PayCode:
    """A fresh pay code, good for a minute and for one use"""
    who = identity.member()
    limits.spend(CODES_BY_MEMBER, f"{who.mall_id}:{who.id}")
    return service.new_pay_code(active_member(who.id).id)
