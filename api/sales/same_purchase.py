"""When two sightings are the same purchase: decided here, for receipts, payments and tills alike. Pure rules, no database.

1. The same gateway number is the same purchase.
2. The same long till number is the same purchase, whatever else was read. A short one comes round again each day or
   week, so it counts only on the same day, and with the same amount or nearly the same minute.
3. Two different till numbers are two purchases, and so are two different gateway numbers from the same source: whoever pays
   by a plate and whoever shows a code at the till in the same minute are two, though both pay as much, for both are orders of ours.
4. Otherwise the shop, the amount and the minute decide; without a minute, the day. But anybody can photograph or draw a slip: a
   photo that another member sent never makes a member's payment through us a purchase that was seen before.

A purchase is compared by everything that any source said of it, not only by what was said first.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

#: Till clocks and gateway clocks differ, and a slip prints when the drawer opens.
CLOCKS_DIFFER = timedelta(minutes=3)
#: One clock, asked twice, names the same minute; at most the seconds were cut off.
ONE_CLOCK = timedelta(seconds=59)
#: With the same short number, a reading of the minute may be further off.
SAME_NUMBER = timedelta(minutes=30)
#: From so many characters on, a till number does not come round again.
LONG_NUMBER = 10
#: Sources: what was paid through us, and what somebody sent a picture of.
ORDER, PHOTO = "order", "receipt"


class Tie(IntEnum):
    """What makes two sightings the same purchase, the strongest first."""

    EXTERNAL_NUMBER = 0
    RECEIPT_NUMBER = 1
    MOMENT = 2


@dataclass(frozen=True)
class PurchaseFacts:
    """What one source says of a purchase."""

    channel: str
    paid_at: datetime
    paid_on: date
    minute_known: bool
    paid_fen: int
    number_key: str | None
    external_key: str | None
    source: str = ""  # "receipt", "order" (whatever the channel); empty: the channel itself
    member_id: int | None = None  # whose it is said to be

    @property
    def numbered_by(self) -> str:
        """Whose numbers these are."""
        return self.source or self.channel


@dataclass
class KnownPurchase:
    """A purchase with everything that was said of it so far, the oldest first. `sale_id` is None until it is written."""

    sale_id: int | None
    sightings: list[PurchaseFacts]
    refunded_fen: int = 0
    scored_in: str | None = None  # the channel whose sighting earned its points

    @property
    def first(self) -> PurchaseFacts:
        """What the sale says: it stands as it was said first."""
        return self.sightings[0]


@dataclass(frozen=True)
class RecognizedPurchase:
    """The purchase that somebody's facts belong to, and by what."""

    purchase: KnownPurchase
    tie: Tie


class Register:
    """The known purchases of one shop, at hand by number, and by amount and hour: for the comparison with many sightings at once."""

    def __init__(self, purchases: Iterable[KnownPurchase] = ()) -> None:
        self._numbered: dict[str, list[KnownPurchase]] = defaultdict(list)
        self._timed: dict[tuple[int, int], list[KnownPurchase]] = defaultdict(list)
        self._untimed: dict[int, list[KnownPurchase]] = defaultdict(list)
        for purchase in purchases:
            self.add(purchase)

    def add(self, purchase: KnownPurchase) -> None:
        """Put a purchase in, with all its sightings."""
        first = purchase.first
        if first.minute_known:
            self._timed[first.paid_fen, _hour(first.paid_at)].append(purchase)
        else:
            self._untimed[first.paid_fen].append(purchase)
        for key in {sighting.number_key for sighting in purchase.sightings} - {None}:
            self._numbered[str(key)].append(purchase)

    def add_sighting(self, purchase: KnownPurchase, facts: PurchaseFacts) -> None:
        """Add a sighting to a purchase of the register."""
        if facts.number_key is not None and all(facts.number_key != sighting.number_key for sighting in purchase.sightings):
            self._numbered[facts.number_key].append(purchase)
        purchase.sightings.append(facts)

    def recognize(self, facts: PurchaseFacts) -> RecognizedPurchase | None:
        """The purchase that a timed sighting is another one of, as `recognize` says; None: one not seen before."""
        hour = _hour(facts.paid_at)
        likely = list(self._numbered.get(facts.number_key, ())) if facts.number_key is not None else []
        for near in (hour - 1, hour, hour + 1):
            likely += self._timed.get((facts.paid_fen, near), ())
        likely += self._untimed.get(facts.paid_fen, ())
        return recognize(facts, {id(purchase): purchase for purchase in likely}.values())


def _hour(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def purchase_facts(
    channel: str,
    source_type: str,
    *,
    timezone: str,
    paid_at: datetime,
    minute_known: bool = True,
    paid_fen: int,
    receipt_no: str | None,
    external_no: str | None = None,
    member_id: int | None = None,
) -> PurchaseFacts:
    """The facts of a sighting as they are compared: its day in the mall's own time, its numbers without their dress."""
    paid_on, numbers = paid_at.astimezone(ZoneInfo(timezone)).date(), (number_key(receipt_no), number_key(external_no))
    return PurchaseFacts(channel, paid_at, paid_on, minute_known, paid_fen, *numbers, source=source_of(source_type), member_id=member_id)


def source_of(source_type: str) -> str:
    """Where a sighting comes from: "order" of "order:17", the part of an order that is shop 17's."""
    return source_type.partition(":")[0]


def number_key(printed: str | None) -> str | None:
    """A printed number as it is compared: half-width, upper case, only letters and digits, no leading zeros."""
    folded = unicodedata.normalize("NFKC", printed or "").upper()
    return "".join(char for char in folded if char.isalnum() and char.isascii()).lstrip("0") or None


def purchase_key(receipt_no: str, paid_on: date | None) -> str:
    """What one till's own number names a purchase by: a long number alone; a short one comes round again, so with its day."""
    key = number_key(receipt_no) or ""
    return key if len(key) >= LONG_NUMBER else f"{key}@{paid_on}"


def recognize(facts: PurchaseFacts, purchases: Iterable[KnownPurchase]) -> RecognizedPurchase | None:
    """The purchase that these facts are another sighting of: the best fit of all. None: a purchase not seen before."""
    ranked = [(rank, purchase) for purchase in purchases if (rank := _rank(facts, purchase.sightings)) is not None]
    if not ranked:
        return None
    rank, purchase = min(ranked, key=lambda pair: (*pair[0], pair[1].sale_id is None, pair[1].sale_id or 0))
    return RecognizedPurchase(purchase, rank[0])


def tie_between(facts: PurchaseFacts, other_facts: PurchaseFacts) -> Tie | None:
    """What makes two sightings the same purchase; None: they are two purchases."""
    rank = _rank(facts, [other_facts])
    return rank[0] if rank is not None else None


def differences(facts: PurchaseFacts, first: PurchaseFacts, *, clocks: timedelta = CLOCKS_DIFFER) -> list[str]:
    """What a sighting says otherwise than the first one did: a sign of misreading, or of a changed slip. Times may lie `clocks` apart."""
    differs = ["paid_fen"] if facts.paid_fen != first.paid_fen else []
    if facts.minute_known and first.minute_known and abs(facts.paid_at - first.paid_at) > clocks:
        differs.append("paid_at")
    return differs


def _rank(facts: PurchaseFacts, sightings: Sequence[PurchaseFacts]) -> tuple[Tie, int, float] | None:
    """How well a purchase fits, smallest first; None when it is another one."""
    near = min(abs((facts.paid_at - sighting.paid_at).total_seconds()) for sighting in sightings)
    if facts.external_key is not None and any(sighting.external_key == facts.external_key for sighting in sightings):
        return (Tie.EXTERNAL_NUMBER, 0, near)
    if any(_same_number(facts, sighting) for sighting in sightings):
        return (Tie.RECEIPT_NUMBER, 0, near)
    if any(_different_number(facts, sighting) for sighting in sightings):
        return None
    if any(_photo_of_another(facts, sighting) for sighting in sightings):
        return None
    if not any(_same_moment(facts, sighting) for sighting in sightings):
        return None
    # Two equal purchases in one minute: prefer the one that this source has not spoken of yet.
    return (Tie.MOMENT, int(any(sighting.numbered_by == facts.numbered_by for sighting in sightings)), near)


def _same_number(facts: PurchaseFacts, sighting: PurchaseFacts) -> bool:
    if facts.number_key is None or facts.number_key != sighting.number_key:
        return False
    if len(facts.number_key) >= LONG_NUMBER:
        return True
    timed = facts.minute_known and sighting.minute_known
    return _same_day(facts, sighting) and (
        facts.paid_fen == sighting.paid_fen or (timed and abs(facts.paid_at - sighting.paid_at) <= SAME_NUMBER)
    )


def _different_number(facts: PurchaseFacts, sighting: PurchaseFacts) -> bool:
    tills = facts.number_key is not None and sighting.number_key is not None and facts.number_key != sighting.number_key
    gateways = facts.numbered_by == sighting.numbered_by and facts.external_key is not None and sighting.external_key is not None
    return tills or gateways


def _photo_of_another(facts: PurchaseFacts, sighting: PurchaseFacts) -> bool:
    strangers = facts.member_id is not None and sighting.member_id not in (None, facts.member_id)
    return strangers and facts.source == ORDER and sighting.source == PHOTO


def _same_moment(facts: PurchaseFacts, sighting: PurchaseFacts) -> bool:
    if facts.paid_fen != sighting.paid_fen:
        return False
    if facts.minute_known and sighting.minute_known:
        return abs(facts.paid_at - sighting.paid_at) <= CLOCKS_DIFFER
    return _same_day(facts, sighting)


def _same_day(facts: PurchaseFacts, sighting: PurchaseFacts) -> bool:
    # A till that closes after midnight: the moment may lie on the next calendar day.
    timed = facts.minute_known and sighting.minute_known
    return facts.paid_on == sighting.paid_on or (timed and abs(facts.paid_at - sighting.paid_at) <= SAME_NUMBER)
