"""Who shops at the mall: identities, phone, levels, consents, vehicles."""

from __future__ import annotations

from datetime import timedelta

from api.kit import membership, rooms
from api.kit.identity import Principal
from api.kit.roles import ADMINISTRATOR, FINANCE, FLOOR_MANAGER, MARKETER, SERVICE_DESK, SHOP_CLERK, SHOP_MANAGER, TABLET
from api.kit.rooms import Room
from api.members import alipay_login, sms, wechat_login
from api.members.service import profile
from api.settings import Settings


def configure(settings: Settings) -> None:
    """The wallets that sign members in, and the gateway of text messages."""
    wechat_login.configure(settings)
    alipay_login.configure(settings)
    sms.configure(settings)


def connect() -> None:
    """What other rooms show of one member is read by whom opened the record with a reason within a day."""
    rooms.answer(membership.READS_ONE, _refuse_unopened)


def _refuse_unopened(who: Principal, member_id: int) -> None:
    if "members.read" in who.permissions:  # who may open none is shown numbers, and no person to them
        profile.refuse_unopened(member_id, who.name, within=timedelta(days=1))


ROOM = Room(
    __name__,
    "会员",
    permissions={
        "members.read": {ADMINISTRATOR, MARKETER, SERVICE_DESK},
        "members.write": {ADMINISTRATOR, SERVICE_DESK},
        "members.recovery.approve": {ADMINISTRATOR, FINANCE, FLOOR_MANAGER},
        "members.check": {SHOP_MANAGER, SHOP_CLERK, TABLET},
        "levels.write": {ADMINISTRATOR, MARKETER},
        "levels.approve": {ADMINISTRATOR, FINANCE},
    },
    value=frozenset({"levels.approve", "members.recovery.approve", "levels.write", "members.write"}),
    configure=configure,
    connect=connect,
    metrics=sms.install_metrics,
)
