"""The whole table of decisions: facts in, outcome out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.malls.service import ShopNames
from api.receipts import decision
from api.receipts.decision import AMOUNT, SHOP, TIME, Choice, Facts, Habits, KnownSale, Slip, Sure, Twin, decide, likely_answer
from api.receipts.policy import ReceiptPolicy
from api.receipts.reasons import Reason, next_action, sentence
from api.receipts.shop_recognition import NOBODY, Match
from api.receipts.states import ReceiptState as S

NOW = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)
SHOP_7 = ShopNames(7, "海底捞火锅", ("海底捞火锅",), (), ("L2018",), (), (), "L2", "云锦天地", "餐饮", False)
SHOP_8 = replace(SHOP_7, id=8, name="海底捞甜品", units=("L2019",))


def slip(**given: Any) -> Slip:
    sure = {
        "merchant": Sure("海底捞火锅", 0.95),
        "paid_fen": Sure(12_850, 0.95),
        "paid_at": Sure(NOW - timedelta(hours=3), 0.95),
        "receipt_no": Sure("20260520001", 0.95),
        "auto": True,
        "amounts": (Choice(12_850, "实付", 0.9), Choice(20_000, "现金", 0.6)),
    }
    return Slip(**(sure | given))


def facts(given: Slip | None = None, **more: Any) -> Facts:
    base = {"slip": given or slip(), "match": Match(SHOP_7, 100.0, "name"), "policy": ReceiptPolicy(), "now": NOW, "days_old": 0}
    return Facts(**(base | more))


def twin(**given: Any) -> Twin:
    return Twin(**({"receipt_id": 3, "own": True, "state": S.SCORED, "how": "number", "same_amount": True, "same_number": True} | given))


UNSURE = slip(auto=False, paid_fen=Sure(12_850, 0.6))
E_RECEIPT = slip(kind="e_screenshot", screenshot=0.9)
LIKELY = Match(None, 91.0, "similar", (SHOP_7, SHOP_8))

TABLE = [
    ("a plain receipt scores", facts(), S.SCORED, Reason.AWARDED),
    ("an empty picture", facts(slip(readable=False)), S.REFUSED, Reason.NOTHING_TO_READ),
    ("an unpaid bill", facts(slip(kind="unpaid_bill")), S.REFUSED, Reason.UNPAID_BILL),
    ("a top-up", facts(slip(kind="top_up")), S.REFUSED, Reason.TOP_UP),
    ("a parking slip", facts(slip(kind="parking")), S.REFUSED, Reason.PARKING),
    ("something else", facts(slip(kind="other")), S.REFUSED, Reason.NOT_A_RECEIPT),
    ("perhaps something else", facts(slip(kind="other", kind_confidence=0.3)), S.IN_REVIEW, Reason.KIND_UNCLEAR),
    ("perhaps a card slip", facts(slip(kind="payment_slip", kind_confidence=0.3)), S.IN_REVIEW, Reason.KIND_UNCLEAR),
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
    ("a mall that trades in it", facts(slip(currency="HKD"), currency="HKD"), S.SCORED, Reason.AWARDED),
    ("a shop outside", facts(match=NOBODY), S.REFUSED, Reason.SHOP_NOT_IN_MALL),
    ("a shop nobody can read", facts(slip(merchant=Sure(None)), match=NOBODY), S.IN_REVIEW, Reason.SHOP_UNCLEAR),
    ("a shop hardly read", facts(slip(merchant=Sure("海", 0.3)), match=NOBODY), S.IN_REVIEW, Reason.SHOP_UNCLEAR),
    ("two likely shops", facts(match=LIKELY), S.ASKING, Reason.WHICH_SHOP),
    ("a branch elsewhere", facts(match=Match(SHOP_7, 100.0, "name", (), True)), S.IN_REVIEW, Reason.BRANCH_UNCLEAR),
    ("a branch settled before", facts(match=Match(SHOP_7, 100.0, "name", (), True), branch_known=True), S.SCORED, Reason.AWARDED),
    ("an excluded shop", facts(shop_excluded=True), S.REFUSED, Reason.SHOP_EXCLUDED),
    ("before the contract", facts(trades_then=False), S.REFUSED, Reason.SHOP_NOT_OPEN_THEN),
    ("no date", facts(slip(paid_at=Sure(None)), days_old=None), S.REFUSED, Reason.TIME_NOT_SEEN),
    ("a doubtful date", facts(slip(paid_at=Sure(NOW, 0.5))), S.ASKING, Reason.WHICH_TIME),
    ("a doubtful old date", facts(slip(paid_at=Sure(NOW - timedelta(days=90), 0.5)), days_old=90), S.ASKING, Reason.WHICH_TIME),
    ("the future", facts(slip(paid_at=Sure(NOW + timedelta(hours=1), 0.9))), S.REFUSED, Reason.FUTURE_TIME),
    ("a till a little ahead", facts(slip(paid_at=Sure(NOW + timedelta(minutes=10), 0.9))), S.SCORED, Reason.AWARDED),
    ("the last day of the window", facts(days_old=7), S.SCORED, Reason.AWARDED),
    ("a day too late", facts(days_old=8), S.REFUSED, Reason.TOO_OLD),
    ("no amount at all", facts(slip(paid_fen=Sure(None), auto=False, amounts=())), S.REFUSED, Reason.AMOUNT_NOT_SEEN),
    ("an amount in doubt", facts(UNSURE), S.ASKING, Reason.WHICH_AMOUNT),
    ("an answered amount", facts(UNSURE, answered=frozenset({AMOUNT})), S.SCORED, Reason.AWARDED),
    ("an amount in doubt, large", facts(replace(UNSURE, amounts=(Choice(60_000, "合计", 0.5),))), S.IN_REVIEW, Reason.FIELDS_UNCLEAR),
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
    ("in the works, sent later", facts(twins=(twin(state=S.IN_REVIEW, own=False, first=False),)), S.SCORED, Reason.AWARDED),
    ("still in the works, mine, sent later", facts(twins=(twin(state=S.IN_REVIEW, first=False),)), S.SCORED, Reason.AWARDED),
    ("scored before one that waits", facts(twins=(twin(state=S.IN_REVIEW, own=False), twin())), S.REFUSED, Reason.SCORED_BEFORE),
    ("the same picture, sent later", facts(twins=(twin(how="picture", state=S.ASKING, first=False),)), S.SCORED, Reason.AWARDED),
    ("a like picture, sent later", facts(twins=(twin(how="picture", same_amount=False, state=S.ASKING, first=False),)), S.IN_REVIEW,
     Reason.SAME_PICTURE_OTHER_FACTS),
    ("returned since", facts(twins=(twin(state=S.RETURNED),)), S.REFUSED, Reason.RETURNED_BEFORE),
    ("a twin that was refused", facts(twins=(twin(state=S.REFUSED),)), S.SCORED, Reason.AWARDED),
    ("a twin that was withdrawn", facts(twins=(twin(state=S.WITHDRAWN),)), S.SCORED, Reason.AWARDED),
    ("same number, other amount", facts(twins=(twin(same_amount=False),)), S.IN_REVIEW, Reason.SAME_NUMBER_OTHER_AMOUNT),
    ("the same picture", facts(twins=(twin(how="picture"),)), S.REFUSED, Reason.SCORED_BEFORE),
    ("a like picture", facts(twins=(twin(how="picture", same_amount=False),)), S.IN_REVIEW, Reason.SAME_PICTURE_OTHER_FACTS),
    ("scored by a payment", facts(sale=KnownSale(5, 12_850, "payment")), S.REFUSED, Reason.SCORED_BY_CHANNEL),
    ("seen but not scored yet", facts(sale=KnownSale(5, 12_850)), S.SCORED, Reason.AWARDED),
    ("the sale was refunded", facts(sale=KnownSale(5, 12_850, None, True)), S.REFUSED, Reason.RETURNED_BEFORE),
    ("scored by a corrected receipt", facts(sale=KnownSale(5, 12_850, "receipt")), S.REFUSED, Reason.SCORED_FOR_ANOTHER),
    ("a tampered slip", facts(sale=KnownSale(5, 2_850, "payment", False, True)), S.IN_REVIEW, Reason.SAME_NUMBER_OTHER_AMOUNT),
    ("the shop's day is full", facts(habits=Habits(scored_shop_day=10)), S.REFUSED, Reason.SHOP_DAY_CAP),
    ("the shop's day is nearly full", facts(habits=Habits(scored_shop_day=9)), S.SCORED, Reason.AWARDED),
    ("the member's day is full", facts(habits=Habits(sent_day=21)), S.REFUSED, Reason.MEMBER_DAY_CAP),
    ("the member's week is full", facts(habits=Habits(sent_week=71)), S.REFUSED, Reason.MEMBER_WEEK_CAP),
    ("very fast", facts(habits=Habits(sent_hour=9)), S.IN_REVIEW, Reason.TOO_FAST),
    ("one cashier, one member", facts(habits=Habits(cashier_total=10, cashier_own=6)), S.IN_REVIEW, Reason.CASHIER_CONCENTRATION),
    ("one cashier, many members", facts(habits=Habits(cashier_total=10, cashier_own=5)), S.SCORED, Reason.AWARDED),
    ("a photo of a screen", facts(slip(screen_photo=0.9)), S.IN_REVIEW, Reason.SCREEN_PHOTO),
    ("a screenshot", facts(slip(screenshot=0.9)), S.IN_REVIEW, Reason.SCREENSHOT),
    ("an electronic receipt is a screenshot", facts(E_RECEIPT, policy=ReceiptPolicy(e_screenshot="score")), S.SCORED, Reason.AWARDED),
    ("an edited picture", facts(slip(edited=0.9)), S.IN_REVIEW, Reason.EDITED),
    ("a faint sign only", facts(slip(edited=0.5, screen_photo=0.5)), S.SCORED, Reason.AWARDED),
    ("a large purchase", facts(slip(paid_fen=Sure(300_001, 0.9))), S.IN_REVIEW, Reason.HIGH_VALUE),
    ("up to the limit", facts(slip(paid_fen=Sure(300_000, 0.9))), S.SCORED, Reason.AWARDED),
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


def test_the_question_about_the_amount_offers_what_the_photo_supports_best_first() -> None:
    given = replace(
        UNSURE, amounts=(Choice(500, "找零", 0.05), Choice(20_000, "现金", 0.4), Choice(12_850, "实付", 0.6), Choice(12_850, "合计", 0.5))
    )
    question = decide(facts(given)).question
    assert question is not None and question.field == AMOUNT
    assert [(choice.value, choice.label) for choice in question.choices] == [(12_850, "实付"), (20_000, "现金")]


def test_the_question_about_the_shop_names_unit_and_shop() -> None:
    question = decide(facts(match=LIKELY)).question
    assert question is not None and question.field == SHOP
    assert [(choice.value, choice.label) for choice in question.choices] == [(7, "海底捞火锅 L2018"), (8, "海底捞甜品 L2019")]


def test_the_question_about_the_time_offers_what_was_read() -> None:
    question = decide(facts(slip(paid_at=Sure(NOW, 0.5)))).question
    assert question is not None and question.field == TIME
    assert [choice.value for choice in question.choices] == [NOW.isoformat()]


def test_an_answer_settles_only_between_readings_that_are_about_as_likely() -> None:
    choices = [{"value": 100, "confidence": 0.8}, {"value": 300, "confidence": 0.2}, {"value": 50, "confidence": 0.1}]
    assert likely_answer(choices, 100)
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
    assert "商圈支付" in sentence(Reason.SCORED_BY_CHANNEL, {"channel": "circle"})["zh"]
