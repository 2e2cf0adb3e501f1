"""A whole new room, in a copy of the tree: it works, the guards are content, and it touches few files outside its own folders."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from api.settings import Settings
from deploy import embedded

ROOT = Path(__file__).resolve().parents[2]
ROOM = Path(__file__).resolve().parent / "new_room"
OWN = ("api/lockers/", "console/src/office/lockers/", "tests/lockers/")
MOST = 5

#: What the proof reads of the tree.
PARTS = (
    "api",
    "alipay",
    "wechat",
    "ocr",
    "deploy",
    "migrations",
    "docs",
    "tests/guards",
    "tests/impact",
    "console/src",
    "pyproject.toml",
    "alembic.ini",
)
FILES = ("tests/__init__.py", "tests/conftest.py", "tests/factories.py")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.otf", "images", "decisions", "*.onnx", "node_modules")


def _copy(house: Path) -> None:
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, house / name, ignore=LEFT_OUT)
        else:
            shutil.copy(ROOT / name, house / name)
    for name in FILES:
        shutil.copy(ROOT / name, house / name)


def _add_room(house: Path) -> None:
    """The room's own folders, its migration, and its floor: beside merges, above the members it uses."""
    for folder in ("api", "console"):
        shutil.copytree(ROOM / folder, house / folder, dirs_exist_ok=True)
    versions = house / "migrations" / "versions"
    head = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
    number = f"{int(head) + 1:04}"
    text = (ROOM / "migrations" / "versions" / "NNNN_lockers.py").read_text()
    (versions / f"{number}_lockers.py").write_text(text.replace("NNNN", number).replace("HEAD", head))
    contracts = house / "pyproject.toml"
    text, floors = re.subn(r'^(  "(?:[\w.]+ \| )*merges\b)', r"\1 | lockers", contracts.read_text(), flags=re.M)
    assert floors == 1, "pyproject.toml names the floor of merges once"
    contracts.write_text(text)


def _hashes(house: Path) -> dict[str, str]:
    files = [path for path in house.rglob("*") if path.is_file() and not {"__pycache__", ".import_linter_cache"} & set(path.parts)]
    return {str(path.relative_to(house)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_new_room_touches_few_files_outside_its_own_folders(
    tmp_path: Path, postgres: embedded.Postgres, new_database: Callable[[], str], settings: Settings, figure: Callable[[str], None]
) -> None:
    house, name = tmp_path / "house", new_database()
    _copy(house)
    before = _hashes(house)
    _add_room(house)
    env = {**os.environ, "PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1", "REDIS_URL": settings.redis_url}
    env |= {"DATABASE_URL": postgres.url(name), "DATABASE_OWNER_URL": postgres.url(name, embedded.OWNER)}
    contracts = subprocess.Popen(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=house, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    proof = subprocess.run(
        [sys.executable, "-m", "tests.guards.new_room.prove"], cwd=house, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    said, _ = contracts.communicate(timeout=600)
    assert proof.returncode == 0, proof.stdout + proof.stderr
    assert contracts.returncode == 0, said.decode()
    after = _hashes(house)
    assert set(before) <= set(after)
    touched = sorted(path for path, content in after.items() if before.get(path) != content)
    assert any(path.startswith("api/lockers/") for path in touched)
    outside = [path for path in touched if not path.startswith(OWN)]
    figure(f"{len(outside)} files outside its own folders: {', '.join(outside)}")
    assert len(outside) <= MOST, outside
