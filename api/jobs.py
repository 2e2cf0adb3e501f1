"""The processes that run the jobs of every room.

`python -m api.jobs work`   the worker of all queues but those with a process of their own; it also puts the scheduled jobs in.
`python -m api.jobs read`   the reader: one instance, one photo at a time. `python -m api.reader` starts it again whenever it ends.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # what is loaded stays: looking for garbage in it would be a quarter of the start; `_enable_gc` turns it on again

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import procrastinate

from api.app import configure
from api.kit import db, logs, rooms
from api.kit import jobs as kit
from api.kit.rooms import Process
from api.settings import Settings, ending_the_process, from_environment

log = logs.get(__name__)

HEARTBEAT = 2.0  # seconds between signs of life of a worker
STALLED = 8.0  # seconds without one, after which another worker takes its jobs
RETRY_STALLED_EVERY = 3.0
DELETE_OLD_EVERY = 3600.0
JOBS_KEPT_HOURS = 30 * 24
STOP_WITHIN = 20.0
AT_ONCE = 4  # jobs of the common queue


class WorkerLost(Exception):
    """The worker ended although nobody stopped it: the database was away for a while."""


async def run_worker(settings: Settings, lanes: dict[str, int], *, until: Callable[[], bool] | None = None) -> None:
    """Work until a signal to stop (SIGTERM), or until `until()` finds that this process is worn out. WorkerLost otherwise.

    `lanes`: queue → how many of its jobs at once. A lane that is full of slow jobs holds up no other.
    """
    places = sum(lanes.values())
    # Where jobs run; the loop's own has fewer places than that on a small machine.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(places + 2))
    connector = _WorkerConnector(conninfo=db.libpq_url(settings.database_url), min_size=1, max_size=places + 2 * len(lanes) + 1)
    with kit.app.replace_connector(connector) as closed:
        async with closed.open_async() as app:
            workers = [asyncio.create_task(_lane(app, queue, concurrency)) for queue, concurrency in lanes.items()]
            await _supervise(app, workers, until or (lambda: False))


async def _lane(app: Any, queue: str, concurrency: int) -> None:
    await app.run_worker_async(
        queues=[queue],
        concurrency=concurrency,
        update_heartbeat_interval=HEARTBEAT,
        stalled_worker_timeout=STALLED,
        shutdown_graceful_timeout=STOP_WITHIN,
        fetch_job_polling_interval=2,
        delete_jobs="never",
        install_signal_handlers=False,
    )


class _WorkerConnector(procrastinate.PsycopgConnector):
    """The worker's own connections. Jobs that a job puts in still go through the connection of its unit of work."""

    def get_sync_connector(self) -> Any:
        """What `kit.jobs.defer` uses: it never opens a connection."""
        return kit.CONNECTOR


async def _supervise(app: Any, workers: list[asyncio.Task[None]], until: Callable[[], bool]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    side = [
        asyncio.create_task(_retry_stalled_jobs(app)),
        asyncio.create_task(_delete_old_jobs(app)),
        asyncio.create_task(_stop_when(workers, stop, until)),
    ]
    try:
        await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*side, *workers):
            if not task.cancelling():  # a lane that is cancelled twice no longer finishes the jobs that run
                task.cancel()
        ended = await asyncio.gather(*workers, return_exceptions=True)
    for trouble in ended:
        if isinstance(trouble, Exception):
            raise trouble
    if not stop.is_set():
        raise WorkerLost()


async def _stop_when(workers: list[asyncio.Task[None]], stop: asyncio.Event, until: Callable[[], bool]) -> None:
    while not (stop.is_set() or until()):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
    stop.set()
    for worker in workers:
        worker.cancel()  # procrastinate finishes the jobs that run


async def _delete_old_jobs(app: Any) -> None:
    """Remove the rows of jobs that ended long ago; failed ones stay visible as long as the others."""
    while True:
        await asyncio.sleep(DELETE_OLD_EVERY)
        try:
            await app.job_manager.delete_old_jobs(nb_hours=JOBS_KEPT_HOURS, include_failed=True, include_cancelled=True)
        except Exception as error:  # the database may be away: the next round asks again
            log.warning("old jobs could not be removed", error_type=type(error).__name__)


async def _retry_stalled_jobs(app: Any) -> None:
    """Retry the jobs of a worker that died."""
    while True:
        await asyncio.sleep(RETRY_STALLED_EVERY)
        try:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED):
                log.warning("a job's worker died, the job is given to another", job=job.task_name, attempt=job.attempts)
                await app.job_manager.retry_job(job)
        except Exception as error:  # the database may be away: the next round asks again
            log.warning("stalled jobs could not be asked for", error_type=type(error).__name__)


def work(settings: Settings) -> None:
    """The general worker: the common queue, and the lanes of rooms whose jobs wait for somebody outside."""
    lanes = {kit.DEFAULT_QUEUE: AT_ONCE} | {queue: at_once for room in rooms.every() for queue, at_once in room.lanes.items()}
    _enable_gc()
    _until_stopped(settings, lanes)


def work_alone(settings: Settings, process: Process) -> None:
    """A queue that has a process of its own, one job at a time, until it is worn out and a fresh process takes over."""
    parent = os.getppid()
    process.start(settings)
    _enable_gc()
    threading.Thread(target=_send_heartbeats, args=(process,), name="beat", daemon=True).start()
    _until_stopped(settings, {process.queue: 1}, until=lambda: process.worn_out(settings) or os.getppid() != parent)


def _enable_gc() -> None:
    """From now on garbage is collected, of what comes, not of what was loaded."""
    gc.freeze()
    gc.enable()


def _send_heartbeats(process: Process) -> None:
    """Record a heartbeat of this process from time to time, for /readyz of the web processes."""
    while True:
        try:
            process.beat()
        except Exception as error:  # the database may be away: the next round writes it
            log.warning("a process's sign of life was not written", queue=process.queue, error_type=type(error).__name__)
        time.sleep(process.beat_seconds)


def _until_stopped(settings: Settings, lanes: dict[str, int], *, until: Callable[[], bool] | None = None) -> None:
    """Work until the worker ends by itself; when it lost the database, wait and start over."""
    while True:
        try:
            asyncio.run(run_worker(settings, lanes, until=until))
            return
        except Exception as error:
            log.warning("the worker lost the database and starts over", error_type=type(error).__name__)
            time.sleep(1)


def main(arguments: list[str]) -> int:
    """One process of the Procfile."""
    what = arguments[0] if arguments else "work"
    alone = {name: process for room in rooms.every() for name, process in room.processes.items()}
    if what not in ("work", *alone):
        sys.exit(f"There are these workers: work, {', '.join(sorted(alone))}; `python -m api.reader` keeps a reader running.")
    with ending_the_process():
        settings = from_environment()
        configure(settings)
    if what in alone:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        work_alone(settings, alone[what])
    else:
        work(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
