"""Messages that go to the phone: one agreement, one message, never twice, and never a promise that the wallet does not keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import select

from api.kit import clock, db
from api.kit.db import session
from api.members.models import MemberIdentity
from api.messages import jobs, service, wechat_push
from api.messages.models import Kind, Message, PushGrant
from api.settings import Settings, SettingsRefused
from tests.conftest import bearer
from tests.factories import make_member
from tests.members.conftest import Simulator, _wechat, check_refused  # noqa: F401 - a fixture

TEMPLATE = "TMPL-receipt"
LONG = "小票已到账，这一句话写得比二十个字还要长一些"


@pytest.fixture
def phone(app: Any, settings: Settings, _wechat: Simulator) -> Iterator[Simulator]:  # noqa: F811
    """The simulator, with one template of ours."""
    _wechat.sim("templates", template_id=TEMPLATE, keys=["thing1", "thing2", "time3"])
    wechat_push.configure(replace(settings, wechat_api=_wechat.url, wechat_templates=f"receipt={TEMPLATE}:thing1,thing2,time3"))
    yield _wechat
    _wechat.heal()
    wechat_push.configure(settings)


@pytest.fixture
def shopper(phone: Simulator, mall: int, request: Any) -> int:
    """A member whom WeChat knows, and who agreed once."""
    openid = phone.sim("consents", person=request.node.name, template_id=TEMPLATE)["openid"]
    with db.unit_of_work(mall):
        member = make_member().id
        app_id = wechat_push.app_id()
        session.add(MemberIdentity(member_id=member, channel="wechat", app_id=app_id, subject=openid, first_seen_at=clock.now()))
        service.grant(member, [TEMPLATE, "somebody-elses"])
    return member


def sent_to(phone: Simulator, mall: int, member: int) -> list[dict[str, Any]]:
    with db.unit_of_work(mall):
        openid = session.scalar(select(MemberIdentity.subject).where(MemberIdentity.member_id == member))
    told = requests.get(f"{phone.url}/_sim/messages", timeout=10).json()["messages"]
    return [one for one in told if one["touser"] == openid]


def say(mall: int, member: int, source: str, kind: Kind = Kind.RECEIPT) -> int:
    with db.unit_of_work(mall):
        service.send(member, kind, source=source, title={"zh": LONG, "en": "T"}, body={"zh": "文", "en": "B"}, page="receipt?id=7")
        return int(session.scalars(select(Message.id).where(Message.source == source)).one())


def run(mall: int) -> list[int]:
    """What the minute's job does, and then the jobs that it put in."""
    queued = db.in_mall(mall, service.queue_pushes)
    for message in queued:
        jobs.push.run(mall_id=mall, message_id=message)
    return queued


def state(mall: int, message: int) -> str | None:
    with db.unit_of_work(mall):
        return session.get_one(Message, message).push_state


def left(mall: int, member: int) -> int:
    with db.unit_of_work(mall):
        return int(session.scalar(select(PushGrant.left_count).where(PushGrant.member_id == member)) or 0)


def test_one_agreement_is_one_message_on_the_phone(phone: Simulator, shopper: int, mall: int) -> None:
    first = say(mall, shopper, "a:1")
    assert run(mall) == [first] and run(mall) == []
    jobs.push.run(mall_id=mall, message_id=first)  # the job, run again
    (got,) = sent_to(phone, mall, shopper)
    assert got["page"] == "pages/receipt/receipt?id=7"
    assert got["data"]["thing1"]["value"] == LONG[:19] + "…" and got["data"]["thing2"]["value"] == "文"
    assert (state(mall, first), left(mall, shopper)) == ("sent", 0)
    second = say(mall, shopper, "a:2")
    assert (run(mall), state(mall, second)) == ([], None)  # it stays in the inbox


def test_kinds_without_a_template_and_members_who_want_no_push_wait_for_nothing(phone: Simulator, shopper: int, mall: int) -> None:
    assert state(mall, say(mall, shopper, "b:1", Kind.POINTS)) is None
    with db.unit_of_work(mall):
        service.set_want(shopper, Kind.RECEIPT, push=False)
    assert state(mall, say(mall, shopper, "b:2")) is None


def test_more_messages_than_agreements_are_not_overdrawn(phone: Simulator, shopper: int, mall: int) -> None:
    both = [say(mall, shopper, f"c:{number}") for number in range(2)]
    assert run(mall) == both
    assert [state(mall, one) for one in both] == ["sent", "refused"]
    assert (len(sent_to(phone, mall, shopper)), left(mall, shopper)) == (1, 0)


def test_an_agreement_taken_back_in_the_wallet_ends_ours(phone: Simulator, shopper: int, mall: int) -> None:
    with db.unit_of_work(mall):
        service.grant(shopper, [TEMPLATE])
    phone.sim("consents", person="test_an_agreement_taken_back_in_the_wallet_ends_ours", template_id=TEMPLATE, times=-1)
    one = say(mall, shopper, "d:1")
    run(mall)
    assert (state(mall, one), left(mall, shopper), sent_to(phone, mall, shopper)) == ("refused", 0, [])


def test_a_busy_wallet_is_asked_again_and_the_agreement_kept(phone: Simulator, shopper: int, mall: int) -> None:
    one = say(mall, shopper, "e:1")
    phone.sim("faults", kind="busy", path="/cgi-bin/message/")
    with pytest.raises(jobs.StillBusy):
        run(mall)
    assert (state(mall, one), left(mall, shopper)) == ("queued", 1)
    phone.heal()
    jobs.push.run(mall_id=mall, message_id=one)
    assert (state(mall, one), left(mall, shopper), len(sent_to(phone, mall, shopper))) == ("sent", 0, 1)


def test_without_an_answer_nothing_is_sent_again(phone: Simulator, shopper: int, mall: int) -> None:
    one = say(mall, shopper, "f:1")
    phone.sim("faults", kind="reset", path="/cgi-bin/message/")
    run(mall)
    phone.heal()
    jobs.push.run(mall_id=mall, message_id=one)
    assert (state(mall, one), run(mall)) == ("sending", [])


def test_read_meanwhile_or_too_old_it_is_not_pushed(phone: Simulator, shopper: int, mall: int) -> None:
    read, old = say(mall, shopper, "g:1"), say(mall, shopper, "g:2")
    with db.unit_of_work(mall):
        service.read(shopper, read)
        session.get_one(Message, old).created_at -= timedelta(hours=13)
    run(mall)
    assert (state(mall, read), state(mall, old), left(mall, shopper)) == ("refused", "failed", 1)


def test_two_who_became_one_keep_the_agreements(phone: Simulator, shopper: int, mall: int) -> None:
    with db.unit_of_work(mall):
        other = make_member().id
        service.grant(other, [TEMPLATE])
        service.grant(other, [TEMPLATE])
        service.hand_over(shopper, other)
    assert (left(mall, shopper), left(mall, other)) == (0, 2)
    with db.unit_of_work(mall):
        service.forget(other)
    assert left(mall, other) == 0


def test_agreements_over_http(client: Any, phone: Simulator, shopper: int, mall: int) -> None:
    me = bearer("member", shopper, mall)
    wants = client.get("/v1/me/wants", headers=me).json["wants"]
    assert {one["kind"]: one["template_id"] for one in wants} == {
        "receipt": TEMPLATE,
        "points": None,
        "order": None,
        "account": None,
        "offer": None,
    }
    for key in ("grant-key-1", "grant-key-1", "grant-key-2"):
        answer = client.post("/v1/me/wants/grants", json={"template_ids": [TEMPLATE]}, headers=me | {"Idempotency-Key": key})
        assert answer.status_code == 204, answer.json
    assert left(mall, shopper) == 3
    check_refused(
        client.post("/v1/me/wants/grants", json={"template_ids": []}, headers=me | {"Idempotency-Key": "grant-key-3"}), 422, "shape-wrong"
    )


@pytest.mark.parametrize("said", ["receipt", "receipt=ID", "receipt=ID:thing1,thing2", "=ID:a,b,c", "receipt=:a,b,c"])
def test_templates_said_wrong_are_refused_at_the_start(said: str, settings: Settings) -> None:
    with pytest.raises(SettingsRefused, match="WECHAT_TEMPLATES"):
        wechat_push.configure(replace(settings, wechat_templates=said))
    wechat_push.configure(settings)
