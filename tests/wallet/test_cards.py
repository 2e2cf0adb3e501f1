"""Cards of plastic: made, printed, sold within the law, bound, lost, replaced, expired, void."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.approvals.errors import AnotherPersonNeeded
from api.kit import clock, db
from api.kit.db import session
from api.kit.membership import Moved
from api.kit.states import WrongState
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.malls import service as malls
from api.wallet import service as wallet
from api.wallet.errors import (
    BalanceLeft,
    CardBatchHandedOver,
    CardBatchSold,
    CardBound,
    CardCodesLocked,
    CardCodeWrong,
    CardLimitExceeded,
    CardNotExpired,
    CardNotForSale,
    CardNotFound,
    CardNotUsable,
    CardSaleLimitReached,
    NewCardNeeded,
    PrintedByAnother,
    ProductCodeTaken,
    ProductWrong,
    RealNameNeeded,
    TransferNeeded,
)
from api.wallet.models import Card, CardBatch, CardProduct
from api.wallet.service import card_lifecycle, card_numbers, card_requests, card_stock, products, views
from api.wallet.service.card_stock import Buyer, SaleLine
from tests.factories import make_member, make_shop
from tests.points.conftest import set_policy, travel
from tests.wallet.conftest import Holder, whole

DESK, OTHER, MAKER, PRINTER = "staff:1", "staff:2", "staff:3", "staff:4"
_slips = itertools.count(1)
BUYER = Buyer("李雷", "330100199001011234", "13800000000")


def make_product(**given: Any) -> CardProduct:
    """An unnamed card of plastic, ¥1,000 at most, three years."""
    values = {"code": "gift", "title_zh": "礼品卡", "title_en": "Gift card", "form": "physical", "named": False, "limit_fen": 100_000}
    values |= {"valid_years": 3, "bonus_most_bp": 10_000, "shop_ids": None, "invoice": "at_use"}
    return products.make_product(by=DESK, **(values | given))


def make_batch(cards: int = 1, **given: Any) -> CardBatch:
    """Blank cards of a kind of their own."""
    return card_stock.issue(make_product(**given).id, cards, note="a test", by=MAKER)


def print_out(cards: int = 1, **given: Any) -> list[tuple[str, str]]:
    """Numbers and activation codes of a new batch."""
    batch_id = make_batch(cards, **given).id
    return [(line.number, line.activation_code) for line in card_stock.print_part(batch_id, by=PRINTER).lines]


def sell(*lines: tuple[str, int], paid_by: str = "bank_card", buyer: Buyer | None = None, buyer_kind: str = "person") -> Any:
    """Sell by a terminal or a transfer, each time with a slip of its own."""
    cards, reference = [SaleLine(*line) for line in lines], f"SLIP-{next(_slips):06}"
    return card_stock.sell(cards, paid_by=paid_by, reference=reference, buyer_kind=buyer_kind, buyer=buyer, by=DESK)


def bound(holder: Holder, principal_fen: int = 50_000, **given: Any) -> Card:
    """A sold card in the holder's wallet."""
    (number, code), *_ = print_out(2, **given)
    sell((number, principal_fen))
    return card_lifecycle.bind(holder.id, number, code)


def test_a_number_carries_a_check_digit() -> None:
    number = card_numbers.printed(12, 7)
    assert card_numbers.is_number(number) and card_numbers.is_number(card_numbers.electronic())
    slips = [number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :] for at in range(16)]
    assert not any(card_numbers.is_number(slip) for slip in slips)


def test_kind_8_codes_are_fetched_once_in_parts_by_one_person(holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_stock, "PART", 2)
    batch = make_batch(3)
    first = card_stock.print_part(batch.id, by=PRINTER)
    assert (len(first.lines), first.left, batch.printed_by) == (2, 1, PRINTER)
    with pytest.raises(PrintedByAnother):
        card_stock.print_part(batch.id, by=OTHER)
    second = card_stock.print_part(batch.id, by=PRINTER)
    assert (len(second.lines), second.left) == (1, 0)
    assert len({line.number for line in (*first.lines, *second.lines)}) == 3
    assert card_stock.print_part(batch.id, by=PRINTER).lines == []


def test_kind_8_new_codes_end_the_old_ones_and_only_while_no_card_is_sold(holder: Holder) -> None:
    batch = make_batch(2)
    old = card_stock.print_part(batch.id, by=PRINTER).lines
    card_stock.remake_codes(batch.id, by=PRINTER, why="the file was lost")
    new = card_stock.print_part(batch.id, by=OTHER).lines
    assert [line.number for line in new] == [line.number for line in old]
    sell((old[0].number, 10_000))
    with pytest.raises(CardCodeWrong):
        card_lifecycle.bind(holder.id, old[0].number, old[0].activation_code)
    assert card_lifecycle.bind(holder.id, new[0].number, new[0].activation_code).member_id == holder.id
    with pytest.raises(CardBatchSold):
        card_stock.remake_codes(batch.id, by=PRINTER, why="once more")


def test_the_printer_gets_the_codes_and_then_nobody_does(holder: Holder) -> None:
    batch = card_stock.issue(make_product().id, 3, note="a test", by=MAKER)
    part = card_stock.print_part(batch.id, by=PRINTER)
    assert len({line.number for line in part.lines}) == len({line.activation_code for line in part.lines}) == 3
    assert (part.left, card_stock.print_part(batch.id, by=PRINTER).lines) == (0, [])
    card_stock.hand_over(batch.id, by=PRINTER, why="sent to the printer")
    with pytest.raises(CardBatchHandedOver):
        card_stock.print_part(batch.id, by=PRINTER)
    kept = session.scalars(select(Card.activation_sealed).where(Card.batch_id == batch.id)).all()
    assert kept == [None] * 3


def test_a_kind_of_card_stays_within_the_law(holder: Holder) -> None:
    for wrong in ({"limit_fen": 100_001}, {"valid_years": 2}, {"valid_years": None}, {"shop_ids": [404]}, {"named": True}):
        with pytest.raises(ProductWrong):
            make_product(**wrong)
    made = make_product()
    with pytest.raises(ProductCodeTaken):
        make_product()
    with pytest.raises(ProductWrong):
        products.change_product(made.id, by=DESK, why="more", limit_fen=200_000)
    shop_id = make_shop().id
    assert products.change_product(made.id, by=DESK, why="one shop", shop_ids=[shop_id]).shop_ids == [shop_id]


def test_a_sold_card_holds_what_was_paid_and_is_valid_for_three_years(holder: Holder) -> None:
    clock.fix(clock.now())
    (number, code), _ = print_out(2)
    sale = sell((number, 50_000))
    card = card_lifecycle.bind(holder.id, number, code)
    assert (sale.total_fen, sale.invoice, holder.holds) == (50_000, "at_use", (50_000, 0))
    assert ledger.balance(Owner("gateway", 0), Asset.CASH_FEN) == -50_000
    assert card.expires_on is not None and card.expires_on.year == clock.today("Asia/Shanghai").year + 3
    with pytest.raises(CardNotForSale):
        sell((number, 1_000))
    with pytest.raises(CardNotFound):
        sell(("8100000000000000", 1_000))


def test_a_sale_stays_within_the_law(holder: Holder) -> None:
    cards = [number for number, _ in print_out(60)]
    with pytest.raises(CardLimitExceeded):
        sell((cards[0], 100_001))
    with pytest.raises(RealNameNeeded):
        sell(*((number, 100_000) for number in cards[:10]))
    sell(*((number, 100_000) for number in cards[:10]), buyer=BUYER)
    with pytest.raises(TransferNeeded):
        sell(*((number, 100_000) for number in cards[10:50]), buyer=BUYER)
    sell(*((number, 100_000) for number in cards[10:50]), buyer=BUYER, paid_by="bank_transfer")
    with pytest.raises(TransferNeeded):
        sell(*((number, 100_000) for number in cards[50:55]), buyer_kind="company", paid_by="bank_card")


def test_a_named_card_is_sold_to_somebody_known_and_never_expires(holder: Holder) -> None:
    (number, code), _ = print_out(2, named=True, valid_years=None, limit_fen=500_000)
    with pytest.raises(RealNameNeeded):
        sell((number, 300_000))
    sell((number, 300_000), buyer=BUYER)
    assert card_lifecycle.bind(holder.id, number, code).expires_on is None


def test_who_knows_number_and_code_binds_the_card_once(holder: Holder) -> None:
    (number, code), (unsold, unsold_code) = print_out(2)
    sell((number, 1_000))
    card = card_lifecycle.bind(holder.id, number, code)
    assert card_lifecycle.bind(holder.id, number, code).id == card.id
    with pytest.raises(CardBound):
        card_lifecycle.bind(make_member().id, number, code)
    with pytest.raises(CardNotUsable) as refused:
        card_lifecycle.bind(holder.id, unsold, unsold_code)
    assert refused.value.facts["reason"] == "inactive"


def test_guessing_an_activation_code_locks_the_card(mall: int) -> None:
    with db.unit_of_work(mall):
        member_id = make_member().id
        (number, code), _ = print_out(2)
        sell((number, 1_000))
    for _ in range(5):
        with pytest.raises(CardCodeWrong), db.unit_of_work(mall):
            card_lifecycle.bind(member_id, number, "0" * 12 if code != "0" * 12 else "1" * 12)
    with pytest.raises(CardCodesLocked), db.unit_of_work(mall):
        card_lifecycle.bind(member_id, number, code)
    travel(clock.now() + timedelta(hours=25))
    with db.unit_of_work(mall):
        assert card_lifecycle.bind(member_id, number, code).member_id == member_id


def test_an_electronic_card_cannot_be_bound_by_its_number(holder: Holder) -> None:
    holder.recharges(1_000)
    with pytest.raises(CardCodeWrong):
        card_lifecycle.bind(make_member().id, views.read(holder.card_id).number, "0" * 12)


def test_a_lost_card_is_frozen_at_once_and_thawed_by_the_desk(holder: Holder) -> None:
    card = bound(holder)
    with pytest.raises(CardNotFound):
        card_lifecycle.freeze(card.id, by="member:404", why="lost", member_id=make_member().id)
    for _ in range(2):
        card_lifecycle.freeze(card.id, by=f"member:{holder.id}", why="lost", member_id=holder.id)
    assert [one.refusal for one in wallet.funds(holder.id)] == ["frozen"]
    with pytest.raises(CardNotUsable):
        wallet.draw(holder.id, whole(holder, 1), cause_type="order_hold", cause_id=1)
    asked = card_requests.propose(card.id, "unfreeze", why="found again", by=DESK)
    assert (asked.state, views.read(card.id).state) == ("done", "active")


def test_with_much_on_a_card_a_second_person_decides(holder: Holder) -> None:
    card = bound(holder, 60_000)
    asked = card_requests.propose(card.id, "replace", why="lost", by=DESK)
    assert (asked.state, views.read(card.id).state) == ("proposed", "active")
    with pytest.raises(AnotherPersonNeeded):
        card_requests.approve(asked.id, by=DESK)
    done = card_requests.approve(asked.id, by=OTHER)
    assert (done.state, views.read(card.id).state, holder.holds) == ("done", "replaced", (60_000, 0))
    with pytest.raises(WrongState):
        card_requests.approve(asked.id, by=OTHER)


def test_a_rejected_request_does_nothing(holder: Holder) -> None:
    card = bound(holder, 60_000)
    asked = card_requests.propose(card.id, "replace", why="lost", by=DESK)
    card_requests.reject(asked.id, by=OTHER, why="not the owner")
    assert (card_requests.read(asked.id).state, views.read(card.id).state) == ("rejected", "active")


def test_a_replaced_card_hands_everything_to_its_successor_refunds_too(holder: Holder) -> None:
    holder.recharges(10_000, 2_000)
    old = views.read(holder.card_id)
    order_id = holder.pays(11_000)
    card_requests.propose(old.id, "replace", why="lost", by=DESK)
    new_id = views.read(old.id).successor_id
    assert new_id is not None and [one.card_id for one in wallet.funds(holder.id)] == [new_id]
    wallet.put_back([wallet.Drawn(old.id, 4_000, 500)], cause_type="order_refund", cause_id=1, of_id=order_id)
    card_requests.propose(new_id, "replace", why="lost again", by=DESK)
    wallet.put_back([wallet.Drawn(old.id, 6_000, 500)], cause_type="order_refund", cause_id=2, of_id=order_id)
    assert holder.holds == (10_000, 2_000)
    assert views.history_of(holder.id).items[0].title["zh"].startswith("退回")


def test_a_replaced_draw_can_still_be_released(holder: Holder) -> None:
    holder.recharges(10_000, 2_000)
    old_id = holder.card_id
    order_id = holder.pays(11_000)
    card_requests.propose(old_id, "replace", why="lost", by=DESK)
    wallet.release("order_hold", order_id, undo_type="order_release", undo_id=order_id)
    assert holder.holds == (10_000, 2_000)


def test_a_replaced_recharge_is_paid_back_from_the_successor(holder: Holder) -> None:
    order_id = holder.recharges(10_000, 2_000)
    card_requests.propose(holder.card_id, "replace", why="lost", by=DESK)
    assert (wallet.refund_recharge(order_id).principal_fen, holder.holds) == (10_000, (0, 0))


def test_a_card_of_nobody_needs_another_card_of_plastic(holder: Holder) -> None:
    (number, _), (spare, _) = print_out(2)
    sell((number, 10_000))
    card_id = session.scalars(select(Card.id).where(Card.number == number)).one()
    with pytest.raises(NewCardNeeded), session.begin_nested():
        card_requests.propose(card_id, "replace", why="broken", by=DESK)
    asked = card_requests.propose(card_id, "replace", why="broken", by=DESK, new_number=spare)
    assert asked.state == "proposed"  # it may be anybody's card
    done = card_requests.approve(asked.id, by=OTHER)
    assert done.new_card_id is not None and views.listed(number=spare).items[0]["principal_fen"] == 10_000


def test_a_card_with_principal_is_not_made_void(holder: Holder) -> None:
    holder.recharges(1_000, 500)
    with pytest.raises(BalanceLeft):
        card_requests.propose(holder.card_id, "void", why="no longer wanted", by=DESK)
    wallet.draw(holder.id, whole(holder, 1_000), cause_type="order_hold", cause_id=9)
    card_requests.propose(holder.card_id, "void", why="no longer wanted", by=DESK)
    assert (holder.holds, ledger.balance(Owner("bearer", 0), Asset.BONUS_FEN)) == ((0, 0), 0)
    wallet.put_back(whole(holder, 1_000), cause_type="order_refund", cause_id=9)
    assert holder.holds == (1_000, 0)


def test_an_expired_balance_is_not_lost(holder: Holder) -> None:
    card = bound(holder)
    with pytest.raises(CardNotExpired):
        card_lifecycle.reactivate(card.id, by=DESK)
    assert card.expires_on is not None
    travel(clock.now() + timedelta(days=3 * 366))
    assert [one.refusal for one in wallet.funds(holder.id)] == ["expired"]
    with pytest.raises(CardNotUsable):
        wallet.draw(holder.id, whole(holder, 1), cause_type="order_hold", cause_id=1)
    card_lifecycle.reactivate(card.id, by=f"member:{holder.id}", member_id=holder.id)
    assert [(one.refusal, one.principal_fen) for one in wallet.funds(holder.id)] == [(None, 50_000)]


def test_a_card_is_valid_on_its_last_day(holder: Holder) -> None:
    card = bound(holder)
    card.expires_on = date(2030, 6, 1)
    session.flush()
    travel(clock.midnight(date(2030, 6, 2), "Asia/Shanghai") - timedelta(seconds=1))
    assert wallet.funds(holder.id)[0].refusal is None
    travel(clock.now() + timedelta(seconds=1))
    assert wallet.funds(holder.id)[0].refusal == "expired"


def test_cards_that_expire_first_are_used_first(holder: Holder) -> None:
    holder.recharges(10_000)
    card = bound(holder, 10_000)
    assert [one.card_id for one in wallet.spread(wallet.funds(holder.id), 15_000)] == [card.id, holder.card_id]


def test_merged_members_share_their_cards_and_parting_takes_them_back(holder: Holder) -> None:
    holder.recharges(1_000, 100)
    survivor = make_member().id
    moved = wallet.hand_over(holder.id, survivor)
    assert (len(wallet.funds(survivor)), wallet.funds(holder.id)) == (1, [])
    rows: dict[str, dict[int, Any]] = {}
    for row in moved:
        assert isinstance(row, Moved)
        rows.setdefault(row.kind, {})[row.row_id] = row.facts
    wallet.bring_back(rows, survivor, holder.id)
    assert holder.holds == (1_000, 100)


def test_who_has_principal_left_does_not_leave(holder: Holder) -> None:
    order_id = holder.recharges(1_000, 100)
    holder.recharges(500, 50)
    with pytest.raises(BalanceLeft):
        wallet.refuse_closing(holder.id)
    wallet.refund_recharge(order_id)
    wallet.draw(holder.id, whole(holder, 500), cause_type="order_hold", cause_id=1)
    wallet.refuse_closing(holder.id)
    wallet.forget(holder.id)
    assert (wallet.funds(holder.id), views.listed(member_id=holder.id).items[0]["state"]) == ([], "void")


def test_an_export_tells_cards_and_recharges(holder: Holder) -> None:
    holder.recharges(1_000, 100)
    told = wallet.export(holder.id)
    assert told["cards"][0]["principal_fen"] == 1_000 and told["recharges"][0]["bonus_fen"] == 100


def test_a_lower_limit_in_the_policy_binds_every_kind(holder: Holder) -> None:
    set_policy(named_card_limit_fen=50_000)
    with pytest.raises(CardLimitExceeded):
        wallet.refuse_recharge(holder.id, 50_001)


def test_limit_by_person_and_day_cards_sold_one_by_one_count_together(holder: Holder) -> None:
    """Three cards of ¥1,000 sold by one person, where ¥2,000 is the limit of a day; somebody else goes on."""
    malls.change_policy({"card_sale_person_day_fen": 200_000}, by="test", why="a small sum")
    numbers = [number for number, _ in print_out(4)]
    for number in numbers[:2]:
        sell((number, 100_000))
    with pytest.raises(CardSaleLimitReached):
        sell((numbers[2], 100_000))
    line = SaleLine(numbers[3], 100_000)
    by_card = {"paid_by": "bank_card", "reference": "SLIP-OTHER", "buyer_kind": "person", "buyer": None}
    assert card_stock.sell([line], by=OTHER, **by_card).total_fen == 100_000


def test_limit_by_person_and_day_cards_thawed_one_by_one_count_together(holder: Holder) -> None:
    """Members' cards with ¥300 on each: one person thaws two in a day where ¥700 is the limit, the third waits for somebody else."""
    malls.change_policy({"card_person_day_fen": 70_000}, by="test", why="a small sum")
    cards = [bound(holder, 30_000, code=f"gift{number}") for number in range(3)]
    states_seen = []
    for card in cards:
        card_lifecycle.freeze(card.id, by=DESK, why="phoned in")
        states_seen.append(card_requests.propose(card.id, "unfreeze", why="found again", by=DESK).state)
    assert states_seen == ["done", "done", "proposed"]
