"""Why a receipt stands where it stands: a stable name, the sentence in Chinese and English, and what to do next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from api.kit import money
from api.sales.channels import channel_title


class NextAction(StrEnum):
    """What the shopper can do now."""

    WAIT = "wait"
    ANSWER = "answer"
    SEND_AGAIN = "send_again"
    CORRECT = "correct"
    SEE_POINTS = "see_points"
    NOTHING = "nothing"


class Reason(StrEnum):
    """Why. The names are stable: clients branch on them."""

    WAITING = "waiting"
    BEING_READ = "being_read"
    AWARDED = "awarded"
    POINTS_TAKEN_BACK = "points_taken_back"
    REFUND_HANDLED = "refund_handled"
    PURCHASE_RETURNED = "purchase_returned"
    WITHDRAWN = "withdrawn"
    READER_GAVE_UP = "reader_gave_up"
    # questions
    WHICH_AMOUNT = "which_amount"
    WHICH_SHOP = "which_shop"
    WHICH_TIME = "which_time"
    WHICH_CURRENCY = "which_currency"
    # refused
    PHOTO_DAMAGED = "photo_damaged"
    TOO_DARK = "too_dark"
    TOO_FAR = "too_far"
    TOO_BLURRED = "too_blurred"
    NOTHING_TO_READ = "nothing_to_read"
    NOT_A_RECEIPT = "not_a_receipt"
    UNPAID_BILL = "unpaid_bill"
    TOP_UP = "top_up"
    PARKING = "parking"
    SLIP_NOT_ACCEPTED = "slip_not_accepted"
    OTHER_CURRENCY = "other_currency"
    SHOP_NOT_IN_MALL = "shop_not_in_mall"
    SHOP_EXCLUDED = "shop_excluded"
    SHOP_NOT_OPEN_THEN = "shop_not_open_then"
    TIME_NOT_SEEN = "time_not_seen"
    FUTURE_TIME = "future_time"
    TOO_OLD = "too_old"
    AMOUNT_NOT_SEEN = "amount_not_seen"
    BELOW_MINIMUM = "below_minimum"
    SCORED_BEFORE = "scored_before"
    SCORED_FOR_ANOTHER = "scored_for_another"
    SCORED_BY_CHANNEL = "scored_by_channel"
    RETURNED_BEFORE = "returned_before"
    SENT_BEFORE = "sent_before"
    SHOP_DAY_CAP = "shop_day_cap"
    MEMBER_DAY_CAP = "member_day_cap"
    MEMBER_WEEK_CAP = "member_week_cap"
    EARNS_NOTHING = "earns_nothing"
    REFUND_APPLIED_BEFORE = "refund_applied_before"
    REFUND_WITHOUT_RECEIPT = "refund_without_receipt"
    UNANSWERED = "unanswered"
    # reviews
    SHOP_UNCLEAR = "shop_unclear"
    BRANCH_UNCLEAR = "branch_unclear"
    KIND_UNCLEAR = "kind_unclear"
    SLIP_BY_POLICY = "slip_by_policy"
    FIELDS_UNCLEAR = "fields_unclear"
    SAME_PAPER_TWICE = "same_paper_twice"
    SAME_NUMBER_OTHER_AMOUNT = "same_number_other_amount"
    SAME_PICTURE_OTHER_FACTS = "same_picture_other_facts"
    SCREEN_PHOTO = "screen_photo"
    SCREENSHOT = "screenshot"
    EDITED = "edited"
    TOO_FAST = "too_fast"
    HIGH_VALUE = "high_value"
    CASHIER_CONCENTRATION = "cashier_concentration"
    FRESH_MEMBER = "fresh_member"
    MUCH_IN_A_DAY = "much_in_a_day"
    MUCH_IN_A_WEEK = "much_in_a_week"
    NUMBER_OUT_OF_FORM = "number_out_of_form"
    NUMBER_OUT_OF_ORDER = "number_out_of_order"
    UNUSUAL_AMOUNT = "unusual_amount"
    ROUND_AMOUNT = "round_amount"
    NEEDS_A_CHECK = "needs_a_check"
    REFUND_UNCLEAR = "refund_unclear"
    NO_CHOICE_FITS = "no_choice_fits"
    ANSWER_UNLIKELY = "answer_unlikely"
    CORRECTED = "corrected"
    # refused by a reviewer
    NOT_LEGIBLE = "not_legible"
    TAMPERED = "tampered"
    NOT_OWN_PURCHASE = "not_own_purchase"
    AGAINST_RULES = "against_rules"


_A = NextAction
_IN_REVIEW_ZH, _IN_REVIEW_EN = "，已交工作人员核对。", "; a member of staff is checking it."
_CHECK = ("需要核对" + _IN_REVIEW_ZH, "This needs a check" + _IN_REVIEW_EN)

_TEXT: dict[Reason, tuple[NextAction, str, str]] = {
    Reason.WAITING: (_A.WAIT, "小票已收到，正在排队识别。", "Your receipt has arrived and is waiting to be read."),
    Reason.BEING_READ: (_A.WAIT, "正在识别小票。", "Your receipt is being read."),
    Reason.AWARDED: (_A.SEE_POINTS, "{shop}消费{amount}元，已获得{points}积分。", "{points} points for {amount} spent at {shop}."),
    Reason.POINTS_TAKEN_BACK: (
        _A.SEE_POINTS,
        "退货小票已处理，{amount}元对应的积分已收回。",
        "This refund slip was handled: the points of {amount} were taken back.",
    ),
    Reason.REFUND_HANDLED: (_A.NOTHING, "退货小票已处理。", "This refund slip was handled."),
    Reason.PURCHASE_RETURNED: (_A.NOTHING, "这笔消费已退货，积分已收回。", "This purchase was returned and its points were taken back."),
    Reason.WITHDRAWN: (_A.NOTHING, "您已撤回这张小票。", "You withdrew this receipt."),
    Reason.READER_GAVE_UP: (
        _A.SEND_AGAIN,
        "这张照片多次识别失败，请重新拍一张再上传。",
        "This photo could not be read after several tries; please take another one.",
    ),
    Reason.WHICH_AMOUNT: (_A.ANSWER, "请确认实付金额是哪一个。", "Which of these is the amount you paid?"),
    Reason.WHICH_SHOP: (_A.ANSWER, "请确认是哪一家店。", "Which of these shops is it?"),
    Reason.WHICH_TIME: (_A.ANSWER, "请确认小票上的消费时间。", "Is this the time on your receipt?"),
    Reason.WHICH_CURRENCY: (_A.ANSWER, "请确认小票金额的币种。", "Which currency is the receipt in?"),
    Reason.PHOTO_DAMAGED: (
        _A.SEND_AGAIN,
        "照片文件不完整，打不开，请重新拍一张再上传。",
        "The photo's file is damaged and cannot be opened; please take another one.",
    ),
    Reason.TOO_DARK: (
        _A.SEND_AGAIN,
        "照片太暗，请到亮处或打开闪光灯再拍。",
        "The photo is too dark; please take it again in brighter light or with the flash on.",
    ),
    Reason.TOO_FAR: (
        _A.SEND_AGAIN,
        "照片里的字太小，请靠近一些，让小票占满画面；小票太长可以分几张拍。",
        "The print is too small; please move closer until the receipt fills the picture, and take a long one in several photos.",
    ),
    Reason.TOO_BLURRED: (
        _A.SEND_AGAIN,
        "照片模糊，请拿稳手机，点一下小票上的字对好焦再拍。",
        "The photo is blurred; please hold the phone still, tap the print to focus, and take it again.",
    ),
    Reason.NOTHING_TO_READ: (
        _A.SEND_AGAIN,
        "照片里没有看到文字，请拿稳手机，靠近并对准小票重新拍摄。",
        "No text was found; please hold the phone still, close to the receipt, and take another photo.",
    ),
    Reason.NOT_A_RECEIPT: (_A.SEND_AGAIN, "这不是购物小票。", "This is not a receipt for a purchase."),
    Reason.UNPAID_BILL: (
        _A.SEND_AGAIN,
        "这是未结账的账单，请上传付款后的小票。",
        "This is an unpaid bill; please send the receipt you got after paying.",
    ),
    Reason.TOP_UP: (_A.NOTHING, "充值不积分，消费时再积分。", "Top-ups earn no points; spending does."),
    Reason.PARKING: (_A.NOTHING, "停车费不积分。", "Parking fees earn no points."),
    Reason.SLIP_NOT_ACCEPTED: (
        _A.SEND_AGAIN,
        "本商场不接受这种凭证（{kind}），请上传商户打印的小票。",
        "This mall does not accept this kind of slip ({kind}); please send the shop's own receipt.",
    ),
    Reason.OTHER_CURRENCY: (_A.NOTHING, "小票币种是{currency}，不能积分。", "The receipt is in {currency}, which earns no points here."),
    Reason.SHOP_NOT_IN_MALL: (_A.CORRECT, "“{shop}”不是本商场的商户。", "“{shop}” is not a shop of this mall."),
    Reason.SHOP_EXCLUDED: (_A.NOTHING, "{shop}不参加积分活动。", "{shop} does not take part in the points scheme."),
    Reason.SHOP_NOT_OPEN_THEN: (_A.CORRECT, "消费当天{shop}不在本商场营业。", "{shop} was not in this mall on that day."),
    Reason.TIME_NOT_SEEN: (
        _A.SEND_AGAIN,
        "看不到消费日期，请拍下完整的小票。",
        "The date cannot be seen; please photograph the whole receipt.",
    ),
    Reason.FUTURE_TIME: (_A.CORRECT, "小票上的时间还没有到。", "The time on this receipt is in the future."),
    Reason.TOO_OLD: (_A.NOTHING, "小票须在消费后{days}天内上传。", "Receipts must be sent within {days} days of the purchase."),
    Reason.AMOUNT_NOT_SEEN: (
        _A.SEND_AGAIN,
        "看不到实付金额，请拍下完整的小票。",
        "The amount paid cannot be seen; please photograph the whole receipt.",
    ),
    Reason.BELOW_MINIMUM: (_A.NOTHING, "消费满{minimum}元才能积分。", "Purchases earn points from {minimum} on."),
    Reason.SCORED_BEFORE: (_A.SEE_POINTS, "这张小票您已经积过分了。", "You have already been given points for this receipt."),
    Reason.SCORED_FOR_ANOTHER: (_A.NOTHING, "这张小票已经积过分了。", "This receipt has already been given points."),
    Reason.SCORED_BY_CHANNEL: (
        _A.SEE_POINTS,
        "这笔消费已通过“{channel}”积分，不再重复积分。",
        "This purchase has already earned points by “{channel}”.",
    ),
    Reason.RETURNED_BEFORE: (_A.NOTHING, "这笔消费已退货，不能积分。", "This purchase was returned and earns no points."),
    Reason.SENT_BEFORE: (_A.WAIT, "这张小票您已经上传过，正在处理。", "You sent this receipt before; it is being worked on."),
    Reason.SHOP_DAY_CAP: (_A.NOTHING, "同一家店每天最多{cap}张小票积分。", "At most {cap} receipts of one shop earn points a day."),
    Reason.MEMBER_DAY_CAP: (_A.NOTHING, "每天最多上传{cap}张小票。", "At most {cap} receipts may be sent a day."),
    Reason.MEMBER_WEEK_CAP: (_A.NOTHING, "每周最多上传{cap}张小票。", "At most {cap} receipts may be sent a week."),
    Reason.EARNS_NOTHING: (_A.NOTHING, "这笔消费按规则不产生积分。", "By the rules this purchase earns no points."),
    Reason.REFUND_APPLIED_BEFORE: (_A.NOTHING, "这张退货小票已经处理过了。", "This refund slip has been handled before."),
    Reason.REFUND_WITHOUT_RECEIPT: (
        _A.NOTHING,
        "没有找到对应的积分消费，无需处理。",
        "No scored purchase belongs to this refund; nothing to do.",
    ),
    Reason.UNANSWERED: (_A.SEND_AGAIN, "问题没有得到回答，请重新上传。", "The question was not answered in time; please send it again."),
    Reason.SHOP_UNCLEAR: (_A.WAIT, "店名不够清楚" + _IN_REVIEW_ZH, "The shop is not clear" + _IN_REVIEW_EN),
    Reason.BRANCH_UNCLEAR: (_A.WAIT, "分店不够清楚" + _IN_REVIEW_ZH, "The branch is not clear" + _IN_REVIEW_EN),
    Reason.KIND_UNCLEAR: (_A.WAIT, "凭证类型不够清楚" + _IN_REVIEW_ZH, "The kind of slip is not clear" + _IN_REVIEW_EN),
    Reason.SLIP_BY_POLICY: (_A.WAIT, "这种凭证需要人工核对" + _IN_REVIEW_ZH, "This kind of slip is checked by hand" + _IN_REVIEW_EN),
    Reason.FIELDS_UNCLEAR: (_A.WAIT, "有几处看不清" + _IN_REVIEW_ZH, "Several things are not clear" + _IN_REVIEW_EN),
    Reason.SAME_PAPER_TWICE: (_A.WAIT, "这张小票有人上传过" + _IN_REVIEW_ZH, "This receipt was sent before" + _IN_REVIEW_EN),
    Reason.SAME_NUMBER_OTHER_AMOUNT: (
        _A.WAIT,
        "同一单号出现过不同金额" + _IN_REVIEW_ZH,
        "The same number is known with another amount" + _IN_REVIEW_EN,
    ),
    Reason.SAME_PICTURE_OTHER_FACTS: (
        _A.WAIT,
        "照片与另一张小票相似" + _IN_REVIEW_ZH,
        "The photo resembles that of another receipt" + _IN_REVIEW_EN,
    ),
    Reason.SCREEN_PHOTO: (_A.WAIT, "照片像是翻拍屏幕" + _IN_REVIEW_ZH, "This looks like a photo of a screen" + _IN_REVIEW_EN),
    Reason.SCREENSHOT: (_A.WAIT, "这是屏幕截图" + _IN_REVIEW_ZH, "This is a screenshot" + _IN_REVIEW_EN),
    Reason.EDITED: (_A.WAIT, "照片可能被修改过" + _IN_REVIEW_ZH, "The photo may have been edited" + _IN_REVIEW_EN),
    Reason.TOO_FAST: (_A.WAIT, "短时间内上传较多" + _IN_REVIEW_ZH, "Many receipts in a short time" + _IN_REVIEW_EN),
    Reason.HIGH_VALUE: (_A.WAIT, "金额较大" + _IN_REVIEW_ZH, "A large amount" + _IN_REVIEW_EN),
    Reason.CASHIER_CONCENTRATION: (_A.WAIT, "需要核对" + _IN_REVIEW_ZH, "This needs a check" + _IN_REVIEW_EN),
    Reason.FRESH_MEMBER: (_A.WAIT, *_CHECK),
    Reason.MUCH_IN_A_DAY: (_A.WAIT, *_CHECK),
    Reason.MUCH_IN_A_WEEK: (_A.WAIT, *_CHECK),
    Reason.NUMBER_OUT_OF_FORM: (_A.WAIT, *_CHECK),
    Reason.NUMBER_OUT_OF_ORDER: (_A.WAIT, *_CHECK),
    Reason.UNUSUAL_AMOUNT: (_A.WAIT, *_CHECK),
    Reason.ROUND_AMOUNT: (_A.WAIT, *_CHECK),
    Reason.NEEDS_A_CHECK: (_A.WAIT, *_CHECK),
    Reason.REFUND_UNCLEAR: (_A.WAIT, "退货小票需要核对" + _IN_REVIEW_ZH, "This refund slip needs a check" + _IN_REVIEW_EN),
    Reason.NO_CHOICE_FITS: (_A.WAIT, "您说选项都不对" + _IN_REVIEW_ZH, "You said that no choice is right" + _IN_REVIEW_EN),
    Reason.ANSWER_UNLIKELY: (_A.WAIT, "谢谢，照片上看不太清" + _IN_REVIEW_ZH, "Thank you; the photo is not clear there" + _IN_REVIEW_EN),
    Reason.CORRECTED: (_A.WAIT, "您的更正已收到" + _IN_REVIEW_ZH, "Your correction has arrived" + _IN_REVIEW_EN),
    Reason.NOT_LEGIBLE: (_A.SEND_AGAIN, "照片看不清，请重新拍摄。", "The photo is not legible; please take another one."),
    Reason.TAMPERED: (_A.NOTHING, "小票内容与商户记录不符。", "This receipt does not agree with the shop's records."),
    Reason.NOT_OWN_PURCHASE: (_A.NOTHING, "只有本人的消费可以积分。", "Only your own purchases earn points."),
    Reason.AGAINST_RULES: (_A.NOTHING, "这张小票不符合积分规则。", "This receipt does not meet the rules of the scheme."),
}

#: What only the reviewer is told, with the evidence: whoever draws a receipt must not learn from the answer what did not fit.
_FOR_REVIEWERS: dict[Reason, tuple[str, str]] = {
    Reason.FRESH_MEMBER: (
        "新会员未经人工核对的小票累计{sum}元，超过{limit}元。",
        "A fresh member's receipts without a person come to {sum}, above {limit}.",
    ),
    Reason.MUCH_IN_A_DAY: (
        "该会员24小时内未经人工核对的小票累计{sum}元，超过{limit}元。",
        "This member's receipts without a person come to {sum} in 24 hours, above {limit}.",
    ),
    Reason.MUCH_IN_A_WEEK: (
        "该会员7天内未经人工核对的小票累计{sum}元，超过{limit}元。",
        "This member's receipts without a person come to {sum} in seven days, above {limit}.",
    ),
    Reason.NUMBER_OUT_OF_FORM: (
        "单号格式为{form}，这家店通常为{usual}（{samples}个已知单号）。",
        "The number has the form {form}; this shop's are mostly {usual} ({samples} known numbers).",
    ),
    Reason.NUMBER_OUT_OF_ORDER: (
        "单号的流水号{number}与时间不符：之前已知{before}，之后至多{after}。",
        "The number's counter {number} does not fit its time: {before} is known before it, at most {after} after it.",
    ),
    Reason.UNUSUAL_AMOUNT: (
        "金额高于这家店的常见最高值{high}元（{samples}笔已知消费）。",
        "The amount is above this shop's usual highest of {high} ({samples} known purchases).",
    ),
    Reason.ROUND_AMOUNT: (
        "金额为整百元，这家店{samples}笔已知消费中只有{round}笔如此。",
        "The amount is in whole hundreds, as only {round} of this shop's {samples} known purchases are.",
    ),
}


def shown_reason(reason: Reason) -> Reason:
    """The reason as its shopper sees it."""
    return Reason.NEEDS_A_CHECK if reason in _FOR_REVIEWERS else reason


def reviewer_sentence(reason: str, facts: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The sentence {zh, en} for the reviewer, with the evidence."""
    if (texts := _FOR_REVIEWERS.get(Reason(reason))) is None:
        return sentence(reason, facts)
    known = {name: value for name, value in (facts or {}).items() if value is not None}
    return {"zh": texts[0].format_map(_words(known, 0)), "en": texts[1].format_map(_words(known, 1))}


#: What a reviewer may refuse with.
REVIEWER_REASONS = (
    Reason.NOT_LEGIBLE,
    Reason.NOT_A_RECEIPT,
    Reason.UNPAID_BILL,
    Reason.TOP_UP,
    Reason.PARKING,
    Reason.SHOP_NOT_IN_MALL,
    Reason.TOO_OLD,
    Reason.SCORED_FOR_ANOTHER,
    Reason.TAMPERED,
    Reason.NOT_OWN_PURCHASE,
    Reason.SLIP_NOT_ACCEPTED,
    Reason.AGAINST_RULES,
)


def next_action(reason: str) -> str:
    """What the shopper can do now (NextAction)."""
    return str(_TEXT[Reason(reason)][0])


def sentence(reason: str, facts: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The sentence {zh, en}; facts fill its gaps, amounts given in fen as `<name>_fen` are written in yuan."""
    _, zh, en = _TEXT[Reason(reason)]
    return {"zh": zh.format_map(_words(facts or {}, 0)), "en": en.format_map(_words(facts or {}, 1))}


def _words(facts: Mapping[str, Any], language: int) -> dict[str, Any]:
    words: dict[str, Any] = defaultdict(lambda: "…", facts)
    for name, value in facts.items():
        if name.endswith("_fen") and isinstance(value, int):
            words[name.removesuffix("_fen")] = money.yuan(value)
    if channel := facts.get("channel"):
        words["channel"] = channel_title(str(channel))[("zh", "en")[language]]
    return words
