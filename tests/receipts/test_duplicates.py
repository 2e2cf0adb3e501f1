"""One paper scores once: whoever sends it, however often, at whatever moment."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, func, select, text

from api.kit import clock, db
from api.kit.db import session
from api.receipts import queries, reading, service
from api.receipts.models import BAND_PLACES, Receipt, ReceiptReview
from api.sales.models import Sale
from tests.receipts.conftest import NOW, PAID, World, picture, slip, translated
from tests.receipts.test_questions import doubtful


def sale_count(world: World) -> int:
    with db.unit_of_work(world.mall):
        return session.scalar(select(func.count(Sale.id))) or 0


def test_the_same_paper_again_says_that_it_was_scored(world: World) -> None:
    member, paper = world.member(), slip()
    first = world.read(member, paper)
    again = world.read(member, replace(paper, picture=slip().picture))
    assert (again.state, again.why, again.details) == ("refused", "scored_before", {"receipt_id": first.id})
    assert sale_count(world) == 1 and len(world.points(member)) == 1


def test_another_members_photo_of_the_same_paper_is_refused_and_tells_nothing_of_them(world: World) -> None:
    first, second, paper = world.member(), world.member(), slip()
    world.read(first, paper)
    other = world.read(second, replace(paper, picture=slip().picture))
    assert (other.state, other.why) == ("refused", "scored_for_another")
    assert "receipt_id" not in other.details
    assert world.points(second) == []


def test_without_a_number_shop_minute_and_amount_say_the_same(world: World) -> None:
    world.read(world.member(), slip(no=None))
    assert world.read(world.member(), slip(no=None)).why == "scored_for_another"


def test_two_numbers_in_one_minute_are_two_purchases(world: World) -> None:
    assert world.read(world.member(), slip(no="202605200001")).state == "scored"
    assert world.read(world.member(), slip(no="202605209992")).state == "scored"
    assert sale_count(world) == 2


def test_another_amount_under_the_same_number_goes_to_a_person(world: World) -> None:
    world.read(world.member(), slip(no="202605200001", fen=12_850))
    tampered = world.read(world.member(), slip(no="202605200001", fen=92_850))
    assert (tampered.state, tampered.why) == ("in_review", "same_number_other_amount")


def test_a_tampered_copy_whose_number_cannot_be_read_is_noticed_by_its_lines(world: World) -> None:
    lines = ("海底捞火锅", "毛肚 58.00", "虾滑 46.00", "肥牛 24.50", "合计 128.50")
    world.read(world.member(), slip(no="202605200001", lines=lines))
    changed = world.read(world.member(), slip(no=None, fen=92_850, lines=(*lines[:-1], "合计 928.50")))
    assert changed.why == "same_number_other_amount"


def test_the_same_picture_stored_again_is_found_by_its_hash(world: World) -> None:
    world.read(world.member(), slip(phash="00ff00ff00ff00ff", no="202605200001"))
    near = slip(phash="00ff00ff00ff00fe", no="202605203333", fen=33_300, at=PAID.replace(hour=10))
    assert world.read(world.member(), near).why == "same_picture_other_facts"
    far = slip(phash="ff00ff00ff00ff00", no="202605204444", fen=44_400, at=PAID.replace(hour=9))
    assert world.read(world.member(), far).state == "scored"


def test_a_twin_that_a_person_looks_at_makes_the_other_wait_too(world: World) -> None:
    paper = slip(fen=350_000)
    assert world.read(world.member(), paper).why == "high_value"
    assert world.read(world.member(), replace(paper, picture=slip().picture)).why == "same_paper_twice"


def conclude_at_once(world: World, receipts: list[int], paper) -> None:
    barrier = threading.Barrier(len(receipts))

    def one(receipt: int) -> None:
        with db.unit_of_work(world.mall):
            service.begin_reading(receipt)
        barrier.wait()
        db.in_mall(world.mall, lambda: service.conclude(receipt, translated(paper)))

    threads = [threading.Thread(target=one, args=(receipt,), name=f"receipt {receipt}") for receipt in receipts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture
def decided_first(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """decided_first(receipt): of conclusions under way at once, this one is committed before any other looks around."""

    def lead(receipt: int) -> None:
        committed, lock, in_mall = threading.Event(), db.lock, db.in_mall

        def leads() -> bool:
            return threading.current_thread().name == f"receipt {receipt}"

        def alone_after(*subject: object) -> None:
            assert leads() or committed.wait(30)
            lock(*subject)

        def in_mall_first(mall_id: int | None, work: Callable[[], Any]) -> Any:
            try:
                return in_mall(mall_id, work)
            finally:
                if leads():
                    committed.set()

        monkeypatch.setattr(db, "lock", alone_after)
        monkeypatch.setattr(db, "in_mall", in_mall_first)

    return lead


def reasons(world: World, receipts: list[int]) -> Counter[str]:
    with db.unit_of_work(world.mall):
        return Counter(session.scalars(select(Receipt.why).where(Receipt.id.in_(receipts))))


def cases(world: World) -> int:
    with db.unit_of_work(world.mall):
        return session.scalar(select(func.count(ReceiptReview.id))) or 0


def read_at_once(world: World, receipts: list[int], papers: list[Any]) -> None:
    """All were sent and are being read; a minute later they are decided one after the other."""
    for receipt in receipts:
        with db.unit_of_work(world.mall):
            assert service.begin_reading(receipt)
    clock.fix(NOW + timedelta(minutes=1))
    for receipt, paper in zip(receipts, papers, strict=True):
        with db.unit_of_work(world.mall):
            service.conclude(receipt, translated(paper))


def states(world: World) -> list[str]:
    with db.unit_of_work(world.mall):
        return sorted(session.scalars(select(Receipt.state)))


@pytest.mark.parametrize("numbered", [True, False])
def test_the_same_photo_from_20_clients_at_once_is_one_sale_and_one_award(world: World, numbered: bool) -> None:
    member, paper = world.member(), slip(**({} if numbered else {"no": None}))
    world.read(world.member(), slip(fen=777))  # the shops' names are known to this process now
    before = sale_count(world)
    receipts = [world.sent(member, picture(7)) for _ in range(12)] + [world.sent(world.member(), picture(7)) for _ in range(8)]
    conclude_at_once(world, receipts, paper)
    assert sale_count(world) == before + 1
    with db.unit_of_work(world.mall):
        scored = session.scalar(select(func.count()).where(Receipt.id.in_(receipts), Receipt.state == "scored"))
        told = set(session.scalars(select(Receipt.state).where(Receipt.id.in_(receipts))))
    assert scored == 1 and told == {"scored", "refused"}


@pytest.mark.parametrize("first", ["the first of twelve", "the last of twelve", "one of eight"])
def test_of_20_clients_at_once_exactly_one_scores_whoever_is_decided_first(
    world: World, decided_first: Callable[[int], None], first: str
) -> None:
    busy, paper = world.member(), slip()
    world.read(world.member(), slip(fen=777))
    before = sale_count(world)
    twelve = [world.sent(busy, picture(7)) for _ in range(12)]
    eight = [world.sent(world.member(), picture(7)) for _ in range(8)]
    leader = {"the first of twelve": twelve[0], "the last of twelve": twelve[-1], "one of eight": eight[3]}[first]
    decided_first(leader)
    conclude_at_once(world, [*twelve, *eight], paper)
    assert sale_count(world) == before + 1
    assert world.receipt(leader).why == "awarded"
    others = {"scored_before": 11, "scored_for_another": 8} if leader in twelve else {"scored_for_another": 19}
    assert reasons(world, [*twelve, *eight]) == {"awarded": 1} | others
    assert cases(world) == 0


@pytest.mark.parametrize(
    "order",
    [tuple(range(11)), tuple(range(10, -1, -1)), (9, 8, 10, *range(8)), (9, 10, 8, *range(7, -1, -1))],
    ids=["as sent", "backwards", "the fast ones first", "the fast ones first, then the other member"],
)
def test_photos_of_one_paper_sent_at_once_score_once_in_whatever_order_they_are_decided(world: World, order: Any) -> None:
    busy, other, paper = world.member(), world.member(), slip()
    receipts = [world.sent(busy) for _ in range(10)] + [world.sent(other)]
    placed = [receipts[place] for place in order]
    read_at_once(world, placed, [replace(paper, picture=slip().picture) for _ in placed])
    assert reasons(world, receipts)["awarded"] == 1
    assert len(world.points(busy) + world.points(other)) == sale_count(world) == 1


def test_who_sends_too_fast_holds_back_nobody_who_sent_the_same_paper_at_once(world: World) -> None:
    busy, other, paper = world.member(), world.member(), slip()
    for fen in range(8):
        world.read(busy, slip(fen=1_000 + fen))
    ninth, same = world.sent(busy), world.sent(other)
    read_at_once(world, [ninth, same], [paper, replace(paper, picture=slip().picture)])
    assert [world.receipt(receipt).why for receipt in (ninth, same)] == ["too_fast", "awarded"]


def test_who_sends_a_paper_that_a_person_looks_at_already_waits_too(world: World) -> None:
    busy, other, paper = world.member(), world.member(), slip()
    for fen in range(8):
        world.read(busy, slip(fen=1_000 + fen))
    assert world.read(busy, paper).why == "too_fast"
    clock.fix(NOW + timedelta(minutes=1))
    assert world.read(other, replace(paper, picture=slip().picture)).why == "same_paper_twice"


def test_who_answers_a_question_does_not_wait_for_those_who_wait_for_the_answer(world: World) -> None:
    asked, other = world.member(), world.member()
    first = world.read(asked, doubtful(no="202605200001"))
    clock.fix(NOW + timedelta(minutes=1))
    second = world.read(other, slip(no="202605200001"))
    assert (first.why, second.why) == ("which_amount", "same_paper_twice")
    body = world.post(f"/v1/receipts/{first.id}/answers", asked, {"value": 12_850}).json
    assert (body["state"], sale_count(world)) == ("scored", 1)


def test_two_who_are_asked_about_one_paper_at_once_are_not_both_held_back(world: World) -> None:
    members = [world.member(), world.member()]
    receipts = [world.sent(member) for member in members]
    papers = [doubtful(no="202605200001"), doubtful(no="202605200001")]
    read_at_once(world, receipts, papers)
    assert reasons(world, receipts) == {"which_amount": 2}
    for member, receipt in zip(members, receipts, strict=True):
        world.post(f"/v1/receipts/{receipt}/answers", member, {"value": 12_850})
    assert reasons(world, receipts) == {"awarded": 1, "scored_for_another": 1}


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (3, 0, 4, 2, 1)], ids=["as sent", "backwards", "mixed"])
def test_a_days_cap_refuses_only_what_was_sent_beyond_it(world: World, policy: Callable[..., None], order: Any) -> None:
    policy(receipts_per_member_day=3)
    member = world.member()
    receipts = [world.sent(member) for _ in range(5)]
    placed = [receipts[place] for place in order]
    read_at_once(world, placed, [slip(fen=1_000 + receipt) for receipt in placed])
    assert [world.receipt(receipt).why for receipt in receipts] == ["awarded"] * 3 + ["member_day_cap"] * 2


def test_of_nine_papers_sent_at_once_a_person_looks_at_the_ninth_alone(world: World) -> None:
    member = world.member()
    receipts = [world.sent(member) for _ in range(9)]
    read_at_once(world, receipts[::-1], [slip(fen=1_000 + receipt) for receipt in receipts])
    assert [world.receipt(receipt).why for receipt in receipts] == ["awarded"] * 8 + ["too_fast"]


def test_two_members_with_two_photos_of_the_same_paper_make_one_award_and_the_other_is_told(world: World) -> None:
    for round_ in range(5):
        paper = slip(fen=20_000 + round_)
        first, second = world.member(), world.member()
        conclude_at_once(world, [world.sent(first), world.sent(second)], paper)
        awards = world.points(first) + world.points(second)
        assert len(awards) == 1
    assert states(world) == ["refused"] * 5 + ["scored"] * 5


def test_caps_hold_when_receipts_of_one_member_are_decided_at_once(world: World, policy) -> None:
    policy(receipts_per_shop_day=3)
    member = world.member()
    receipts = [world.sent(member) for _ in range(6)]
    barrier = threading.Barrier(6)

    def one(receipt: int, fen: int) -> None:
        with db.unit_of_work(world.mall):
            service.begin_reading(receipt)
        barrier.wait()
        db.in_mall(world.mall, lambda: service.conclude(receipt, translated(slip(fen=fen))))

    threads = [threading.Thread(target=one, args=(receipt, 1_000 + i)) for i, receipt in enumerate(receipts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states(world) == ["refused"] * 3 + ["scored"] * 3


def crowd(receipt_id: int, count: int) -> None:
    """Copies of a receipt, each with a photo whose hash is another."""
    columns = [name for name in Receipt.__table__.columns.keys() if name != "id"]  # noqa: SIM118 - not a mapping
    copied = (
        f"INSERT INTO receipts ({', '.join(columns)}) SELECT {', '.join(columns)} FROM receipts, generate_series(1, :count) WHERE id = :id"
    )
    session.execute(text(copied), {"count": count, "id": receipt_id})
    photos = """
        INSERT INTO receipt_photos (mall_id, receipt_id, position, file_key, format, size_bytes, sha256, stored_at, bands)
        SELECT mall_id, id, 1, 'f' || id, 'JPEG', 1, 's' || id, now(),
            ARRAY[id * 7919 % 65536, 65536 + id * 104729 % 65536, 131072 + id * 1299709 % 65536, 196608 + id * 15485863 % 65536]
        FROM receipts WHERE id <> :id"""
    session.execute(text(photos), {"id": receipt_id})


def test_like_pictures_are_found_by_index_behind_the_wall(world: World, settings: Any) -> None:
    receipt_id, plans = world.sent(world.member(), picture()), list[str]()

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "receipt_photos" in statement:
            plans.append(str(cursor.connection.execute(f"EXPLAIN {statement}", parameters).fetchall()))

    with db.unit_of_work(world.mall):
        crowd(receipt_id, 3_000)
    with psycopg.connect(settings.owner_url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute("ANALYZE receipts, receipt_photos")
    with db.unit_of_work(world.mall):
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", explain)
        queries.near(1, shop_id=None, number_key=None, paid_at=None, paid_fen=None, sha256=["a"], bands=reading.bands("8f3c00ff12345678"))
    assert len(plans) == 1
    assert {f"ix_receipt_photos_band_{place}" for place in BAND_PLACES} <= set(re.findall(r"ix_receipt_photos_\w+", plans[0]))
