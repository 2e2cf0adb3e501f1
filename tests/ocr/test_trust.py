"""What is never taken without a person, however clear its total is."""

from __future__ import annotations

import pytest

from tests.ocr.slips import read

HEAD = "#云山茶餐厅\n单号:20260303001\n时间:2026-03-03 12:00\n"
PAID = "合计 | 106.00\n应收 | 106.00\n微信支付 | 106.00\n"
GOODS = "鱼香肉丝 | 1 | 100.00\n米饭 | 2 | 6.00\n"
WESTERN = "#CORNER BAKERY\nReceipt No: A10023\nDate: 2026-03-03 12:00\n"
WESTERN_PAID = "TOTAL | 106.00\nVISA | 106.00\n"
PLAIN = "Bread | 1 | 100.00\nMilk | 1 | 6.00\n"


def test_a_plain_purchase_is_trusted() -> None:
    assert read(HEAD + GOODS + PAID).auto
    assert read(WESTERN + PLAIN + WESTERN_PAID).auto
    assert read(WESTERN + PLAIN + WESTERN_PAID + "STRICTLY NO CASH REFUND\n").auto
    assert read(HEAD + GOODS + PAID + "7天内凭小票可退货、换货\n购物卡、礼品卡恕不兑现\n").auto


@pytest.mark.parametrize(
    "title",
    [
        "销退单",
        "类型:退货",
        "反结账单",
        "*** 作废 ***",
        "练习模式",
        "后厨单",
        "埋單紙",
        "送货单",
        "取貨單",
        "挂账 | 106.00",
        "老板招待",
        "交班小票",
        "认购金",
        "诚意金",
    ],
)
def test_what_was_taken_back_never_sold_or_not_paid_is_not_trusted(title: str) -> None:
    assert not read(HEAD + title + "\n" + GOODS + PAID).auto


@pytest.mark.parametrize(
    "title",
    ["Stornobeleg", "Gutschrift", "Retoure", "RETURNED GOODS", "*** CANCELLED ***", "** TRAINING MODE **", "Anzahlung", "Kaution",
     "Booking fee", "Advance payment", "Kostenvoranschlag", "Lieferschein", "VISA REFUND", "Western Union", "Donation"],
)  # fmt: skip
def test_the_same_in_other_languages(title: str) -> None:
    assert not read(WESTERN + title + "\n" + PLAIN + WESTERN_PAID).auto


VALUE = [
    "礼品卡",
    "购物卡",
    "京东E卡",
    "禮券",
    "現金券",
    "月饼券",
    "提货券",
    "星礼卡",
    "储值卡3000型",
    "会员办卡(年卡)",
    "私教课包",
    "悠遊卡加值",
    "话费缴费",
    "充值卡",
    "eGift",
    "paysafecard",
    "Guthabenkarte",
    "Geschenkkarte",
]


@pytest.mark.parametrize("article", [*VALUE, "Gift Card", "Cash voucher", "Steam 钱包", "HOTLINK RM10 PIN"])
def test_value_that_is_sold_earns_nothing_by_itself(article: str) -> None:
    assert not read(HEAD + f"{article} | 1 | 100.00\n米饭 | 2 | 6.00\n" + PAID).auto


def test_a_gift_card_that_pays_is_a_means_of_payment() -> None:
    assert read(HEAD + GOODS + "合计 | 106.00\n应收 | 106.00\n礼品卡 | 106.00\n").auto


def test_what_a_coupon_paid_and_what_others_paid_is_not_trusted() -> None:
    assert not read(HEAD + GOODS + "合计 | 106.00\n兑换券 | 106.00\n实收 | 0.00\n").auto
    assert not read(HEAD + GOODS + "合计 | 106.00\n每人 | 53.00\n微信支付 | 53.00\n").auto


@pytest.mark.parametrize(
    "rows",
    [
        "牛肉 | 1 | 75.50\n羊肉 | 1 | 79.50\n优惠 | -5.00\n合计 | 50.00\n微信 | 50.00\n",
        "牛肉 | 1 | 75.50\n羊肉 | 1 | 79.50\n优惠 | -5.00\n合计 | 1150.00\n微信 | 1150.00\n",
        "牛肉 | 1 | 168.00\n羊肉 | 1 | 132.00\n服务费 | 30.00\n合计 | 3300.00\n微信 | 3300.00\n",
        "牛奶 | 1 | 15.00\n合计 | 1500\n微信 | 1500\n",
        "牛肉 | 1 | 60\n羊肉 | 1 | 98\n合计 | 58元\n微信 | 58元\n",
        "牛肉 | 1 | 75\n羊肉 | 1 | 79\n合计 | 54元\n微信 | 54元\n",
    ],
)
def test_a_sum_that_lost_a_digit_or_its_point_is_not_trusted(rows: str) -> None:
    assert not read(HEAD + rows).auto
