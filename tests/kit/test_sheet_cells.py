"""What leaves as CSV stays one cell to every spreadsheet, also to one that separates by `;`."""

from __future__ import annotations

import csv
import io

import pytest

from api.kit import sheets


@pytest.mark.parametrize("cell", ["店;=1+1", "a;b", "tab\there", 'he said "no"', "a,b", "two\r\nlines", " edge "])
def test_a_separator_in_a_cell_is_quoted(cell: str) -> None:
    text = sheets.written([["x", cell], ["y", "plain"]])
    assert text.splitlines()[-1] == "y,plain"
    assert '"' + cell.replace('"', '""') + '"' in text
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["x", cell], ["y", "plain"]]


def test_a_separator_in_the_example_of_a_template_is_quoted() -> None:
    assert b'"1-4 10:00-22:00; 5-7"' in sheets.template(["hours"], ["1-4 10:00-22:00; 5-7"])
