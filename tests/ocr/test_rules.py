from __future__ import annotations

import pytest

from ocr.fields.labels import Role, role_of
from tests.ocr.slips import read

HEAD = "#小城故事餐厅\n单号:20260303001\n时间:2026-03-03 12:00\n"
GOODS = HEAD + "鱼香肉丝 | 1 | 38.00\n米饭 | 2 | 6.00\n"


def test_labels_side_by_side_speak_for_the_amounts_below_them() -> None:
    reading = read(GOODS + "应收 | 实收 | 找零\n44.00 | 50.00 | 6.00\n谢谢惠顾\n")
    assert (reading.total_fen.value, reading.auto) == (4400, True)


def test_an_offer_for_another_day_is_no_discount() -> None:
    reading = read(GOODS + "应收 | 44.00\n微信 | 44.00\n下次消费满100.00元立减20.00元\n")
    assert (reading.total_fen.value, reading.auto) == (4400, True)


def test_a_card_balance_before_and_after_proves_what_was_paid() -> None:
    reading = read(HEAD + "消费前余额 | 500.00\n本次扣款 | 128.00\n剩余金额 | 372.00\n")
    assert (reading.total_fen.value, reading.auto) == (12800, True)


def test_a_deposit_is_not_the_bill_and_leaves_the_amount_to_a_person() -> None:
    reading = read(GOODS + "消费合计 | 44.00\n已付押金 | 20.00\n补收 | 24.00\n")
    assert (reading.total_fen.value, reading.auto) == (4400, False)


def test_words_and_small_letters_agree() -> None:
    reading = read("收款收据\nNo. 1234567\n2026年03月03日\n人民币（大写）：贰佰壹拾肆元整\n（小写）￥214.00\n收款单位：半山琴行\n")
    assert (reading.total_fen.value, reading.merchant.value, reading.auto) == (21400, "半山琴行", True)


def test_points_inside_a_label_are_no_amount() -> None:
    assert read(GOODS + "合计 | 44.00\n积分抵扣(1000分) | -10.00\n实付金额 | 34.00\n").total_fen.value == 3400


def test_the_sum_with_tax_is_a_total() -> None:
    assert read(GOODS + "小计 | 44.00\n优惠券 | -5.00\n总计(含税) | 39.00\n支付宝 | 39.00\n").total_fen.value == 3900


def test_what_books_sold_for_is_not_their_list_price() -> None:
    assert read(HEAD + "总码洋 | 60.00\n优惠 | 9.00\n总实洋 | 51.00\n微信 | 51.00\n").total_fen.value == 5100


def test_no_amount_when_a_discount_follows_the_sum_of_a_cut_bill() -> None:
    assert read(GOODS + "消费金额 | 44.00\n优惠券 | -5.00\n").total_fen.value is None


def test_whole_amounts_without_a_sign_are_money() -> None:
    reading = read(HEAD + "烤鱼 | 1 | 128\n米饭 | 4 | 8\n应收 | 136\n微信 | 136\n")
    assert (reading.kind, reading.total_fen.value) == ("receipt", 13600)


def test_the_terminal_says_that_a_card_slip_is_void() -> None:
    rows = "签购单\n商户名称：小木鞋店\n卡号：6212******1234\n交易类型：消费撤销\n参考号：123456789012\n金额：RMB -99.00\n"
    assert (read(rows).kind, read(rows).total_fen.value) == ("refund", -9900)


def test_the_amount_tells_its_own_currency() -> None:
    rows = "#福記手信\n蛋卷 | 1 | 206.00\n總額 | MOP 206.00\n折合港幣 | HKD 200.00\n現金 HKD | 500.00\n找贖 HKD | 300.00\n"
    reading = read(rows)
    assert (reading.currency, reading.total_fen.value) == ("MOP", 20600)


def test_a_bare_dollar_is_of_the_place_that_the_slip_names() -> None:
    rows = "#福滿粥麵\n旺角彌敦道1號\n單號: 123456\n03/05/2026 11:09\n雲吞麵 | 1 | $42.0\n總計 | $42.0\n現金 | $50.0\n找贖 | $8.0\n"
    reading = read(rows)
    assert reading.currency == "HKD"
    assert reading.paid_at.value is not None
    assert (reading.paid_at.value.month, reading.paid_at.value.day) == (5, 3)


def test_a_month_keeps_its_letters() -> None:
    reading = read("#SLOW BREW\nCHK 123456 | 13 Oct 2026 18:44\nLATTE | 1 | 40.00\nTOTAL | 40.00\n")
    assert reading.paid_at.value is not None
    assert reading.paid_at.value.isoformat() == "2026-10-13T18:44:00"


def test_the_time_of_a_reprint_is_not_the_time_of_the_sale() -> None:
    reading = read("#佳佳便利\n2026-03-03 12:00:05 收银:870\n水 | 1 | 2.00\n总金额 | 2.00\n打印时间:2026-03-03 14:13:05\n")
    assert reading.paid_at.value is not None
    assert reading.paid_at.value.hour == 12


def test_a_number_shares_its_line_with_the_date() -> None:
    assert read("#佳佳水果\nNo.XS202604043568 2026-04-04 12:00\n合计 | 9.00\n").receipt_no.value == "XS202604043568"


def test_the_number_of_a_uniform_invoice_has_no_label() -> None:
    reading = read("#好日子書店\n電子發票證明聯\n115年03-04月\nTR-73032189\n2026-03-08 15:22:09\n總計 | $680\n賣方 12345675\n")
    assert reading.receipt_no.value == "TR-73032189"


def test_a_branch_is_not_the_name_of_the_shop() -> None:
    assert read("#山风数码\n新世界百货专卖店\n单据编号: 123456789\n手机 | 1 | 999.00\n合计 | 999.00\n").merchant.value == "山风数码"


def test_a_paper_that_says_it_is_no_receipt_waits_to_be_paid() -> None:
    assert read("#福满酒家\n点菜账单\n虾饺 | 1 | 36.0\n应付金额 | HK$36.0\n此單據並非收據\n").kind == "unpaid_bill"


def test_less_under_an_unknown_name_is_a_discount() -> None:
    reading = read(GOODS + "合计 | 44.00\n周三福利 | -4.00\n应付 | 40.00\n微信 | 40.00\n")
    assert (reading.total_fen.value, reading.auto) == (4000, True)


def test_a_fee_beside_the_price_is_part_of_the_sum() -> None:
    reading = read(HEAD + "票价 ￥39.00 服务费 ￥5.00\n合计 ￥44.00\n微信 ￥44.00\n")
    assert (reading.total_fen.value, reading.auto) == (4400, True)


def test_sums_of_parts_make_the_bill() -> None:
    reading = read(GOODS + "食品小计 | 44.00\n清酒 | 1 | 58.00\n酒水小计 | 58.00\n总计 | 102.00\n支付宝 | 102.00\n")
    assert (reading.total_fen.value, reading.auto) == (10200, True)


def test_two_labels_share_a_line_without_a_space() -> None:
    assert read("#半山书局\n小票号:7781932659559款台:453\n合计 | 9.00\n").receipt_no.value == "7781932659559"


def test_a_building_below_the_name_is_where_the_shop_is() -> None:
    assert read("#春田文创\n新世界百货 L3-15\n订单:123456\n合计 | 9.00\n").merchant.value == "春田文创"


def test_cash_less_change_proves_the_sum() -> None:
    reading = read(HEAD + "合计金额 | 44.00\n收取现金 | 50.00\n找回零钱 | 6.00\n")
    assert (reading.total_fen.value, reading.auto) == (4400, True)


def test_one_amount_alone_does_not_prove_itself() -> None:
    assert read("#停车场\n停车缴费凭条\n缴费时间：2026-03-03 12:00\n应缴金额：￥15.00元\n").auto is False


def test_a_discount_with_a_minus_is_no_means_of_payment() -> None:
    reading = read(GOODS + "合计 | 44.00\n代金券 | -10.00\n微信 | 34.00\n")
    assert (reading.total_fen.value == 4400 and reading.auto) is False


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("折實金額", Role.PAYABLE),
        ("TTL", Role.TOTAL),
        ("Sub TTL", Role.SUBTOTAL),
        ("找補", Role.CHANGE),
        ("交来", Role.CASH),
        ("免单", Role.DISCOUNT),
        ("零头", Role.ROUNDING),
        ("開瓶費", Role.FEE),
        ("三方支付", Role.TENDER),
        ("消费后余额", Role.BALANCE),
        ("已收訂金", Role.DEPOSIT),
    ],
)
def test_a_label_tells_the_part_of_its_amount(label: str, role: Role) -> None:
    assert role_of(label) is role


def test_a_later_sum_that_was_not_read_leaves_the_amount_to_a_person() -> None:
    reading = read(GOODS + "应收金额 | 44.00\n微信 | 44.00\n支付优惠\n顾客实付\n谢谢惠顾\n")
    assert reading.auto is False
