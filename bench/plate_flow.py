"""A payment at a code plate by HTTP, from the plate's page until the order is paid: flows a second, p95 of each step, statements.

`python -m bench.plate_flow [--small]` prints JSON. Everything is real but the gateway, which is the simulator: it takes the order, the
person pays there, its notice comes to the web processes, and the worker settles. The phone reads its order every 50 ms until it is
paid; the last step is the time from the person's word until the phone has read it. Several shoppers at once, each with flows one
after the other. The baseline is the answer of `/healthz` in the same run. The statements are counted by the server
(pg_stat_statements) over flows that run alone, from the plate's page to the paid order on the phone, which reads once before it is
paid and once after; with those by which the job queue takes its jobs in. Not counted: BEGIN, COMMIT, ROLLBACK, and asking a rested
connection whether its server lives. What one call of a function of ours does counts once (a member's entering, which is one).
"""

from __future__ import annotations

import argparse
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
import requests

from api.payments.service import polling
from bench.figures import load, percentile
from bench.street import Street, look_at, street

SHOPPERS, FLOWS, ALONE = 4, 400, 5
MEMBERS = 400
READ_EVERY = 0.05
PATIENCE = 60.0
COUNTING = {"shared_preload_libraries": "pg_stat_statements"}

_COUNTS = r"""
SELECT query LIKE '%procrastinate%', sum(calls)::bigint FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
WHERE r.rolname = 'mallbridge_app' AND query !~* '^(begin|commit|rollback|select \$1$)' GROUP BY 1
"""


@dataclass
class Flows:
    """What flows took, in ms by step, and the orders they made."""

    took: dict[str, list[float]] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def time(self, step: str, call: Callable[[], Any]) -> Any:
        """Do a step and note its time."""
        began = time.perf_counter()
        answer = call()
        with self.lock:
            self.took.setdefault(step, []).append((time.perf_counter() - began) * 1000)
        return answer


class Shopper:
    """A member with a phone."""

    def __init__(self, place: Street, member_id: int, flows: Flows) -> None:
        self.place, self.flows = place, flows
        self.member_id = member_id
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {place.token(member_id)}"

    def ask(self, step: str, verb: str, path: str, **more: Any) -> Any:
        """One call of the phone; what is not good ends the measurement."""
        headers = {"Idempotency-Key": uuid.uuid4().hex} if verb == "POST" else {}
        url = path if path.startswith("http") else f"{self.place.place.web}{path}"
        answer = self.flows.time(step, lambda: self.http.request(verb, url, headers=headers, timeout=30, **more))
        if answer.status_code not in (200, 201):
            raise SystemExit(f"{step}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def order(self, shop: int, amount_fen: int) -> tuple[str, str]:
        """Scan, look at the best way to pay, place the order; its number, and what WeChat is to be paid."""
        plate = self.place.plates[shop]
        basket = {"purchase": {"kind": "plate", "plate": plate, "amount_fen": amount_fen}, "choose": {"points": 0, "card_ids": []}}
        self.ask("page", "GET", f"/v1/plates/{plate}")
        quoted = self.ask("quote", "POST", "/v1/quotes", json=basket)
        placed = self.ask("order", "POST", "/v1/orders", json=basket | {"channel": "wechat", "expected_fen": quoted["gateway_fen"]})
        return placed["order"]["number"], placed["wallet"]["package"].removeprefix("prepay_id=")

    def pay(self, prepay_id: str) -> None:
        """Confirm in WeChat."""
        self.ask("wallet", "POST", f"{self.place.place.env['WECHAT_API']}/_sim/pay", json={"prepay_id": prepay_id})

    def paid(self, number: str) -> bool:
        """Read the order."""
        order = self.ask("read", "GET", f"/v1/orders/{number}")
        return order["state"] == "paid" and order["points"] is not None

    def flow(self, shop: int, amount_fen: int) -> None:
        """The whole payment."""
        number, prepay_id = self.order(shop, amount_fen)
        self.pay(prepay_id)
        self.flows.time("notice_to_paid_on_the_phone", lambda: self._wait(number))
        with self.flows.lock:
            self.flows.numbers.append(number)

    def _wait(self, number: str) -> None:
        ends = time.monotonic() + PATIENCE
        while not self.paid(number):
            if time.monotonic() > ends:
                raise SystemExit(f"order {number} was not paid within {PATIENCE:.0f} s")
            time.sleep(READ_EVERY)


def together(place: Street, flows: Flows, total: int) -> float:
    """So many flows by several shoppers at once, each flow another member's; flows a second."""
    turns, failed = itertools.count(), list[BaseException]()

    def shop_on() -> None:
        try:
            while (turn := next(turns)) < total:
                shopper = Shopper(place, place.members[turn % len(place.members)], flows)
                flows.time("whole_flow", partial(shopper.flow, place.shops[turn % len(place.shops)], 1_000 + 13 * turn))
        except BaseException as wrong:
            failed.append(wrong)

    threads = [threading.Thread(target=shop_on, daemon=True) for _ in range(SHOPPERS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return total / (time.perf_counter() - began)


def statements(place: Street, flows: Flows, alone: int) -> tuple[dict[str, int], int]:
    """Statements of each step of a flow that runs alone, the fewest of a few flows; and those of the job queue in all its steps.

    The worker does not run yet: the notice's job is done here.
    """
    shopper = Shopper(place, place.members[-1], flows)
    seen: dict[str, list[Counter[bool]]] = {}
    with psycopg.connect(place.place.postgres.url("bench", "postgres"), autocommit=True) as connection:

        def counted(step: str, call: Callable[[], Any]) -> Any:
            connection.execute("SELECT pg_stat_statements_reset()")
            answer = call()
            seen.setdefault(step, []).append(Counter({bool(queue): calls for queue, calls in connection.execute(_COUNTS)}))
            return answer

        for turn in range(alone):
            plate = place.plates[place.shops[0]]
            purchase = {"kind": "plate", "plate": plate, "amount_fen": 2_000 + turn}
            basket = {"purchase": purchase, "choose": {"points": 0, "card_ids": []}}
            asked = basket | {"channel": "wechat", "expected_fen": 2_000 + turn}
            counted("page", partial(shopper.ask, "alone", "GET", f"/v1/plates/{plate}"))
            counted("quote", partial(shopper.ask, "alone", "POST", "/v1/quotes", json=basket))
            placed = counted("order", partial(shopper.ask, "alone", "POST", "/v1/orders", json=asked))
            number, prepay_id = placed["order"]["number"], placed["wallet"]["package"].removeprefix("prepay_id=")
            counted("read_before", partial(shopper.paid, number))
            counted("notice", partial(_notified, shopper, prepay_id))
            notice = connection.execute("SELECT max(id) FROM payment_notices").fetchone()
            assert notice is not None
            counted("settle", partial(polling.HANDLE_NOTICE.job.task.func, mall_id=place.mall, notice_id=notice[0]))
            if not counted("read_after", partial(shopper.paid, number)):
                raise SystemExit(f"order {number} is not paid")
            flows.numbers.append(number)
    fewest = {step: min(counts[False] for counts in times) for step, times in seen.items()}
    return fewest, sum(min(counts[True] for counts in times) for times in seen.values())


def _notified(shopper: Shopper, prepay_id: str) -> None:
    shopper.pay(prepay_id)
    settling = requests.post(f"{shopper.place.place.env['WECHAT_API']}/_sim/notices/settle", json={}, timeout=30).json()
    if not settling["settled"]:
        raise SystemExit("the notice was not acknowledged")


def health(place: Street, times: int) -> float:
    """What the readiest answer of the web processes takes, in ms: the median."""
    with requests.Session() as http:
        took = []
        for _ in range(times):
            began = time.perf_counter()
            http.get(f"{place.place.web}/healthz", timeout=10)
            took.append((time.perf_counter() - began) * 1000)
    return percentile(took, 0.5)


def measure(total: int, alone: int, members: int) -> dict[str, object]:
    """Count alone, then run together."""
    busy, flows, counting = load(), Flows(), Flows()
    with street(shoppers=members, sales_a_member=1, options=COUNTING) as place:
        with psycopg.connect(place.place.postgres.url("bench", "postgres"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        place.place.start("web", "wechat")
        place.place.wait_for(f"{place.place.web}/healthz")
        place.place.wait_for(f"{place.place.env['WECHAT_API']}/_sim/health")
        by_step, of_queue = statements(place, counting, alone)
        place.place.start("worker")
        together(place, counting, 4 * SHOPPERS)  # everything is warm
        rate = together(place, flows, total)
        plain = health(place, 100)
        outcome = _found(place, [*counting.numbers, *flows.numbers])
    p95 = {step: percentile(times, 0.95) for step, times in flows.took.items()}
    return {
        "bench": "plate_flow",
        "load_average": busy,
        "shoppers_at_once": SHOPPERS,
        "flows": total,
        "flows_per_second": round(rate, 1),
        "p50_ms": {step: percentile(times, 0.5) for step, times in flows.took.items()},
        "p95_ms": p95,
        "healthz_p50_ms": plain,
        "order_over_healthz": round(percentile(flows.took["order"], 0.5) / plain, 1),
        "statements": by_step,
        "statements_of_the_job_queue": of_queue,
        "statements_of_the_whole_flow": sum(by_step.values()) + of_queue,
        "found_afterwards": outcome,
        "targets": {"statements_of_the_whole_flow": 40, "notice": 15, "settle": 25},
    }


def _found(place: Street, numbers: list[str]) -> dict[str, int]:
    with psycopg.connect(place.place.postgres.url("bench", "postgres")) as connection:
        row = connection.execute("SELECT min(id), max(id) FROM orders WHERE number = ANY(%s)", [numbers]).fetchone()
    assert row is not None
    return look_at(place, *row)


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="12 flows: does it run at all")
    small = parser.parse_args().small
    print(json.dumps(measure(12, 4, 60) if small else measure(FLOWS, ALONE, MEMBERS), ensure_ascii=False))


if __name__ == "__main__":
    main()
