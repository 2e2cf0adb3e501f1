"""The member's inbox, pushes to the phone, and which messages are wanted."""

from __future__ import annotations

from api.kit.membership import MemberPart
from api.kit.rooms import Room
from api.messages import service, wechat_push

ROOM = Room(
    __name__,
    "消息",
    configure=wechat_push.configure,
    member=MemberPart(
        place=60,
        hand_over=service.move_messages,
        bring_back=service.bring_back,
        fold=service.hand_over,
        phone_changed=service.tell_of_phone,
        forget=service.forget,
        exports={"messages": service.export},
    ),
)
