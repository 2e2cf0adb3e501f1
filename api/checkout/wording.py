"""Each line of a total as a sentence in Chinese and English: what it costs, what pays how much of it, and what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.checkout.shares import Share, by_source
from api.checkout.tenders.base import Offer, Sentence, TenderRules, two
from api.kit.money import yuan
from api.purchases.baskets import Basket
from api.purchases.registry import english_name


def total(basket: Basket, offers: Mapping[TenderRules, Offer], shares: Sequence[Share]) -> tuple[dict[str, Any], ...]:
    """The total, line by line: what it costs, what pays how much of it, and what is left for new money."""
    rows = [_row("line", line.net_fen, _line(line.name, line.net_fen)) for line in basket.lines]
    paid = by_source((share, share.fen) for share in shares)
    for rules, offer in offers.items():
        own = [(tender, source_id, fen) for (tender, source_id), fen in paid.items() if tender in rules.codes and not rules.is_new_money]
        rows += [_row(str(tender), -fen, offer.sentence(tender, source_id, fen)) for tender, source_id, fen in own]
    for rules, offer in offers.items():
        if rules.is_new_money:
            [code] = rules.codes
            left = paid.get((code, None), 0)
            rows.append(_row(str(code), left, offer.sentence(code, None, left)))
    return tuple(rows)


def _line(name: str, fen: int) -> Sentence:
    return two(f"{name} ¥{yuan(fen)}", f"{english_name(name)} ¥{yuan(fen)}")


def _row(kind: str, fen: int, sentence: Sentence) -> dict[str, Any]:
    return {"kind": kind, "amount_fen": fen, "sentence": sentence}
