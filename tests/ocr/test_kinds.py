"""What sort of paper a slip is, where the words on it point elsewhere."""

from __future__ import annotations

import pytest

from tests.ocr.slips import read

NOODLES = "牛腩面 | 1 | 42.00\n冻柠茶 | 1 | 18.00\n"
CAFE = "LATTE | 1 | 12.50\nBAGEL | 1 | 9.00\n"


@pytest.mark.parametrize(
    "rows",
    [
        "#香記茶餐廳\n外賣\n單號: 0187\n2026-11-29 12:05\n" + NOODLES + "餐盒費 | 2.00\n合計 | 62.00\n八達通 | 62.00\n備註: 少甜\n",
        "#香記茶餐廳\n單號: 0187 | 外賣\n" + NOODLES + "小計 | 60.00\n外賣 Total | 60.00\nMobile Pay | 60.00\n",
        "#川味小厨\n外卖自取 #23\n单号:2026112900187\n" + NOODLES + "合计 | 60.00\n微信支付 | 60.00\n欢迎使用foodpanda外卖平台点餐\n",
        "#BURGER HUT\nTAKE AWAY\n29/11/2026 12:05:09\n" + CAFE + "TOTAL | RM 21.50\nCASH | 21.50\nFind us on GrabFood and foodpanda\n",
    ],
)
def test_takeaway_without_anybody_who_delivers_is_a_receipt(rows: str) -> None:
    assert read(rows).kind == "receipt"


@pytest.mark.parametrize(
    "rows",
    [
        "#foodpanda\nLUCKY NOODLE HOUSE\nOrder #f7k2-9931\n" + CAFE + "Delivery Fee | 5.00\nTOTAL | RM 26.50\n",
        "#美团外卖 #12\n川味小厨\n" + NOODLES + "实付 | 60.00\n",
        "#香記茶餐廳\n外賣單\n" + NOODLES + "配送費 | 10.00\n總計 | 70.00\n送貨地址: 彌敦道1號\n",
    ],
)
def test_a_platform_or_an_address_makes_it_a_delivery(rows: str) -> None:
    assert read(rows).kind == "delivery_order"


@pytest.mark.parametrize(
    "rows",
    [
        "#7-STORE\n29/11/2026 10:22\nRECEIPT NO: 884512\nTNG EWALLET RELOAD | 1 | 500.00\nTOTAL | RM 500.00\nCASH | RM 500.00\n",
        "#OK便利店\n2026/11/29 10:22\nAlipayHK 增值 | 500.0\n總計(Total): | 500.0\n現金 | 500.0\n找續 | 0.0\n",
        "#STATION KIOSK\nCARD RELOAD | 29.50\nRELOAD FEE | 0.50\nTOTAL | RM 30.00\nCASH | RM 30.00\n",
    ],
)
def test_a_top_up_that_is_all_there_is_to_pay_is_no_purchase(rows: str) -> None:
    assert read(rows).kind == "top_up"


def test_a_top_up_beside_articles_is_left_to_a_person() -> None:
    reading = read("#OK便利店\n維他奶 | 8.00\n三文治 | 15.00\n八達通增值 | 100.00\n總計(Total): | 123.00\n現金 | 123.00\n")
    assert (reading.kind, reading.auto) == ("receipt", False)


def test_the_last_top_up_of_the_card_that_paid_makes_no_top_up() -> None:
    foot = "八達通餘額 | 120.30\n上一次於2026-11-14 現金增值\n多謝使用八達通自動增值服務\n"
    assert read("#香記茶餐廳\n" + NOODLES + "總計 | 60.00\n八達通付款 | 60.00\n" + foot).kind == "receipt"


@pytest.mark.parametrize(
    "rows",
    [
        "#THAI CORNER\n[Pre-Payment]\nTable 7\n" + CAFE + "SUBTOTAL | 21.50\nThank you\n",
        "#Gasthaus Krone\nZwischenrechnung\nTisch 4\nSchnitzel | 14,50\nBier | 4,20\nSumme EUR | 18,70\n",
        "#湘水樓\nINTERIM BILL\n" + NOODLES + "總數 | 60.00\n",
        "#WARUNG\nIni bukan resit\n" + CAFE + "TOTAL | RM 21.50\nPay at the counter\n",
        "签购单\n商户名称：半岛酒具\n终端号：88120034\n卡号：6222******1182\n交易类型：预授权\n流水号：004411\n金额：RMB 880.00\n",
    ],
)
def test_a_bill_before_the_payment_is_not_paid(rows: str) -> None:
    assert read(rows).kind == "unpaid_bill"


def test_a_column_that_is_headed_menu_does_not_silence_a_slip() -> None:
    goods = "Qty | Menu | Price\n1 | CARBONARA | 32.00\n1 | TIRAMISU | 18.00\n"
    reading = read("#PASTA CLUB\nINVOICE: A-20981\n" + goods + "TOTAL | 50.00\nVISA | 50.00\n")
    assert (reading.kind, reading.total_fen.value) == ("receipt", 5000)
    assert read("#PASTA CLUB\nMenu\nCARBONARA | 32.00\nTIRAMISU | 18.00\n").kind == "other"


def test_a_card_terminal_calls_its_one_amount_an_amount() -> None:
    head = "#名創精品\n日期/時間: | 29/11/2026 14:16\n"
    pay = "金額: | $79.0\n八達通付款 | $79.0\n餘額: | $341.1\n八達通號碼: | 30187217\n"
    machine = "商戶編號: | 643148821\n機號: | 47C844\n操作員編號: | 93535849\n收據編號: | 552918\n"
    reading = read(head + pay + machine)
    assert (reading.kind, reading.receipt_no.value) == ("payment_slip", "552918")


def test_one_article_that_is_void_makes_no_refund() -> None:
    assert read("#BURGER HUT\nVOID | COLA | -3.00\n" + CAFE + "TOTAL | RM 21.50\nCASH | 21.50\n").kind == "receipt"


def test_a_parking_privilege_makes_no_parking_slip() -> None:
    assert read("#港城百貨\n毛巾 | 2 | 98.00\n總額 | 98.00\n信用卡 | 98.00\n免費泊車2小時\nFree parking for 2 hours\n").kind == "receipt"


TAKEN = "2026-11-29 12:05\n金额 | 500.00\n余额 | 120.00\n"
PAID = NOODLES + "合计 | 60.00\n微信支付 | 60.00\n"


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ("#建设银行\nATM取款凭条\n卡号: 6222******1234\n终端号: 88120034\n" + TAKEN, "other"),
        ("#招商银行\n业务回单\n交易类型: 转账\n" + TAKEN, "other"),
        ("#MAYBANK\nTRANSACTION TYPE: CASH WITHDRAWAL\nTERMINAL 0021\nAMOUNT | RM 500.00\n", "other"),
        ("#CITY BANK\nCASH DEPOSIT SLIP\nAMOUNT | 500.00\n", "other"),
        ("#MAX MONEY\nMONEY CHANGER\nUSD 100.00 | RM 470.00\nTOTAL | RM 470.00\n", "other"),
        ("#外婆家\n排队号\n#A23\n前面还有5桌\n人均 | ¥85.00\n", "other"),
        ("#THAI CORNER\nQUEUE TICKET\n#B17\nSet lunch from | $12.90\n", "other"),
        ("#香記茶餐廳\n日結報表\n現金 | 5200.00\n合計 | 8800.00\n微信支付 | 3600.00\n", "other"),
        ("#BURGER HUT\nZ-REPORT\nCASH | 520.00\nTOTAL SALES | 880.00\n", "other"),
        ("#川味小厨\n后厨单\n" + NOODLES, "other"),
        ("#川味小厨\n练习模式\n" + PAID, "other"),
        ("#BURGER HUT\n** TRAINING MODE **\n" + CAFE + "TOTAL | 21.50\nCASH | 21.50\n", "other"),
        ("#国家电网\n电费缴费凭证\n合计 | 130.00\n微信支付 | 130.00\n", "other"),
        ("#福彩投注站\n福利彩票\n金额 | 10.00\n合计 | 10.00\n", "other"),
        ("#半岛家具\n报价单\n沙发 | 1 | 3200.00\n茶几 | 1 | 800.00\n合计 | 4000.00\n", "unpaid_bill"),
        ("#MEIER KÜCHEN\nKostenvoranschlag\nSpüle | 320,00\nMontage | 80,00\nSumme | 400,00\n", "unpaid_bill"),
        ("#半岛家具\n送货单\n沙发 | 1 | 3200.00\n合计 | 3200.00\n", "unpaid_bill"),
        ("#福滿酒家\n埋單紙\n" + NOODLES + "合計 | 60.00\n", "unpaid_bill"),
        ("#MÜLLER\nStornobeleg\nMilch | 1,19\nSumme EUR | 1,19\n", "refund"),
        ("#本色男装\n销退单\n衬衫 | 1 | 199.00\n合计 | 199.00\n", "refund"),
        ("#H&T\nRETURNED GOODS\nSHIRT | 19.90\nTOTAL | 19.90\n", "refund"),
    ],
)
def test_a_paper_that_names_itself_is_what_it_says(rows: str, kind: str) -> None:
    assert read(rows).kind == kind


@pytest.mark.parametrize(
    "rows",
    [
        "#半岛家具\n送货单\n沙发 | 1 | 3200.00\n合计 | 3200.00\n微信支付 | 3200.00\n",  # paid: a person says what it is
        "#川味小厨\n排队号: A23\n" + PAID,
        "#BURGER HUT\nQUEUE NO\n#23\n" + CAFE + "TOTAL | 21.50\nCASH | 21.50\n",
        "#川味小厨\n" + PAID + "优惠券\n满100减20\n",
        "#香記茶餐廳\n" + PAID + "彩票\n",
        "#CITY BANK CAFE\n" + CAFE + "TOTAL | 21.50\nBank transfer | 21.50\n",
        "#报价单打印店\n复印 | 1 | 10.00\n合计 | 10.00\n微信支付 | 10.00\n",
    ],
)
def test_the_same_words_elsewhere_leave_a_purchase_what_it_is(rows: str) -> None:
    assert read(rows).kind == "receipt"
