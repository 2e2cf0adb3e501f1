from __future__ import annotations

import json

import pytest

from ocr.reading import Reading
from tests.ocr.slips import SLIPS, read


def test_a_reading_survives_json() -> None:
    for slip in SLIPS:
        reading = read(slip.rows)
        assert Reading.from_json(json.loads(json.dumps(reading.to_json()))).to_json() == reading.to_json()


def test_a_reading_of_another_schema_is_refused() -> None:
    data = read(SLIPS[0].rows).to_json() | {"schema": 99}
    with pytest.raises(ValueError, match="schema 99"):
        Reading.from_json(data)
