"""Receipts that are made up: layouts written from what shops print, apart from those the rules were built with."""

from bench.papers import fresh, mainland, services, southern, traps
from bench.papers.till import LAYOUTS

__all__ = ["LAYOUTS", "fresh", "mainland", "services", "southern", "traps"]
