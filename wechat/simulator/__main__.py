"""python -m wechat.simulator: serve this machine until interrupted."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from pathlib import Path

from wechat.simulator.app import create_app
from wechat.simulator.serve import server
from wechat.simulator.settings import PORT, Settings


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m wechat.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--keys", type=Path, default=Settings.keys, help="folder of the key files, made if missing")
    parser.add_argument("--seed", default=Settings.seed, help="makes openids and phones the same after every start")
    parser.add_argument("--dice-seed", help="makes everything else that is random the same in every replay")
    parser.add_argument("--schedule-factor", type=float, default=1.0, help="1.0 resends notices as WeChat Pay does")
    parser.add_argument("--sign-mode", choices=("public_key", "certificate", "mixed"), default="public_key")
    arguments = parser.parse_args()
    settings = Settings(
        keys=arguments.keys,
        seed=arguments.seed,
        dice_seed=arguments.dice_seed,
        schedule_factor=arguments.schedule_factor,
        sign_mode=arguments.sign_mode,
    )
    with server(create_app(settings), arguments.port) as web:
        signal.signal(signal.SIGTERM, lambda *_: _stop())
        sys.stdout.write(f"WeChat simulator on http://127.0.0.1:{web.server_port}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            web.serve_forever()


def _stop() -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
