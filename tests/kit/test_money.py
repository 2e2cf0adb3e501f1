import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kit import money

AMOUNTS = st.integers(-money.MAX_FEN, money.MAX_FEN)


@given(AMOUNTS, st.lists(st.integers(0, 10**7), min_size=1, max_size=40))
def test_the_parts_of_a_split_add_up(total: int, weights: list[int]) -> None:
    assert sum(money.split(total, weights)) == total


@given(AMOUNTS, st.lists(st.integers(0, 10**7), min_size=1, max_size=40))
def test_no_part_is_a_whole_fen_off_its_exact_share(total: int, weights: list[int]) -> None:
    scale = sum(weights) or len(weights)
    shares = weights if sum(weights) else [1] * len(weights)
    for part, weight in zip(money.split(total, weights), shares, strict=True):
        assert abs(part * scale - total * weight) < scale


def test_a_fen_left_over_goes_to_the_first_of_equals() -> None:
    assert money.split(100, [1, 1, 1]) == [34, 33, 33]
    assert money.split(-100, [1, 1, 1]) == [-34, -33, -33]
    assert money.split(7, [0, 0]) == [4, 3]


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_weights_below_zero_or_none_at_all_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        money.split(100, weights)


@given(st.integers(-99_999_999_999, 99_999_999_999))
def test_fen_written_as_yuan_and_read_again_is_the_same(amount_fen: int) -> None:
    assert money.fen(money.yuan(amount_fen)) == amount_fen


@given(st.text(max_size=20))
def test_any_text_is_an_exact_amount_or_refused(text: str) -> None:
    try:
        amount_fen = money.fen(text)
    except ValueError:
        return
    assert text.isascii()
    assert float(text) * 100 == pytest.approx(amount_fen)


@pytest.mark.parametrize(
    "written",
    [
        "１２.３０", "12.345", "1e308", "1e3", "NaN", "nan", "inf", "-inf", "", " ", "+1", "1,000.00", ".5", "5.", "--1", "0x10", "12.30 ",
        "12.30\n", "\u0661\u0662", "1_000", "¥12", "12.30元", "9999999999", "1" * 400, "−1",
    ],
)  # fmt: skip
def test_what_is_not_plainly_an_amount_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        money.fen(written)


@pytest.mark.parametrize(
    ("rounding", "points"),
    [("down", 1), ("up", 2), ("half_up", 2)],
)
def test_a_share_is_rounded_as_was_said(rounding: str, points: int) -> None:
    assert money.basis_points(150, 100, rounding) == points


@given(st.integers(0, money.MAX_FEN), st.integers(0, 100_000))
def test_a_share_rounded_down_and_up_enclose_the_exact_one(amount: int, rate_bp: int) -> None:
    down, up = money.basis_points(amount, rate_bp), money.basis_points(amount, rate_bp, "up")
    assert down * 10_000 <= amount * rate_bp <= up * 10_000
    assert up - down <= 1
