"""`make pythons`: sets Mallbridge up from an empty folder with the oldest and the newest Python of the range, runs it, and says what held.

For each of them: a fresh clone of what is committed, `make setup`, `make run`, /readyz, a shopper's walk, a command of the operators and
Ctrl-C. JSON on standard output, progress on standard error. Only the standard library: it runs before anything is set up.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 600.0  # seconds; the demo mall is filled before that
STOPPED_WITHIN = 60.0
WHERE = ("/usr/bin", "/usr/local/bin", "~/.pyenv/versions/*/bin", "~/.local/share/uv/python/*/bin", "/opt/*/bin")
NAME = re.compile(r"python3(\.\d+)?")
PORTS = ("PORT", "LIVE_PORT", "WECHAT_PORT", "ALIPAY_PORT", "DB_PORT", "CACHE_PORT")
#: Part of the machine and not of Mallbridge; everything else that is set here would be a help which an empty folder does not have.
KEPT = ("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "TERM")
KEPT_OF = (
    "PIP_",
    "OPENBLAS_",
    "npm_config_",
    "SSL_",
    "REQUESTS_",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)

_ASK = (
    "import ensurepip, platform, sys, venv; print(platform.python_version(), sys.prefix == sys.base_prefix, "
    "sys.implementation.name, sys.executable)"
)

_ADDRESS = "import pathlib, sys; from deploy import embedded; print(embedded.Postgres(pathlib.Path('var/db'), int(sys.argv[1])).url())"

Version = tuple[int, ...]


class DidNotHold(Exception):
    """What failed with one Python, and the end of what it printed."""


@dataclass(frozen=True, order=True)
class Python:
    """A Python of this machine that can make a virtual environment."""

    version: Version
    path: str

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


def version_of(text: str) -> Version:
    """ "3.11.2" as numbers; what follows them ("rc1") is left away."""
    return tuple(int("".join(digit for digit in part if digit.isdecimal()) or 0) for part in text.split(".")[:3])


def ask(path: str) -> Python | None:
    """The Python at a path; None where there is none that could be used."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        words = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, timeout=20, check=True).stdout.split()
        if words[1:3] == ["True", "cpython"]:
            return Python(version_of(words[0]), words[3])
    return None


def of_this_machine() -> list[Python]:
    """Every Python on the path and where they are usually kept, each version once."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder]
    for pattern in WHERE:
        place = Path(pattern).expanduser()
        folders += sorted(Path(place.anchor).glob(str(place.relative_to(place.anchor))))
    programs = [str(path) for folder in folders for path in sorted(folder.glob("python3*")) if NAME.fullmatch(path.name)]
    pythons: dict[Version, Python] = {}
    for program in dict.fromkeys(programs):
        if python := ask(program):
            pythons.setdefault(python.version, python)
    return sorted(pythons.values())


def ends_of_range(pythons: Iterable[Python], oldest: Version, newest: Version) -> list[Python]:
    """The oldest and the newest of them that lie in the range; `newest` names a minor version and every patch of it."""
    inside = sorted(python for python in pythons if python.version >= oldest and python.version[: len(newest)] <= newest)
    return list(dict.fromkeys([*inside[:1], *inside[-1:]]))


def untried(pythons: Iterable[Python], oldest: Version, newest: Version) -> list[str]:
    """A sentence for each end of the range that none of them is."""
    versions = [python.version for python in pythons]
    ends = (("oldest", oldest), ("newest", newest))
    return [
        f"The {which} Python of the range, {'.'.join(map(str, end))}, was not tried: it is not on this machine."
        for which, end in ends
        if not any(version[: len(end)] == end for version in versions)
    ]


def bare_environment() -> dict[str, str]:
    """What somebody has who has nothing of Mallbridge yet."""
    return {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_OF)}


def free_ports() -> dict[str, str]:
    """A free port for each process of `make run`."""
    with contextlib.ExitStack() as held:
        probes = {name: held.enter_context(socket.socket()) for name in PORTS}
        for probe in probes.values():
            probe.bind(("127.0.0.1", 0))
        return {name: str(probe.getsockname()[1]) for name, probe in probes.items()}


@dataclass
class Clone:
    """What is committed, in a folder of its own, and the Python that it is set up with."""

    folder: Path
    python: Python
    env: dict[str, str]

    def do(self, *command: str) -> tuple[str, float]:
        """Do something in it: what it printed, and the seconds it took. DidNotHold where it failed."""
        say(f"{self.python}: {' '.join(command)}")
        began = time.monotonic()
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DidNotHold(f"{' '.join(command)} ended with {done.returncode}: {(done.stdout + done.stderr)[-1500:]}")
        return done.stdout, round(time.monotonic() - began, 1)

    def try_it(self) -> dict[str, Any]:
        """All of it; what held, with figures."""
        held: dict[str, Any] = {"setup_seconds": self.do("make", "setup", f"PYTHON={self.python.path}")[1]}
        own = str(self.folder / ".venv" / "bin" / "python")
        with self._running() as running:
            held["ready_seconds"] = running.wait_until_ready()
            self.env["WECHAT_API"] = f"http://127.0.0.1:{self.env['WECHAT_PORT']}"  # set earlier, `make run` would start no simulator
            held["walk"] = json.loads(self.do(own, "-m", "deploy.walk")[0])
            held["readyz"] = running.readyz()
            self.env["DATABASE_URL"] = self.do(own, "-c", _ADDRESS, self.env["DB_PORT"])[0].strip()
            held["flask ledger prove"] = self.do(str(self.folder / ".venv/bin/flask"), "--app", "wsgi", "ledger", "prove")[0].strip()
            held["stopped_seconds"] = running.stop()
        held["left_running"] = len(left_running(self.folder))
        if held["left_running"]:
            raise DidNotHold(f"Processes were left running: {left_running(self.folder)}")
        return held

    @contextlib.contextmanager
    def _running(self) -> Iterator[Running]:
        self.env |= free_ports()
        for name, port in (("PUBLIC_URL", "PORT"), ("LIVE_URL", "LIVE_PORT")):
            self.env[name] = f"http://127.0.0.1:{self.env[port]}"
        log = self.folder.parent / "run.log"
        say(f"{self.python}: make run")
        with log.open("wb") as out:
            process = subprocess.Popen(["make", "run"], cwd=self.folder, env=self.env, stdout=out, stderr=out, start_new_session=True)
        running = Running(process, log, self.env["PUBLIC_URL"])
        try:
            yield running
        finally:
            running.end()


@dataclass
class Running:
    """`make run`, started as in a terminal."""

    process: subprocess.Popen[bytes]
    log: Path
    web: str

    def wait_until_ready(self) -> float:
        """Seconds until /readyz says yes."""
        began = time.monotonic()
        while not self.readyz().get("ready"):
            if self.process.poll() is not None:
                raise DidNotHold(f"make run ended with {self.process.returncode}: {self._end_of_log()}")
            if time.monotonic() - began > READY_WITHIN:
                raise DidNotHold(f"make run was not ready within {READY_WITHIN:.0f} s: {self._end_of_log()}")
            time.sleep(0.5)
        return round(time.monotonic() - began, 1)

    def readyz(self) -> dict[str, Any]:
        """What the web says of itself; empty while nobody answers."""
        with (
            contextlib.suppress(urllib.error.URLError, OSError, ValueError),
            urllib.request.urlopen(f"{self.web}/readyz", timeout=5) as answer,
        ):
            body: dict[str, Any] = json.load(answer)
            return body
        return {}

    def stop(self) -> float:
        """Ctrl-C: seconds until it and all its processes have ended."""
        if self.process.poll() is not None:
            raise DidNotHold(f"make run ended by itself with {self.process.returncode}: {self._end_of_log()}")
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired as late:
            raise DidNotHold(f"make run did not stop within {STOPPED_WITHIN:.0f} s: {self._end_of_log()}") from late
        return round(time.monotonic() - began, 1)

    def end(self) -> None:
        """End it whatever state it is in."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOPPED_WITHIN)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _end_of_log(self) -> str:
        return self.log.read_text(errors="replace")[-1500:]


def left_running(folder: Path) -> list[str]:
    """Command lines of processes that were started in a folder and still run."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line and process.name != str(os.getpid()):
                lines.append(line.strip()[:200])
    return lines


def try_python(python: Python) -> dict[str, Any]:
    """Set up and run with one Python. Its folder stays where something failed."""
    top = Path(tempfile.mkdtemp(prefix=f"mallbridge-python-{python}-"))
    top.chmod(0o755)  # the embedded PostgreSQL may run as somebody else
    clone = Clone(top / "mallbridge", python, bare_environment())
    outcome: dict[str, Any] = {"python": str(python), "path": python.path, "held": False}
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone.folder)], check=True)
        outcome |= clone.try_it()
    except (DidNotHold, subprocess.SubprocessError) as trouble:
        return outcome | {"trouble": str(trouble), "folder": str(top)}
    shutil.rmtree(top, ignore_errors=True)
    return outcome | {"held": True}


def say(text: str) -> None:
    """One line of progress."""
    print(f"· {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Try them and print what held; exit 1 where something did not, or an end of the range was not tried."""
    parser = argparse.ArgumentParser(prog="python -m deploy.pythons", description=__doc__)
    parser.add_argument("--oldest", required=True, type=version_of)
    parser.add_argument("--newest", required=True, type=version_of)
    parser.add_argument("paths", nargs="*", help="Pythons to try; without one, the oldest and the newest of this machine in the range")
    arguments = parser.parse_args()
    if unusable := [path for path in arguments.paths if ask(path) is None]:
        print(f"✗ {unusable[0]} is no Python that can make a virtual environment.", file=sys.stderr)
        return 1
    named = [python for path in arguments.paths if (python := ask(path))]
    pythons = named or ends_of_range(of_this_machine(), arguments.oldest, arguments.newest)
    if subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=False).stdout:
        say("what is not committed is not tried")
    tried = [try_python(python) for python in pythons]
    # Who names Pythons wants to know of those.
    missing = [] if named else untried(pythons, arguments.oldest, arguments.newest)
    held = bool(tried) and all(outcome["held"] for outcome in tried) and not missing
    print(json.dumps({"held": held, "tried": tried, "not_tried": missing}, ensure_ascii=False, indent=2))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
