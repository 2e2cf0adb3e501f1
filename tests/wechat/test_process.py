"""The simulator as people start it: a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.processes
def test_it_starts_answers_tells_nothing_and_ends_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wechat.simulator", "--port", "0", "--keys", str(tmp_path / "keys")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        try:
            answer = requests.post(f"{said.split()[-1]}/_sim/login-code", json={"person": "li-lei"}, timeout=5)
        finally:
            process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert answer.status_code == 200
        assert process.wait(5) == 0
    assert rest == ""
