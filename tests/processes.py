"""Real processes for tests: web, live, workers, started as the Procfile starts them, always ended with all their children."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from api.kit import db
from api.settings import ROOT, Settings
from deploy import embedded

SECRET = "a secret of the tests that is long enough"


def until(true: Callable[[], Any], seconds: float, *, every: float = 0.05) -> Any:
    """Wait until something is true and return it. AssertionError after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        if found := true():
            return found
        assert time.monotonic() < end, f"not within {seconds} s: {getattr(true, '__doc__', None) or true}"
        time.sleep(every)


@dataclass
class Process:
    """One started process with its log; it leads a process group of its own."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    @property
    def pid(self) -> int:
        return self.popen.pid

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.popen.poll() is None

    def family(self) -> list[psutil.Process]:
        """It and all its children."""
        with contextlib.suppress(psutil.NoSuchProcess):
            me = psutil.Process(self.pid)
            return [me, *me.children(recursive=True)]
        return []

    def rss_mb(self) -> float:
        """Resident memory of the whole family, MiB."""
        total = 0
        for member in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += member.memory_info().rss
        return total / 2**20

    def child(self, word: str) -> psutil.Process | None:
        """A child whose command line holds the word."""
        for member in self.family()[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                if word in member.cmdline():
                    return member
        return None

    def kill(self) -> None:
        """kill -9 the whole family at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait(10)

    def terminate(self, seconds: float = 30) -> int:
        """SIGTERM as a deploy sends it; the exit code."""
        self.popen.terminate()
        return self.popen.wait(seconds)

    def said(self) -> str:
        """Everything it wrote to standard output and error."""
        return self.log.read_text(errors="replace")

    def end(self) -> None:
        """End it whatever state it is in: first politely (its own children are ended by it), then by force."""
        children = self.family()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGCONT)
            os.killpg(self.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait(10)
        for child in children[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


@dataclass
class Processes:
    """Starts processes with the settings of a test and ends them."""

    settings: Settings
    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    started: list[Process] = field(default_factory=list)

    def environment(self, **given: str) -> dict[str, str]:
        """What each process is started with."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("MALLBRIDGE_", "PYTEST", "COV"))}
        return (
            env
            | {
                "DATABASE_URL": self.settings.database_url,
                "REDIS_URL": self.settings.redis_url,
                "MALLBRIDGE_SECRET": self.settings.secret,
                "MALLBRIDGE_DATA_KEY": self.settings.data_key,
                "MALLBRIDGE_FILES": str(self.settings.files),
                "OCR_MODELS_DIR": str(self.settings.ocr_models),
                "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
                "OMP_NUM_THREADS": "1",
                "LOG_LEVEL": "INFO",
            }
            | self.extra
            | given
        )

    def start(self, name: str, *command: str, url: str = "", **env: str) -> Process:
        """Start a command; its output goes to a file."""
        handle, path = tempfile.mkstemp(prefix=f"{name}-", suffix=".log", dir=self.folder)
        with os.fdopen(handle, "wb") as log:
            popen = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(**env), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        process = Process(name, popen, Path(path), url)
        self.started.append(process)
        return process

    def web(self, workers: int = 1, port: int = 0, **env: str) -> Process:
        """The web server, ready; `url` is where."""
        options = ["--workers", str(workers), "--workers-kill-timeout", "30", "--blocking-threads", "4", "--backlog", "1024"]
        return self._granian("web", "wsgi", "wsgi:app", options, env, port)

    def live(self, **env: str) -> Process:
        """The live stream, ready."""
        return self._granian("live", "asgi", "api.live:app", ["--workers", "1", "--workers-kill-timeout", "5"], env)

    def _granian(self, name: str, interface: str, target: str, options: list[str], env: dict[str, str], at: int = 0) -> Process:
        port = at or embedded.free_port()
        process = self.start(
            name, "granian", "--interface", interface, "--host", "127.0.0.1", "--port", str(port), *options,
            "--no-ws", "--log-level", "warning", target, url=f"http://127.0.0.1:{port}", **env,
        )  # fmt: skip
        self._await(process, lambda: _answers(f"{process.url}/healthz"))
        return process

    def worker(self, what: str = "work", *, wait: bool = True, **env: str) -> Process:
        """`python -m api.jobs work`, or for "ocr" `python -m api.reader`; with wait, until it has said hello to the database."""
        before = set(self._workers()) if wait else set()
        command = ("api.reader",) if what == "ocr" else ("api.jobs", what)
        process = self.start(what, sys.executable, "-m", *command, **env)
        if wait:
            self._await(process, lambda: set(self._workers()) - before)
        return process

    def _workers(self) -> list[int]:
        with psycopg.connect(db.libpq_url(self.settings.database_url), autocommit=True) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM procrastinate_workers")]

    def _await(self, process: Process, ready: Callable[[], Any]) -> None:
        def is_ready() -> Any:
            assert process.running(), f"{process.name} ended:\n{process.said()[-3000:]}"
            return ready()

        try:
            until(is_ready, 60)
        except AssertionError as error:
            raise AssertionError(f"{process.name} is not ready: {process.said()[-3000:]}") from error

    def end(self) -> None:
        """End them all, the newest first."""
        for process in reversed(self.started):
            process.end()
        self.started.clear()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def running(settings: Settings, folder: Path, **extra: str) -> Iterator[Processes]:
    """Processes that are ended however the block ends."""
    processes = Processes(settings, folder, extra)
    try:
        yield processes
    finally:
        processes.end()
