"""Tills with columns of prices, tips, instalments and payers' names: the amount that was paid, or a question that offers it."""

from __future__ import annotations

import pytest

from tests.ocr.slips import read

HEAD = "#半山小馆\n单号:20260303001\n时间:2026-03-03 12:00\n"
WESTERN = "#CORNER BISTRO\nReceipt No: A10023\nDate: 3 Mar 2026 12:00\n"

# What is printed, and what was paid in fen.
SLIPS: dict[str, tuple[str, int]] = {
    # Columns of list price, price now and what was taken off (银豹 and its like).
    "list price and price in columns": (
        HEAD + "品名 | 原价 | 现价 | 数量 | 小计\n纯牛奶 | 6.00 | 5.00 | 2 | 10.00\n全麦面包 | 12.00 | 9.90 | 1 | 9.90\n"
        "数量合计: 3 | 原价合计: 24.00\n优惠: 4.10\n应收: 19.90\n微信支付: 19.90\n",
        1990,
    ),
    "count, list price, discount, sum": (
        HEAD + "商品 | 数量 | 原价 | 优惠 | 小计\n洗发露 | 1 | 59.90 | 10.00 | 49.90\n毛巾 | 2 | 15.00 | 0.00 | 30.00\n"
        "件数: 3 | 总优惠: 10.00\n合计: | 79.90\n支付宝: | 79.90\n",
        7990,
    ),
    "both sums in one row": (
        HEAD + "苹果 | 2 | 8.00 | 16.00\n香蕉 | 1 | 6.50 | 6.50\n原价: 25.00 | 现价: 22.50\n共优惠: 2.50\n"
        "实收: 22.50\n现金: 30.00\n找零: 7.50\n",
        2250,
    ),
    "member price beside the list price": (
        HEAD + "咖啡豆 | 1 | 98.00\n会员价 | 88.00\n滤纸 | 1 | 20.00\n会员价 | 18.00\n原价合计 | 118.00\n会员优惠 | -12.00\n"
        "应付金额 | 106.00\n会员卡支付 | 106.00\n卡余额 | 394.00\n",
        10600,
    ),
    "list price in the head of the sums": (
        HEAD + "T恤 | 1 | 199.00\n短裤 | 1 | 159.00\n原价 | 358.00\n折扣 | 8.8折\n优惠金额 | 42.96\n抹零 | 0.04\n"
        "实收金额 | 315.00\n微信 | 315.00\n",
        31500,
    ),
    "discount under each article": (
        HEAD
        + "连衣裙 | 1 | 399.00\n优惠 | -100.00\n发夹 | 1 | 29.00\n总原价 | 428.00\n总优惠 | 100.00\n总现价 | 328.00\n支付宝 | 328.00\n",
        32800,
    ),
    "how much was saved below the total": (
        HEAD + "酸奶 | 3 | 7.50 | 22.50\n饼干 | 1 | 9.80 | 9.80\n合计 | 32.30\n微信支付 | 32.30\n原价 35.20 现价 32.30 已省 2.90\n",
        3230,
    ),
    "a coupon between the prices": (
        HEAD + "牛排 | 1 | 168.00\n红酒 | 1 | 88.00\n原价总计 | 256.00\n代金券抵扣 | -100.00\n现应收 | 156.00\n银行卡 | 156.00\n",
        15600,
    ),
    "prices without needless zeros": (
        HEAD + "商品 | 原价 | 现价 | 数量 | 小计\n纯牛奶 | 6 | 5 | 2 | 10\n全麦面包 | 12 | 9.9 | 1 | 9.9\n共3件 原价24 优惠4.1\n"
        "总计:19.9\n[微信]:19.9\n",
        1990,
    ),
    "sums side by side with their labels": (
        HEAD + "品名 | 数量 | 原价 | 现价 | 小计\n纯牛奶 | 2 | 6.00 | 5.00 | 10.00\n全麦面包 | 1 | 12.00 | 9.90 | 9.90\n总数: 3\n"
        "原价:24.00 | 优惠:4.10\n应收:19.90 | 实收:20.00 | 找零:0.10\n",
        1990,
    ),
    # Tips and service.
    "service charge": (
        HEAD + "鱼香肉丝 | 1 | 100.00\n米饭 | 2 | 6.00\n小计 | 106.00\n服务费(10%) | 10.60\n合计 | 116.60\n微信支付 | 116.60\n",
        11660,
    ),
    "service charge and rounding": (
        WESTERN + "Pasta | 1 | 32.00\nWine | 1 | 28.00\nSubtotal | 60.00\nService Charge 10% | 6.00\nSST 6% | 3.96\nRounding | -0.01\n"
        "Grand Total | 69.95\nVISA | 69.95\n",
        6995,
    ),
    "tip added by the guest": (
        WESTERN + "Pasta | 1 | 32.00\nWine | 1 | 28.00\nSubtotal | 60.00\nTip | 9.00\nTotal | 69.00\nVISA | 69.00\n",
        6900,
    ),
    "gratuity included": (
        WESTERN + "Steak | 1 | 58.00\nSalad | 1 | 22.00\nSub Total | 80.00\nGratuity (18%) | 14.40\nTotal | 94.40\nMASTERCARD | 94.40\n",
        9440,
    ),
    "tip on a German bill": (
        "#GASTHAUS KRONE\nRechnung Nr. 4711\n03.03.2026 12:00\nSchnitzel | 14,50\nBier | 4,20\nSumme EUR | 18,70\nTrinkgeld | 1,30\n"
        "Gesamtbetrag EUR | 20,00\nEC-Karte EUR | 20,00\n",
        2000,
    ),
    "gratuities that are only suggested": (
        WESTERN + "Pasta | 1 | 32.00\nWine | 1 | 28.00\nSubtotal | 60.00\nTax | 4.80\nTotal | 64.80\nVISA | 64.80\nSuggested gratuity\n"
        "15% | 9.00\n18% | 10.80\n20% | 12.00\n",
        6480,
    ),
    "service charge that the total holds already": (
        HEAD + "清蒸鱼 | 1 | 100.00\n合计(含服务费9.10) | 100.00\n微信支付 | 100.00\n",
        10000,
    ),
    # Paid by instalments: the purchase is the whole.
    "instalments": (
        HEAD + "手机 | 1 | 3999.00\n合计 | 3999.00\n花呗分期 | 3999.00\n分期数: 12期\n每期: 333.25\n",
        399900,
    ),
    "instalments with a fee of the bank": (
        HEAD + "电视 | 1 | 2400.00\n应收 | 2400.00\n信用卡分期 | 2400.00\n分6期 每期应还 | 408.00\n手续费 | 48.00\n",
        240000,
    ),
    "instalments in English": (
        WESTERN + "SOFA | 1 | 1200.00\nTOTAL | RM 1200.00\nVISA 0% IPP 12 MONTHS | RM 1200.00\nMONTHLY INSTALMENT | RM 100.00\n",
        120000,
    ),
    "a first payment now, the rest later": (
        HEAD + "冰箱 | 1 | 2999.00\n合计 | 2999.00\n首付 | 999.00\n余款分10期 | 2000.00\n微信支付 | 999.00\n",
        299900,
    ),
    "a first payment and a loan": (
        HEAD + "手机 | 1 | 3000.00\n应收合计 | 3000.00\n首付金额 | 600.00\n分期金额 | 2400.00\n分12期 | 200.00\n",
        300000,
    ),
    "a monthly rate below the total": (
        HEAD + "手表 | 1 | 900.00\n合计 | 900.00\n分期付款(3期) | 900.00\n首期 | 300.00\n月供 | 300.00\n",
        90000,
    ),
    # A payer's name.
    "a payer's name": (
        HEAD + "鱼香肉丝 | 1 | 38.00\n米饭 | 2 | 6.00\n合计 | 44.00\n微信支付 | 44.00\n付款人: *小明\n付款账号: 138****5678\n",
        4400,
    ),
    "a payer and a payee": (
        HEAD + "鱼香肉丝 | 1 | 38.00\n米饭 | 2 | 6.00\n应收金额 | 44.00\n付款方 | 王**\n收款方 | 半山小馆\n支付宝 | 44.00\n",
        4400,
    ),
    "a payer beside the amount": (
        WESTERN + "Latte | 1 | 12.50\nBagel | 1 | 9.00\nTotal | 21.50\nPaid by: TAN A*** | 21.50\nPayer ID 8812\n",
        2150,
    ),
    "a member's name and points": (
        HEAD + "鱼香肉丝 | 1 | 38.00\n米饭 | 2 | 6.00\n合计 | 44.00\n会员: 李** | 本次积分: 44\n储值卡支付 | 44.00\n储值余额 | 156.00\n",
        4400,
    ),
}

#: Of these a person is asked: what was paid here and today is only a part of what was bought, or the print leaves it open.
ASKED = frozenset(
    {
        "a first payment now, the rest later", "a first payment and a loan", "a monthly rate below the total",
        "service charge that the total holds already",
    }
)  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_the_right_amount_is_given_and_trusted_or_asked_about(name: str) -> None:
    rows, fen = SLIPS[name]
    reading = read(rows + "谢谢惠顾\n")
    assert (reading.kind, reading.total_fen.value) == ("receipt", fen)
    assert reading.auto is (name not in ASKED), reading.doubts
