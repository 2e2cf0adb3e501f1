"""Every job of every room, and the workers that run them: `python -m api.jobs work default` and `… work ocr`."""

from __future__ import annotations
