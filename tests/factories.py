"""One factory per table; defaults make the smallest legal row. Each adds, flushes and returns it."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from api.kit import clock
from api.kit.db import session
from api.kit.roles import SHOP_ROLES
from api.malls import names
from api.malls import service as malls
from api.malls.models import Floor, Mall, Shop, Site
from api.members.models import Member
from api.points.models import Rule
from api.points.service import rules as point_rules
from api.sales import service as sales
from api.sales.service import RecordedSighting
from api.staff import passwords
from api.staff.models import StaffAccount
from api.wallet.models import CashShift
from api.wallet.service import cash_shifts

_number = itertools.count(1)


def _add(row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def make_mall(**given: Any) -> Mall:
    number = next(_number)
    made: Mall = _add(Mall(**({"code": f"mall-{number}", "name": f"云锦天地 {number}"} | given)))
    return made


def make_site(**given: Any) -> Site:
    number = next(_number)
    made: Site = _add(Site(**({"code": f"S{number}", "name": f"{number} 号楼"} | given)))
    return made


def make_floor(**given: Any) -> Floor:
    site_id = given.pop("site_id", None) or make_site().id
    made: Floor = _add(Floor(**({"site_id": site_id, "label": f"L{next(_number)}", "position": 1} | given)))
    return made


def make_shop(**given: Any) -> Shop:
    number = next(_number)
    if "floor_id" not in given:
        floor = make_floor(**({"site_id": given["site_id"]} if "site_id" in given else {}))
        given |= {"floor_id": floor.id, "site_id": floor.site_id}
    if "site_id" not in given:
        given["site_id"] = session.get_one(Floor, given["floor_id"]).site_id
    values = {"code": f"T{number:04}", "name": f"海底捞火锅 {number}", "unit": f"L2-{number:03}", "category": "餐饮"} | given
    values.setdefault(
        "search_text", names.search_text([values["name"], *values.get("trading_names", [])], values["unit"], values["category"])
    )
    made: Shop = _add(Shop(**values))
    malls.invalidate_shops()
    return made


STAFF_PASSWORD = "correct horse battery"
_hashed: list[str] = []


def make_staff(role: str = "administrator", **given: Any) -> StaffAccount:
    """An account that signs in with STAFF_PASSWORD, without codes. A shop's role gets a shop unless given one; a tablet has no login."""
    number = next(_number)
    if not _hashed:
        _hashed.append(passwords.hash_password(STAFF_PASSWORD))
    values = {"role": role, "state": "active", "name": f"员工 {number}", "made_at": clock.now()}
    if role in SHOP_ROLES and "shop_id" not in given:
        values["shop_id"] = make_shop().id
    if role != "tablet":
        values |= {"login": f"staff{number}", "password_hash": _hashed[0], "codes_waived": True}
    made: StaffAccount = _add(StaffAccount(**(values | given)))
    return made


def make_cash_shift(by: str, **given: Any) -> CashShift:
    """An open cash shift of this person with ¥500 of float, at a desk of its own."""
    values = {"desk": f"服务台 {next(_number)}", "float_fen": 50_000} | given
    return cash_shifts.open_shift(values["desk"], cash_shifts.Count(values["float_fen"]), by=by)


def make_sighted(**given: Any) -> RecordedSighting:
    """A purchase told by one channel; by default a receipt of ¥128.00 paid now."""
    values: dict[str, Any] = {
        "channel": "receipt",
        "source_type": "test",
        "source_id": next(_number) + 1_000,
        "member_id": None,
        "paid_at": clock.now(),
        "paid_fen": 12_800,
        "receipt_no": None,
    } | given
    if "shop_id" not in values:
        values["shop_id"] = make_shop().id
    return sales.record_sighting(**values)


def make_member(**given: Any) -> Member:
    now = clock.now()
    values = {"state": "active", "moved_at": now, "joined_at": now, "source": "test"} | given
    made: Member = _add(Member(**values))
    return made


def make_claimed_sale(member_id: int, **given: Any) -> int:
    """A purchase that its sighting has claimed for the member, ready to earn; returns its id."""
    seen = make_sighted(member_id=member_id, **({"receipt_no": f"R{next(_number):06}"} | given))
    assert sales.claim_score(seen.sale_id, seen.sighting_id, member_id)
    return seen.sale_id


def lay_points_rules(days_ago: int = 400) -> None:
    """One point a yuan, in force for long enough."""
    point_rules.add_first_rule(starts_at=clock.now() - timedelta(days=days_ago))


def make_rule(kind: str, code: str, **given: Any) -> Rule:
    """A rule in force for a year already, approved by somebody else than its proposer."""
    values = {"title_zh": code, "title_en": code, "starts_at": clock.now() - timedelta(days=365)} | given
    decided = {"version": 1, "state": "approved", "proposed_by": "staff:1", "decided_by": "staff:2", "why": "test"}
    decided |= {"sentence": {"zh": code, "en": code}}
    made: Rule = _add(Rule(**({"kind": kind, "code": code} | decided | values)))
    malls.invalidate_settings()
    return made
