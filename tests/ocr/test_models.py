from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ocr import models


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(models.ensure(), tmp_path, dirs_exist_ok=True)
    assert models.intact(tmp_path)
    (tmp_path / models.DETECTION.name / "inference.onnx").write_bytes(b"not a model")
    assert not models.intact(tmp_path)


def test_an_unreachable_index_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with pytest.raises(models.WeightsMissing, match="could not be downloaded"):
        models.ensure(tmp_path / "weights")
    assert not list((tmp_path / "weights").iterdir())


def test_the_folder_is_chosen_by_the_environment() -> None:
    assert models.folder({"OCR_MODELS_DIR": "/srv/weights"}) == Path("/srv/weights")
    assert models.folder({}).parts[-2:] == ("var", "ocr-models")
