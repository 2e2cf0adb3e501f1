from __future__ import annotations

import pytest

from ocr.reader import Reader


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader(threads=1)
