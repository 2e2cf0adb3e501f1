"""The nginx that tests deploy/nginx.conf: `python -m deploy.nginx` finds the machine's, or unpacks Debian's into var/nginx."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy import debian
from deploy.embedded import CannotStart

ROOT = Path(__file__).resolve().parent.parent
UNPACKED = ROOT / "var" / "nginx"
PLACES = ("nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx", str(UNPACKED / "usr/sbin/nginx"))


def find() -> Path | None:
    """The program: NGINX if it is set, else the first in the usual places."""
    return debian.program("NGINX", *PLACES)


def ensure() -> Path:
    """The program; Debian's package is unpacked, not installed, so that none starts with the machine. CannotStart says what to do."""
    if program := find():
        return program
    saying = "· unpacking nginx for the test of its configuration (once)"
    if not debian.unpack("nginx", "nginx-common", into=UNPACKED, saying=saying) or not (program := find()):
        raise CannotStart("The test of deploy/nginx.conf needs an nginx: install it, or set NGINX to its path.")
    return program


def kinds(program: Path) -> Path:
    """The file that says which ending is which kind of content, as it came with the program."""
    for place in (program.parents[2] / "etc/nginx/mime.types", Path("/etc/nginx/mime.types"), Path("/usr/local/etc/nginx/mime.types")):
        if place.is_file():
            return place
    raise CannotStart(f"{program} came without its mime.types: install nginx whole.")


if __name__ == "__main__":
    try:
        ensure()
    except CannotStart as reason:
        sys.exit(f"✗ {reason}")
