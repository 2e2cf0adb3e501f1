"""WeChat's access token: renewed once, whichever of many workers asks, and still had when the cache is away."""

import threading

import requests

from api.kit import cache, clock, tokens
from wechat.miniprogram import AccessToken, MiniProgram

WORKERS = 12


def worker(url: str) -> MiniProgram:
    """A worker's own client, with nothing in its memory."""
    from wechat.simulator import Settings

    known = Settings()
    return MiniProgram(known.appid, known.secret, clock=clock.now, tokens=tokens.SharedTokens(AccessToken), base_url=url)


def asked(url: str) -> int:
    """How often the simulator was asked for a token."""
    return int(requests.get(f"{url}/_sim/mini-program", timeout=5).json()["tokens"]["asked"])


def all_at_once(workers: list[MiniProgram]) -> list[str]:
    together, got = threading.Barrier(len(workers)), []

    def ask(program: MiniProgram) -> None:
        together.wait()
        got.append(program.access_token())

    threads = [threading.Thread(target=ask, args=(program,)) for program in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return got


def test_of_many_workers_one_renews_and_all_have_the_same(valkey, wechat) -> None:
    before = asked(wechat.url)
    got = all_at_once([worker(wechat.url) for _ in range(WORKERS)])
    assert len(got) == WORKERS and len(set(got)) == 1
    assert asked(wechat.url) - before == 1


def test_without_a_cache_every_worker_still_has_it(valkey, wechat) -> None:
    valkey.stop()
    got = all_at_once([worker(wechat.url) for _ in range(4)])
    assert len(got) == 4 and len(set(got)) == 1


def test_the_cache_holds_the_token_sealed_and_no_longer_than_it_lasts(valkey, wechat) -> None:
    token = worker(wechat.url).access_token()
    with_it = cache.attempt(lambda client: [(key, client.get(key), client.ttl(key)) for key in client.keys("gateway-token:*")], [])
    assert len(with_it) == 1
    _, held, left = with_it[0]
    assert token.encode() not in held
    assert 0 < left <= 7_200


def test_what_another_key_sealed_is_fetched_anew(valkey, wechat) -> None:
    program = worker(wechat.url)
    token = program.access_token()
    cache.attempt(lambda client: [client.set(key, b"0" * 60) for key in client.keys("gateway-token:*")], None)
    assert worker(wechat.url).access_token() == token
