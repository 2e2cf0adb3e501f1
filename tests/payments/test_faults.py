"""What payments must survive; the full counts are tried by `make proof`."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from api.kit import cache, clock, db, states
from api.kit.db import session
from api.kit.errors import Problem
from api.payments import service
from api.payments.models import Notice, NoticeRefusal, Payment
from api.payments.service import collection, hooks, polling
from api.payments.states import PaymentState
from tests.payments import letters
from tests.payments.conftest import DEMO, Till
from tests.races import meeting
from tests.trials import trials
from wechat.simulator.keys import new_key, public_pem


class Crash(BaseException):
    """The process is gone at this point."""


@contextmanager
def crash_before(statement: int) -> Iterator[None]:
    """Nothing of this thread reaches the database from the so-many-eth statement on."""
    count = itertools.count(1)

    def strike(*_: Any) -> None:
        if next(count) >= statement:
            raise Crash()

    event.listen(db.engine(), "before_cursor_execute", strike)
    try:
        yield
    except Crash:
        db.abandon()
    finally:
        event.remove(db.engine(), "before_cursor_execute", strike)


def placed(till: Till, amount_fen: int = 1280) -> Payment:
    """A placed payment, without troubling the simulator."""
    with db.unit_of_work(till.mall):
        made = service.intend(
            channel=till.simulator.channel, account=service.account(till.account_id), order_id=next(till.orders), amount_fen=amount_fen,
            description="x", payer_subject="somebody", expires_at=clock.now() + timedelta(minutes=15),
        )  # fmt: skip
        states.move(made, PaymentState.PLACED, by="test", placed_at=clock.now(), placed_with={})
        return made


def deliver(till: Till, letter: letters.Letter) -> int:
    with db.unit_of_work():
        db.enter(till.mall)
        return service.receive(till.simulator.channel, till.account_id, *letter).status


def handle_all(till: Till) -> None:
    with db.unit_of_work(till.mall):
        open_ones = list(session.scalars(select(Notice.id).where(Notice.state != "handled")))
    for notice_id in open_ones:
        db.in_mall(till.mall, lambda notice_id=notice_id: service.handle(notice_id))


def count(mall: int, table: type) -> int:
    with db.unit_of_work(mall):
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


GOOD = {"wechat": 204, "alipay": 200}


def test_a_process_killed_at_any_statement_of_a_notice_loses_and_doubles_nothing(till, told, figure) -> None:
    """Row 1: each statement of taking in and of handling, fifty times; whoever comes back does it in one go."""
    done = 0
    for point in range(1, 13):
        for _ in range(trials(50) // 2):
            payment = placed(till)
            letter = letters.letter(till, payment)
            with crash_before(point):
                deliver(till, letter)
            assert deliver(till, letter) == GOOD[till.simulator.channel]
            with crash_before(point):
                handle_all(till)
            handle_all(till)
            done += 1
            assert told.paid[-1:] == [payment.number]
    with db.unit_of_work(till.mall):
        paid = session.scalar(select(func.count()).select_from(Payment).where(Payment.state == "paid"))
        moved = session.scalar(select(func.count()).select_from(Payment.moves_table).where(Payment.moves_table.c.to_state == "paid"))
    assert paid == moved == done
    figure(f"12 points, {done} kills, {moved} payments, 0 lost, 0 doubled")


def test_copies_at_once_are_one_payment(till, told, figure) -> None:
    """Row 2: two to fifty copies in parallel, two hundred times over both gateways."""
    with ThreadPoolExecutor(8) as pool:
        for copies in itertools.islice(itertools.cycle((2, 3, 5, 10, 50)), trials(200) // 2):
            payment = placed(till)
            letter = letters.letter(till, payment)
            with meeting("INSERT INTO payment_notices", parties=min(copies, 8)) as place:
                answers = set(pool.map(lambda _, sent=letter: deliver(till, sent), range(copies)))
            assert place.met == 1
            assert answers == {GOOD[till.simulator.channel]}
            with meeting("FOR UPDATE") as place:
                list(pool.map(lambda _: handle_all(till), range(2)))
            assert place.met == 1
    assert len(told.paid) == len(set(told.paid)) == trials(200) // 2
    figure(f"{len(told.paid)} notices in 2 to 50 copies, each once")


def expire(payment: Payment) -> None:
    """Our clock was wrong, and we think that its time is over."""
    held = service.hold(payment.id)
    if held.is_open:
        collection.shut(held, PaymentState.CLOSED, "a clock that was wrong")


def test_whatever_order_the_news_of_a_payment_come_in_it_ends_the_same(till, told, figure) -> None:
    """Row 3: notice, copy, our question, our closing and the end of its time, in each of 120 orders, once the gateway has the money."""
    number_of = {"wechat": "transaction_id", "alipay": "trade_no"}[till.simulator.channel]
    ends = []
    orders = list(itertools.permutations(("notice", "copy", "asked", "closed", "expired")))
    for news in orders[:: len(orders) // trials(len(orders))]:
        payment = till.placed()
        paid = till.simulator.sim("pay", out_trade_no=payment.number, notify=False)
        letter = letters.letter(till, payment, content={number_of: paid[number_of]})
        acts = {
            "asked": lambda payment=payment: till.do(lambda: service.ask(payment.id)),
            "closed": lambda payment=payment: till.do(lambda: service.close(payment.id)),
            "expired": lambda payment=payment: till.do(lambda: expire(payment)),
        }
        for one in news:
            if one in acts:
                acts[one]()
            else:
                assert deliver(till, letter) == GOOD[till.simulator.channel]
                handle_all(till)
        ends.append((till.read(payment).state, told.paid.count(payment.number)))
    assert set(ends) == {("paid", 1)}
    figure(f"{len(ends)} orders of 5 events, one end")


WECHAT_MUTATIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "key of nobody": lambda: {"key": letters.stranger()},
    "unknown serial": lambda: {"serial": "PUB_KEY_ID_0"},
    "serial of the certificate": lambda: {"serial": "7777777777777777"},
    "a probe": lambda: {"prefix": "WECHATPAY/SIGNTEST/"},
    "old": lambda: {"timestamp": -301},
    "from the future": lambda: {"timestamp": 301},
    "other algorithm": lambda: {"kind": "WECHATPAY2-SM2-WITH-SM3"},
    "sealed for another": lambda: {"v3_key": "b" * 32},
    "no signature": lambda: {"without": ["Wechatpay-Signature"]},
    "no timestamp": lambda: {"without": ["Wechatpay-Timestamp"]},
    "no nonce": lambda: {"without": ["Wechatpay-Nonce"]},
    "no serial": lambda: {"without": ["Wechatpay-Serial"]},
    "one byte more": lambda: {"touch": lambda body: body + b" "},
    "one byte less": lambda: {"touch": lambda body: body[:-1]},
    "one bit": lambda: {"touch": lambda body: body[:40] + bytes([body[40] ^ 1]) + body[41:]},
    "empty": lambda: {"touch": lambda body: b""},
    "another amount": lambda: {"content": {"amount": {"total": 1, "currency": "CNY"}}},
    "another currency": lambda: {"content": {"amount": {"total": 1280, "currency": "USD"}}},
    "another merchant": lambda: {"content": {"mchid": "1900000999"}},
    "another app": lambda: {"content": {"appid": "wx9999999999999999"}},
    "another number": lambda: {"content": {"out_trade_no": "P" + "0" * 25}},
    "an amount that is text": lambda: {"content": {"amount": {"total": "1280", "currency": "CNY"}}},
    "an unknown event": lambda: {"event": "SOMETHING.ELSE"},
}
ALIPAY_MUTATIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "key of nobody": lambda: {"key": letters.stranger()},
    "sign_type inside": lambda: {"keep_sign_type": True},
    "SHA-1": lambda: {"kind": "RSA"},
    "empty sign": lambda: {"empty_sign": True},
    "no sign": lambda: {"without": ["sign"]},
    "one byte": lambda: {"touch": lambda body: body.replace(b"12.80", b"12.81")},
    "no form": lambda: {"touch": lambda body: b"\xff\xfe"},
    "another amount": lambda: {"content": {"total_amount": "0.01"}},
    "three decimals": lambda: {"content": {"total_amount": "12.800"}},
    "another seller": lambda: {"content": {"seller_id": "2088999999999999"}},
    "another app": lambda: {"content": {"app_id": "2021999999999999"}},
    "another number": lambda: {"content": {"out_trade_no": "P" + "0" * 25}},
    "another kind": lambda: {"content": {"notify_type": "something_else"}},
}
MUTATIONS = [("wechat", name) for name in WECHAT_MUTATIONS] + [("alipay", name) for name in ALIPAY_MUTATIONS]


@pytest.mark.parametrize(("channel", "name"), MUTATIONS)
def test_no_mutation_of_a_notice_is_believed(request, channel, name, told) -> None:
    """Row 4: refused, nothing changed, a line each."""
    till: Till = request.getfixturevalue(f"{channel}_till")
    payment = placed(till)
    changed = (WECHAT_MUTATIONS if channel == "wechat" else ALIPAY_MUTATIONS)[name]()
    status = deliver(till, letters.letter(till, payment, **changed))
    handle_all(till)
    assert (till.read(payment).state, told.paid) == ("placed", [])
    with db.unit_of_work(till.mall):
        refused = session.scalar(select(func.count()).select_from(Notice).where(Notice.state == "refused"))
    assert (status >= 400, refused or 0, count(till.mall, NoticeRefusal)) in {(True, 0, 1), (False, 1, 0)}


def test_thirty_mutations_are_tried(figure) -> None:
    assert len(MUTATIONS) >= 30
    figure(f"{len(MUTATIONS)} mutations, 0 accepted")


def test_another_malls_keys_prove_nothing(wechat_till, told) -> None:
    payment = placed(wechat_till)
    headers, body = letters.wechat(wechat_till, payment, key=new_key(), v3_key="c" * 32)
    assert deliver(wechat_till, (headers, body)) == 401
    assert told.paid == []


def test_what_was_genuine_once_and_is_played_again_posts_nothing(till, told, figure) -> None:
    """Row 5: acknowledged and done once; WeChat's also with its nonce in another notice, and refused once its time is over."""
    payments = [placed(till) for _ in range(trials(10))]
    old = [letters.letter(till, payment, id=f"n{payment.id}", nonce="A" * 32) for payment in payments]
    for letter in old:
        assert deliver(till, letter) == GOOD[till.simulator.channel]
    handle_all(till)
    posts = len(told.paid)
    for letter in old * 10:
        assert deliver(till, letter) == GOOD[till.simulator.channel]
    replays = 10 * len(old)
    if till.simulator.channel == "wechat":
        for payment in payments:
            assert deliver(till, letters.wechat(till, payment, id=f"n{payment.id}", nonce="A" * 32)) == 204
            assert deliver(till, letters.wechat(till, payment, timestamp=-301)) == 401
        replays += 2 * len(old)
    handle_all(till)
    assert posts == len(told.paid) == len(payments)
    figure(f"{replays} replays of {posts} notices, {len(told.paid) - posts} posts")


def test_whenever_it_is_paid_the_next_question_comes_within_a_minute(wechat_till) -> None:
    """Row 6: the longest silence between two questions, over the whole life of a payment."""
    payment = placed(wechat_till)
    at, asked = payment.made_at, [payment.made_at]
    while at < payment.expires_at:
        at = polling.next_ask(payment, at)
        asked.append(at)
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(asked)]
    assert max(gaps) <= 60 and asked[-1] - payment.expires_at <= timedelta(seconds=5) and len(asked) < 30


def test_no_code_is_left_open_for_two_minutes(wechat_till) -> None:
    """Row 8: questions every few seconds, undone after a minute, and again while the gateway is silent."""
    payment = wechat_till.intend(kind="auth_code")
    at, asked = payment.made_at, []
    while at - payment.made_at < timedelta(seconds=120):
        at = polling.next_ask(payment, at)
        asked.append((at - payment.made_at).total_seconds())
    assert asked[0] == 3 and 60 in asked and max(b - a for a, b in itertools.pairwise(asked)) <= 20


def test_whatever_the_phone_does_a_charge_is_final_within_two_minutes(till, told, figure) -> None:
    """Row 8: the password comes early, late, never or after the undoing, and the gateway's answers are cut off now and then."""
    began, dice, count = clock.now(), random.Random(8), trials(12, least=5)
    pays_after = {}
    for place in range(count):
        payment = till.intend(kind="auth_code")
        code = till.simulator.auth_code("han-meimei", needs_password=True)
        till.do(lambda payment=payment, code=code: service.charge(service.read(payment.id), code))
        pays_after[payment.id] = (2, 30, 62, 75, None)[place % 5]
    final: dict[int, float] = {}
    for seconds in range(0, 140, 2):
        clock.fix(began + timedelta(seconds=seconds))
        for number, after in pays_after.items():
            if after is not None and after <= seconds < after + 2:
                payment = known(till, number)
                requests.post(f"{till.simulator.url}/_sim/pay", json={"out_trade_no": payment.number, "notify": False}, timeout=10)
        if dice.random() < 0.3:
            till.simulator.fault("reset", "query")
        till.due()
        for number in pays_after.keys() - final.keys():
            if not known(till, number).is_open:
                final[number] = seconds
        if len(final) == count:
            break
    ends = {known(till, number).state for number in final}
    assert len(final) == count and max(final.values()) <= 120
    assert ends == {"paid", "closed"}
    assert len(told.paid) + len(told.closed) == len({*told.paid, *told.closed}) == count
    figure(f"{count} charges, 0 open after 120 s, the last final after {max(final.values())} s")


def known(till: Till, payment_id: int) -> Payment:
    with db.unit_of_work(till.mall):
        return service.read(payment_id)


def test_every_question_ends_some_day(wechat_till) -> None:
    for kind in ("prepay", "auth_code"):
        payment = replace_kind(wechat_till, kind)
        at, asked = payment.made_at, 0
        while (at := polling.next_ask(payment, at)) is not None:
            asked += 1
        assert asked < 400


def replace_kind(till: Till, kind: str) -> Payment:
    return till.intend(kind=kind)


def test_all_notices_lost_is_every_payment_found(till, told, figure) -> None:
    """Row 6: the gateway drops all of them."""
    payments = [till.placed() for _ in range(20)]
    till.simulator.sim("troubles", kind="drop", times=20)
    for payment in payments:
        till.simulator.pay(payment)
    till.due(ahead=8)
    assert sorted(told.paid) == sorted(payment.number for payment in payments)
    figure(f"{len(told.paid)} of 20 found by asking")


def test_what_is_charged_and_then_cut_off_is_never_charged_twice(till, told, figure) -> None:
    """Row 7: five hundred over both gateways; the cashier tries again each time."""
    charged = trials(500) // 2
    for _ in range(charged):
        payment = till.intend(kind="auth_code")
        till.simulator.fault("reset", "charge")
        code = till.simulator.auth_code("han-meimei")
        for _again in range(2):
            with db.unit_of_work(till.mall):
                known = service.read(payment.id)
                if known.is_open:
                    service.charge(known, code)
        assert till.do(lambda payment=payment: service.ask(payment.id)).state == "paid"
    assert len(told.paid) == len(set(told.paid)) == charged
    figure(f"0 double charges in {charged}")


def test_two_refunds_at_once_never_give_back_more_than_was_paid(till, figure) -> None:
    """Row 12: five hundred races over both gateways."""
    chance, races = random.Random(12), trials(500) // 2

    def give(asked: tuple[int, int, int]) -> int:
        payment_id, amount, cause = asked
        try:
            with db.unit_of_work(till.mall):
                return service.intend_refund(payment_id, amount_fen=amount, reason="x", cause_type="race", cause_id=cause).amount_fen
        except Problem:
            return 0

    with ThreadPoolExecutor(2) as pool:
        for race in range(races):
            payment = placed(till)
            deliver(till, letters.letter(till, payment))
            handle_all(till)
            amounts = [chance.randint(1, 1280) for _ in range(2)]
            with meeting("FOR UPDATE") as place:
                given = sum(pool.map(give, [(payment.id, amount, race * 2 + turn) for turn, amount in enumerate(amounts)]))
            assert place.met == 1
            found = till.read(payment)
            assert found.refunding_fen == given <= found.amount_fen
            assert given == sum(amounts) or sum(amounts) > found.amount_fen
    figure(f"{races} races, never more than was paid")


def test_a_commit_whose_answer_is_lost_is_one_payment(till, told, monkeypatch, figure) -> None:
    """Row 16: the connection is cut during COMMIT, before or after it took effect; the gateway sends again."""
    real, chance = db._commit, random.Random(16)

    def cut() -> None:
        if chance.random() < 0.5:
            real()
        raise OperationalError("COMMIT", {}, Exception("the line is cut"))

    for _ in range(trials(100) // 2):
        payment = placed(till)
        letter = letters.letter(till, payment)
        for work in (lambda sent=letter: deliver(till, sent), lambda: handle_all(till)):
            with monkeypatch.context() as broken, pytest.raises(OperationalError):
                broken.setattr(db, "_commit", cut)
                work()
            db.abandon()
            work()
    assert len(set(told.paid)) == trials(100) // 2
    with db.unit_of_work(till.mall):
        moves = Payment.moves_table
        assert session.scalar(select(func.count()).select_from(moves).where(moves.c.to_state == "paid")) == trials(100) // 2
    figure(f"{trials(100) // 2} cut commits of each kind, one payment each")


def test_without_the_cache_notices_are_taken_and_refused_as_ever(wechat_till, told, settings) -> None:
    """Row 18; through real processes in tests/faults."""
    cache.configure("redis://127.0.0.1:1/0")
    try:
        payment = placed(wechat_till)
        assert deliver(wechat_till, letters.wechat(wechat_till, payment)) == 204
        assert deliver(wechat_till, letters.wechat(wechat_till, payment, key=letters.stranger())) == 401
        handle_all(wechat_till)
    finally:
        cache.configure(settings.redis_url)
    assert told.paid == [payment.number]


def test_notices_questions_and_refunds_at_once_meet_no_deadlock(wechat_till, figure) -> None:
    """Row 27: everything locks the payment first, then the order."""
    chance, done, lost = random.Random(27), [], []
    hooks.on_paid[:] = [lambda payment: db.lock("order", payment.order_id % 3)]
    payments = [placed(wechat_till) for _ in range(6)]

    def act(turn: int) -> None:
        payment = chance.choice(payments)
        try:
            if turn % 3 == 0:
                deliver(wechat_till, letters.wechat(wechat_till, payment))
                handle_all(wechat_till)
            else:
                with db.unit_of_work(wechat_till.mall):
                    service.hold_all(payment.order_id)
                    db.lock("order", payment.order_id % 3)
                    service.intend_refund(payment.id, amount_fen=1, reason="x", cause_type="mixed", cause_id=turn)
            done.append(turn)
        except Problem:
            done.append(turn)
        except Exception as error:
            lost.append(repr(error))

    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(act, range(trials(10_000))))
    finally:
        hooks.on_paid[:] = []
    assert lost == [] and len(done) == trials(10_000)
    figure(f"{len(done)} mixed acts by 8 threads, {len(lost)} deadlocks surfaced")


def test_a_new_key_and_the_old_one_hold_side_by_side_until_the_old_one_ends(till, told, figure) -> None:
    """Row 31: no good notice is refused; after its end the old key proves nothing."""
    fresh, each, good = new_key(), trials(10), GOOD[till.simulator.channel]
    wechat = till.simulator.channel == "wechat"
    signed_by = {"key": fresh, "serial": "PUB_KEY_ID_0000000001"} if wechat else {"key": fresh}
    with db.unit_of_work(till.mall):
        (old,) = [key for key in service.keys(till.account_id).items if key.kind == "trusted_key"]
        serial = {"serial": signed_by["serial"]} if wechat else {}
        service.add_key(till.account_id, kind="trusted_key", text=public_pem(fresh), by="test", **serial)
    payments = [placed(till) for _ in range(3 * each)]
    for payment in payments[:each]:
        assert deliver(till, letters.letter(till, payment)) == good
    for payment in payments[each : 2 * each]:
        assert deliver(till, letters.letter(till, payment, **signed_by)) == good
    with db.unit_of_work(till.mall):
        service.end_key(till.account_id, old.id, ends_at=old.starts_at, by="test", why="换成新的")
    clock.fix(clock.now() + timedelta(seconds=2))
    for payment in payments[2 * each :]:
        assert deliver(till, letters.letter(till, payment)) == 401
        assert deliver(till, letters.letter(till, payment, **signed_by)) == good
    handle_all(till)
    assert sorted(told.paid) == sorted(payment.number for payment in payments)
    figure(f"{3 * each} good notices over a change of keys, 0 refused; {each} by the ended key, 0 believed")


def test_a_service_provider_collects_for_its_merchant_and_nobody_elses_counts(mall, wechat, settings, told) -> None:
    sub = "1900000777"
    demo = DEMO["wechat"]["merchant_no"]
    wechat.sim("merchants", mchid=demo, subs=[sub])
    from tests.payments.conftest import add_account

    with db.unit_of_work(mall):
        account = add_account(wechat, mode="partner", sub_merchant_no=sub)
    till = Till(mall, wechat, settings, account.id)
    payment = till.placed()
    wechat.sim("pay", out_trade_no=payment.number, mchid=demo, notify=False)
    assert till.do(lambda: service.ask(payment.id)).state == "paid"
    other = placed(till)
    names = {"sp_mchid": demo, "sp_appid": DEMO["wechat"]["app_id"], "sub_mchid": "1900000778"}
    deliver(till, letters.wechat(till, other, content=names))
    handle_all(till)
    assert (till.read(other).state, till.read(other).trouble) == ("placed", "wrong-merchant")
    deliver(till, letters.wechat(till, other, content=names | {"sub_mchid": sub}))
    handle_all(till)
    assert told.paid == [payment.number, other.number]
