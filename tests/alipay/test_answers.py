"""The signed text of an answer, over answers that nobody thought of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alipay.errors import AlipayError
from alipay.signing import signed_node

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
NODES = st.dictionaries(st.text(), VALUES, max_size=4) | st.text()


@settings(max_examples=300, deadline=None)
@given(NODES, st.dictionaries(st.text().filter(lambda name: name != "x_response"), VALUES, max_size=3), st.booleans())
def test_the_node_is_found_byte_for_byte(node: object, others: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(node, ensure_ascii=ascii_only)
    before = json.dumps(others, ensure_ascii=ascii_only).removesuffix("}")
    raw = f'{before}{"," if others else ""} "x_response" : {text} ,"sign":"x"}}'
    assert signed_node(raw, "x_response") == text


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text_is_read_or_named_unreadable(raw: str) -> None:
    with pytest.raises(AlipayError):
        signed_node(raw, "x_response")
