"""Programs that tests need beyond Python: the machine's, or Debian's packages, installed where we are root or only unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from deploy.embedded import CannotStart

_ENV = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def program(variable: str, *places: str) -> Path | None:
    """The program that the variable names, else the first found of the places. CannotStart: what the variable names is none."""
    if given := os.environ.get(variable):
        path = shutil.which(given)
        if path is None:
            raise CannotStart(f"{variable}={given} is not a program: set it to the path of one, or unset it.")
        return Path(path)
    return next((Path(path) for place in places if (path := shutil.which(place))), None)


def install(*packages: str, saying: str) -> bool:
    """Install packages, and say so; False where that cannot be done."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print(saying, file=sys.stderr, flush=True)
    return _with_fresh_lists("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)


def unpack(*packages: str, into: Path, saying: str) -> bool:
    """Packages' files under a folder: nothing is installed, no service starts. False where that cannot be done."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return False
    print(saying, file=sys.stderr, flush=True)
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as loaded:
        if not _with_fresh_lists("apt-get", "download", "-qq", *packages, cwd=loaded):
            return False
        return all(_run("dpkg-deb", "-x", str(file), str(into)) for file in sorted(Path(loaded).glob("*.deb")))


def _with_fresh_lists(*command: str, **given: Any) -> bool:
    """Run it; if that fails, once more after the lists of packages were fetched."""
    return _run(*command, **given) or (_run("apt-get", "update", "-qq") and _run(*command, **given))


def _run(*command: str, **given: Any) -> bool:
    done = subprocess.run(command, env=_ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, **given)
    return done.returncode == 0
