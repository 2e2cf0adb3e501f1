"""Personal data at rest, and files that people sent."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from api.kit import sealed, storage
from api.settings import ROOT


@pytest.fixture(autouse=True, scope="module")
def _keys():
    kept = dict(sealed._keys)
    sealed.configure("a key of these tests")
    yield
    sealed._keys.update(kept)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """An empty storage."""
    monkeypatch.setattr(storage, "_root", None)
    storage.configure(tmp_path / "files")
    return tmp_path / "files"


@given(st.text(max_size=200))
def test_what_is_sealed_is_unsealed_and_never_sealed_alike_twice(plain: str) -> None:
    first, second = sealed.seal(plain), sealed.seal(plain)
    assert sealed.unseal(first) == sealed.unseal(second) == plain
    assert first != second


def test_a_changed_byte_is_noticed() -> None:
    box = bytearray(sealed.seal("13800138000"))
    assert b"13800138000" not in bytes(box)
    box[-1] ^= 1
    with pytest.raises(InvalidTag):
        sealed.unseal(bytes(box))


def test_a_phone_is_found_by_a_key_that_does_not_show_it() -> None:
    assert sealed.find_key("13800138000") == sealed.find_key("13800138000") != sealed.find_key("13800138001")
    assert "13800138000" not in sealed.find_key("13800138000")
    sealed.configure("another key")
    other = sealed.find_key("13800138000")
    sealed.configure("a key of these tests")
    assert other != sealed.find_key("13800138000")


@pytest.mark.parametrize(("phone", "shown"), [("13800138000", "138****8000"), ("+8613800138000", "138****8000"), ("123", "****")])
def test_staff_see_a_masked_phone(phone: str, shown: str) -> None:
    assert sealed.mask_phone(phone) == shown


def test_a_file_is_kept_read_and_removed(folder: Path) -> None:
    key = storage.new_key(3, "receipts", "jpg")
    storage.put(key, b"photo")
    assert storage.read(key) == b"photo"
    storage.remove(key)
    storage.remove(key)
    with pytest.raises(storage.FileRemoved):
        storage.read(key)


@pytest.mark.parametrize(
    "key",
    ["../outside", "3/../../outside", "{outside}", "/{outside}", "3/receipts/..", "3\\outside", "3/a\0b", "", ".",
     "3//a", "3/a/", "~a/b", "３/照片", "3/.hidden", "C:/x"],
)  # fmt: skip
def test_no_key_leads_out_of_the_storage(folder: Path, tmp_path: Path, key: str) -> None:
    outside = tmp_path / "outside"  # hostile keys aim at this file only: a faulty storage must not harm the machine
    outside.write_bytes(b"not yours")
    for verb in (storage.read, storage.remove, lambda name: storage.put(name, b"x")):
        with pytest.raises(ValueError, match="not a storage key"):
            verb(key.format(outside=outside))
    assert outside.read_bytes() == b"not yours"


def test_a_full_disk_is_a_named_refusal_and_leaves_no_half_file(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys, pathlib; from api.kit import storage\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "storage.configure(pathlib.Path(sys.argv[1]))\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.RLIM_INFINITY}))\n"
        "try:\n    storage.put('3/receipts/ab/full.jpg', b'x' * 200_000)\n"
        "except storage.StorageFull as refusal:\n    print(refusal.status, refusal.slug())\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({resource.RLIM_INFINITY}, {resource.RLIM_INFINITY}))\n"
        "storage.put('3/receipts/ab/after.jpg', b'y')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "503 storage-full", done.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["after.jpg"]
