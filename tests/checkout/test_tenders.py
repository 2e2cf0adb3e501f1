"""Each tender by itself: what it could pay, what it says, what it takes of a mix, and who bears and owes it.

No order and no database, but for what a member really has, at the end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from marshmallow import ValidationError

from api.checkout import tenders
from api.checkout.errors import TenderNotUsable
from api.checkout.mix import Mix, Source, SourceKey, Tender, best
from api.checkout.models import Order, OrderRefund, OrderShare
from api.checkout.shares import Bearer, BearerKind, Share
from api.checkout.tenders import by_tender, tender_of
from api.checkout.tenders.base import Asked, Cell, GivenBack, NotInvoiced, Offer, TenderRules
from api.checkout.tenders.cards import (
    BONUS_NOT_INVOICED,
    SOLD_WITH_INVOICE,
    CardOffer,
    Cards,
    _able,
    _drawn,
    _taken,
    accepts,
    held_by_orders,
)
from api.checkout.tenders.gateway import GatewayOffer
from api.checkout.tenders.points import KEY as POINTS
from api.checkout.tenders.points import Points, PointsOffer, Worth
from api.ledger.service import Owner
from api.malls import service as malls
from api.payments.models import MerchantAccount
from api.points import service as points
from api.points.policy import PointsRules
from api.purchases.baskets import MALL, Line, Seller
from api.sales import service as sales
from api.sales.policy import SalesRules
from api.wallet import service as wallet
from api.wallet.errors import PayCodeUsed, PinNeeded
from api.wallet.policy import WalletRules
from api.wallet.service import Drawn, Funds, pins
from tests.factories import make_member, make_shop
from tests.wallet.conftest import make_package

DINNER = Line("dinner", 6_000, Seller(1))
DRINKS = Line("drinks", 4_000, Seller(2), takes_benefits=False)
PARKING = Line("parking", 1_000, MALL)
ASKED = Asked((DINNER, DRINKS), (6_000, 4_000), 7)
WORTH = Worth(balance=2_050, points_a_yuan=100, step=100, share_bp=5_000)
OFFER = PointsOffer(WORTH, (True, False), 2_000, None)
CARD = Funds(11, "8600****0001", "electronic", 3_000, 500, None, None, None)
OF_A_SHOP = replace(CARD, card_id=12, number_masked="8600****0002", principal_fen=10_000, bonus_fen=0, shop_ids=frozenset({2}))
FROZEN = replace(CARD, card_id=13, number_masked="8600****0003", refusal="frozen")
CARDS = CardOffer(ASKED, (CARD, OF_A_SHOP, FROZEN), None)


def key(card_id: int) -> SourceKey:
    return SourceKey("stored_value", card_id)


def share(tender: Tender, fen: int, *, line: int = 0, source_id: int | None = None) -> OrderShare:
    return OrderShare(order_id=1, line=line, tender=str(tender), source_id=source_id, amount_fen=fen, refunded_fen=0, bearers=())


MIXED = best([6_000, 4_000], [*OFFER.sources({}), *CARDS.sources({})])

# -- all of them ------------------------------------------------------------------------------------------------------


def test_tenders_pay_in_the_published_order() -> None:
    published = {
        "points": ("积分", "Points"),
        "stored_value": ("储值卡", "Stored value"),
        "gateway": ("微信或支付宝", "WeChat Pay or Alipay"),
    }
    known = {rules.name: rules.title for rules in tenders.tenders() if rules.name in published}
    assert list(known.items()) == list(published.items())
    assert [rules.name for rules in tenders.tenders() if rules.is_new_money] == ["gateway"]


@pytest.mark.parametrize(
    ("code", "channel", "points_spent", "zh", "en"),
    [
        (Tender.POINTS, None, 1_200, "1,200 积分抵扣", "1,200 points"),
        (Tender.POINTS, None, 0, "积分抵扣", "Points"),
        (Tender.PRINCIPAL, "wechat", 0, "储值本金", "Stored value, paid in"),
        (Tender.BONUS, "wechat", 0, "储值赠金", "Stored value, bonus"),
        (Tender.GATEWAY, "wechat", 0, "微信支付", "WeChat Pay"),
        (Tender.GATEWAY, "alipay", 0, "支付宝", "Alipay"),
        (Tender.GATEWAY, None, 0, "微信或支付宝", "WeChat Pay or Alipay"),
    ],
)
def test_each_tender_says_what_paid(code: Tender, channel: str | None, points_spent: int, zh: str, en: str) -> None:
    assert tender_of(code).share_title(code, Order(channel=channel, points_spent=points_spent)) == {"zh": zh, "en": en}


def test_each_share_finds_its_tender_and_a_tender_without_a_share_is_left_out() -> None:
    assert [tender_of(code).name for code in Tender] == ["gateway", "stored_value", "stored_value", "points"]
    shares = [Share(0, Tender.GATEWAY, None, 5), Share(0, Tender.BONUS, 11, 1), Share(1, Tender.PRINCIPAL, 11, 3)]
    assert [(rules.name, own) for rules, own in by_tender(shares)] == [("stored_value", shares[1:]), ("gateway", shares[:1])]


class Vouchers(TenderRules):
    """A tender that says no more than it must."""

    name, codes, rank, title = "vouchers", (), 1, ("代金券", "Vouchers")

    def offer(self, asked: Asked) -> Offer:
        return GatewayOffer()

    def sale_kind(self, code: Tender, channel: str | None) -> sales.TenderKind:
        return sales.TenderKind.OTHER

    def earns(self, code: Tender, rules: SalesRules) -> bool:
        return False


def test_a_tender_that_says_no_more_than_it_must_goes_by_its_title_and_gives_nothing_back() -> None:
    assert Vouchers().share_title(Tender.POINTS, Order(channel=None, points_spent=0)) == {"zh": "代金券", "en": "Vouchers"}
    assert Vouchers().give_back(Order(), OrderRefund(), [], []) == GivenBack({}, ())


def test_lines_that_may_be_paid_are_added_up() -> None:
    assert not Asked((DINNER,), (6_000,), 7).only_new_money
    assert (ASKED.sum_of((True, False)), ASKED.sum_of((True, True)), ASKED.sum_of((False, False))) == (6_000, 10_000, 0)


def test_what_is_not_invoiced_says_its_amount() -> None:
    assert NotInvoiced("x", ("¥{} 不开票", "¥{} is not invoiced")).sentence(1_250) == {
        "zh": "¥12.50 不开票",
        "en": "¥12.50 is not invoiced",
    }


# -- points -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("worth", "eligible_fen", "most"),
    [
        (WORTH, 6_000, 2_000),  # whole steps of what there is
        (WORTH, 3_999, 1_900),  # whole steps of the share
        (WORTH, 0, 0),
        (replace(WORTH, balance=99), 6_000, 0),
        (replace(WORTH, balance=100), 6_000, 100),
        (replace(WORTH, points_a_yuan=200, step=300), 6_000, 900),
        (replace(WORTH, share_bp=10_000, balance=100_000), 6_000, 6_000),
    ],
)
def test_points_pay_whole_steps_up_to_a_share(worth: Worth, eligible_fen: int, most: int) -> None:
    assert worth.limit(eligible_fen) == most


def test_what_points_are_worth() -> None:
    dear = replace(WORTH, points_a_yuan=200, balance=1_001, step=50)
    assert (dear.fen, dear.step_fen, dear.points_of(250)) == (500, 25, 500)


def test_points_offer_all_they_can_pay_or_as_many_as_are_wanted() -> None:
    assert OFFER.sources({}) == OFFER.sources({"points": None}) == [Source(POINTS, 2_000, (True, False))]
    assert OFFER.sources({"points": 300}) == [Source(POINTS, 300, (True, False))]
    assert OFFER.sources({"points": 2_000}) == OFFER.sources({})
    assert OFFER.sources({"points": 0}) == []
    dear = replace(OFFER, worth=replace(WORTH, points_a_yuan=200))
    assert dear.sources({"points": 300}) == [Source(POINTS, 150, (True, False))]


@pytest.mark.parametrize(
    ("offer", "wanted", "reason"),
    [
        (OFFER, 150, "not_whole_steps"),
        (OFFER, 2_100, "above_the_limit"),
        (OFFER, 2_150, "not_whole_steps"),
        (replace(OFFER, limit_fen=0, reason="too_few"), 100, "too_few"),
    ],
)
def test_points_that_cannot_be_used_so_are_refused_with_the_reason(offer: PointsOffer, wanted: int, reason: str) -> None:
    with pytest.raises(TenderNotUsable) as refused:
        offer.sources({"points": wanted})
    assert refused.value.facts == {"tender": "points", "reason": reason, "step": 100, "most": offer.limit_fen}


def test_points_say_what_they_could_pay() -> None:
    (option,) = OFFER.options(MIXED)
    assert (option.kind, option.source_id, option.has_fen, option.could_fen, option.takes_fen) == ("points", None, 2_050, 2_000, 2_000)
    assert (option.points, option.could_points, option.step_points, option.reason) == (2_000, 2_000, 100, None)
    assert (option.turn_on, option.turn_off) == ({"points": None}, {"points": 0})
    assert option.sentence == {
        "zh": "可用 2,000 积分抵 ¥20.00（每 100 积分一档，最多抵参与金额的 50%）",
        "en": "2,000 points pay ¥20.00 (in steps of 100, at most 50% of what takes part)",
    }


@pytest.mark.parametrize(
    ("reason", "zh", "en"),
    [
        ("no_line_takes_part", "此次金额不参与优惠", "does not count for the part without benefits"),
        ("too_few", "积分不足", "there are too few"),
        ("amount_too_small", "金额太小，不足一个抵扣单位", "the amount is too small for one step"),
        ("not_for_this", "不能用于此项", "cannot pay for this"),
        ("mall_takes_none", "商场暂未开放", "is not offered by the mall"),
    ],
)
def test_points_say_why_they_cannot_pay(reason: str, zh: str, en: str) -> None:
    (option,) = replace(OFFER, limit_fen=0, reason=reason).options(best([6_000, 4_000], []))
    assert (option.reason, option.takes_fen, option.points) == (reason, 0, 0)
    assert option.sentence == {"zh": f"积分 2,050：{zh}", "en": f"2,050 points: {en}"}


def test_nobody_is_told_how_many_points_they_have_who_is_not_known() -> None:
    (option,) = replace(OFFER, worth=replace(WORTH, balance=0), limit_fen=0, reason="not_a_member").options(best([6_000, 4_000], []))
    assert option.sentence == {"zh": "积分：加入会员后可用", "en": "points: can be used once you have joined"}


def test_a_refund_that_is_worth_less_than_a_point_gives_none_back() -> None:
    paid = share(Tender.POINTS, 2_000)
    paid.refunded_fen = 9
    given = Points().give_back(Order(points_spent=200), OrderRefund(id=8), [Cell(paid, 9)], [paid])
    assert given == GivenBack({"points_fen": 9}, ())


def test_what_points_pay_of_a_mix() -> None:
    assert OFFER.shares(MIXED) == [Share(0, Tender.POINTS, None, 2_000)]
    assert OFFER.figures(MIXED) == {"points": 2_000, "points_fen": 2_000}
    assert OFFER.order_values(MIXED) == {"points_spent": 2_000}
    dear = replace(OFFER, worth=replace(WORTH, points_a_yuan=200))
    assert (dear.figures(MIXED), dear.order_values(MIXED)) == ({"points": 4_000, "points_fen": 2_000}, {"points_spent": 4_000})
    assert dear.sentence(Tender.POINTS, None, 1_250) == {"zh": "2,500 积分抵 ¥12.50", "en": "2,500 points pay ¥12.50"}


@pytest.mark.parametrize(
    ("asked", "rules", "reason"),
    [
        (ASKED, PointsRules(), None),
        (replace(ASKED, member_id=None), PointsRules(), "not_a_member"),
        (replace(ASKED, only_new_money=True), PointsRules(), "not_for_this"),
        (ASKED, PointsRules(points_pay=False), "mall_takes_none"),
        (Asked((DRINKS,), (4_000,), 7), PointsRules(), "no_line_takes_part"),
    ],
)
def test_why_points_are_not_asked_at_all(asked: Asked, rules: PointsRules, reason: str | None) -> None:
    assert Points._refusal(asked, rules) == reason


def test_the_mall_bears_points_and_they_are_not_invoiced() -> None:
    shares = [share(Tender.POINTS, 300), share(Tender.POINTS, 200, line=1)]
    rules = Points()
    assert rules.bearers(None, shares) == [(Bearer(BearerKind.MALL, 0, 300),), (Bearer(BearerKind.MALL, 0, 200),)]  # type: ignore[arg-type]
    assert [note and note.sentence(300)["en"] for note in rules.not_invoiced(shares)] == ["¥3.00 paid by points is not invoiced"] * 2
    assert [note and note.reason for note in rules.not_invoiced(shares)] == ["points", "points"]
    assert rules.not_invoiced(shares)[0].sentence(300)["zh"] == "积分抵扣的 ¥3.00 不开票"  # type: ignore[union-attr]
    borne = [(Bearer(BearerKind.MALL, 0, 300), 100), (Bearer(BearerKind.SHOP, 3, 300), 0), (Bearer(BearerKind.BRAND, 4, 50), 50)]
    assert rules.debtors(150, borne, None) == [(Owner("bearer", 0), 100), (Owner("brand", 4), 50)]
    assert rules.sale_kind(Tender.POINTS, "wechat") == "points"
    assert rules.redeem_code("900001", 1) is None


# -- stored value -----------------------------------------------------------------------------------------------------


def test_a_card_pays_the_sellers_that_take_it() -> None:
    assert [accepts(CARD, line) for line in (DINNER, DRINKS, PARKING)] == [True, True, True]
    assert [accepts(OF_A_SHOP, line) for line in (DINNER, DRINKS, PARKING)] == [False, True, False]


def test_cards_that_can_be_used_come_in_their_order_or_in_the_shopper_s() -> None:
    first, second = Source(key(11), 3_500, (True, True)), Source(key(12), 10_000, (False, True))
    assert CARDS.sources({}) == CARDS.sources({"card_ids": None}) == [first, second]
    assert CARDS.sources({"card_ids": [12, 11]}) == [second, first]
    assert CARDS.sources({"card_ids": []}) == []


@pytest.mark.parametrize(
    ("offer", "card_ids", "refused"),
    [
        (CARDS, [11, 13], {"card_id": 13, "reason": "frozen"}),
        (CARDS, [99, 13], {"card_id": 99, "reason": "not_yours"}),
        (CardOffer(ASKED, (), "mall_takes_none"), [11], {"card_id": 11, "reason": "mall_takes_none"}),
    ],
)
def test_a_card_that_cannot_be_used_is_refused_with_the_reason(offer: CardOffer, card_ids: list[int], refused: dict[str, Any]) -> None:
    with pytest.raises(TenderNotUsable) as refusal:
        offer.sources({"card_ids": card_ids})
    assert refusal.value.facts == refused


def test_a_card_s_part_of_each_line_is_divided_into_principal_and_bonus() -> None:
    mix = Mix(({key(11): 1_000, key(12): 7}, {key(11): 500}), (0, 0))
    assert CARDS.shares_of(mix, {11: (1_200, 300), 12: (7, 0)}) == [
        Share(0, Tender.PRINCIPAL, 11, 800), Share(0, Tender.BONUS, 11, 200),
        Share(1, Tender.PRINCIPAL, 11, 400), Share(1, Tender.BONUS, 11, 100), Share(0, Tender.PRINCIPAL, 12, 7),
    ]  # fmt: skip


def test_each_card_says_what_it_pays() -> None:
    assert CARDS.sentence(Tender.PRINCIPAL, 12, 1_250) == {
        "zh": "储值卡 8600****0002 本金 ¥12.50",
        "en": "card 8600****0002, paid in, ¥12.50",
    }
    assert CARDS.sentence(Tender.BONUS, 11, 300) == {"zh": "储值卡 8600****0001 赠金 ¥3.00", "en": "card 8600****0001, bonus, ¥3.00"}


def test_each_card_says_what_it_could_pay() -> None:
    first, second, third = CARDS.options(MIXED)
    assert (first.kind, first.source_id, first.has_fen, first.could_fen, first.takes_fen, first.reason) == (
        "card",
        11,
        3_500,
        3_500,
        3_500,
        None,
    )
    assert (first.points, first.could_points, first.step_points) == (None, None, None)
    assert first.sentence == {
        "zh": "储值卡 8600****0001（¥30.00 + ¥5.00）可付 ¥35.00", "en": "card 8600****0001 (¥30.00 + ¥5.00) can pay ¥35.00",
    }  # fmt: skip
    assert (second.could_fen, second.takes_fen) == (4_000, 4_000)
    assert second.sentence["en"] == "card 8600****0002 (¥100.00) can pay ¥40.00"
    assert (third.could_fen, third.takes_fen, third.reason) == (0, 0, "frozen")
    assert [option.turn_off["card_ids"] for option in (first, second, third)] == [[12], [11], [11, 12]]
    assert [option.turn_on["card_ids"] for option in (first, second, third)] == [[11, 12], [12, 11], [13, 11, 12]]


@pytest.mark.parametrize(
    ("card", "lines", "reason", "zh", "en"),
    [
        (FROZEN, (DINNER,), "frozen", "已挂失", "it is frozen"),
        (
            replace(FROZEN, refusal="expired"),
            (DINNER,),
            "expired",
            "已过有效期，可到服务台激活",
            "it has expired; the service desk can renew it",
        ),
        (replace(FROZEN, refusal="inactive"), (DINNER,), "inactive", "未激活", "it is not active yet"),
        (replace(FROZEN, refusal="something else"), (DINNER,), "something else", "暂不可用", "cannot be used just now"),
        (OF_A_SHOP, (DINNER,), "shop_does_not_take_it", "该店不支持此卡", "this shop does not take the card"),
        (replace(CARD, principal_fen=0, bonus_fen=0), (DINNER,), "empty", "余额为零", "it is empty"),
        (replace(OF_A_SHOP, principal_fen=0), (DINNER,), "shop_does_not_take_it", "该店不支持此卡", "this shop does not take the card"),
    ],
)
def test_a_card_that_cannot_pay_says_why(card: Funds, lines: tuple[Line, ...], reason: str, zh: str, en: str) -> None:
    asked = Asked(lines, tuple(line.net_fen for line in lines), 7)
    (option,) = CardOffer(asked, (card,), None).options(best([6_000], []))
    assert (option.reason, option.could_fen) == (reason, 0)
    assert option.sentence["zh"].endswith(f"）：{zh}") and option.sentence["en"].endswith(f"): {en}")
    assert option.sentence["zh"].startswith(f"储值卡 {card.number_masked}（¥")
    assert option.sentence["en"].startswith(f"card {card.number_masked} (¥")


def test_without_stored_value_no_pin_is_asked_for() -> None:
    assert CARDS.figures(best([6_000, 4_000], [])) == {"stored_fen": 0, "pin_needed": False}


@pytest.mark.parametrize(
    ("asked", "rules", "reason"),
    [
        (ASKED, WalletRules(), None),
        (replace(ASKED, member_id=None), WalletRules(), "not_a_member"),
        (replace(ASKED, only_new_money=True), WalletRules(), "not_for_this"),
        (ASKED, WalletRules(stored_pay=False), "mall_takes_none"),
    ],
)
def test_why_cards_are_not_asked_at_all(asked: Asked, rules: WalletRules, reason: str | None) -> None:
    assert Cards._refusal(asked, rules) == reason


def test_a_bonus_is_owed_by_who_bears_it_and_earns_as_the_mall_says() -> None:
    borne = [(Bearer(BearerKind.MALL, 0, 300), 100), (Bearer(BearerKind.SHOP, 3, 300), 50)]
    assert Cards().debtors(150, borne, None) == [(Owner("bearer", 0), 100), (Owner("bearer", 3), 50)]
    rules = SalesRules(earn_on_principal=True, earn_on_bonus=False, earn_on_points=True)
    assert [Cards().earns(code, rules) for code in (Tender.PRINCIPAL, Tender.BONUS)] == [True, False]
    assert (Points().earns(Tender.POINTS, rules), Points().earns(Tender.POINTS, replace(rules, earn_on_points=False))) == (True, False)
    assert Cards().bearers(None, [share(Tender.PRINCIPAL, 5, source_id=11)]) == [()]  # type: ignore[arg-type]
    assert Cards().redeem_code("800001", 1) is None
    assert [Cards().sale_kind(code, None) for code in (Tender.PRINCIPAL, Tender.BONUS)] == ["stored_principal", "stored_bonus"]


def test_a_card_has_as_much_bonus_as_its_kind_lets_pay_here() -> None:
    assert _able(CARD, ASKED) == CARD
    limited = replace(CARD, bonus_most_bp=300)
    assert _able(limited, ASKED) == replace(CARD, bonus_fen=300)
    assert _able(replace(limited, shop_ids=frozenset({2})), ASKED) == replace(CARD, bonus_fen=120, shop_ids=frozenset({2}))


def test_what_is_drawn_is_told_by_card_in_the_order_of_cards() -> None:
    principal, bonus = Tender.PRINCIPAL, Tender.BONUS
    parts = [
        (share(bonus, 50, source_id=12), 20), (share(principal, 300, source_id=12), 300), (share(principal, 70, source_id=11), 70),
        (share(principal, 30, line=1, source_id=12), 30), (share(bonus, 5, line=1, source_id=12), 5),
    ]  # fmt: skip
    assert _drawn(parts) == [Drawn(11, 70, 0), Drawn(12, 330, 25)]


def test_bonus_is_taken_from_its_bearers_one_after_the_other() -> None:
    left = [Bearer(BearerKind.SHOP, 3, 100), Bearer(BearerKind.MALL, 0, 50)]
    assert _taken(left, 60) == (Bearer(BearerKind.SHOP, 3, 60),)
    assert _taken(left, 50) == (Bearer(BearerKind.SHOP, 3, 40), Bearer(BearerKind.MALL, 0, 10))
    assert _taken(left, 40) == (Bearer(BearerKind.MALL, 0, 40),)
    assert (_taken(left, 0), left) == ((), [])


def test_a_card_is_named_once() -> None:
    field = Cards.choice_fields["card_ids"]
    assert field.deserialize([12, 11]) == [12, 11]
    with pytest.raises(ValidationError, match=r"Name each card once\.'"):
        field.deserialize([12, 11, 12])


def test_why_stored_value_is_not_invoiced() -> None:
    notes = Cards().not_invoiced([share(Tender.BONUS, 300, source_id=11), share(Tender.BONUS, 200, line=1, source_id=12)])
    assert notes == [BONUS_NOT_INVOICED] * 2
    said = {note.reason: note.sentence(300) for note in (BONUS_NOT_INVOICED, SOLD_WITH_INVOICE)}
    assert said == {
        "bonus": {"zh": "赠金支付的 ¥3.00 不开票", "en": "¥3.00 paid by a bonus is not invoiced"},
        "sold": {
            "zh": "储值卡支付的 ¥3.00 已在购卡或充值时开票",
            "en": "¥3.00 from a card was invoiced when it was bought or recharged",
        },
    }


# -- new money --------------------------------------------------------------------------------------------------------


def test_a_wallet_pays_what_is_left_of_each_line() -> None:
    offer, gateway = GatewayOffer(), tender_of(Tender.GATEWAY)
    mix = Mix(({}, {key(11): 4_000}, {}), (6_000, 0, 500))
    assert offer.sources({}) == []
    assert offer.shares(mix) == [Share(0, Tender.GATEWAY, None, 6_000), Share(2, Tender.GATEWAY, None, 500)]
    assert offer.sentence(Tender.GATEWAY, None, 6_500) == {"zh": "还需支付 ¥65.00", "en": "¥65.00 left to pay"}
    assert (offer.options(mix), offer.figures(mix), offer.order_values(mix)) == ([], {}, {})
    assert gateway.earns(Tender.GATEWAY, SalesRules())
    assert [gateway.sale_kind(Tender.GATEWAY, channel) for channel in ("alipay", None)] == ["alipay", "other"]
    assert gateway.not_invoiced([share(Tender.GATEWAY, 5)]) == [None]
    assert gateway.bearers(None, [share(Tender.GATEWAY, 5)]) == [()]  # type: ignore[arg-type]


def test_a_wallet_owes_what_it_collects_for_the_mall_and_nothing_of_a_shop_s_own() -> None:
    gateway = tender_of(Tender.GATEWAY)
    assert gateway.debtors(500, (), MerchantAccount(id=9, collects="mall")) == [(Owner("gateway", 9), 500)]
    assert gateway.debtors(500, (), MerchantAccount(id=9, collects="shop")) == []


# -- what a member really has -----------------------------------------------------------------------------------------


@pytest.fixture
def member(inside: int) -> int:
    """Somebody with 1,000 points, in a mall where 100 are one yuan and pay in steps of 100."""
    member_id = make_member().id
    points.grant(member_id, 1_000, cause_type="test", cause_id=member_id)
    return member_id


def points_offer(member_id: int | None, fen: int, *, only_new_money: bool = False) -> PointsOffer:
    line = replace(DINNER, net_fen=fen)
    return Points().offer(Asked((line,), (fen,), member_id, only_new_money))


def test_points_offer_what_the_member_has(member: int) -> None:
    offer = points_offer(member, 6_000)
    assert (offer.worth, offer.may_pay, offer.limit_fen, offer.reason) == (Worth(1_000, 100, 100, 5_000), (True,), 1_000, None)


@pytest.mark.parametrize(
    ("held", "fen", "reason"),
    [(99, 6_000, "too_few"), (100, 6_000, None), (100, 199, "amount_too_small"), (1_000, 199, "amount_too_small"), (99, 199, "too_few")],
)
def test_points_that_reach_for_no_step_say_whether_they_or_the_amount_are_too_few(
    inside: int, held: int, fen: int, reason: str | None
) -> None:
    member_id = make_member().id
    points.grant(member_id, held, cause_type="test", cause_id=member_id)
    offer = points_offer(member_id, fen)
    assert (offer.limit_fen, offer.reason, offer.worth.balance) == (0 if reason else 100, reason, held)


def test_points_that_may_not_be_used_are_counted_and_pay_nothing(member: int) -> None:
    for offer, held, reason in (
        (points_offer(None, 6_000), 0, "not_a_member"),
        (points_offer(member, 6_000, only_new_money=True), 1_000, "not_for_this"),
    ):
        assert (offer.worth.balance, offer.limit_fen, offer.reason) == (held, 0, reason)


@pytest.fixture
def card(member: int) -> Funds:
    """¥100, and ¥20 on top."""
    wallet.recharge(1, member, principal_fen=10_000, bonus_fen=2_000, gateway_account_id=1)
    (held,) = wallet.funds(member)
    return held


def test_cards_offer_what_the_member_has_unless_they_may_not_be_used(member: int, card: Funds) -> None:
    asked = replace(ASKED, member_id=member)
    assert Cards().offer(asked) == CardOffer(asked, (card,), None)
    for other, reason in ((replace(asked, member_id=None), "not_a_member"), (replace(asked, only_new_money=True), "not_for_this")):
        assert Cards().offer(other) == CardOffer(other, (), reason)
    malls.change_policy({"stored_pay": False}, by="test", why="not yet")
    assert Cards().offer(asked) == CardOffer(asked, (), "mall_takes_none")


def test_much_stored_value_asks_for_the_pin(member: int) -> None:
    malls.change_policy({"pin_above_fen": 5_000}, by="test", why="the PIN sooner")
    of_cards = [Share(0, Tender.PRINCIPAL, 11, 4_000), Share(0, Tender.BONUS, 11, 1_000)]
    Cards().authorise(member, "O1", of_cards, {"pin": None})
    more = [*of_cards, Share(1, Tender.BONUS, 11, 1)]
    with pytest.raises(PinNeeded):
        Cards().authorise(member, "O2", more, {"pin": None})
    pins.set_pin(member, "137246")
    Cards().authorise(member, "O3", more, {"pin": "137246"})
    assert [CARDS.figures(Mix(({key(11): fen},), (0,)))["pin_needed"] for fen in (5_000, 5_001)] == [False, True]


def test_a_bonus_is_borne_by_the_shop_or_the_mall_that_gave_it(member: int) -> None:
    shop_id, order = make_shop().id, Order(id=5, hold_count=1)
    for number, bearer in enumerate((shop_id, 0), 1):
        package = make_package(pays_fen=10_000, bonus_fen=2_000, bonus_bearer=bearer)
        wallet.recharge(number, member, principal_fen=10_000, bonus_fen=2_000, package_id=package.id, gateway_account_id=1)
    (card,) = wallet.funds(member)
    wallet.draw(member, [Drawn(card.card_id, 500, 3_000)], cause_type="order_hold", cause_id=order.hold_cause)
    shares = [share(Tender.PRINCIPAL, 500, source_id=card.card_id), share(Tender.BONUS, 3_000, source_id=card.card_id)]
    assert Cards().bearers(order, shares) == [(), (Bearer(BearerKind.MALL, 0, 1_000), Bearer(BearerKind.SHOP, shop_id, 2_000))]


def test_who_shows_a_pay_code_of_the_mall_is_known_once(member: int) -> None:
    code, shop_id = wallet.new_pay_code(member).code, make_shop().id
    assert Cards().redeem_code(code, shop_id) == member
    with pytest.raises(PayCodeUsed):
        Cards().redeem_code(code, shop_id)


def test_nothing_is_held_for_who_has_no_unfinished_order(member: int) -> None:
    assert held_by_orders(member) == (0, 0)
