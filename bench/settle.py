"""Settling in the app against pgbench running the same SQL: a payment is found, and the order, the tenant's cash, its sale and the
member's points follow in one transaction.

`python -m bench.settle [--small]` prints JSON. The statements of one settlement are recorded from the driver and replayed by pgbench
(bench/replay.py says how ids are followed), so both do the same to orders of their own that wait for their payment: one line, paid by
WeChat alone, in a mall of 400 shops and 2,000 members, behind row-level security. The app's side also reckons the points, keeps the
explanation and tells the tablet and the phone through the cache. One durable server, the same number of clients, in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.app import configure
from api.kit import clock, db
from api.kit.db import session
from api.payments.gateways.base import GatewayPaymentState, PaymentStatus
from api.payments.models import Payment
from api.payments.service import collection
from api.settings import from_environment
from bench.figures import load
from bench.replay import record, script
from bench.street import AMOUNTS, LEAST_FEN, NUMBER, Held, gateway_no, look, street
from deploy import embedded

CLIENTS, SECONDS, ROUNDS = 4, 4, 5
SHOPS, MEMBERS = 400, 2_000
WARM_UP = 12
#: How many orders wait for one client: of the app altogether, of pgbench in each round.
APP_ORDERS, PGBENCH_ORDERS = 3_000, 4_000


def settle(number: int, fen: int) -> None:
    """What the job of a notice does once it has read it, in the entered mall."""
    query = select(Payment).where(Payment.number == NUMBER.format(number)).with_for_update()
    payment = db.keep(session.scalars(query.execution_options(populate_existing=True)).one())
    status = PaymentStatus(GatewayPaymentState.PAID, payment.number, gateway_no=gateway_no(number), amount_fen=fen, paid_at=clock.now())
    if wrong := collection.apply_status(payment, status, by="gateway:wechat", reason="notice"):
        raise SystemExit(f"payment {number} was refused: {wrong}")


class Clients:
    """So many processes of the app, each with one connection and orders of its own, that settle when they are told to."""

    def __init__(self, held: Held, first: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.lines, far = zip(*(context.Pipe() for _ in range(CLIENTS)), strict=True)
        self.processes = [
            context.Process(target=_client, args=(held.street.mall, range(start, start + APP_ORDERS), line), daemon=True)
            for start, line in zip(range(first, held.count, APP_ORDERS), far, strict=False)
        ]
        for process in self.processes:
            process.start()
        for line in self.lines:
            line.recv()

    def settle(self, seconds: float) -> float:
        """Settlements a second by all of them together."""
        for line in self.lines:
            line.send(seconds)
        return float(sum(line.recv() for line in self.lines))

    def stop(self) -> int:
        """End them; how many they settled in all."""
        for line in self.lines:
            line.send(None)
        done = sum(line.recv() for line in self.lines)
        for process in self.processes:
            process.join(30)
        return int(done)


def _client(mall: int, numbers: range, line: Any) -> None:
    configure(from_environment())
    left = iter(numbers)
    settled = 0

    def run(seconds: float) -> float:
        nonlocal settled
        done, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds:
            number = next(left)
            db.in_mall(mall, lambda number=number: settle(number, LEAST_FEN + number % AMOUNTS))  # type: ignore[misc]
            done += 1
        settled += done
        return done / (time.perf_counter() - began)

    run(0.5)
    line.send(0.0)
    with contextlib.suppress(EOFError):  # the measurement went wrong elsewhere
        while (seconds := line.recv()) is not None:
            line.send(run(seconds))
        line.send(settled)


def recorded(held: Held) -> tuple[str, int]:
    """The script of pgbench, and how many statements a settlement takes, entering the mall included. Settles the first orders."""
    mall = held.street.mall

    def work(number: int) -> None:
        db.in_mall(mall, lambda: settle(number, held.fen(number)))

    for number in range(WARM_UP):
        work(number)
    this, next_one = WARM_UP, WARM_UP + 1
    recordings = record(lambda: work(this)), record(lambda: work(next_one))
    given = {
        ":k": (this, next_one),
        "'PB' || lpad((:k)::text, 22, '0')": (NUMBER.format(this), NUMBER.format(next_one)),
        "'4200' || lpad((:k)::text, 24, '0')": (gateway_no(this), gateway_no(next_one)),
        ":ord": (held.first_order + this, held.first_order + next_one),
        ":payment": (held.first_payment + this, held.first_payment + next_one),
        ":member": (held.member(this), held.member(next_one)),
        ":shop": (held.shop(this), held.shop(next_one)),
        ":fen": (held.fen(this), held.fen(next_one)),
    }
    street = held.street
    variables = (
        "\\set i :i + 1\n\\set k :start + :client_id * :span + :i\n"
        f"\\set ord {held.first_order} + :k\n\\set payment {held.first_payment} + :k\n"
        f"\\set member {street.members[0]} + :k % {len(street.members)}\n\\set shop {street.shops[0]} + :k % {len(street.shops)}\n"
        f"\\set fen {LEAST_FEN} + :k % {AMOUNTS}\n"
    )
    return variables + script(*recordings, given), len(recordings[0].seen)


def pgbench(held: Held, text: str, start: int, seconds: int) -> tuple[float, int]:
    """Settlements a second by pgbench with prepared statements, and how many there were."""
    folder = Path(tempfile.mkdtemp(prefix="mallbridge-pgbench-"))
    (folder / "settle.sql").write_text(text)
    command = [
        str(embedded.postgres_bin("pgbench")), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", f"--jobs={CLIENTS}",
        f"--time={seconds}", f"--file={folder / 'settle.sql'}", "-D", "i=-1", "-D", f"start={start}", "-D", f"span={PGBENCH_ORDERS}",
        held.street.place.postgres.url("bench"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    shutil.rmtree(folder)
    rate, count = re.search(r"tps = ([0-9.]+)", done.stdout), re.search(r"actually processed: (\d+)", done.stdout)
    if rate is None or count is None or done.returncode or int(count[1]) == 0:
        raise SystemExit(f"pgbench failed: {done.stderr[-1500:]}")
    return float(rate[1]), int(count[1])


def measure(seconds: int, rounds: int, members: int) -> dict[str, object]:
    """Both in turn, forwards and backwards, so that a slow moment of the machine meets each; medians of the rounds' ratios."""
    busy = load()
    apart = CLIENTS * PGBENCH_ORDERS
    runs: dict[str, list[float]] = {"app": [], "pgbench": []}
    replayed = 0
    with street(shoppers=members, sales_a_member=1) as place:
        place.more_shops(SHOPS)
        held = place.hold(WARM_UP + 2 + apart * rounds + CLIENTS * APP_ORDERS)
        text, statements = recorded(held)
        clients = Clients(held, WARM_UP + 2 + apart * rounds)
        for number in range(rounds):
            for name in sorted(runs, reverse=bool(number % 2)):
                if name == "app":
                    runs[name].append(clients.settle(seconds))
                    continue
                rate, count = pgbench(held, text, WARM_UP + 2 + number * apart, seconds)
                runs[name].append(rate)
                replayed += count
        settled = clients.stop() + replayed + WARM_UP + 2
        outcome = look(place, held)
    if outcome["settled"] != settled:
        raise SystemExit(f"{settled} settlements, but {outcome}")
    return {
        "bench": "settle",
        "load_average": busy,
        "clients": CLIENTS,
        "seconds_each": seconds,
        "settlements_per_second": {name: round(statistics.median(values)) for name, values in runs.items()},
        "app_over_pgbench": round(statistics.median(a / b for a, b in zip(runs["app"], runs["pgbench"], strict=True)), 3),
        "statements": statements,
        "found_afterwards": outcome,
        "targets": {"statements": 25},
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="one short round: does it run at all")
    small = parser.parse_args().small
    print(json.dumps(measure(1, 1, 200) if small else measure(SECONDS, ROUNDS, MEMBERS), ensure_ascii=False))


if __name__ == "__main__":
    main()
