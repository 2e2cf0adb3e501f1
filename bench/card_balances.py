"""The balance report of all cards over 5,000,000 entries: how long, how much memory, and that one wrong card is named.

`python -m bench.card_balances [--small]` prints JSON. Every card was recharged and used four times in five days; half of them moved on the
day of the report. The report is made twice, over all entries and over the same with one card spoilt.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg

from api.kit import clock, db
from api.wallet.service import balance_report, card_opening
from deploy import embedded

CARDS, DAY = 417_000, date(2026, 3, 5)  # twelve entries a card

#: `k` 0 is the recharge, four days before the day of the report; the last use is on that day or, for every second card, the day before.
FILL = (
    """INSERT INTO cards (number, product_id, state, moved_at, made_at)
       SELECT 'b' || n, %(product)s, 'active', %(begins)s, %(begins)s FROM generate_series(1, %(cards)s::int) n""",
    """INSERT INTO ledger_accounts (owner_kind, owner_id, asset, balance)
       SELECT 'card', id, asset, CASE asset WHEN 'principal_fen' THEN 6000 ELSE 1000 END
       FROM cards, (VALUES ('principal_fen'), ('bonus_fen')) v(asset)""",
    """INSERT INTO ledger_accounts (owner_kind, owner_id, asset) VALUES ('mall', %(mall)s, 'principal_fen'), ('bearer', 0, 'bonus_fen')""",
    """INSERT INTO bonus_grants (card_id, origin_type, origin_id, bearer_id, granted_fen, left_fen)
       SELECT id, 'bench', id, 0, 1000, 1000 FROM cards""",
    """INSERT INTO ledger_transfers (cause_type, cause_id, digest, posted_at)
       SELECT CASE k WHEN 0 THEN 'recharge' ELSE 'order_hold' END, c.id || ':' || k, '',
         %(begins)s::timestamptz + make_interval(days => CASE WHEN k = 4 AND c.id %% 2 = 0 THEN 3 ELSE k END)
       FROM cards c, generate_series(0, 4) k""",
    """INSERT INTO ledger_entries (transfer_id, account_id, amount, balance_after, posted_at)
       SELECT t.id, e.account_id, e.amount, NULL, t.posted_at FROM ledger_transfers t
       CROSS JOIN LATERAL (SELECT split_part(t.cause_id, ':', 1)::bigint AS card_id, t.cause_type = 'recharge' AS begins) s
       JOIN ledger_accounts p ON (p.owner_kind, p.asset, p.owner_id) = ('card', 'principal_fen', s.card_id)
       JOIN ledger_accounts b ON (b.owner_kind, b.asset, b.owner_id) = ('card', 'bonus_fen', s.card_id)
       JOIN ledger_accounts m ON m.owner_kind = 'mall' JOIN ledger_accounts w ON w.owner_kind = 'bearer'
       CROSS JOIN LATERAL (
         SELECT p.id, CASE WHEN s.begins THEN 10000 ELSE -1000 END UNION ALL SELECT m.id, CASE WHEN s.begins THEN -10000 ELSE 1000 END
         UNION ALL SELECT b.id, 1000 WHERE s.begins UNION ALL SELECT w.id, -1000 WHERE s.begins
       ) e(account_id, amount)""",
)


@contextmanager
def server() -> Iterator[embedded.Postgres]:
    """A migrated server."""
    folder = Path(tempfile.mkdtemp(prefix="mallbridge-bench-"))
    folder.chmod(0o755)
    postgres = embedded.Postgres(folder / "db", embedded.free_port(), durable=False)
    postgres.start()
    try:
        postgres.make_roles()
        postgres.make_database("bench")
        embedded.migrate(postgres.url("bench", embedded.OWNER), postgres.url("bench"))
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def fill(postgres: embedded.Postgres, cards: int) -> tuple[int, int]:
    """A mall with so many cards and their entries; returns the mall and how many entries there are."""
    from api.malls import service as malls

    db.connect(postgres.url("bench"))
    with db.unit_of_work():
        mall_id = malls.open_mall("bench", "云锦天地").id
    with db.unit_of_work(mall_id):
        product_id = card_opening.standard_product().id
    begins = clock.midnight(DAY - timedelta(days=4), "Asia/Shanghai") + timedelta(hours=12)
    arguments = {"cards": cards, "product": product_id, "begins": begins, "mall": mall_id}
    with psycopg.connect(db.libpq_url(postgres.url("bench", "postgres")), autocommit=True) as connection:
        connection.execute("SELECT set_config('mallbridge.mall_id', %s, false)", (str(mall_id),))
        connection.execute("SET session_replication_role = replica")
        for statement in FILL:
            connection.execute(statement, arguments)  # type: ignore[arg-type]
            connection.execute("ANALYZE")
        row = connection.execute("SELECT count(*) FROM ledger_entries").fetchone()
    return mall_id, row[0] if row else 0


def report(mall_id: int) -> dict[str, Any]:
    """Make the report once."""
    before, began = _memory_mb(), time.monotonic()
    with db.unit_of_work(mall_id):
        balances = balance_report.record_report(DAY)
    return {
        "seconds": round(time.monotonic() - began, 1), "cards_moved": balances.cards, "mb_grown": _memory_mb() - before,
        "differences": [line["subject"] for line in balances.differences],
    }  # fmt: skip


def add_a_wrong_fen(postgres: embedded.Postgres, mall_id: int) -> None:
    """One fen too much on one card."""
    with psycopg.connect(db.libpq_url(postgres.url("bench", "postgres")), autocommit=True) as connection:
        connection.execute("SELECT set_config('mallbridge.mall_id', %s, false)", (str(mall_id),))
        connection.execute(
            "UPDATE ledger_accounts SET balance = balance + 1 WHERE owner_kind = 'card' AND owner_id = 7 AND asset = 'bonus_fen'"
        )


def _memory_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--small", action="store_true", help="20,000 cards")
    cards = 20_000 if asked.parse_args().small else CARDS
    with server() as postgres:
        began = time.monotonic()
        mall_id, entries = fill(postgres, cards)
        figures: dict[str, Any] = {"measurement": "card_balances", "entries": entries, "filled_s": round(time.monotonic() - began, 1)}
        figures["whole"] = report(mall_id)
        add_a_wrong_fen(postgres, mall_id)
        figures["spoilt"] = report(mall_id)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
