"""When two sightings are the same purchase. Pure rules, no database.

1. The same gateway number is the same purchase.
2. The same long till number is the same purchase, whatever else was read. A short one comes round again each day or
   week, so it counts only on the same day, and with the same amount or nearly the same minute.
3. Two different till numbers are two purchases, and so are two different gateway numbers told by the same source: whoever pays
   by a plate and whoever shows a code at the till in the same minute are two, though both pay as much, for both are orders of ours.
4. Otherwise the shop, the amount and the minute decide; without a minute, the day.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

#: Till clocks and gateway clocks differ, and a slip prints when the drawer opens.
CLOCKS_DIFFER = timedelta(minutes=3)
#: With the same short number, a reading of the minute may be further off.
SAME_NUMBER = timedelta(minutes=30)
#: From so many characters on, a till number does not come round again.
LONG_NUMBER = 10


@dataclass(frozen=True)
class Told:
    """What one channel told of a purchase."""

    channel: str
    paid_at: datetime
    paid_on: date
    minute_known: bool
    paid_fen: int
    number_key: str | None
    external_key: str | None
    source: str = ""  # who told: "receipt", "order" (whatever the channel); empty: the channel itself

    @property
    def teller(self) -> str:
        """Whose numbers these are."""
        return self.source or self.channel


@dataclass(frozen=True)
class Candidate:
    """A recorded sale with everything told of it so far."""

    sale_id: int
    told: Sequence[Told]


@dataclass
class Known:
    """A recorded sale as a batch of sightings is compared with it: its own facts, and everything told of it so far.

    `sale_id` is None for one that the batch itself brought, until it is written.
    """

    sale_id: int | None
    paid_at: datetime
    paid_on: date
    minute_known: bool
    paid_fen: int
    told: list[Told]


class Register:
    """The known sales of one shop, at hand by number, and by amount and hour: what `choose` needs for many sightings at once."""

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._numbered: dict[str, list[Known]] = defaultdict(list)
        self._timed: dict[tuple[int, int], list[Known]] = defaultdict(list)
        self._untimed: dict[int, list[Known]] = defaultdict(list)
        for one in known:
            self.add(one)

    def add(self, known: Known) -> None:
        """Put a sale in, with what was told of it."""
        if known.minute_known:
            self._timed[known.paid_fen, _hour(known.paid_at)].append(known)
        else:
            self._untimed[known.paid_fen].append(known)
        for key in {told.number_key for told in known.told} - {None}:
            self._numbered[str(key)].append(known)

    def tell(self, known: Known, told: Told) -> None:
        """Add a sighting to a sale of the register."""
        if told.number_key is not None and all(told.number_key != old.number_key for old in known.told):
            self._numbered[told.number_key].append(known)
        known.told.append(told)

    def choose(self, new: Told) -> Known | None:
        """The sale that a timed sighting is another one of, as `choose` says; None: a purchase not seen before."""
        hour = _hour(new.paid_at)
        likely = list(self._numbered.get(new.number_key, ())) if new.number_key is not None else []
        for near in (hour - 1, hour, hour + 1):
            likely += self._timed.get((new.paid_fen, near), ())
        likely += self._untimed.get(new.paid_fen, ())
        found = dict(enumerate({id(one): one for one in likely}.values()))
        chosen = choose(new, [Candidate(place, one.told) for place, one in found.items()])
        return None if chosen is None else found[chosen]


def _hour(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def teller(source_type: str) -> str:
    """Who tells: "order" of "order:17", the part of an order that is shop 17's."""
    return source_type.partition(":")[0]


def number_key(printed: str | None) -> str | None:
    """A printed number as it is compared: half-width, upper case, only letters and digits, no leading zeros."""
    folded = unicodedata.normalize("NFKC", printed or "").upper()
    return "".join(char for char in folded if char.isalnum() and char.isascii()).lstrip("0") or None


def choose(new: Told, candidates: Sequence[Candidate]) -> int | None:
    """The sale that this is another sighting of, or None: a purchase not seen before."""
    ranked = sorted((rank, candidate.sale_id) for candidate in candidates if (rank := _rank(new, candidate.told)) is not None)
    return ranked[0][1] if ranked else None


def differences(told: Told, sale: Known) -> list[str]:
    """The facts that a sighting tells differently from the sale: a sign of misreading, or of a changed slip."""
    differs = ["paid_fen"] if told.paid_fen != sale.paid_fen else []
    if told.minute_known and sale.minute_known and abs(told.paid_at - sale.paid_at) > CLOCKS_DIFFER:
        differs.append("paid_at")
    return differs


def _rank(new: Told, told: Sequence[Told]) -> tuple[int, int, float] | None:
    """How well a sale fits, smallest first; None when it is another purchase."""
    near = min(abs((new.paid_at - old.paid_at).total_seconds()) for old in told)
    if new.external_key is not None and any(old.external_key == new.external_key for old in told):
        return (0, 0, near)
    if any(_same_number(new, old) for old in told):
        return (1, 0, near)
    if any(_different_number(new, old) for old in told) or not any(_same_moment(new, old) for old in told):
        return None
    # Two equal purchases in one minute: prefer the one that this source has not told of yet.
    return (2, int(any(old.teller == new.teller for old in told)), near)


def _same_number(new: Told, old: Told) -> bool:
    if new.number_key is None or new.number_key != old.number_key:
        return False
    if len(new.number_key) >= LONG_NUMBER:
        return True
    timed = new.minute_known and old.minute_known
    return _same_day(new, old) and (new.paid_fen == old.paid_fen or (timed and abs(new.paid_at - old.paid_at) <= SAME_NUMBER))


def _different_number(new: Told, old: Told) -> bool:
    tills = new.number_key is not None and old.number_key is not None and new.number_key != old.number_key
    gateways = new.teller == old.teller and new.external_key is not None and old.external_key is not None
    return tills or gateways


def _same_moment(new: Told, old: Told) -> bool:
    if new.paid_fen != old.paid_fen:
        return False
    if new.minute_known and old.minute_known:
        return abs(new.paid_at - old.paid_at) <= CLOCKS_DIFFER
    return _same_day(new, old)


def _same_day(new: Told, old: Told) -> bool:
    # A till that closes after midnight: the moment may lie on the next calendar day.
    return new.paid_on == old.paid_on or (new.minute_known and old.minute_known and abs(new.paid_at - old.paid_at) <= SAME_NUMBER)
