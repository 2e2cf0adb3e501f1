"""Uploads while a worker reads: ten photos a second for twenty seconds, the answer's p95 must stay under 200 ms.

`python -m bench.uploads` prints JSON: sent, answers by status, p50/p95/max in ms, photos read meanwhile, receipts kept.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
import uuid
from collections import Counter

import requests

from bench.stage import Stage, stage

RATE, SECONDS, MEMBERS = 10, 20, 50


def measure(place: Stage) -> dict[str, object]:
    """Send the load from threads, each photo at its own moment, whether or not earlier ones were answered."""
    from deploy import paper

    tokens = _tokens(place)
    photos = [paper.paper("receipt", shop=number % 40, seed=number) for number in range(RATE * SECONDS)]
    answers: Counter[int] = Counter()
    took: list[float] = []
    lock = threading.Lock()

    def send(number: int) -> None:
        began = time.perf_counter()
        answer = requests.post(
            f"{place.web}/v1/receipts",
            headers={"Authorization": f"Bearer {tokens[number % len(tokens)]}", "Idempotency-Key": uuid.uuid4().hex},
            files={"photo": ("receipt.jpg", photos[number], "image/jpeg")},
            timeout=30,
        )
        with lock:
            took.append((time.perf_counter() - began) * 1000)
            answers[answer.status_code] += 1

    threads = []
    start = time.perf_counter()
    for number in range(RATE * SECONDS):
        time.sleep(max(0.0, start + number / RATE - time.perf_counter()))
        threads.append(threading.Thread(target=send, args=(number,), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join()
    ordered = sorted(took)
    return {
        "bench": "uploads",
        "rate_per_second": RATE,
        "sent": len(took),
        "answers": dict(answers),
        "p50_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[int(len(ordered) * 0.95) - 1], 1),
        "max_ms": round(ordered[-1], 1),
        "target_p95_ms": 200,
    }


def _tokens(place: Stage) -> list[str]:
    tokens = []
    for number in range(MEMBERS):
        code = requests.post(f"{place.env['WECHAT_API']}/_sim/login-code", json={"person": f"bench-{number}"}, timeout=5).json()["js_code"]
        answer = requests.post(f"{place.web}/v1/malls/demo/sign-in/wechat", json={"js_code": code, "consent_version": "1"}, timeout=10)
        tokens.append(answer.json()["access_token"])
    return tokens


def main() -> int:
    """Run it and print the figures."""
    with stage() as place:
        from deploy import demo

        demo.fill(people=100, env=place.env)
        place.start("web", "wechat", "ocr", "worker")
        place.wait_for(f"{place.web}/readyz")
        figures = measure(place)
    print(json.dumps(figures, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
