"""PaddleOCR as we need it: two models, ONNX Runtime, no network, no OpenGL, no output."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ocr.models import DETECTION, RECOGNITION, SECOND, Weights

FULL_OPENCV = "opencv-contrib-python"
HEADLESS_OPENCV = "opencv-contrib-python-headless"


class _HeadlessOpenCv(importlib.metadata.DistributionFinder):
    """Answers for the full OpenCV with the headless one: the same cv2 module, without libGL.

    PaddleX asks the package database, not the import system, whether OpenCV is there.
    Last on the path, so that an installed full OpenCV speaks for itself.
    """

    @classmethod
    def find_spec(cls, *_args: object, **_kwargs: object) -> None:
        return None

    @classmethod
    def find_distributions(
        cls, context: importlib.metadata.DistributionFinder.Context | None = None
    ) -> Iterable[importlib.metadata.Distribution]:
        if context is None or context.name != FULL_OPENCV:
            return
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield importlib.metadata.distribution(HEADLESS_OPENCV)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # Standard output belongs to the caller: whatever the vendor prints goes to standard error.
    with contextlib.redirect_stdout(sys.stderr):
        yield


def load(folder: Path, threads: int, batch: int) -> tuple[Any, Any, Any]:
    """The detector, the recogniser and a second one from `folder`. Build and call them in one and the same thread."""
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")
    if _HeadlessOpenCv not in sys.meta_path:
        sys.meta_path.append(_HeadlessOpenCv)
    with _quiet():
        from paddleocr import TextDetection, TextRecognition

        detector = TextDetection(**_common(DETECTION, folder, threads))
        recogniser, second = (TextRecognition(**_common(weights, folder, threads)) for weights in (RECOGNITION, SECOND))
    recogniser.paddlex_predictor.batch_sampler.batch_size = batch
    second.paddlex_predictor.batch_sampler.batch_size = batch
    return detector, recogniser, second


def _common(weights: Weights, folder: Path, threads: int) -> dict[str, Any]:
    # Without these two, ONNX Runtime keeps the largest buffer of every shape it has ever seen.
    config = {"intra_op_num_threads": threads, "enable_cpu_mem_arena": False, "log_severity_level": 3}
    return {
        "model_name": weights.name,
        "model_dir": str(folder / weights.name),
        "device": "cpu",
        "engine": "onnxruntime",
        "engine_config": config,
    }
