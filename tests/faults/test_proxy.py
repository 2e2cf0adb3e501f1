"""The house as operators run it: nginx with deploy/nginx.conf in front of two web processes and the live stream."""

import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from api import web_pages as pages
from deploy import web_pages
from tests import processes
from tests.faults.conftest import Town
from tests.faults.proxy import Proxy, proxy


@dataclass
class House:
    """The proxy, and what is behind it."""

    proxy: Proxy
    web: list[processes.Process]


@contextmanager
def house(town: Town, folder: Path, *web: processes.Process) -> Iterator[House]:
    """nginx in front of two servers and the stream."""
    first, second, stream = (int(urlsplit(server.url).port or 0) for server in (*web, town.common.live()))
    with proxy(folder / "nginx", web_pages.FOLDER, (first, second), stream) as front:
        yield House(front, list(web))


@pytest.fixture
def changing(town: Town, tmp_path: Path) -> Iterator[House]:
    """A house whose servers may be ended."""
    with house(town, tmp_path, *(town.run.web(1) for _ in range(2))) as made:
        yield made


@pytest.fixture
def lasting(town: Town, tmp_path: Path) -> Iterator[House]:
    """A house of the servers that all tests share."""
    with house(town, tmp_path, town.start_web(), town.start_web()) as made:
        yield made


def test_servers_change_behind_the_proxy_and_no_phone_sees_it(town: Town, changing: House, figure: Callable[[str], None]) -> None:
    """Row 33: each server is told to stop and started anew under load, the second right after the first; nobody asks twice."""
    photos = [town.paper(size=12) for _ in range(4)]
    members = [town.member() for _ in range(40)]
    tokens = {member: town.token(member) for member in members}
    numbers, stopping = itertools.count(), threading.Event()
    looked: list[int] = []
    uploaded: list[str] = []

    def phone() -> None:
        deadline = time.monotonic() + 90
        with changing.proxy.session() as session:
            while not stopping.wait(0.02):
                assert time.monotonic() < deadline
                number = next(numbers)
                member = members[number // 40 % len(members)]
                signed = {"Authorization": f"Bearer {tokens[member]}", "X-Device-Id": f"device-{member}"}
                if number % 40:  # an upload now and then: nobody reads them here, and the queue has its own bound
                    looked.append(session.get(f"{changing.proxy.url}/v1/receipts", headers=signed, timeout=30).status_code)
                    continue
                answer = session.post(
                    f"{changing.proxy.url}/v1/receipts",
                    headers=signed | {"Idempotency-Key": f"proxied-{number:05}"},
                    files={"photo": ("receipt.jpg", photos[number % 4], "image/jpeg")},
                    timeout=30,
                )
                uploaded.append("taken" if answer.status_code == 202 else answer.text)

    with ThreadPoolExecutor(6) as pool:
        phones = [pool.submit(phone) for _ in range(6)]
        try:
            for at in (0, 1):
                before = len(looked)
                processes.until(lambda before=before: len(looked) >= before + 60, 30)
                port = int(urlsplit(changing.web[at].url).port or 0)
                assert changing.web[at].terminate(30) == 0
                changing.web[at] = town.run.web(1, port)
        finally:
            stopping.set()
        for one in phones:
            one.result(30)
    assert set(looked) == {200}
    assert set(uploaded) == {"taken"}
    assert town.rows("SELECT count(*) FROM receipts") == [(len(uploaded),)]
    a_house_without_servers_says_so(town, changing)
    figure(f"{len(looked)} looks and {len(uploaded)} uploads through nginx over a change of both servers: 0 errors, none lost or twice")


def test_the_pages_are_those_of_the_app(town: Town, lasting: House) -> None:
    """Same headers, found parts kept for ever and missing ones never, the rest of the machine not to be seen."""
    house, code = lasting, town.code
    with house.proxy.session() as session:
        at = house.proxy.url

        moved = session.get(f"{house.proxy.plain}/m/{code}/", allow_redirects=False)
        assert (moved.status_code, moved.headers["Location"]) == (301, f"https://127.0.0.1/m/{code}/")
        assert session.get(f"{at}/m/{code}", allow_redirects=False).status_code == 308

        for face in ("m", "office", "shop"):
            index = session.get(f"{at}/{face}/{code}/")
            own = requests.get(f"{house.web[0].url}/{face}/{code}/", timeout=10)
            assert index.status_code == own.status_code == 200
            assert index.content == own.content
            for header in ("Cache-Control", "Content-Type", *pages.HEADERS):
                assert index.headers[header] == own.headers[header], header
            assert index.headers["Content-Security-Policy"] == "; ".join(f"{name} {value}" for name, value in pages.POLICY.items())
            part = re.findall(r'src="(/(?:m|console)/assets/index-[^"]+\.js)"', index.text)[0]
            script = session.get(f"{at}{part}", headers={"Accept-Encoding": "gzip"})
            assert (script.status_code, script.headers["Cache-Control"]) == (200, pages.FOREVER)
            assert script.headers["Content-Encoding"] == "gzip"
            assert script.headers["Content-Type"].split(";")[0] in {"application/javascript", "text/javascript"}
            missing = session.get(f"{at}{part}.gone.js")
            assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-cache")

        own_settings = session.get(f"{at}/m/{code}/settings.json")
        assert own_settings.status_code == 200
        assert own_settings.json() == requests.get(f"{house.web[0].url}/m/{code}/settings.json", timeout=10).json()
        assert own_settings.headers["Strict-Transport-Security"].startswith("max-age=")
        for hidden in ("/metrics", "/docs", "/openapi.json", "/m/../../etc/passwd", "/console/assets/..%2f..%2f..%2fsecrets.json"):
            assert session.get(f"{at}{hidden}").status_code in {400, 404}, hidden


def test_refusals_are_problem_documents(town: Town, lasting: House) -> None:
    """A body beyond every limit is the proxy's own; the app's refusals pass as they are."""
    signed = {"Authorization": f"Bearer {town.token(town.member())}"}
    with lasting.proxy.session() as session:
        own = session.get(f"{lasting.proxy.url}/v1/receipts/99999999", headers=signed)
        assert (own.status_code, own.headers["Content-Type"]) == (404, "application/problem+json")
        large = session.post(f"{lasting.proxy.url}/v1/receipts", headers=signed, data=b"x" * 22 * 2**20, timeout=30)
        assert (large.status_code, large.headers["Content-Type"]) == (413, "application/problem+json")
        assert large.json()["type"] == "/problems/body-too-large"


def a_house_without_servers_says_so(town: Town, house: House) -> None:
    """The servers are all away."""
    signed = {"Authorization": f"Bearer {town.token(town.member())}"}
    for server in house.web:
        server.terminate(30)
    with house.proxy.session() as session:
        away = session.get(f"{house.proxy.url}/v1/receipts", headers=signed)
        assert (away.status_code, away.headers["Content-Type"]) == (503, "application/problem+json")
        assert (away.json()["type"], away.headers["Retry-After"]) == ("/problems/unavailable", "5")


def test_the_stream_passes_at_once(town: Town, lasting: House) -> None:
    """What is said about a receipt comes while the stream is open: nothing is held back in a buffer."""
    member = town.member()
    town.common.reader()
    seen: list[str] = []
    at = f"{lasting.proxy.url}/v1/live?token={town.token(member)}"
    with lasting.proxy.session() as session, session.get(at, stream=True, timeout=60) as stream:
        assert (stream.status_code, stream.headers["Content-Type"].split(";")[0]) == (200, "text/event-stream")
        receipt = town.sent(member, town.paper())
        for line in stream.iter_lines(chunk_size=1, decode_unicode=True):
            if line.startswith("data:"):
                message = json.loads(line[5:])
                if message.get("receipt_id") == receipt:
                    seen.append(message["state"])
                if "scored" in seen:
                    break
    assert len(seen) >= 2  # on its way, then scored
