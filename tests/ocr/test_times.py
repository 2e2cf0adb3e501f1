"""When it was paid: dates in every order, in runs of digits, and dates that are not the purchase's."""

from __future__ import annotations

from datetime import date

import pytest

from ocr.fields.choose import UNSETTLED
from ocr.reading import Reading
from tests.ocr.slips import read

GOODS = "LATTE | 1 | 12.50\nBAGEL | 1 | 9.00\nTOTAL | RM21.50\nCASH | RM21.50\n"


def _at(reading: Reading) -> str | None:
    return None if reading.paid_at.value is None else reading.paid_at.value.isoformat()


def _dated(text: str, today: date | None = None) -> Reading:
    return read(f"#KEDAI KOPI\nBill No: A10293\nDATE: {text}\n{GOODS}", today=today)


@pytest.mark.parametrize("run", ["20261129120509", "2026112912:05:09", "261129120509", "20261129-120509", "20261129 12:05:09"])
@pytest.mark.parametrize("label", ["時間 ", "Date: ", ""])
def test_day_and_time_in_one_run_of_digits(run: str, label: str) -> None:
    reading = read(f"#本色男裝\n單號 20261129760727\n{label}{run}\n拿鐵 | 32.00\n可頌 | 18.00\n合計 | 50.00\n微信支付 | 50.00\n")
    assert (_at(reading), reading.receipt_no.value) == ("2026-11-29T12:05:09", "20261129760727")


def test_a_number_that_begins_with_a_day_is_no_date() -> None:
    reading = read("#本色男裝\n單號 20261129120509\n時間 2026-11-30 18:00\n拿鐵 | 32.00\n合計 | 32.00\n")
    assert (_at(reading), reading.receipt_no.value) == ("2026-11-30T18:00:00", "20261129120509")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("29 November 2026 12:05", "2026-11-29T12:05:00"),
        ("25 Nov'26 12:20 PM", "2026-11-25T12:20:00"),
        ("05. Okt 2026 07:12", "2026-10-05T07:12:00"),
        ("29 Dis 2026 07:12", "2026-12-29T07:12:00"),
        ("11/29/2026 12:05 PM", "2026-11-29T12:05:00"),
        ("2911/2026 12:05", "2026-11-29T12:05:00"),
        ("01:21PM 29-11-2026", "2026-11-29T13:21:00"),
        ("29/11/2026 4 21:53", "2026-11-29T04:21:53"),
        ("2026年11月29日 下午 1:05", "2026-11-29T13:05:00"),
    ],
)
def test_dates_that_can_be_read_in_one_way_only(text: str, at: str) -> None:
    reading = _dated(text)
    assert (_at(reading), reading.other_times) == (at, ())


@pytest.mark.parametrize(
    ("text", "today", "at", "settled"),
    [
        ("03/04/2026 19:15", date(2026, 4, 5), "2026-04-03T19:15:00", False),  # or 4 March, of an old slip
        ("03/04/2026 19:15", date(2026, 3, 5), "2026-03-04T19:15:00", True),  # 3 April is still to come
        ("03-04-26 19:15", date(2026, 4, 5), "2026-04-03T19:15:00", False),
        ("26/03/04 19:15", date(2026, 3, 5), "2026-03-04T19:15:00", True),
        ("11/04/18 18:07", date(2018, 4, 11), "2018-04-11T18:07:00", False),  # or 18 April 2011
        ("5.11.26 07:12", date(2026, 11, 6), "2026-11-05T07:12:00", False),
    ],
)
def test_the_day_of_upload_settles_the_order_where_the_other_is_still_to_come(text: str, today: date, at: str, settled: bool) -> None:
    reading = _dated(text, today)
    assert _at(reading) == at
    assert (reading.other_times == (), reading.paid_at.confidence > UNSETTLED) == (settled, settled)


@pytest.mark.parametrize(
    "text",
    [
        "Rabu 04-03-2026 19:15",
        "04/03/2026 (WED) 19:15",
        "04.03.2026 Mittwoch 19:15",
        "04/03/2026 星期三 19:15",
    ],
)
def test_the_day_of_the_week_settles_the_order(text: str) -> None:
    reading = _dated(text)
    assert (_at(reading), reading.other_times) == ("2026-03-04T19:15:00", ())


@pytest.mark.parametrize("other", ["Business date 2026-04-03", "Due 17/04/2026", "INVOICE OR26040302160397"])
def test_what_else_the_slip_says_settles_the_order(other: str) -> None:
    reading = read(f"#KEDAI KOPI\nDATE: 03/04/2026 19:15\n{GOODS}{other}\n")
    assert (_at(reading), reading.other_times) == ("2026-04-03T19:15:00", ())


def test_a_date_that_nothing_settles_is_asked_about() -> None:
    reading = _dated("03/04/2026 19:15")
    assert reading.paid_at.confidence <= UNSETTLED
    assert {_at(reading), *(at.isoformat() for at in reading.other_times)} == {"2026-04-03T19:15:00", "2026-03-04T19:15:00"}
    assert Reading.from_json(reading.to_json()).other_times == reading.other_times


def test_the_only_date_of_a_slip_needs_no_label_when_the_photo_comes_soon() -> None:
    rows = f"#KEDAI KOPI\n29/11/2026 19:15\n{GOODS}"
    assert read(rows, today=date(2026, 12, 1)).paid_at.confidence >= 0.8
    assert read(rows).paid_at.confidence < 0.8
    assert read(rows, today=date(2027, 3, 1)).paid_at.confidence < 0.8
    assert read(rows + "30/11/2026 10:00\n", today=date(2026, 12, 1)).paid_at.confidence < 0.8


@pytest.mark.parametrize(
    "label", ["取衣日期:", "取镜日期:", "送貨日期:", "安装日期:", "自提", "Garantie bis", "Umtausch bis", "Pick up:", "Screening"]
)
def test_a_later_day_of_something_else_is_not_the_purchase(label: str) -> None:
    reading = read(f"#KEDAI KOPI\n28/11/2026 18:00\n{label} 30/11/2026 10:00\n{GOODS}", today=date(2026, 12, 1))
    assert _at(reading) == "2026-11-28T18:00:00"


@pytest.mark.parametrize("other", ["4891202603045", "Tel 20260304", "Member No 8820260304"])
def test_numbers_of_other_things_settle_no_order(other: str) -> None:
    assert read(f"#KEDAI KOPI\nDATE: 03/04/2026 19:15\n{GOODS}{other}\n").other_times


def test_an_order_is_never_taken_from_the_currency() -> None:
    in_dollars = read("#DINER\nDATE: 03/04/2026 7:15 PM\nBURGER | 14.50\nTOTAL | US$14.50\n")
    assert in_dollars.paid_at.confidence <= UNSETTLED and in_dollars.other_times


def test_two_days_that_are_both_long_past_stay_open() -> None:
    reading = _dated("03/04/2026 19:15", date(2026, 11, 30))
    assert reading.paid_at.confidence <= UNSETTLED and len(reading.other_times) == 1


@pytest.mark.parametrize(
    "line",
    [
        "上一次於2026-11-20 現金增值",
        "上一次於 | 2026-11-20自動增值",
        "Last add value on 20/11/2026",
        "會員到期日: 31/12/2026",
        "2026/12/31到期",
        "Member since 20/11/2026",
        "入會日期 2026-11-20",
    ],
)
def test_the_days_of_a_card_or_a_membership_are_not_the_purchase(line: str) -> None:
    rows = f"#大食代\n{line}\n飯 | 48.0\n總計 | 48.0\n八達通 | 48.0\n"
    assert read(rows).paid_at.value is None
    assert _at(read(rows + "29-11-2026 09:08\n")) == "2026-11-29T09:08:00"


CAFE = "拿铁 | 1 | 32.00\n可颂 | 1 | 18.00\n合计 | 50.00\n微信支付 | 50.00\n"
UPLOADED = date(2026, 12, 1)
# Each is the only date of its slip, some days before the upload, with a time.
OF_SOMETHING_ELSE = [
    "送达时间: 2026-11-29 18:00", "送货日期 | 2026-11-29 18:00", "预计送达时间为:\n2026-11-29 18:00", "Delivered | 29/11/2026 18:00",
    "Delivery slot: 29 Nov 2026 18:00", "2026-11-29 18:00 送达", "洗涤日期: 2026-11-29 18:00", "发货日期: 2026-11-29 18:00",
    "Ready on | 29 Nov 2026 18:00", "Pick-up | 29 Nov 2026 18:00",
    "有效期至: 2026-11-29 23:59", "失效日期: 2026-11-29 23:59", "Expiry | 29 Nov 2026 23:59", "Best before: 29 Nov 2026 18:00",
    "Voucher valid thru | 29 Nov 2026 23:59", "2026-11-29 23:59到期", "Payment due date: 29 Nov 2026 23:59", "可退货日期: 2026-11-29 23:59",
    "会员到期: 2026-11-29 23:59", "会籍日期: 2026-11-29 10:00", "Membership ends | 29 Nov 2026 23:59", "Member since | 29 Nov 2026 10:00",
    "Your membership ends on:\n29 Nov 2026 23:59", "办卡日期: 2026-11-29 10:00",
    "上次增值: 2026-11-29 10:00", "充值时间: 2026-11-29 10:00", "储值日期: 2026-11-29 10:00", "Top-up | 29 Nov 2026 10:00",
    "Last reload date: 29 Nov 2026 10:00", "2026-11-29 10:00 充值",
    "开业日期: 2026-11-29 10:00", "生产日期: 2026-11-29 10:00", "制卡日期: 2026-11-29 10:00", "存酒日期: 2026-11-29 22:00",
    "入园日期: 2026-11-29 10:00", "Check-in | 29 Nov 2026 14:00", "起租时间: 2026-11-29 10:00", "Version | 29 Nov 2026 10:00",
    "出生日期: 2026-11-29 10:00", "Appointment: 29 Nov 2026 10:00",
]  # fmt: skip


@pytest.mark.parametrize("line", OF_SOMETHING_ELSE)
def test_a_day_of_something_else_is_never_trusted_though_it_is_the_only_one(line: str) -> None:
    paid_at = read(f"#本色咖啡\n{CAFE}{line}\n", today=UPLOADED).paid_at
    assert paid_at.value is None or paid_at.confidence < 0.8


OF_THE_SALE = [
    "2026-11-29 18:00", "时间: 2026-11-29 18:00", "日期 | 2026-11-29 18:00", "日期/时间 Date/Time: 2026-11-29 18:00",
    "交易日期: 2026-11-29 18:00", "开单时间: 2026-11-29 18:00", "Bill Start: 29 Nov 2026 18:00", "Print time: Sunday, 29 Nov 2026 18:00",
    "Served by AMY | 29 Nov 2026 18:00", "Date: SUN 29 Nov 2026 18:00",
    "下单时间: 2026-11-29 18:00", "打印时间: 2026-11-29 18:00", "单号 20261129760727 | 2026-11-29 18:00", "收银员: 03 | 2026-11-29 18:00",
    "结账时间 | 2026-11-29 18:00", "Date : 29 Nov 2026 | Time : 18:00", "Table 5 | 29 Nov 2026 18:00", "Invoice Date: 29 Nov 2026 18:00",
    "TAX INVOICE 10293 | 29 Nov 2026 18:00", "Tarikh / Date: 29 Nov 2026 18:00", "Datum: 29.11.2026 Uhrzeit: 18:00",
]  # fmt: skip


@pytest.mark.parametrize("line", OF_THE_SALE)
def test_the_day_of_the_sale_is_trusted_under_each_of_its_names(line: str) -> None:
    reading = read(f"#本色咖啡\n{line}\n{CAFE}", today=UPLOADED)
    assert _at(reading) == "2026-11-29T18:00:00" and reading.paid_at.confidence >= 0.8


def test_the_time_of_a_reprint_is_not_trusted_as_the_sales() -> None:
    assert read(f"#本色咖啡\n补打小票\n打印时间: 2026-11-29 18:00\n{CAFE}", today=UPLOADED).paid_at.confidence < 0.8


def test_a_top_up_and_a_refund_have_times_of_their_own() -> None:
    top_up = read("#本色咖啡\n充值小票\n充值时间: 2026-11-29 10:00\n充值金额 | 500.00\n微信支付 | 500.00\n", today=UPLOADED)
    assert (top_up.kind, top_up.paid_at.confidence >= 0.8) == ("top_up", True)
    refund = read("#本色咖啡\n退货单\n退货时间: 2026-11-29 10:00\n退款金额 | 50.00\n", today=UPLOADED)
    assert (refund.kind, refund.paid_at.confidence >= 0.8) == ("refund", True)
