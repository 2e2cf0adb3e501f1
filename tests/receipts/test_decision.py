"""The whole table of decisions: facts in, outcome out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.malls.service import ShopNames
from api.receipts import decision
from api.receipts.decision import AMOUNT, CURRENCY, SHOP, TIME, Choice, Facts, Habits, KnownSale, Slip, Sure, Twin, decide, likely_answer
from api.receipts.policy import ReceiptPolicy
from api.receipts.reasons import Reason, next_action, sentence
from api.receipts.shop_recognition import NOBODY, Match
from api.receipts.states import ReceiptState as S
from api.receipts.till_forms import Doubt
from api.sales.channels import channel_title
from ocr.reading import SOME_DOLLAR

NOW = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
SHOP_7 = ShopNames(7, "海底捞火锅", ("海底捞火锅",), (), ("L2018",), (), (), "L2", "云锦天地", "餐饮", False)
SHOP_8 = replace(SHOP_7, id=8, name="海底捞甜品", units=("L2019",))


def slip(**given: Any) -> Slip:
    plain = {
        "kind": "receipt",
        "kind_confidence": 1.0,
        "currency": "CNY",
        "readable": True,
        "flaw": None,
        "screen_photo": 0.0,
        "screenshot": 0.0,
        "edited": 0.0,
        "merchant": Sure("海底捞火锅", 0.95),
        "paid_fen": Sure(12_850, 0.95),
        "paid_at": Sure(NOW - timedelta(hours=3), 0.95),
        "receipt_no": Sure("20260520001", 0.95),
        "auto": True,
        "amounts": (Choice(12_850, "实付", 0.9), Choice(20_000, "现金", 0.6)),
    }
    return Slip(**(plain | given))


def facts(given: Slip | None = None, **more: Any) -> Facts:
    plain = {
        "slip": given or slip(),
        "match": Match(SHOP_7, 100.0, "name"),
        "policy": ReceiptPolicy(),
        "now": NOW,
        "days_old": 0,
        "currency": "CNY",
        "trades_then": True,
        "shop_excluded": False,
        "branch_known": False,
        "twins": (),
        "sale": None,
        "habits": habits(),
        "answered": frozenset(),
    }
    return Facts(**(plain | more))


def habits(**given: int) -> Habits:
    return Habits(**(dict.fromkeys(Habits.__annotations__, 0) | given))


def known(**given: Any) -> KnownSale:
    return KnownSale(**({"id": 5, "paid_fen": 12_850, "scored_by": None, "returned": False, "by_number": False} | given))


def unsure(*amounts_fen: int) -> Slip:
    return replace(UNSURE, amounts=tuple(Choice(amount_fen, "合计", 0.5) for amount_fen in amounts_fen))


def twin(**given: Any) -> Twin:
    return Twin(
        **(
            {"receipt_id": 3, "own": True, "state": S.SCORED, "how": "number", "same_amount": True, "same_number": True, "first": True}
            | given
        )
    )


UNSURE = slip(auto=False, paid_fen=Sure(12_850, 0.6))
ANSWERED = frozenset({AMOUNT})
CARD_SLIPS = ReceiptPolicy(payment_slip="score")
LITTLE = slip(auto=False, paid_fen=Sure(99, 1.0))
PAID = known(scored_by="plate", by_number=True)
PAID_LESS = known(paid_fen=2_850, scored_by="plate")
NUMBERED = known(paid_fen=2_850, by_number=True)
E_RECEIPT = slip(kind="e_screenshot", screenshot=0.9)
LIKELY = Match(None, 91.0, "similar", (SHOP_7, SHOP_8))

TABLE = [
    ("a plain receipt scores", facts(), S.SCORED, Reason.AWARDED),
    ("an empty picture", facts(slip(readable=False)), S.REFUSED, Reason.NOTHING_TO_READ),
    ("too dark to read", facts(slip(readable=False, flaw="dark")), S.REFUSED, Reason.TOO_DARK),
    ("too far away to tell what it is", facts(slip(kind="other", flaw="far")), S.REFUSED, Reason.TOO_FAR),
    ("too blurred to tell what it is", facts(slip(kind="other", kind_confidence=0.3, flaw="blurred")), S.REFUSED, Reason.TOO_BLURRED),
    ("the date is blurred", facts(slip(flaw="blurred", paid_at=Sure()), days_old=None), S.REFUSED, Reason.TOO_BLURRED),
    ("the amount is blurred", facts(slip(flaw="blurred", paid_fen=Sure(), amounts=())), S.REFUSED, Reason.TOO_BLURRED),
    ("a poor photo on which all is read", facts(slip(flaw="blurred")), S.SCORED, Reason.AWARDED),
    ("a poor photo of an unpaid bill", facts(slip(kind="unpaid_bill", flaw="dark"), days_old=None), S.REFUSED, Reason.UNPAID_BILL),
    ("an unpaid bill", facts(slip(kind="unpaid_bill")), S.REFUSED, Reason.UNPAID_BILL),
    ("a top-up", facts(slip(kind="top_up")), S.REFUSED, Reason.TOP_UP),
    ("a parking slip", facts(slip(kind="parking")), S.REFUSED, Reason.PARKING),
    ("something else", facts(slip(kind="other")), S.REFUSED, Reason.NOT_A_RECEIPT),
    ("perhaps something else", facts(slip(kind="other", kind_confidence=0.3)), S.IN_REVIEW, Reason.KIND_UNCLEAR),
    ("rather something else", facts(slip(kind="other", kind_confidence=0.5)), S.REFUSED, Reason.NOT_A_RECEIPT),
    ("perhaps a card slip", facts(slip(kind="payment_slip", kind_confidence=0.3)), S.IN_REVIEW, Reason.KIND_UNCLEAR),
    ("a receipt of whatever kind", facts(slip(kind_confidence=0.3)), S.SCORED, Reason.AWARDED),
    ("a card slip rather", facts(slip(kind="payment_slip", kind_confidence=0.5), policy=CARD_SLIPS), S.SCORED, Reason.AWARDED),
    *[
        (f"{kind} by policy {verdict}", facts(slip(kind=kind), policy=ReceiptPolicy(**{kind: verdict})), state, reason)
        for kind in ("payment_slip", "delivery_order", "e_screenshot")
        for verdict, state, reason in (
            ("score", S.SCORED, Reason.AWARDED),
            ("review", S.IN_REVIEW, Reason.SLIP_BY_POLICY),
            ("refuse", S.REFUSED, Reason.SLIP_NOT_ACCEPTED),
        )
    ],
    ("another currency", facts(slip(currency="HKD")), S.REFUSED, Reason.OTHER_CURRENCY),
    ("no currency printed", facts(slip(currency=""), currency="HKD"), S.SCORED, Reason.AWARDED),
    ("a mall that trades in it", facts(slip(currency="HKD"), currency="HKD"), S.SCORED, Reason.AWARDED),
    *[(f"some dollar in a mall of {code}", facts(slip(currency=decision.SOME_DOLLAR), currency=code), S.ASKING, Reason.WHICH_CURRENCY)
      for code in ("CNY", "MOP", "MYR", "EUR", "JPY")],
    *[(f"some dollar in a mall of {code}", facts(slip(currency=decision.SOME_DOLLAR), currency=code), S.SCORED, Reason.AWARDED)
      for code in ("HKD", "TWD", "USD", "SGD")],
    ("some dollar and an amount in doubt", facts(replace(UNSURE, currency=decision.SOME_DOLLAR)), S.IN_REVIEW, Reason.FIELDS_UNCLEAR),
    ("some dollar, much of it", facts(slip(currency=decision.SOME_DOLLAR, paid_fen=Sure(60_000, 0.9))), S.IN_REVIEW, Reason.FIELDS_UNCLEAR),
    ("a shop outside", facts(match=NOBODY), S.REFUSED, Reason.SHOP_NOT_IN_MALL),
    ("a shop nobody can read", facts(slip(merchant=Sure(None)), match=NOBODY), S.IN_REVIEW, Reason.SHOP_UNCLEAR),
    ("a shop hardly read", facts(slip(merchant=Sure("海", 0.3)), match=NOBODY), S.IN_REVIEW, Reason.SHOP_UNCLEAR),
    ("a shop read well enough", facts(slip(merchant=Sure("海", 0.6)), match=NOBODY), S.REFUSED, Reason.SHOP_NOT_IN_MALL),
    ("surely no name of a shop", facts(slip(merchant=Sure(None, 0.9)), match=NOBODY), S.IN_REVIEW, Reason.SHOP_UNCLEAR),
    ("two likely shops", facts(match=LIKELY), S.ASKING, Reason.WHICH_SHOP),
    ("a shop that closed since it was answered", facts(match=LIKELY, answered=frozenset({SHOP})), S.ASKING, Reason.WHICH_SHOP),
    ("a branch elsewhere", facts(match=Match(SHOP_7, 100.0, "name", (), True)), S.IN_REVIEW, Reason.BRANCH_UNCLEAR),
    ("a branch settled before", facts(match=Match(SHOP_7, 100.0, "name", (), True), branch_known=True), S.SCORED, Reason.AWARDED),
    ("an excluded shop", facts(shop_excluded=True), S.REFUSED, Reason.SHOP_EXCLUDED),
    ("before the contract", facts(trades_then=False), S.REFUSED, Reason.SHOP_NOT_OPEN_THEN),
    ("no contract can be looked up yet", facts(match=LIKELY, trades_then=False), S.ASKING, Reason.WHICH_SHOP),
    ("no date", facts(slip(paid_at=Sure(None)), days_old=None), S.REFUSED, Reason.TIME_NOT_SEEN),
    ("a doubtful date", facts(slip(paid_at=Sure(NOW, 0.5))), S.ASKING, Reason.WHICH_TIME),
    ("a date just sure enough", facts(slip(paid_at=Sure(NOW, 0.8))), S.SCORED, Reason.AWARDED),
    ("a date not quite sure", facts(slip(paid_at=Sure(NOW, 0.795))), S.ASKING, Reason.WHICH_TIME),
    ("a doubtful old date", facts(slip(paid_at=Sure(NOW - timedelta(days=90), 0.5)), days_old=90), S.ASKING, Reason.WHICH_TIME),
    ("the future", facts(slip(paid_at=Sure(NOW + timedelta(hours=1), 0.9))), S.REFUSED, Reason.FUTURE_TIME),
    ("a till a little ahead", facts(slip(paid_at=Sure(NOW + timedelta(minutes=10), 0.9))), S.SCORED, Reason.AWARDED),
    ("a till as far ahead as may be", facts(slip(paid_at=Sure(NOW + timedelta(minutes=15), 0.9))), S.SCORED, Reason.AWARDED),
    ("the last day of the window", facts(days_old=7), S.SCORED, Reason.AWARDED),
    ("a day too late", facts(days_old=8), S.REFUSED, Reason.TOO_OLD),
    ("no amount at all", facts(slip(paid_fen=Sure(None), auto=False, amounts=())), S.REFUSED, Reason.AMOUNT_NOT_SEEN),
    ("no amount among those printed", facts(slip(paid_fen=Sure(None))), S.ASKING, Reason.WHICH_AMOUNT),
    ("the one amount that is printed", facts(slip(amounts=())), S.SCORED, Reason.AWARDED),
    ("an amount in doubt", facts(UNSURE), S.ASKING, Reason.WHICH_AMOUNT),
    ("an answered amount", facts(UNSURE, answered=ANSWERED), S.SCORED, Reason.AWARDED),
    ("an answered amount that is too little", facts(LITTLE, answered=ANSWERED), S.REFUSED, Reason.BELOW_MINIMUM),
    ("too little, in doubt", facts(slip(auto=False, paid_fen=Sure(99, 0.6))), S.ASKING, Reason.WHICH_AMOUNT),
    ("an amount in doubt, large", facts(unsure(60_000)), S.IN_REVIEW, Reason.FIELDS_UNCLEAR),
    ("an amount in doubt, as large as may be asked", facts(unsure(50_000)), S.ASKING, Reason.WHICH_AMOUNT),
    ("one of the amounts in doubt is large", facts(unsure(12_850, 60_000)), S.IN_REVIEW, Reason.FIELDS_UNCLEAR),
    ("one of the amounts in doubt is very large", facts(unsure(12_850, 300_001)), S.IN_REVIEW, Reason.HIGH_VALUE),
    ("paid with a large note", facts(slip(amounts=(Choice(12_850, "实付", 0.9), Choice(400_000, "现金", 0.6)))), S.SCORED, Reason.AWARDED),
    ("nothing supported", facts(replace(UNSURE, amounts=(Choice(900, "", 0.01),))), S.IN_REVIEW, Reason.FIELDS_UNCLEAR),
    ("two fields in doubt", facts(UNSURE, match=LIKELY), S.IN_REVIEW, Reason.FIELDS_UNCLEAR),
    ("shoppers are not asked here", facts(UNSURE, policy=ReceiptPolicy(ask_shopper=False)), S.IN_REVIEW, Reason.FIELDS_UNCLEAR),
    ("which shop, for much money", facts(slip(paid_fen=Sure(60_000, 0.9)), match=LIKELY), S.IN_REVIEW, Reason.FIELDS_UNCLEAR),
    ("too little", facts(slip(paid_fen=Sure(99, 0.9))), S.REFUSED, Reason.BELOW_MINIMUM),
    ("just enough", facts(slip(paid_fen=Sure(100, 0.9))), S.SCORED, Reason.AWARDED),
    ("nothing was paid", facts(slip(paid_fen=Sure(0, 0.9))), S.REFUSED, Reason.BELOW_MINIMUM),
    ("scored before, mine", facts(twins=(twin(),)), S.REFUSED, Reason.SCORED_BEFORE),
    ("scored before, another's", facts(twins=(twin(own=False),)), S.REFUSED, Reason.SCORED_FOR_ANOTHER),
    ("the same minute and amount", facts(twins=(twin(own=False, how="minute"),)), S.REFUSED, Reason.SCORED_FOR_ANOTHER),
    ("still in the works, mine", facts(twins=(twin(state=S.ASKING),)), S.REFUSED, Reason.SENT_BEFORE),
    ("in the works, another's", facts(twins=(twin(state=S.IN_REVIEW, own=False),)), S.IN_REVIEW, Reason.SAME_PAPER_TWICE),
    ("a twin that was set aside", facts(twins=(twin(state=S.SET_ASIDE),)), S.SCORED, Reason.AWARDED),
    ("in the works, sent later", facts(twins=(twin(state=S.IN_REVIEW, own=False, first=False),)), S.SCORED, Reason.AWARDED),
    ("still in the works, mine, sent later", facts(twins=(twin(state=S.IN_REVIEW, first=False),)), S.SCORED, Reason.AWARDED),
    ("scored before one that waits", facts(twins=(twin(state=S.IN_REVIEW, own=False), twin())), S.REFUSED, Reason.SCORED_BEFORE),
    ("returned before one that waits", facts(twins=(twin(state=S.ASKING), twin(state=S.RETURNED))), S.REFUSED, Reason.RETURNED_BEFORE),
    ("the same picture, sent later", facts(twins=(twin(how="picture", state=S.ASKING, first=False),)), S.SCORED, Reason.AWARDED),
    ("a like picture, sent later", facts(twins=(twin(how="picture", same_amount=False, state=S.ASKING, first=False),)), S.IN_REVIEW,
     Reason.SAME_PICTURE_OTHER_FACTS),
    ("returned since", facts(twins=(twin(state=S.RETURNED),)), S.REFUSED, Reason.RETURNED_BEFORE),
    ("a twin that was refused", facts(twins=(twin(state=S.REFUSED),)), S.SCORED, Reason.AWARDED),
    ("a twin that was withdrawn", facts(twins=(twin(state=S.WITHDRAWN),)), S.SCORED, Reason.AWARDED),
    ("same number, other amount", facts(twins=(twin(same_amount=False),)), S.IN_REVIEW, Reason.SAME_NUMBER_OTHER_AMOUNT),
    ("same number, an amount in doubt", facts(UNSURE, twins=(twin(same_amount=False),)), S.ASKING, Reason.WHICH_AMOUNT),
    ("the same picture", facts(twins=(twin(how="picture"),)), S.REFUSED, Reason.SCORED_BEFORE),
    ("a like picture", facts(twins=(twin(how="picture", same_amount=False),)), S.IN_REVIEW, Reason.SAME_PICTURE_OTHER_FACTS),
    ("a like picture of as much", facts(twins=(twin(how="picture", same_number=False),)), S.IN_REVIEW, Reason.SAME_PICTURE_OTHER_FACTS),
    ("scored by a payment", facts(sale=known(scored_by="plate")), S.REFUSED, Reason.SCORED_BY_CHANNEL),
    ("seen but not scored yet", facts(sale=known()), S.SCORED, Reason.AWARDED),
    ("the sale was refunded", facts(sale=known(returned=True)), S.REFUSED, Reason.RETURNED_BEFORE),
    ("scored by a corrected receipt", facts(sale=known(scored_by="receipt")), S.REFUSED, Reason.SCORED_FOR_ANOTHER),
    ("a tampered slip", facts(sale=replace(PAID_LESS, by_number=True)), S.IN_REVIEW, Reason.SAME_NUMBER_OTHER_AMOUNT),
    ("the same number and amount", facts(sale=PAID), S.REFUSED, Reason.SCORED_BY_CHANNEL),
    ("known with another amount, by its minute", facts(sale=PAID_LESS), S.REFUSED, Reason.SCORED_BY_CHANNEL),
    ("known with another amount than one in doubt", facts(UNSURE, sale=NUMBERED), S.ASKING, Reason.WHICH_AMOUNT),
    ("the shop's day is full", facts(habits=habits(scored_shop_day=10)), S.REFUSED, Reason.SHOP_DAY_CAP),
    ("the shop's day is nearly full", facts(habits=habits(scored_shop_day=9)), S.SCORED, Reason.AWARDED),
    ("the day of a shop that is not known yet", facts(match=LIKELY, habits=habits(scored_shop_day=10)), S.ASKING, Reason.WHICH_SHOP),
    ("the member's day is full", facts(habits=habits(sent_day=21)), S.REFUSED, Reason.MEMBER_DAY_CAP),
    ("the member's last of a day", facts(habits=habits(sent_day=20)), S.SCORED, Reason.AWARDED),
    ("the member's week is full", facts(habits=habits(sent_week=71)), S.REFUSED, Reason.MEMBER_WEEK_CAP),
    ("the member's last of a week", facts(habits=habits(sent_week=70)), S.SCORED, Reason.AWARDED),
    ("very fast", facts(habits=habits(sent_hour=9)), S.IN_REVIEW, Reason.TOO_FAST),
    ("fast", facts(habits=habits(sent_hour=8)), S.SCORED, Reason.AWARDED),
    ("one cashier, one member", facts(habits=habits(cashier_total=10, cashier_own=6)), S.IN_REVIEW, Reason.CASHIER_CONCENTRATION),
    ("one cashier, many members", facts(habits=habits(cashier_total=10, cashier_own=5)), S.SCORED, Reason.AWARDED),
    ("a cashier's first receipts, of one member", facts(habits=habits(cashier_total=7, cashier_own=7)), S.SCORED, Reason.AWARDED),
    ("a cashier's first that count", facts(habits=habits(cashier_total=8, cashier_own=8)), S.IN_REVIEW, Reason.CASHIER_CONCENTRATION),
    ("a photo of a screen", facts(slip(screen_photo=0.9)), S.IN_REVIEW, Reason.SCREEN_PHOTO),
    ("a screenshot", facts(slip(screenshot=0.9)), S.IN_REVIEW, Reason.SCREENSHOT),
    ("an electronic receipt is a screenshot", facts(E_RECEIPT, policy=ReceiptPolicy(e_screenshot="score")), S.SCORED, Reason.AWARDED),
    ("an edited picture", facts(slip(edited=0.9)), S.IN_REVIEW, Reason.EDITED),
    ("a picture edited just enough", facts(slip(edited=0.7)), S.IN_REVIEW, Reason.EDITED),
    ("a picture not quite edited", facts(slip(edited=0.695)), S.SCORED, Reason.AWARDED),
    ("a faint sign only", facts(slip(edited=0.5, screen_photo=0.5)), S.SCORED, Reason.AWARDED),
    ("a large purchase", facts(slip(paid_fen=Sure(300_001, 0.9))), S.IN_REVIEW, Reason.HIGH_VALUE),
    ("up to the limit", facts(slip(paid_fen=Sure(300_000, 0.9))), S.SCORED, Reason.AWARDED),
    ("a number out of the shop's form", facts(doubts=(Doubt("form", {}),)), S.IN_REVIEW, Reason.NUMBER_OUT_OF_FORM),
    ("a number out of order", facts(doubts=(Doubt("order", {}),)), S.IN_REVIEW, Reason.NUMBER_OUT_OF_ORDER),
    ("an amount above the shop's", facts(doubts=(Doubt("amount", {}),)), S.IN_REVIEW, Reason.UNUSUAL_AMOUNT),
    ("a round amount where few are", facts(doubts=(Doubt("round", {}),)), S.IN_REVIEW, Reason.ROUND_AMOUNT),
    ("a fresh member above a small sum", facts(habits=habits(fresh=1, alone_fresh_fen=90_000)), S.IN_REVIEW, Reason.FRESH_MEMBER),
    ("a fresh member below it", facts(habits=habits(fresh=1, alone_fresh_fen=80_000)), S.SCORED, Reason.AWARDED),
    ("much in a day", facts(habits=habits(alone_day_fen=490_000)), S.IN_REVIEW, Reason.MUCH_IN_A_DAY),
    ("much in a week", facts(habits=habits(alone_week_fen=1_490_000)), S.IN_REVIEW, Reason.MUCH_IN_A_WEEK),
    ("suspicion comes before a question", facts(replace(UNSURE, edited=0.9)), S.IN_REVIEW, Reason.EDITED),
    ("a duplicate is told before a question", facts(UNSURE, twins=(twin(),)), S.REFUSED, Reason.SCORED_BEFORE),
]  # fmt: skip


@pytest.mark.parametrize(("given", "state", "reason"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_each_case_is_decided_as_the_table_says(given: Facts, state: S, reason: Reason) -> None:
    outcome = decide(given)
    assert (outcome.state, outcome.reason) == (state, reason)
    assert (outcome.question is not None) == (state == S.ASKING)


def test_every_rule_decides_some_case_of_the_table() -> None:
    spoken = {next((rule for rule in decision.RULES if rule(given) is not None), None) for _, given, _, _ in TABLE}
    assert spoken == {*decision.RULES, None}


TOLD = [
    (facts(slip(kind="other", kind_confidence=0.3)), {"kind": "other"}),
    (facts(slip(kind="payment_slip", kind_confidence=0.3)), {"kind": "payment_slip"}),
    (facts(slip(kind="payment_slip")), {"kind": "payment_slip"}),
    (facts(slip(kind="payment_slip"), policy=ReceiptPolicy(payment_slip="refuse")), {"kind": "payment_slip"}),
    (facts(slip(currency="HKD")), {"currency": "HKD"}),
    (facts(match=NOBODY), {"shop": "海底捞火锅"}),
    (facts(slip(merchant=Sure("海", 0.3)), match=NOBODY), {"shop": "海"}),
    (facts(shop_excluded=True), {"shop": "海底捞火锅"}),
    (facts(trades_then=False), {"shop": "海底捞火锅"}),
    (facts(days_old=8), {"days": 7}),
    (facts(slip(paid_fen=Sure(99, 0.9))), {"minimum_fen": 100}),
    (facts(sale=known(scored_by="plate")), {"channel": "plate", "sale_id": 5}),
    (facts(sale=NUMBERED), {"sale_id": 5}),
    (facts(twins=(twin(),)), {"receipt_id": 3}),
    (facts(twins=(twin(own=False),)), {}),
    (facts(twins=(twin(state=S.ASKING),)), {"receipt_id": 3}),
    (facts(twins=(twin(state=S.ASKING, own=False),)), {"receipt_id": 3}),
    (facts(twins=(twin(state=S.RETURNED),)), {"receipt_id": 3}),
    (facts(twins=(twin(state=S.RETURNED, own=False),)), {"receipt_id": None}),
    (facts(twins=(twin(same_amount=False),)), {"receipt_id": 3}),
    (facts(twins=(twin(how="picture", same_amount=False),)), {"receipt_id": 3}),
    (facts(habits=habits(scored_shop_day=10)), {"cap": 10}),
    (facts(habits=habits(sent_day=21)), {"cap": 20}),
    (facts(habits=habits(sent_week=71)), {"cap": 70}),
    (facts(habits=habits(sent_hour=9)), {"sent": 9}),
    (facts(habits=habits(cashier_total=8, cashier_own=5)), {"share": 62}),
    (facts(UNSURE, match=LIKELY), {"fields": [AMOUNT, SHOP]}),
    (facts(UNSURE, policy=ReceiptPolicy(ask_shopper=False)), {"fields": [AMOUNT]}),
    (facts(replace(UNSURE, amounts=(Choice(900, "", 0.01),))), {"fields": [AMOUNT]}),
    (facts(unsure(60_000)), {"fields": [AMOUNT]}),
]


@pytest.mark.parametrize(("given", "expected"), TOLD, ids=[f"{decide(given).reason} {number}" for number, (given, _) in enumerate(TOLD)])
def test_a_decision_says_what_it_stands_on(given: Facts, expected: dict[str, Any]) -> None:
    assert decide(given).facts == expected


def test_what_was_not_read_is_in_doubt() -> None:
    assert Sure().doubtful(1)


def test_the_question_about_the_amount_offers_what_the_photo_supports_best_first() -> None:
    amounts = (
        Choice(500, "找零", 0.14), Choice(0, "优惠", 0.9), Choice(20_000, "现金", 0.4), Choice(12_850, "实付", 0.6),
        Choice(12_850, "合计", 0.5), Choice(1, "抹零", 0.2), Choice(900, "税额", 0.15), Choice(12_000, "小计", 0.15),
    )  # fmt: skip
    question = decide(facts(replace(UNSURE, amounts=amounts))).question
    assert question is not None and question.field == AMOUNT
    assert [(choice.value, choice.label) for choice in question.choices] == [(12_850, "实付"), (20_000, "现金"), (1, "抹零"), (900, "税额")]


def test_the_question_about_the_shop_names_unit_and_shop() -> None:
    large = replace(SHOP_7, units=("L2018", "L2019"))
    question = decide(facts(slip(merchant=Sure("海底捞", 0.9, (1, 2, 3, 4))), match=replace(LIKELY, likely=(large, SHOP_8)))).question
    assert question is not None and question.field == SHOP
    assert question.choices == (Choice(7, "海底捞火锅 L2018", 1.0, (1, 2, 3, 4)), Choice(8, "海底捞甜品 L2019", 1.0, (1, 2, 3, 4)))


def test_the_question_about_the_time_offers_what_was_read() -> None:
    question = decide(facts(slip(paid_at=Sure(NOW, 0.5, (1, 2, 3, 4))))).question
    assert question is not None and question.field == TIME
    assert question.choices == (Choice(NOW.isoformat(), "2026-05-20 04:00", 0.5, (1, 2, 3, 4)),)


def test_the_question_about_the_currency_offers_the_malls_own_first() -> None:
    question = decide(facts(slip(currency=decision.SOME_DOLLAR, paid_fen=Sure(12_850, 0.9, (1, 2, 3, 4))))).question
    assert question is not None and question.field == CURRENCY
    assert question.choices[0] == Choice("CNY", "CNY", 0.5, (1, 2, 3, 4))
    assert [choice.value for choice in question.choices] == ["CNY", "HKD", "TWD", "USD", "SGD"]


def test_the_sign_of_a_dollar_is_the_readers() -> None:
    assert decision.SOME_DOLLAR == SOME_DOLLAR


def test_a_date_of_two_meanings_is_asked_about_with_both() -> None:
    other = NOW - timedelta(days=61)
    question = decide(facts(slip(paid_at=Sure(NOW, 0.5), other_times=(other,)))).question
    assert question is not None and question.field == TIME
    assert [choice.value for choice in question.choices] == [NOW.isoformat(), other.isoformat()]


def test_an_answer_settles_only_between_readings_that_are_about_as_likely() -> None:
    choices = [
        {"value": 100, "confidence": 0.8}, {"value": 200, "confidence": 0.4}, {"value": 300, "confidence": 0.3},
        {"value": 50, "confidence": 0.1},
    ]  # fmt: skip
    assert likely_answer(choices, 100)
    assert likely_answer(choices, 200)  # worth more, half as well supported
    assert not likely_answer(choices, 300)  # worth more, hardly supported
    assert likely_answer(choices, 50)  # gains nothing


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_in_both_languages_and_a_next_step(reason: Reason) -> None:
    words = sentence(
        reason, {"shop": "喜茶", "amount_fen": 1250, "points": 12, "channel": "circle", "days": 7, "cap": 3, "minimum_fen": 100}
    )
    assert words["zh"] and words["en"] and "{" not in words["zh"] + words["en"]
    assert next_action(reason)


def test_amounts_stand_in_sentences_in_yuan() -> None:
    words = sentence(Reason.AWARDED, {"shop": "喜茶", "amount_fen": 1250, "points": 12})
    assert words == {"zh": "喜茶消费12.50元，已获得12积分。", "en": "12 points for 12.50 spent at 喜茶."}
    assert channel_title("plate")["zh"] in sentence(Reason.SCORED_BY_CHANNEL, {"channel": "plate"})["zh"]
    assert channel_title("plate")["zh"] != "plate"
