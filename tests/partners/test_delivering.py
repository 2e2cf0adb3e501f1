"""Deliveries over real HTTP: the ladder with the clock turned, silence, redirects, 410, a day without answer, races, crashes."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from api.kit import clock, db
from api.partners import jobs, sending, service
from api.partners.service import dispatch
from tests.conftest import owner_rows
from tests.partners.conftest import Office, Receiver


def test_a_notice_arrives_and_is_noted(office: Office, receiver: Receiver, member: int) -> None:
    partner, _ = office.partner(receiver.url)
    sale = office.sell(member_id=member, paid_fen=12_800)
    office.due()
    (letter,) = receiver.letters
    told = json.loads(letter.body)
    assert (told["type"], told["version"], told["id"]) == ("sale.recorded", 1, letter.headers["webhook-id"])
    assert told["timestamp"].endswith("+08:00") and told["data"]["paid_at"].endswith("+08:00")
    assert (told["data"]["sale_id"], told["data"]["paid_fen"], told["data"]["shop"]) == (sale, 12_800, "L2-08")
    assert letter.path == "/hooks?mall=1" and letter.headers["webhook-attempt"] == "1"
    assert letter.headers["host"] == f"localhost:{receiver.port}"
    (shown,) = office.log(f"?partner_id={partner}")
    assert (shown["state"], shown["attempts"], shown["trouble"]) == ("delivered", 1, None)
    (attempt,) = office.whole(shown["id"])["attempts"]
    assert attempt["status"] == 204 and attempt["ended_at"] is not None


def test_a_member_is_an_opaque_number_that_stays_the_same(office: Office, receiver: Receiver, member: int) -> None:
    office.partner(receiver.url)
    for who in (member, member, None):
        office.sell(member_id=who)
    office.due()
    first, second, nobody = (json.loads(letter.body)["data"]["member"] for letter in receiver.letters)
    assert first == second and first.startswith("mem_") and str(member) != first.removeprefix("mem_")
    assert nobody is None


def test_what_fails_climbs_the_ladder(office: Office, receiver: Receiver) -> None:
    office.partner(receiver.url)
    receiver.answers = [500, 404, 204]
    began = clock.now()
    clock.fix(began)
    office.sell()
    office.due()
    (shown,) = office.log()
    assert (shown["state"], shown["trouble"], len(receiver.letters)) == ("waiting", "not-accepted", 1)
    office.until(began + timedelta(seconds=14))
    assert len(receiver.letters) == 1
    office.until(began + timedelta(seconds=15))
    assert len(receiver.letters) == 2
    office.until(began + timedelta(seconds=74))
    assert len(receiver.letters) == 2
    office.until(began + timedelta(seconds=75))
    assert [letter.headers["webhook-attempt"] for letter in receiver.letters] == ["1", "2", "3"]
    assert len(set(receiver.ids)) == 1 and len({letter.body for letter in receiver.letters}) == 1
    (shown,) = office.log("?state=delivered")
    tries = office.whole(shown["id"])["attempts"]
    assert [(one["status"], one["answer"]) for one in tries] == [(204, None), (404, "said 404"), (500, "said 500")]


def test_a_letter_sent_again_by_hand_goes_at_once_although_the_workers_clock_is_behind(office: Office, receiver: Receiver) -> None:
    office.partner(receiver.url)
    receiver.answers = [503, 204]
    began = clock.now()
    clock.fix(began)
    office.sell()
    office.due()
    (shown,) = office.log()
    clock.fix(began + timedelta(seconds=5))
    assert office.ask("post", f"/partner-deliveries/{shown['id']}/sendings").status_code == 202
    clock.fix(began + timedelta(seconds=4))  # the worker's
    office.due(ahead=1)
    assert len(receiver.letters) == 2
    assert office.whole(shown["id"])["delivery"]["state"] == "delivered"


@pytest.mark.parametrize(("answer", "trouble"), [("hang", "timeout"), ("trickle", "timeout")])
def test_silence_ends_within_the_limit_as_a_whole(office: Office, receiver: Receiver, short: None, answer: str, trouble: str) -> None:
    office.partner(receiver.url)
    receiver.answers = [answer]
    office.sell()
    office.due()
    (shown,) = office.log()
    assert (shown["state"], shown["trouble"]) == ("waiting", trouble)
    clock.fix(clock.now() + timedelta(seconds=16))
    office.due()
    assert office.log()[0]["state"] == "delivered"


def test_a_redirect_is_not_followed(office: Office, receiver: Receiver, other: Receiver) -> None:
    office.partner(receiver.url)
    receiver.answers = [other.url]
    office.sell()
    office.due()
    (shown,) = office.log()
    assert (shown["state"], shown["trouble"]) == ("waiting", "redirect")
    assert office.whole(shown["id"])["attempts"][0]["status"] == 302
    assert other.letters == []


def test_gone_pauses_the_partner_and_going_on_sends_what_waited(office: Office, receiver: Receiver) -> None:
    partner, _ = office.partner(receiver.url)
    receiver.answers = [410]
    office.sell()
    office.due()
    office.sell()
    office.due()
    told = office.shown(partner)
    assert told["partner"]["paused_why"] == "gone" and len(receiver.letters) == 1
    assert (told["waiting"], told["given_up"]) == (1, 1)
    assert office.ask("delete", f"/partners/{partner}/pause").status_code == 200
    office.due()
    assert len(receiver.letters) == 2
    assert sorted(one["state"] for one in office.log()) == ["delivered", "given_up"]


def test_a_receiver_that_is_down_for_a_day_is_given_up_and_sent_again_by_hand(office: Office, receiver: Receiver) -> None:
    partner, _ = office.partner(receiver.url)
    receiver.answers = [503] * 10
    began = clock.now()
    clock.fix(began)
    office.sell()
    office.until(began + timedelta(hours=25))
    (shown,) = office.log("?state=given_up")
    tries = office.whole(shown["id"])["attempts"]
    assert len(tries) == len(receiver.letters) == 10
    last = max(one["begun_at"] for one in tries)
    assert timedelta(hours=23) < clock.now().fromisoformat(last) - began <= dispatch.GIVE_UP_AFTER
    assert office.ask("post", f"/partner-deliveries/{shown['id']}/sendings").status_code == 202
    office.due()
    assert office.log()[0]["state"] == "delivered" and len(set(receiver.ids)) == 1
    assert office.shown(partner)["partner"]["failures"] == 0


def test_nobody_listening_is_a_failure_like_another(office: Office, receiver: Receiver) -> None:
    office.partner("http://localhost:9/hooks")
    office.partner("http://no-such-name.invalid/hooks")
    office.sell()
    office.due()
    assert sorted(str(one["trouble"]) for one in office.log()) == ["name-unknown", "unreachable"]


def test_one_that_fails_for_long_rests_and_holds_nobody_up(office: Office, receiver: Receiver, other: Receiver) -> None:
    failing, _ = office.partner(receiver.url)
    office.partner(other.url)
    receiver.answers = [500] * 6
    began = clock.now()
    clock.fix(began)
    for _ in range(12):
        office.sell()
    office.due()
    assert len(other.letters) == 12
    assert len(receiver.letters) == dispatch.RESTS_AFTER  # then it rests; seven wait untouched
    assert office.shown(failing)["partner"]["rests_until_at"] is not None
    office.until(began + timedelta(seconds=15))
    assert len(receiver.letters) == dispatch.RESTS_AFTER + 1  # one try, and a longer rest
    office.until(began + timedelta(seconds=44))
    assert len(receiver.letters) == dispatch.RESTS_AFTER + 1
    office.until(began + timedelta(seconds=45))
    assert office.shown(failing)["waiting"] == 0  # the first success lets everything that is due follow
    assert len(set(receiver.ids)) == 12


def test_workers_send_each_notice_once_and_one_at_a_time(office: Office, receiver: Receiver) -> None:
    partner, _ = office.partner(receiver.url)
    receiver.slow = 0.02
    for _ in range(15):
        office.sell()
    with db.unit_of_work(office.mall):
        service.fan_out()
    _together(6, lambda: jobs.deliver.run(mall_id=office.mall, endpoint_id=partner))
    office.due()
    assert len(receiver.ids) == len(set(receiver.ids)) == 15
    assert receiver.most_at_once == 1
    assert {(one["state"], one["attempts"]) for one in office.log("?limit=100")} == {("delivered", 1)}


def test_events_are_spread_once_by_workers_at_the_same_time(office: Office, receiver: Receiver) -> None:
    office.partner(receiver.url)
    for _ in range(10):
        office.sell()
    _together(6, lambda: db.in_mall(office.mall, service.fan_out))
    office.due()
    assert len(receiver.ids) == len(set(receiver.ids)) == 10


def _together(count: int, work: Any) -> None:
    gate, troubles = threading.Barrier(count), []

    def run() -> None:
        gate.wait()
        try:
            work()
        except Exception as trouble:  # told to the test, which fails by it
            troubles.append(trouble)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert troubles == []


def test_a_crash_between_sending_and_noting_sends_the_same_number_again(office: Office, receiver: Receiver) -> None:
    partner, _ = office.partner(receiver.url)
    office.sell()
    with db.unit_of_work(office.mall):
        service.fan_out()
    letter = db.in_mall(office.mall, lambda: service.next_request(partner, "a worker that dies", over=False))
    assert letter is not None
    assert sending.post(letter).accepted
    office.due()
    assert len(receiver.letters) == 1  # its turn is not over yet
    clock.fix(clock.now() + dispatch.TURN + dispatch.OVERDUE)
    assert db.in_mall(office.mall, service.sweep) == 1
    office.due()
    first, again = receiver.letters
    assert first.headers["webhook-id"] == again.headers["webhook-id"] and first.body == again.body
    assert (first.headers["webhook-attempt"], again.headers["webhook-attempt"]) == ("1", "2")
    (shown,) = office.log()
    newest, cut_short = office.whole(shown["id"])["attempts"]
    assert (newest["status"], cut_short["ended_at"], shown["state"]) == (204, None, "delivered")
    jobs.record_result(office.mall, letter, sending.SendResult(500, trouble="not-accepted"))  # the dead one's word comes late
    assert office.log()[0]["state"] == "delivered"


def test_both_secrets_sign_while_one_follows_the_other(office: Office, receiver: Receiver) -> None:
    partner, _ = office.partner(receiver.url)
    answer = office.ask("post", f"/partners/{partner}/secrets", {"rotation": 0, "keep_hours": 2})
    assert answer.status_code == 201 and answer.json["partner"]["rotations"] == 1
    office.sell()
    office.due()
    clock.fix(clock.now() + timedelta(hours=2))
    office.sell()
    office.due()
    during, after = (letter.headers["webhook-signature"].split(" ") for letter in receiver.letters)
    assert (len(during), len(after)) == (2, 1)
    twice = office.ask("post", f"/partners/{partner}/secrets", {"rotation": 0})
    assert (twice.status_code, twice.json["type"]) == (409, "/problems/partner-secret-rotated")


def test_what_is_rolled_back_is_never_told(office: Office, receiver: Receiver, settings: Any) -> None:
    office.partner(receiver.url)
    with pytest.raises(RuntimeError), db.unit_of_work(office.mall):
        office.sold()
        raise RuntimeError("the transaction is lost")
    office.due()
    assert receiver.letters == []
    assert owner_rows(settings, "SELECT count(*) FROM partner_events") == [(0,)]


def test_a_fact_is_told_once(office: Office, receiver: Receiver) -> None:
    office.partner(receiver.url)
    with db.unit_of_work(office.mall):
        news = service.sale_recorded(
            1, shop_id=office.shop_id, member_id=None, channel="plate", paid_at=clock.now(), paid_fen=1, order=None, receipt=None
        )
    _together(5, lambda: db.in_mall(office.mall, lambda: service.publish(news)))
    office.due()
    assert len(receiver.letters) == 1


def test_a_partner_hears_of_what_it_wants_and_of_its_shop_only(office: Office, receiver: Receiver, other: Receiver) -> None:
    from tests.factories import make_shop

    with db.unit_of_work(office.mall):
        elsewhere = make_shop().id
    office.partner(receiver.url, shop_id=elsewhere)
    office.partner(other.url, events=["refund.done"])
    office.sell()
    mine = office.sell(shop_id=elsewhere)
    office.due()
    assert [json.loads(letter.body)["data"]["sale_id"] for letter in receiver.letters] == [mine]
    assert other.letters == []


def test_what_waited_for_a_day_behind_a_pause_is_given_up(office: Office, receiver: Receiver) -> None:
    partner, _ = office.partner(receiver.url)
    assert office.ask("put", f"/partners/{partner}/pause", {"why": "搬迁"}).status_code == 200
    office.sell()
    office.due()
    clock.fix(clock.now() + timedelta(hours=24))
    db.in_mall(office.mall, service.sweep)
    (shown,) = office.log()
    assert (shown["state"], shown["trouble"], receiver.letters) == ("given_up", "not-sent", [])


def test_old_events_are_forgotten_with_all_that_was_written_of_them(office: Office, receiver: Receiver, settings: Any) -> None:
    office.partner(receiver.url)
    office.sell()
    office.due()
    clock.fix(clock.now() + dispatch.KEPT_FOR + timedelta(days=1))
    assert db.in_mall(office.mall, service.forget_old) is False
    for table in ("partner_events", "partner_deliveries", "partner_delivery_moves", "partner_attempts"):
        assert owner_rows(settings, f"SELECT count(*) FROM {table}") == [(0,)]
