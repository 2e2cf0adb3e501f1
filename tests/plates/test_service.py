"""The life of a plate, and what a scanned code comes to."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest

from api.kit import audit, clock, db
from api.kit.db import session
from api.kit.states import WrongState
from api.malls import service as malls
from api.malls.errors import ShopNotFound
from api.malls.models import Shop
from api.plates import errors, service
from api.plates.models import Plate
from tests.conftest import owner_rows
from tests.factories import make_mall, make_shop
from tests.plates.conftest import issued


def test_ten_thousand_codes_are_all_different_and_cannot_be_guessed(inside) -> None:
    codes = [code for _ in range(10) for code in malls.new_codes("plate", 1000)]
    assert len(set(codes)) == 10_000
    assert all(re.fullmatch(r"[a-z2-9]{12}", code) for code in codes)
    assert not set("ilo01") & set("".join(codes))
    # Every place takes every letter about as often as any other: nothing of a code follows from another.
    for place in range(12):
        seen = [code[place] for code in codes]
        assert len(set(seen)) == 31
        assert max(seen.count(letter) for letter in set(seen)) < 450


def test_plates_are_numbered_on_from_batch_to_batch(inside) -> None:
    first, second = issued(3), issued(2)
    assert [plate.printed for plate in [*first, *second]] == ["000001", "000002", "000003", "000004", "000005"]
    assert {plate.state for plate in first} == {"blank"}


def test_a_batch_costs_few_statements_whatever_its_size(inside, statements) -> None:
    with statements() as small:
        service.issue(2, note="", by="staff:1")
    with statements() as large:
        service.issue(900, note="", by="staff:1")
    assert len(large) <= len(small) + 4


def test_a_plate_in_use_says_where_it_stands_and_what_may_be_paid(counter, statements) -> None:
    with db.unit_of_work(counter.mall_id), statements() as seen:
        found = service.resolve(counter.code)
    assert (found.plate_id, found.mall_id, found.shop_id, found.number) == (counter.plate_id, counter.mall_id, counter.shop_id, "000001")
    assert (found.code, found.min_fen, found.max_fen, found.decimals, found.excluded_allowed) == (counter.code, 1, 5_000_000, 2, False)
    assert len(seen) <= 4  # one of them enters the mall


def test_a_blank_plate_a_retired_one_and_a_strangers_code_are_told_apart(inside) -> None:
    blank, old = issued(2)
    service.retire(old.id, by="staff:1", why="cracked")
    with pytest.raises(errors.PlateBlank):
        service.resolve(blank.code)
    with pytest.raises(errors.PlateRetired):
        service.resolve(old.code)
    for stranger in ("a" * 12, "", "x", "A" * 12, "../../etc", "ｂ" * 12, "a" * 10_000):
        with pytest.raises(errors.PlateUnknown):
            service.resolve(stranger)


def test_another_malls_plate_is_unknown_here(counter) -> None:
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other), pytest.raises(errors.PlateUnknown):
        service.resolve(counter.code)
    with db.unit_of_work(other), pytest.raises(errors.PlateUnknown):
        service.retire(counter.plate_id, by="staff:1", why="not mine")


def test_a_shop_that_closed_or_whose_contract_ended_takes_nothing(counter) -> None:
    with db.unit_of_work(counter.mall_id):
        session.get_one(Shop, counter.shop_id).closed = True
        session.flush()
        with pytest.raises(errors.PlateShopClosed):
            service.resolve(counter.code)
        shop = session.get_one(Shop, counter.shop_id)
        shop.closed, shop.ends_on = False, clock.today("Asia/Shanghai") - timedelta(days=1)
        session.flush()
        with pytest.raises(errors.PlateShopClosed):
            service.resolve(counter.code)


def test_every_move_of_a_plate_is_written_down_with_who_and_why(counter) -> None:
    with db.unit_of_work(counter.mall_id):
        other = make_shop()
        service.move(counter.plate_id, other.id, by="staff:7", why="the counter moved")
        service.retire(counter.plate_id, by="staff:8", why="worn")
        moves = [(row.from_state, row.to_state, row.moved_by, row.reason) for row in service.moves_of(counter.plate_id)]
        lines = audit.entries(subject_type="plate", subject_id=str(counter.plate_id)).items
    assert moves == [
        ("bound", "retired", "staff:8", "worn"),
        ("bound", "bound", "staff:7", "the counter moved"),
        ("blank", "bound", "staff:1", None),
    ]
    assert [(line.did, line.who, line.why) for line in lines][:2] == [
        ("retired the plate", "staff:8", "worn"),
        ("moved the plate", "staff:7", "the counter moved"),
    ]
    assert lines[1].before == {"shop_id": counter.shop_id}
    assert lines[1].after == {"shop_id": other.id}


def test_what_a_plates_life_does_not_allow_is_refused_by_name(counter) -> None:
    with db.unit_of_work(counter.mall_id):
        other, blank = make_shop(), issued()[0]
        with pytest.raises(errors.PlateBound) as bound:
            service.bind(counter.plate_id, other.id, by="staff:1")
        assert bound.value.facts["shop_id"] == counter.shop_id
        with pytest.raises(errors.PlateStandsThere):
            service.move(counter.plate_id, counter.shop_id, by="staff:1", why="again")
        with pytest.raises(WrongState):
            service.move(blank.id, other.id, by="staff:1", why="not bound yet")
        with pytest.raises(ShopNotFound):
            service.bind(blank.id, 999_999, by="staff:1")
        service.retire(blank.id, by="staff:1", why="misprint")
        with pytest.raises(errors.PlateRetired):
            service.bind(blank.id, other.id, by="staff:1")
        with pytest.raises(WrongState):
            service.retire(blank.id, by="staff:1", why="again")


def test_of_two_people_who_bind_one_plate_one_is_told_where_it_stands(mall, settings) -> None:
    for _ in range(10):
        with db.unit_of_work(mall):
            shops, plate_id = [make_shop().id, make_shop().id], issued()[0].id
        barrier, told = threading.Barrier(2), []

        def bind(shop_id: int, plate_id: int = plate_id, barrier: threading.Barrier = barrier, told: list[str] = told) -> None:
            barrier.wait()
            try:
                db.in_mall(mall, lambda: service.bind(plate_id, shop_id, by=f"staff:{shop_id}"))
                told.append("bound")
            except errors.PlateBound as refusal:
                told.append(str(refusal.facts["shop_id"]))

        people = [threading.Thread(target=bind, args=(shop_id,)) for shop_id in shops]
        [person.start() for person in people]
        [person.join() for person in people]
        with db.unit_of_work(mall):
            stands_at = session.get_one(Plate, plate_id).shop_id
        assert sorted(told) == sorted(["bound", str(stands_at)])
    assert owner_rows(settings, "SELECT count(*), count(DISTINCT plate_id) FROM plate_moves") == [(10, 10)]


def test_two_batches_made_at_once_share_no_number(mall, settings) -> None:
    barrier = threading.Barrier(4)

    def make() -> None:
        barrier.wait()
        db.in_mall(mall, lambda: service.issue(25, note="", by="staff:1"))

    people = [threading.Thread(target=make) for _ in range(4)]
    [person.start() for person in people]
    [person.join() for person in people]
    assert owner_rows(settings, "SELECT count(*), count(DISTINCT number), max(number) FROM plates") == [(100, 100, 100)]


def test_a_shop_may_have_terms_of_its_own(counter) -> None:
    with db.unit_of_work(counter.mall_id):
        own = {"min_fen": 500, "max_fen": None, "decimals": 1, "excluded_allowed": True}
        service.set_terms(counter.shop_id, own, by="staff:1", why="gold counter")
        plate = service.resolve(counter.code)
        assert (plate.min_fen, plate.max_fen, plate.decimals, plate.excluded_allowed) == (500, 5_000_000, 1, True)
        service.set_terms(counter.shop_id, dict.fromkeys(own), by="staff:1", why="as the mall")
        assert service.resolve(counter.code).min_fen == 1
        with pytest.raises(errors.PlateTermsContradict):
            service.set_terms(counter.shop_id, own | {"max_fen": 499}, by="staff:1", why="crossed")


def test_a_policy_that_crosses_a_shops_own_limit_still_leaves_limits_in_order(counter) -> None:
    with db.unit_of_work(counter.mall_id):
        own = {"min_fen": None, "max_fen": 1_000, "decimals": None, "excluded_allowed": None}
        service.set_terms(counter.shop_id, own, by="staff:1", why="a kiosk")
        malls.change_policy({"plate_min_fen": 2_000}, by="staff:1", why="test")
        plate = service.resolve(counter.code)
    assert (plate.min_fen, plate.max_fen) == (1_000, 1_000)


@pytest.mark.parametrize(
    ("amount_fen", "excluded_fen", "refusal"),
    [
        (499, 0, errors.PlateAmountTooSmall),
        (0, 0, errors.PlateAmountTooSmall),
        (-1, 0, errors.PlateAmountTooSmall),
        (5_000_001, 0, errors.PlateAmountTooLarge),
        (2**63, 0, errors.PlateAmountTooLarge),
        (505, 0, errors.PlateAmountTooFine),
        (1_000, 5, errors.PlateAmountTooFine),
        (1_000, 1_010, errors.ExcludedPartTooLarge),
        (1_000, -10, errors.ExcludedPartTooLarge),
    ],
)
def test_an_amount_that_a_plate_does_not_take_is_refused_by_name(counter, amount_fen, excluded_fen, refusal) -> None:
    with db.unit_of_work(counter.mall_id):
        own = {"min_fen": 500, "max_fen": None, "decimals": 1, "excluded_allowed": True}
        service.set_terms(counter.shop_id, own, by="staff:1", why="test")
        plate = service.resolve(counter.code)
        service.check_amount(plate, 500)
        service.check_amount(plate, 5_000_000, 5_000_000)
        with pytest.raises(refusal):
            service.check_amount(plate, amount_fen, excluded_fen)


def test_a_part_without_benefit_is_taken_only_where_it_is_allowed(counter) -> None:
    with db.unit_of_work(counter.mall_id), pytest.raises(errors.ExcludedPartNotTaken):
        service.check_amount(service.resolve(counter.code), 1_000, 100)
