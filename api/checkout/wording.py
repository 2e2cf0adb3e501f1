"""Each line of a total, each way to pay and each reason why not, as a sentence in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.checkout.mix import Tender
from api.checkout.things import Basket
from api.kit.money import yuan

REASONS = {
    "not_a_member": ("加入会员后可用", "can be used once you have joined"),
    "not_for_this": ("不能用于此项", "cannot pay for this"),
    "mall_takes_none": ("商场暂未开放", "is not offered by the mall"),
    "no_line_takes_part": ("此次金额不参与优惠", "does not count for the part without benefits"),
    "too_few": ("积分不足", "there are too few"),
    "amount_too_small": ("金额太小，不足一个抵扣单位", "the amount is too small for one step"),
    "shop_does_not_take_it": ("该店不支持此卡", "this shop does not take the card"),
    "empty": ("余额为零", "it is empty"),
    "frozen": ("已挂失", "it is frozen"),
    "expired": ("已过有效期，可到服务台激活", "it has expired; the service desk can renew it"),
    "inactive": ("未激活", "it is not active yet"),
}


def _two(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def why_not(reason: str) -> tuple[str, str]:
    """A reason in words."""
    return REASONS.get(reason, ("暂不可用", "cannot be used just now"))


def points_option(balance: int, could_fen: int, count: int, step: int, reason: str | None, share_bp: int) -> dict[str, str]:
    """What points could do here."""
    if reason:
        zh, en = why_not(reason)
        return _two(f"积分 {balance:,}：{zh}", f"{balance:,} points: {en}")
    return _two(
        f"可用 {count:,} 积分抵 ¥{yuan(could_fen)}（每 {step:,} 积分一档，最多抵参与金额的 {share_bp / 100:g}%）",
        f"{count:,} points pay ¥{yuan(could_fen)} (in steps of {step:,}, at most {share_bp / 100:g}% of what takes part)",
    )


def card_option(number: str, principal_fen: int, bonus_fen: int, could_fen: int, reason: str | None) -> dict[str, str]:
    """What a card could do here."""
    has = f"¥{yuan(principal_fen)}" + (f" + ¥{yuan(bonus_fen)}" if bonus_fen else "")
    if reason:
        zh, en = why_not(reason)
        return _two(f"储值卡 {number}（{has}）：{zh}", f"card {number} ({has}): {en}")
    return _two(f"储值卡 {number}（{has}）可付 ¥{yuan(could_fen)}", f"card {number} ({has}) can pay ¥{yuan(could_fen)}")


_NOT_INVOICED = {
    "points": ("积分抵扣的 ¥{} 不开票", "¥{} paid by points is not invoiced"),
    "bonus": ("赠金支付的 ¥{} 不开票", "¥{} paid by a bonus is not invoiced"),
    "sold": ("储值卡支付的 ¥{} 已在购卡或充值时开票", "¥{} from a card was invoiced when it was bought or recharged"),
    "at_use": ("充值的 ¥{} 在消费时由商户开票", "¥{} of stored value is invoiced by the shops where it is used"),
}


def not_invoiced(why: str, fen: int) -> dict[str, str]:
    """What an invoice leaves out."""
    zh, en = _NOT_INVOICED[why]
    return _two(zh.format(yuan(fen)), en.format(yuan(fen)))


def total(
    basket: Basket, shares: Sequence[tuple[int, Tender, int | None, int]], count: int, *, cards: Mapping[int, str]
) -> tuple[dict[str, Any], ...]:
    """The total, line by line: what it costs, what pays how much of it, and what is left."""
    rows = [
        _row("line", line.amount_fen, f"{line.name} ¥{yuan(line.amount_fen)}", _english(line.name, line.amount_fen))
        for line in basket.lines
    ]
    paid: dict[tuple[Tender, int | None], int] = {}
    for _, tender, card_id, fen in shares:
        paid[tender, card_id] = paid.get((tender, card_id), 0) + fen
    for (tender, card_id), fen in paid.items():
        if tender == Tender.POINTS:
            rows.append(_row("points", -fen, f"{count:,} 积分抵 ¥{yuan(fen)}", f"{count:,} points pay ¥{yuan(fen)}"))
        elif tender == Tender.PRINCIPAL:
            number = cards.get(card_id or 0, "")
            rows.append(_row("stored_principal", -fen, f"储值卡 {number} 本金 ¥{yuan(fen)}", f"card {number}, paid in, ¥{yuan(fen)}"))
        elif tender == Tender.BONUS:
            number = cards.get(card_id or 0, "")
            rows.append(_row("stored_bonus", -fen, f"储值卡 {number} 赠金 ¥{yuan(fen)}", f"card {number}, bonus, ¥{yuan(fen)}"))
    left = sum(fen for _, tender, _, fen in shares if tender == Tender.GATEWAY)
    rows.append(_row("gateway", left, f"还需支付 ¥{yuan(left)}", f"¥{yuan(left)} left to pay"))
    return tuple(rows)


_ENGLISH = {"消费": "Purchase", "不参与优惠部分": "Part without benefits", "储值": "Stored value"}


def english_name(name: str) -> str:
    """A line's name in English, where it is one of ours; a shop's own stays as the shop wrote it."""
    return _ENGLISH.get(name, name)


def _english(name: str, fen: int) -> str:
    return f"{english_name(name)} ¥{yuan(fen)}"


def _row(kind: str, fen: int, zh: str, en: str) -> dict[str, Any]:
    return {"kind": kind, "amount_fen": fen, "sentence": {"zh": zh, "en": en}}
