"""The number of the receipt among the numbers of cards, members, machines and companies."""

from __future__ import annotations

import re

import pytest

from tests.ocr.slips import read

GOODS = "\n29/11/2026 12:05\nMILK | 12.50\nBREAD | 9.00\nTOTAL | 21.50\nCASH | 21.50\n"


def _number(label: str, value: str, *, apart: bool) -> str | None:
    return read(f"#KEDAI SERI\n{label} {'| ' * apart}{value}{GOODS}").receipt_no.value


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("yuu會員號碼", "3000012345678"),
        ("MoneyBack Card No:", "1234567890"),
        ("AEON MEMBER :", "1101234567890"),
        ("VIP No:", "80012345"),
        ("Octopus Card No.", "40918822"),
        ("八達通卡編號", "7819379216"),
        ("八達通號虎碼:", "478993705"),
        ("咭編號:", "9261493596"),
        ("Loyalty ID:", "998877665544"),
        ("手機", "91234567"),
        ("Mobile No.:", "60143149319"),
        ("GST Reg No:", "000670859264"),
        ("BR No.:", "0195932-X"),
        ("Merchant ID", "000123456789012"),
        ("Terminal No.", "88120034"),
        ("Account No.", "012-345678-833"),
        ("商品编号:", "6901234567892"),
        ("優惠券號", "AB12345678"),
        ("Payback Nr.:", "3083421122334455"),
        ("Kundennummer:", "1234567890"),
        ("Steuer-Nr.:", "5120/5820/0012"),
        ("Plate No", "WXY1234"),
        ("Store No.", "0029118"),
        ("Serial No.", "88120034"),
        ("店铺编号:", "0029118"),
        ("Invoice Date", "29 Nov 2026"),
    ],
)
def test_what_comes_again_on_the_next_visit_is_never_the_number(label: str, value: str, apart: bool) -> None:
    assert _number(label, value, apart=apart) is None


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    ("label", "value", "number"),
    [
        ("收據編號", "R20931", "R20931"),
        ("TAX INV#", "10293", "10293"),
        ("TAXINV:", "41336", "41336"),
        ("Inv No/Date:", "IV-10293 / 29-11-2026", "IV10293"),
        ("Invoice No.", "INV/2026/10293", "INV202610293"),
        ("ORD #", "5412", "5412"),
        ("CB#:", "837009", "837009"),
        ("TRN:", "CR0008964", "CR0008964"),
        ("流水號", "004411", "004411"),
        ("Ref", "98122", "98122"),
        ("Bi11 No.:", "001-3246", "0013246"),
        ("Bon-Nr.:", "8381", "8381"),
        ("Rechnung Nr:", "2026-4711", "20264711"),
        ("No. Resit:", "RS10293", "RS10293"),
        ("交易編虎", "900522/3871", "9005223871"),
        ("訂單條碼:", "20261129344314097438460441", "20261129344314097438460441"),
        ("BILL", "1856 - 608 - 9161 - 2911260322", "185660891612911260322"),
        ("取餐號 88 訂單號", "99812231", "99812231"),
        ("Cashier: AMY Bill No:", "10293", "10293"),
        ("St:512 Ctr2 ID:3001 TaxInv:", "94542", "94542"),
    ],
)
def test_tills_name_their_number_in_many_ways(label: str, value: str, number: str, apart: bool) -> None:
    assert re.sub(r"\W", "", _number(label, value, apart=apart) or "") == number


def test_a_colon_of_its_own_stands_between_label_and_number() -> None:
    assert read("#KEDAI SERI\nBILL NO | : | BM-159572" + GOODS).receipt_no.value == "BM-159572"


def test_the_number_of_a_card_is_none_wherever_it_stands() -> None:
    rows = "#樂活超市\n2026/11/29 18:02 | 8800123456789\n會員編號 8800123456789\n牛奶 | 22.9\n麵包 | 18.0\n總計 | 40.9\n支付寶 | 40.9\n"
    assert read(rows).receipt_no.value is None
    card = "#樂活超市\n2026/11/29 18:02 | 4000056655665556\n牛奶 | 22.9\n總計 | 22.9\n"
    assert read(card).receipt_no.value is None


def test_the_number_beside_the_date_counts_where_cards_have_their_own_labels() -> None:
    head = "#大食代\n620755348374 | 01:21PM 07-11-26\n飯 | 48.0\n總計 | 48.0\n"
    foot = "八達通 | 478993705 | 48.0\n八達通號碼:478993705\n上一次於2026/11/07現金增值\n咭編號:9261493596\n"
    assert read(head + foot).receipt_no.value == "620755348374"


def test_of_two_labels_for_two_numbers_one_names_the_slip() -> None:
    rows = (
        "#漢堡店\n套餐 | 44.50\n雞翼 | 10.00\n小計 | 54.50\n八達通付款 | 54.50\n八達通卡編號 | 7819379216\n機號虎/交易編虎 | 58E682/2989\n"
    )
    assert read(rows).receipt_no.value == "58E682/2989"


def test_a_number_stands_behind_date_and_time() -> None:
    assert read("#WHOLE STORE\n01-Nov-2026 11:20:04AM R05934\nCLAY | 8.00\nTOTAL | 8.00\n").receipt_no.value == "R05934"


def test_a_card_slip_is_named_by_the_reference_of_the_bank() -> None:
    machine = "MID: 000123456789012\nTID: 88120034\nCard No: | ****1182(C)\nSALE\nBatch: 000231 | Trace: 004411\nRef: | 633310298812\n"
    reading = read(
        "#ABC PAY\nMERCHANT COPY\n半島酒具\n" + machine + "Txn time: | 29/11/2026 15:55:46\nAuth Code: 009912\nTOTAL | HKD 880.00\n"
    )
    assert (reading.kind, reading.receipt_no.value) == ("payment_slip", "633310298812")
