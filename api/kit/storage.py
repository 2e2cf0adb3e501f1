"""Files that people sent. They are stored under names made here, never under a name from outside."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from api.kit.errors import Gone, Unavailable

#: Names joined by single slashes, none beginning with a slash or a dot: nothing that leads out of the folder.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*", re.ASCII)

_root: Path | None = None


class StorageFull(Unavailable):
    """There is no room for new files just now, please try again later."""


class FileRemoved(Gone):
    """This file was removed after the time it is kept."""


def configure(root: Path) -> None:
    """Take the folder that holds the files."""
    global _root
    root.mkdir(parents=True, exist_ok=True)
    _root = root


def _path(key: str) -> Path:
    if _root is None:
        raise RuntimeError("Storage is not configured.")
    if not _KEY.fullmatch(key):
        raise ValueError("not a storage key")
    return _root / key


def new_key(mall_id: int, kind: str, suffix: str) -> str:
    """A fresh unguessable key: "3/receipts/ab/ab12….jpg"."""
    name = secrets.token_hex(16)
    return f"{mall_id}/{kind}/{name[:2]}/{name}.{suffix}"


def put(key: str, data: bytes) -> None:
    """Write the whole file or nothing, durably. StorageFull when the disk has no room."""
    path = _path(key)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageFull() from error


@contextlib.contextmanager
def open_for_writing(key: str) -> Iterator[BinaryIO]:
    """Write a file piece by piece; it is there, whole and durable, once the block ends, and not at all when it fails. StorageFull."""
    path = _path(key)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageFull() from error
    finally:
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # A file's bytes are durable after its own fsync, its name only after the folder's.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(key: str) -> bytes:
    """The file's bytes. FileRemoved when it is no longer kept."""
    try:
        return _path(key).read_bytes()
    except FileNotFoundError as error:
        raise FileRemoved() from error


def open_file(key: str) -> BinaryIO:
    """The file, open for reading from its beginning; the caller closes it. FileRemoved when it is no longer kept."""
    try:
        return _path(key).open("rb")
    except FileNotFoundError as error:
        raise FileRemoved() from error


def remove(key: str) -> None:
    """Remove the file; a file that is gone already is fine."""
    _path(key).unlink(missing_ok=True)


def older_than(prefix: str, before: datetime) -> Iterator[str]:
    """The keys under a prefix whose files were written before an instant."""
    folder = _path(prefix)
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < before.timestamp():
                yield f"{prefix}/{path.relative_to(folder)}"
