"""Made-up receipts against honest ones, through the code that decides, on a database of its own.

`python -m bench.drawn [--seed N]` prints JSON: of each kind, how many go to a person and why. Forty shops trade for a year by tills of many
kinds; each reports a part of its sales the night after, and the tills are learned every third night. On the last ten days six hundred
honest receipts and three hundred made-up ones come in, by new members and old ones.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from api.app import configure
from api.kit import clock, db
from api.kit.db import session
from api.malls import names
from api.malls import service as malls
from api.malls.models import Floor, Mall, Shop, Site
from api.members.models import Member
from api.points.service import rules as point_rules
from api.receipts import reading, service
from api.receipts.models import Receipt, ReceiptPhoto
from api.receipts.reasons import Reason
from api.receipts.states import ReceiptState
from api.sales import same_purchase
from api.sales.models import Sale, Sighting
from api.settings import from_environment
from bench.stage import stage
from ocr.reading import Candidate, Field, Line, Picture, Reading, Signals

SHOPS, DAYS, LAST_DAYS = 40, 365, 10
HONEST, MADE_UP = 600, 300
END = datetime(2026, 5, 21, 16, 0, tzinfo=UTC)  # midnight in Shanghai
DAY = timedelta(days=1)
TILLS = ("daily", "running", "dated", "dated tills", "letters", "resets", "gaps", "unordered")
KINDS = ("wrong counter", "random number", "between real ones", "other amount", "near the limit", "round amount")
BOX = ((10.0, 10.0), (200.0, 10.0), (200.0, 40.0), (10.0, 40.0))


@dataclass
class Purchase:
    """One purchase as its till prints it."""

    at: datetime
    number: str
    fen: int


@dataclass
class Till:
    """A shop's way of numbering and pricing."""

    draw: random.Random
    kind: str
    shop_id: int = 0
    name: str = ""
    median: float = 0
    spread: float = 0
    rounds: float = 0
    reports: float = 0
    a_day: int = 0
    clock_off: timedelta = timedelta()
    counter: int = 0
    purchases: list[Purchase] = field(default_factory=list)

    def trade(self) -> None:
        """A year of purchases."""
        draw = self.draw
        self.median, self.spread = math.exp(draw.uniform(math.log(4_000), math.log(40_000))), draw.uniform(0.5, 0.9)
        self.rounds, self.reports = draw.choice((0.005, 0.01, 0.03, 0.12)), draw.choice((0.02, 0.2, 0.6, 0.95))
        self.a_day, self.clock_off = draw.randint(8, 24), timedelta(minutes=draw.uniform(-8, 8))
        self.counter = draw.randint(100, 60_000)
        for day in range(DAYS):
            opened = END - DAY * (DAYS - day) + timedelta(hours=10)
            times = sorted(draw.uniform(0, 12 * 3600) for _ in range(max(1, round(draw.gauss(self.a_day, self.a_day / 4)))))
            if self.kind == "resets" and draw.random() < 0.01:
                self.counter = 0
            self.purchases += self._day([opened + timedelta(seconds=seconds) for seconds in times])

    def _day(self, times: list[datetime]) -> list[Purchase]:
        today: Counter[str] = Counter()
        made = []
        for at in times:
            self.counter += self.draw.randint(1, 6) if self.kind == "gaps" else 1
            head = f"{self.draw.randint(1, 3):02}" if self.kind == "dated tills" else ""
            today[head] += 1
            made.append(Purchase(at + self.clock_off, self.print(at, head, today[head], self.counter), self.amount()))
        return made

    def amount(self) -> int:
        """What somebody pays here."""
        fen = max(300, round(self.median * math.exp(self.draw.gauss(0, self.spread)) / 10) * 10)
        return max(1, round(fen / 10_000)) * 10_000 if self.draw.random() < self.rounds else fen

    def print(self, at: datetime, head: str, of_day: int, running: int) -> str:
        """The number as printed."""
        day = (at + timedelta(hours=8)).strftime("%Y%m%d")
        return {
            "daily": f"{of_day:04}", "running": f"{running:08}", "dated": f"{day}{of_day:04}", "dated tills": f"{day}{head}{of_day:04}",
            "letters": f"A{running:07}", "resets": f"{running:06}", "gaps": f"{running:09}",
            "unordered": f"{self.draw.randrange(10**11, 10**12)}",
        }[self.kind]  # fmt: skip


@dataclass
class Sent:
    """A photo that comes in: when, by whom, of which purchase."""

    at: datetime
    member: int
    till: Till
    purchase: Purchase
    kind: str
    new: bool


def numbered_like(till: Till, at: datetime, draw: random.Random) -> str:
    """The number next to that of the real purchase before: right in form and order, and nobody's."""
    before = max((purchase for purchase in till.purchases if purchase.at <= at), key=lambda purchase: purchase.at)
    same = len(before.number) - len(before.number.lstrip("A"))
    moved = int(before.number[same:]) + (1 if till.kind != "unordered" else draw.randrange(10**9))
    return before.number[:same] + f"{moved:0{len(before.number) - same}}"


def drawn(kind: str, till: Till, at: datetime, draw: random.Random) -> Purchase:
    """A made-up receipt."""
    number, fen = numbered_like(till, at, draw), draw.randint(30_000, 290_000)
    if kind == "random number":
        number = str(draw.randrange(10 ** (length := draw.randint(5, 16)), 10 ** (length + 1)))
    elif kind == "wrong counter":
        width = 4 if till.kind in ("daily", "dated", "dated tills") else len(number.lstrip("A"))
        number = number[:-width] + f"{draw.randrange(10**width):0{width}}"
    elif kind == "near the limit":
        fen = draw.randint(270_000, 299_900)
    elif kind == "round amount":
        fen = draw.randint(3, 29) * 10_000
    elif kind == "other amount":
        fen = min(290_000, round(till.amount() * draw.uniform(2, 8)))
    return Purchase(at, number, fen)


def slip(sent: Sent, number: int) -> Reading:
    """What a reader reads without a doubt."""
    printed = (sent.purchase.at + timedelta(hours=8)).replace(tzinfo=None, second=0, microsecond=0)
    text = (sent.till.name, f"单号 {sent.purchase.number}", f"实付 {sent.purchase.fen / 100:.2f}")
    fen = sent.purchase.fen
    return Reading(
        lines=tuple(Line(line, 0.99, tuple((x, y + 40 * at) for x, y in BOX)) for at, line in enumerate(text)),
        merchant=Field(sent.till.name, 0.97, (0,), BOX), total_fen=Field(fen, 0.97, (2,), BOX), currency="CNY",
        paid_at=Field(printed, 0.97, (1,), BOX), receipt_no=Field(sent.purchase.number, 0.97, (1,), BOX), kind="receipt",
        kind_confidence=0.97, auto=True,
        picture=Picture(1200, 1600, "JPEG", f"{(number + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}", Signals()),
        candidates=(Candidate(fen, 0.97, "实付", 2, BOX),), tenders=(),
    )  # fmt: skip


def open_mall(draw: random.Random) -> tuple[int, list[Till], list[int], list[int]]:
    """A mall with its shops, old members and new ones."""
    with db.unit_of_work():
        mall = Mall(code="drawn", name="云锦天地")
        session.add(mall)
        session.flush()
        mall_id = mall.id
    tills = [Till(draw, TILLS[at % len(TILLS)]) for at in range(SHOPS)]
    with db.unit_of_work(mall_id):
        site = Site(code="S1", name="云锦天地")
        session.add(site)
        session.flush()
        floor = Floor(site_id=site.id, label="L1", position=1)
        session.add(floor)
        session.flush()
        for at, till in enumerate(tills):
            till.name = "".join(chr(0x4E00 + draw.randrange(2000)) for _ in range(5)) + f"{at:02}号"
            text = names.search_text([till.name], f"L1-{at:03}", "餐饮")
            shop = Shop(
                code=f"T{at:03}", name=till.name, unit=f"L1-{at:03}", category="餐饮", floor_id=floor.id, site_id=site.id, search_text=text
            )
            session.add(shop)
            session.flush()
            till.shop_id = shop.id
        point_rules.add_first_rule(starts_at=END - DAY * 400)
        members = []
        for at in range(700):
            joined = END - DAY * (draw.uniform(11, 25) if at % 7 == 0 else draw.uniform(60, 700))
            member = Member(state="active", moved_at=joined, joined_at=joined, source="bench")
            session.add(member)
            members.append(member)
        session.flush()
        ids = [member.id for member in members]
        malls.invalidate_shops()
    new = ids[::7]
    return mall_id, tills, [member for member in ids if member not in set(new)], new


def report(tills: list[Till], since: datetime, until: datetime, draw: random.Random, first: int) -> int:
    """What shops report of their sales in a time. Returns the next free number."""
    sales, sightings = [], []
    for till in tills:
        for bought in till.purchases:
            if since <= bought.at < until and draw.random() < till.reports:
                paid_on = (bought.at + timedelta(hours=8)).date()
                common = {"shop_id": till.shop_id, "channel": "till", "paid_at": bought.at, "minute_known": True, "paid_fen": bought.fen}
                common |= {"receipt_no": bought.number, "member_id": None}
                sales.append(common | {"id": first, "paid_on": paid_on, "tenders": [], "lines": [], "recorded_at": until})
                key = same_purchase.number_key(bought.number)
                sightings.append(
                    common
                    | {"sale_id": first, "source_type": "bench", "source_id": first, "number_key": key, "differs": [], "seen_at": until}
                )
                first += 1
    if sales:
        session.execute(insert(Sale), sales)
        session.execute(insert(Sighting), sightings)
    return first


def comers(tills: list[Till], old: list[int], new: list[int], draw: random.Random) -> list[Sent]:
    """All that is sent in the last days, in order."""
    sent, begin = [], END - DAY * LAST_DAYS
    lately = [(till, bought) for till in tills for bought in till.purchases if begin - DAY * 5 <= bought.at]
    honest_old, honest_new, crooks = old[60:], new[50:], old[:30] + new[:30]
    while len(sent) < HONEST:
        till, bought = draw.choice(lately)
        late = timedelta(minutes=draw.uniform(10, 240)) if draw.random() < 0.7 else DAY * draw.uniform(1, 5)
        is_new = draw.random() < 0.12
        if begin <= bought.at + late < END:
            member = draw.choice(honest_new if is_new else honest_old)
            sent.append(Sent(bought.at + late, member, till, bought, "honest: " + till.kind, is_new))
            lately.remove((till, bought))
    for number in range(MADE_UP):
        till, kind, member = draw.choice(tills), KINDS[number % len(KINDS)], crooks[number % len(crooks)]
        at = begin + DAY * draw.randrange(LAST_DAYS) + timedelta(hours=draw.uniform(11, 21))
        sent.append(Sent(at + timedelta(minutes=45), member, till, drawn(kind, till, at, draw), kind, member in set(new)))
    return sorted(sent, key=lambda receipt: receipt.at)


def decide(sent: Sent, number: int) -> tuple[str, str]:
    """Where the receipt stands after the decision, and why."""
    now = clock.now()
    receipt = Receipt(
        state=ReceiptState.RECEIVED,
        member_id=sent.member,
        sent_at=now,
        moved_at=now,
        device="bench",
        why=Reason.WAITING,
        details={},
        answers={},
    )
    session.add(receipt)
    session.flush()
    session.add(
        ReceiptPhoto(
            receipt_id=receipt.id,
            position=1,
            file_key=f"bench/{number}",
            format="JPEG",
            size_bytes=1,
            sha256=f"{number:064}",
            stored_at=now,
        )
    )
    session.flush()
    service.begin_reading(receipt.id)
    service.conclude(receipt.id, reading.translate([slip(sent, number)]))
    case = session.query(_review()).filter_by(receipt_id=receipt.id).first()
    return receipt.state, case.reason if case is not None else receipt.why


def _review() -> Any:
    from api.receipts.models import ReceiptReview

    return ReceiptReview


def measure(seed: int) -> dict[str, Any]:
    """Shares to a person, by kind and reason."""
    draw = random.Random(seed)
    states, reasons = defaultdict[str, Counter[str]](Counter), defaultdict[str, Counter[str]](Counter)
    with stage(durable=False) as place:
        os.environ.update(place.env)
        configure(from_environment())
        mall, tills, old, new = open_mall(draw)
        for till in tills:
            till.trade()
        waiting, first, since = comers(tills, old, new, draw), 1_000_000, END - DAY * DAYS
        number = 0
        for day in range(LAST_DAYS):
            night = END - DAY * (LAST_DAYS - day)
            clock.fix(night)
            with db.unit_of_work(mall):
                first = report(tills, since, night, draw, first)
            if day % 3 == 0:
                with db.unit_of_work(mall):
                    service.learn_tills()
            since = night
            for sent in (receipt for receipt in waiting if night <= receipt.at < night + DAY):
                clock.fix(sent.at)
                number += 1
                state, reason = db.in_mall(mall, lambda sent=sent, number=number: decide(sent, number))  # type: ignore[misc]
                for name in (sent.kind, "honest" if sent.kind.startswith("honest") else "made up"):
                    for who in (name, f"{name}, {'new' if sent.new else 'old'} members"):
                        states[who][state] += 1
                        reasons[who][reason] += 1
    return {
        "seed": seed, "known_sales": first - 1_000_000,
        "to_a_person": {
            who: {
                "receipts": sum(of.values()), "to_a_person_%": round(100 * of["in_review"] / sum(of.values()), 1),
                "scored_%": round(100 * of["scored"] / sum(of.values()), 1), "reasons": dict(reasons[who].most_common()),
            }
            for who, of in sorted(states.items())
        },
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.drawn", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    print(json.dumps(measure(parser.parse_args().seed), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
