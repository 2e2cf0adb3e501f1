"""The cache may stop, hang or forget: what asks it goes on, quickly."""

import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from api.kit import cache, clock, limits

SIGN_IN = limits.Limit("sign-in", 3, 60)


def spend_until_refused(subject: str, most: int = 20) -> int:
    """How often the subject may before it is refused."""
    for used in range(most):
        try:
            limits.spend(SIGN_IN, subject)
        except limits.TooOften:
            return used
    return most


def test_the_fourth_of_three_is_refused_and_says_how_long_to_wait(valkey) -> None:
    clock.fix(datetime(2026, 11, 22, 12, 0, 45, tzinfo=UTC))
    assert spend_until_refused("device-1") == 3
    with pytest.raises(limits.TooOften) as refused:
        limits.spend(SIGN_IN, "device-1")
    assert refused.value.status == 429
    assert refused.value.retry_after == 15


def test_another_subject_and_the_next_window_are_free(valkey) -> None:
    clock.fix(datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert spend_until_refused("device-1") == 3
    assert spend_until_refused("device-2") == 3
    clock.fix(clock.now() + timedelta(seconds=60))
    assert spend_until_refused("device-1") == 3


def test_threads_together_get_no_more_than_the_limit(valkey) -> None:
    clock.fix(datetime(2026, 11, 22, 12, tzinfo=UTC))
    allowed: list[int] = []

    def one() -> None:
        try:
            limits.spend(SIGN_IN, "device-3")
            allowed.append(1)
        except limits.TooOften:
            pass

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(allowed) == 3


def test_without_a_cache_the_limit_is_counted_here(valkey) -> None:
    clock.fix(datetime(2026, 11, 22, 12, tzinfo=UTC))
    valkey.stop()
    assert spend_until_refused("device-4") == 3


def test_a_flushed_cache_starts_the_count_again_but_nothing_breaks(valkey) -> None:
    clock.fix(datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert spend_until_refused("device-5") == 3
    cache.attempt(lambda client: client.flushall(), None)
    assert spend_until_refused("device-5") == 3


@pytest.mark.parametrize("fault", ["stopped", "hung"])
def test_a_cache_that_is_gone_or_hangs_costs_little_time(valkey, fault: str) -> None:
    assert cache.alive()
    if fault == "stopped":
        valkey.stop()
    else:
        valkey.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    answers = [cache.attempt(lambda client: client.get("x"), b"otherwise") for _ in range(200)]
    took = time.monotonic() - began
    assert answers == [b"otherwise"] * 200
    assert took < 1.0, f"200 questions to a {fault} cache took {took:.1f} s"


def test_a_cache_that_comes_back_is_asked_again(valkey, monkeypatch) -> None:
    monkeypatch.setattr(cache, "REST", 0.2)
    valkey.process.send_signal(signal.SIGSTOP)
    assert not cache.alive()
    valkey.process.send_signal(signal.SIGCONT)
    time.sleep(0.3)
    assert cache.alive()


def test_what_was_asked_of_a_hung_cache_is_not_answered_to_the_next_question(valkey, monkeypatch) -> None:
    monkeypatch.setattr(cache, "REST", 0.0)
    cache.attempt(lambda client: client.set("a", "1") and client.set("b", "2"), None)
    valkey.process.send_signal(signal.SIGSTOP)
    assert cache.attempt(lambda client: client.get("a"), b"none") == b"none"
    valkey.process.send_signal(signal.SIGCONT)
    time.sleep(0.1)
    assert cache.attempt(lambda client: client.get("b"), None) == b"2"


def test_an_unexpected_answer_of_the_cache_raises_nothing(valkey) -> None:
    cache.attempt(lambda client: client.set("limit:sign-in:odd:0", "not a number"), None)
    assert cache.attempt(lambda client: client.incr("limit:sign-in:odd:0"), -1) == -1
