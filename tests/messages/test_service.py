"""The inbox: once for its source, read, wanted, forgotten."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from api.kit import clock, db
from api.members.service import consents
from api.messages import service
from api.messages.errors import MessageNotFound, OfferConsentNeeded, ServiceMessageNeeded
from api.messages.models import Kind
from tests.factories import make_member


def send(member_id: int, source: str = "test:1", kind: Kind = Kind.POINTS, **given: object) -> bool:
    return service.send(member_id, kind, source=source, title={"zh": "题", "en": "T"}, body={"zh": "文", "en": "B"}, **given)  # type: ignore[arg-type]


def test_one_source_writes_one_line(inside: int) -> None:
    member = make_member().id
    assert [send(member), send(member), send(member, "test:2")] == [True, False, True]
    assert service.inbox(member).unread == 2


def test_two_at_the_same_moment_write_one_line(app: object, mall: int) -> None:
    with db.unit_of_work(mall):
        member = make_member().id
    answers: list[bool] = []

    def write() -> None:
        with db.unit_of_work(mall):
            answers.append(send(member))

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 5 + [True]


def test_what_is_rolled_back_leaves_no_line(app: object, mall: int) -> None:
    with db.unit_of_work(mall):
        member = make_member().id
    with pytest.raises(RuntimeError), db.unit_of_work(mall):
        send(member)
        raise RuntimeError("the cause failed")
    with db.unit_of_work(mall):
        assert service.inbox(member).items == []


def test_reading_is_remembered_and_counts_down(inside: int) -> None:
    member, other = make_member().id, make_member().id
    for number in range(3):
        send(member, f"test:{number}")
    newest = service.inbox(member).items[0]
    at = service.read(member, newest.id).read_at
    assert service.read(member, newest.id).read_at == at and service.inbox(member).unread == 2
    with pytest.raises(MessageNotFound):
        service.read(other, newest.id)


def test_reading_all_leaves_what_came_after_the_screen_was_drawn(inside: int) -> None:
    member = make_member().id
    send(member)
    seen = service.inbox(member).items[0].id
    send(member, "test:2")
    assert service.read_all(member, seen) == 1
    assert [one.id > seen for one in service.inbox(member, unread=True).items] == [True]
    assert service.read_all(member) == 0


def test_an_old_line_is_not_shown_and_then_removed(inside: int) -> None:
    member = make_member().id
    send(member)
    clock.fix(clock.now() + service.KEPT + timedelta(seconds=1))
    assert service.inbox(member) == service.Inbox([], None, 0)
    assert (service.remove_expired(), service.remove_expired()) == (1, 0)


def test_service_messages_stay_in_the_inbox(inside: int) -> None:
    member = make_member().id
    with pytest.raises(ServiceMessageNeeded):
        service.set_want(member, Kind.RECEIPT, inbox=False)
    service.set_want(member, Kind.POINTS, push=False)
    assert send(member)
    assert service.inbox(member).items[0].push is False
    assert {one.kind: (one.inbox, one.push) for one in service.wants_of(member)} == {
        Kind.RECEIPT: (True, True),
        Kind.POINTS: (True, False),
        Kind.ORDER: (True, True),
        Kind.ACCOUNT: (True, True),
        Kind.OFFER: (False, False),
    }


def test_a_pause_keeps_offers_back_and_service_from_the_phone(inside: int) -> None:
    member = make_member().id
    consents.agree(member, "marketing", "1")
    until = clock.today("Asia/Shanghai") + timedelta(days=3)
    for kind in (Kind.OFFER, Kind.POINTS):
        service.set_want(member, kind, paused_until_on=until)
    assert [send(member, "a", Kind.OFFER), send(member, "b", Kind.POINTS)] == [False, True]
    assert service.inbox(member).items[0].push is False
    clock.fix(clock.now() + timedelta(days=4))
    assert send(member, "c", Kind.OFFER)


def test_offers_follow_the_consent_to_advertising(inside: int) -> None:
    member = make_member().id
    assert not send(member, "a", Kind.OFFER)
    with pytest.raises(OfferConsentNeeded):
        service.set_want(member, Kind.OFFER, push=False)
    consents.agree(member, "marketing", "1")
    assert send(member, "b", Kind.OFFER)
    service.set_want(member, Kind.OFFER, inbox=False, push=False, reason="too_many")
    assert not send(member, "c", Kind.OFFER)
    assert service.wants_of(member)[-1].reason == "too_many"


def test_an_export_holds_messages_and_wishes(inside: int) -> None:
    member = make_member().id
    send(member)
    told = service.export(member)
    assert told["messages"][0]["title"] == {"zh": "题", "en": "T"}
    assert [one["kind"] for one in told["wants"]] == ["receipt", "points", "order", "account", "offer"]


def test_closing_the_account_empties_the_inbox(inside: int) -> None:
    from api.members.service import profile

    member = make_member().id
    send(member)
    service.set_want(member, Kind.POINTS, push=False)
    profile.close(member)
    assert service.inbox(member).items == [] and all(one.push for one in service.wants_of(member) if one.service)


def test_a_fold_hands_messages_and_wishes_over(inside: int) -> None:
    younger, older = make_member().id, make_member().id
    send(younger)
    service.set_want(younger, Kind.POINTS, push=False)
    service.set_want(younger, Kind.RECEIPT, push=False)
    service.set_want(older, Kind.POINTS, push=True)
    service.hand_over(younger, older)
    assert service.inbox(older).unread == 1
    assert {one.kind: one.push for one in service.wants_of(older) if one.service} == {
        Kind.RECEIPT: False,
        Kind.POINTS: True,
        Kind.ORDER: True,
        Kind.ACCOUNT: True,
    }
