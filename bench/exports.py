"""The list of sales as a CSV file, to the last row an export may have: how long, how much memory, and whether every row is in the file.

`python -m bench.exports [--small]` prints JSON. The mall is the one of bench.rehearsal. One shop's sales and all of them are
written by a process of its own each, as the worker does it: memory is flat when both need the same.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from api.exports import jobs, service
from api.exports.models import ROW_LIMIT
from api.kit import db, identity, roles, storage
from api.kit.db import session
from api.malls.models import Shop
from api.staff import permissions
from api.staff import service as staff
from bench.rehearsal import _connect, _peak_mb, alone, mall_of

TABLE = "sales"
FLAT_MB = 20  # by how much more memory all rows may need than a few


def write(url: str, mall: int, files: str, shop_id: int | None) -> dict[str, Any]:
    """One export as the worker makes it: seconds, rows, bytes, and how far it raised the process's memory (MB)."""
    _connect(url)
    storage.configure(Path(files))
    with db.unit_of_work(mall):
        role = roles.ADMINISTRATOR
        login = f"bench-{shop_id or 'all'}"
        account = staff.open_account(login=login, name="bench", role=role, shop_id=None, by="command")
        who = identity.Principal("staff", account.id, mall, permissions=permissions.of(role))
        filters = {} if shop_id is None else {"shop_id": shop_id}
        asked = service.ask(TABLE, filters, columns=[], language="zh", who=who).id
    resting, began, worked = _peak_mb(), time.perf_counter(), time.process_time()
    jobs.write.run(mall_id=mall, export_id=asked)
    took = {"seconds": round(time.perf_counter() - began, 2), "cpu_seconds": round(time.process_time() - worked, 2)}
    took["memory_mb"] = round(_peak_mb() - resting, 1)
    with db.unit_of_work(mall):
        export, file = service.open_file(asked, who)
        with file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
            ids = [row[0] for row in csv.reader(text)][1:]
        return {
            "rows": len(ids),
            "rows_twice": len(ids) - len(set(ids)),
            "state": export.state,
            "size_mb": round((export.size_bytes or 0) / 2**20, 1),
        } | took


def a_shop(url: str, mall: int) -> int:
    """A shop of the mall."""
    _connect(url)
    with db.unit_of_work(mall):
        return int(session.query(Shop.id).order_by(Shop.id).offset(100).limit(1).scalar() or 0)


def measure(count: int) -> dict[str, Any]:
    """A shop's sales and all sales, each in a fresh process."""
    with mall_of(count) as (url, mall), tempfile.TemporaryDirectory(prefix="mallbridge-files-") as files:
        few = alone(write, url, mall, files, alone(a_shop, url, mall))
        whole = alone(write, url, mall, files, None)
    flat = whole["memory_mb"] - few["memory_mb"] <= FLAT_MB
    whole_in_file = whole["rows"] == min(count, ROW_LIMIT) and not whole["rows_twice"]
    return {
        "bench": "exports",
        "whole": whole,
        "one_shop": few,
        "memory_flat": flat,
        "every_row_once": whole_in_file,
        "met": flat and whole_in_file,
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="few sales: does it run at all")
    print(json.dumps(measure(5_000 if parser.parse_args().small else ROW_LIMIT), ensure_ascii=False))


if __name__ == "__main__":
    main()
