"""A shop that is usually busy and takes nothing by its plate: perhaps somebody stuck another code over it.

What is usual is what came on the same weekday at the same time in each of the last six weeks. A shop is busy when in all but two of
them at least the policy's number of payments came, so that neither one odd week nor a new or a quiet shop raises an alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, live
from api.kit.db import session
from api.malls import service as malls
from api.plates.models import PlateAlarm
from api.plates.policy import PlateRules
from api.plates.service.inspections import SILENCE
from api.plates.service.lifecycle import shops_with_plates
from api.sales import service as sales

CHANNEL = "plate"
WEEKS = 6
WEEKS_BELOW = 2  # so many of them may have been quieter


@dataclass(frozen=True)
class SilenceReport:
    """What a comparison found: shops newly silent, and shops where payments came again."""

    silent: tuple[int, ...]
    over: tuple[int, ...]


def watch() -> SilenceReport:
    """Compare every shop with a plate to what it usually has at this hour. At most five statements, whatever the number of shops."""
    info, standing, now = malls.mall_info(), shops_with_plates(), clock.now()
    minutes = info.policy.of(PlateRules).silence_minutes
    counted = sales.counts_within(CHANNEL, windows(now, timedelta(minutes=minutes), info.timezone))
    usual = {shop_id: usually(counts[1:]) for shop_id, counts in counted.items() if shop_id in standing}
    busy = {shop_id: number for shop_id, number in usual.items() if number >= info.policy.of(PlateRules).silence_usual}
    paying = {shop_id for shop_id, counts in counted.items() if counts[0]}
    silent = {shop_id: number for shop_id, number in busy.items() if shop_id not in paying}
    over = _end(paying, now)
    return SilenceReport(_begin(silent, counted, {"minutes": minutes, "busy_shops": len(busy), "silent_shops": len(silent)}, now), over)


def windows(now: datetime, length: timedelta, timezone: str) -> list[tuple[datetime, datetime]]:
    """The last minutes, then the same minutes by the mall's own clock in each of the weeks before."""
    local = now.astimezone(ZoneInfo(timezone))
    ends = [(local - timedelta(weeks=week)).astimezone(now.tzinfo) for week in range(WEEKS + 1)]
    return [(end - length, end) for end in ends]


def usually(weeks: Sequence[int]) -> int:
    """How many payments came at least, in all but the quietest weeks."""
    return sorted(weeks)[WEEKS_BELOW]


def _begin(silent: Mapping[int, int], counted: Mapping[int, list[int]], facts: dict[str, Any], now: datetime) -> tuple[int, ...]:
    if not silent:
        return ()
    rows = [
        {"kind": SILENCE, "shop_id": shop_id, "raised_at": now, "facts": facts | {"usual": usual, "weeks": counted[shop_id][1:]}}
        for shop_id, usual in sorted(silent.items())
    ]
    # The table holds one open silence a shop: one that is known already raises nothing.
    begun = session.scalars(insert(PlateAlarm).values(rows).on_conflict_do_nothing().returning(PlateAlarm.shop_id)).all()
    for shop_id in begun:
        live.publish("shop", shop_id, "plate_alarm", about=SILENCE, minutes=facts["minutes"], usual=silent[shop_id])
    return tuple(begun)


def _end(paying: Iterable[int], now: datetime) -> tuple[int, ...]:
    quiet = update(PlateAlarm).where(PlateAlarm.kind == SILENCE, PlateAlarm.over_at.is_(None), PlateAlarm.shop_id.in_(list(paying)))
    over = session.scalars(quiet.values(over_at=now).returning(PlateAlarm.shop_id).execution_options(synchronize_session=False)).all()
    for shop_id in over:
        live.publish("shop", shop_id, "plate_alarm_over", about=SILENCE)
    return tuple(over)
