"""Who shops at the mall: identities, phone, levels, consents, vehicles."""

from __future__ import annotations

from api.kit.roles import ADMINISTRATOR, FINANCE, FLOOR_MANAGER, MARKETER, SERVICE_DESK, SHOP_CLERK, SHOP_MANAGER, TABLET
from api.kit.rooms import Room
from api.members import alipay_login, sms, wechat_login
from api.settings import Settings


def configure(settings: Settings) -> None:
    """The wallets that sign members in, and the gateway of text messages."""
    wechat_login.configure(settings)
    alipay_login.configure(settings)
    sms.configure(settings)


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
    metrics=sms.install_metrics,
)
