"""A photographed receipt becomes a sale (拍照积分)."""

from __future__ import annotations

from api.kit.membership import MemberPart
from api.kit.roles import ADMINISTRATOR, FINANCE, REVIEWER, SERVICE_DESK, SHOP_CLERK, SHOP_MANAGER, TABLET
from api.kit.rooms import Check, Process, Room
from api.receipts import jobs, reading, service

ROOM = Room(
    __name__,
    "小票",
    permissions={
        "receipts.read": {ADMINISTRATOR, REVIEWER, SERVICE_DESK},
        "receipts.review": {ADMINISTRATOR, REVIEWER},
        "receipts.report": {ADMINISTRATOR, REVIEWER, FINANCE},
        "receipts.reviewers": {ADMINISTRATOR},
        "own_receipts.read": {SHOP_MANAGER, SHOP_CLERK, TABLET},
    },
    value=frozenset({"receipts.review"}),
    member=MemberPart(
        place=20,
        kind="receipt",
        lock=service.lock_all,
        counts={"receipts": ""},
        count=lambda member_id: {"receipts": service.count_of(member_id)},
        hand_over=service.hand_over,
        bring_back=service.bring_back,
        holds_value=lambda member_id: service.count_of(member_id) > 0,
        forget=service.forget,
        exports={"receipts": service.export},
    ),
    checks={"reader": Check(service.reader_trouble, needed=False)},  # without one, uploads wait in the database
    processes={"read": Process(jobs.READER_QUEUE, reading.start_reader, jobs.worn_out, jobs.beat, jobs.BEAT_SECONDS)},
)
