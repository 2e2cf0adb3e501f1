"""Receipts that are made up: layouts written from what shops print, apart from those the rules were built with."""

from bench.papers import mainland, services, southern, traps
from bench.papers.till import LAYOUTS

__all__ = ["LAYOUTS", "mainland", "services", "southern", "traps"]
