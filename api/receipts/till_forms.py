"""The form and order of a shop's receipt numbers, and its usual amounts: learned from known purchases, judged without a database."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

#: With less evidence than this nothing is said.
LEAST_NUMBERS, LEAST_OF_FORM, LEAST_AMOUNTS, LEAST_FOR_HIGHEST = 40, 30, 100, 400
#: So few of a shop's numbers may have a form that is still its own.
RARE_FORM = 0.01
#: From this share of pairs in order on, a counter grows with time.
IN_ORDER = 0.97
#: Clocks of tills differ by so much.
CLOCKS = timedelta(minutes=20)
ROUND_FEN, RARE_ROUND = 10_000, 0.03
MOST_DIGITS = 18


@dataclass(frozen=True)
class KnownNumber:
    """A receipt number that is known from a review, a report or a payment, and when it was printed."""

    number: str
    paid_at: datetime


@dataclass(frozen=True)
class Doubt:
    """What does not fit, and the evidence for it."""

    what: str  # form, order, amount, round
    facts: dict[str, Any]


def plain(printed: str | None) -> str:
    """A printed number as its form is compared: half-width, upper case, only letters and digits, leading zeros kept."""
    folded = unicodedata.normalize("NFKC", printed or "").upper()
    return "".join(char for char in folded if char.isalnum() and char.isascii())


def shape(number: str, on: date) -> str:
    """The form of a number: letters as they are, digits as 9, the printed day (or the business day before) as D."""
    for day in (on, on - timedelta(days=1)):
        for text in (day.strftime("%Y%m%d"), day.strftime("%y%m%d")):
            if (at := number.find(text)) >= 0:
                return _masked(number[:at]) + "D" * len(text) + _masked(number[at + len(text) :])
    return _masked(number)


def _masked(text: str) -> str:
    return re.sub(r"\d", "9", text)


def _counter(number: str, form: str) -> str:
    """The digits that count: those after the day and the last letter."""
    start = max((at + 1 for at, char in enumerate(form) if char != "9"), default=0)
    return number[start:][-MOST_DIGITS:]


def learn(numbers: Sequence[KnownNumber], amounts: Sequence[int], timezone: str) -> dict[str, Any]:
    """What is known of a shop's tills: forms with their order, the 99.9th percentile of amounts, the share of round ones."""
    zone, by_form = ZoneInfo(timezone), defaultdict[str, list[KnownNumber]](list)
    for known in numbers:
        by_form[shape(known.number, known.paid_at.astimezone(zone).date())].append(known)
    ordered = sorted(amounts)
    return {
        "numbers": len(numbers),
        "forms": {form: _learn_form(form, rows, zone) for form, rows in by_form.items()},
        "amounts": len(amounts),
        "high_fen": ordered[min(len(ordered) - 1, int(len(ordered) * 0.999))] if ordered else 0,
        "round": sum(_is_round(amount) for amount in amounts),
    }


def _learn_form(form: str, rows: list[KnownNumber], zone: ZoneInfo) -> dict[str, Any]:
    learned: dict[str, Any] = {"count": len(rows), "order": None}
    if len(rows) < LEAST_OF_FORM:
        return learned
    rows = sorted(rows, key=lambda known: known.paid_at)
    digits = len(_counter(rows[0].number, form))
    for order, head in itertools.product(("run", "day"), range(min(4, max(digits - 1, 0)) + 1)):
        streams = _streams(form, rows, zone, order, head)
        pairs = [pair for stream in streams.values() for pair in itertools.pairwise(stream)]
        if len(pairs) < LEAST_OF_FORM // 2 or len(pairs) * 3 < len(rows):
            continue
        if sum(a[1] <= b[1] for a, b in pairs) < IN_ORDER * len(pairs):
            continue
        learned |= {"order": order, "head": head} | _pace(order, streams, pairs, zone)
        break
    return learned


Stream = list[tuple[datetime, int]]


def _streams(form: str, rows: Iterable[KnownNumber], zone: ZoneInfo, order: str, head: int) -> dict[tuple[Any, ...], Stream]:
    streams = defaultdict[tuple[Any, ...], Stream](list)
    start = max((at + 1 for at, char in enumerate(form) if char != "9"), default=0)
    for known in rows:
        counter = known.number[start:][-MOST_DIGITS:]
        if len(counter) > head:
            day = known.paid_at.astimezone(zone).date() if order == "day" else None
            streams[counter[:head], day].append((known.paid_at, int(counter[head:])))
    return streams


def _pace(order: str, streams: dict[tuple[Any, ...], Stream], pairs: list[Any], zone: ZoneInfo) -> dict[str, Any]:
    """How fast a counter grows: the most a day of one that runs on, the most by each hour of one that begins anew each day."""
    if order == "run":
        rates = sorted((b[1] - a[1]) / max((b[0] - a[0]) / timedelta(days=1), 0.25) for a, b in pairs if b[1] >= a[1])
        return {"per_day": rates[min(len(rates) - 1, int(len(rates) * 0.99))]}
    hours = [0] * 24
    for at, number in itertools.chain.from_iterable(streams.values()):
        hours[at.astimezone(zone).hour] = max(hours[at.astimezone(zone).hour], number)
    return {"hours": list(itertools.accumulate(hours, max)), "heads": sorted({key[0] for key in streams})}


def _is_round(amount_fen: int) -> bool:
    return amount_fen >= ROUND_FEN and amount_fen % ROUND_FEN == 0


def judge_amount(learned: dict[str, Any], amount_fen: int) -> Doubt | None:
    """An amount beyond what the shop sells for, or round where hardly any is."""
    count = learned["amounts"]
    if count >= LEAST_FOR_HIGHEST and amount_fen > learned["high_fen"]:
        return Doubt("amount", {"high_fen": learned["high_fen"], "samples": count})
    if count >= LEAST_AMOUNTS and _is_round(amount_fen) and learned["round"] < RARE_ROUND * count:
        return Doubt("round", {"round": learned["round"], "samples": count})
    return None


def judge_number(learned: dict[str, Any], printed: str | None, at: datetime, near: Sequence[KnownNumber], timezone: str) -> Doubt | None:
    """A number out of the shop's forms, or out of order with the known ones around its printed time."""
    if learned["numbers"] < LEAST_NUMBERS:
        return None
    zone, number = ZoneInfo(timezone), plain(printed)
    form = shape(number, at.astimezone(zone).date())
    own = learned["forms"].get(form, {"count": 0, "order": None})
    if own["count"] <= RARE_FORM * learned["numbers"]:
        usual = Counter({name: of["count"] for name, of in learned["forms"].items()}).most_common(1)[0][0]
        return Doubt("form", {"form": form, "usual": usual, "samples": learned["numbers"]})
    return _judge_order(own, form, KnownNumber(number, at), near, zone) if own["order"] else None


def _judge_order(own: dict[str, Any], form: str, asked: KnownNumber, near: Sequence[KnownNumber], zone: ZoneInfo) -> Doubt | None:
    order, head = own["order"], own["head"]
    [(key, [(at, number)])] = _streams(form, [asked], zone, order, head).items()
    alike = [known for known in near if shape(known.number, known.paid_at.astimezone(zone).date()) == form]
    stream = sorted(_streams(form, alike, zone, order, head).get(key, []))
    before = max((pair for pair in stream if pair[0] <= at - CLOCKS), default=None)
    after = min((pair for pair in stream if pair[0] >= at + CLOCKS), default=None)
    evidence = {"before": before and before[1], "after": after and after[1], "number": number}
    if order == "day":
        local = at + CLOCKS
        hour = local.astimezone(zone).hour if local.astimezone(zone).date() == at.astimezone(zone).date() else 23
        too_high = number > own["hours"][hour] * 1.3 + 10
        if too_high or key[0] not in own["heads"]:
            return Doubt("order", evidence | {"after": own["hours"][hour]})
    if before is not None and order == "run":
        most = before[1] + 3 * own["per_day"] * max((at - before[0]) / timedelta(days=1), 0.25) + 20
        fell = after is not None and after[1] < before[1]  # the counter began anew between the two
        if number > most and not fell:
            return Doubt("order", evidence | {"after": int(most) if after is None else after[1]})
    if before is not None and after is not None and before[1] > after[1]:
        return None
    if (before is not None and number < before[1]) or (after is not None and number > after[1]):
        return Doubt("order", evidence)
    return None
