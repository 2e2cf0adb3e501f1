"""Who asks for many codes from one network pays for each with a moment of computing; a person hardly notices, a program does."""

from __future__ import annotations

from api.kit import challenges, db, limits
from api.kit.challenges import Challenge, Solution
from api.members.errors import ChallengeNeeded

#: The count of codes that were asked for from a network; `times` of them in an hour need no challenge.
ASKED = limits.Limit("phone-codes-network", 3, 3600)
#: A slow phone tries some 60,000 numbers in a second, and finds the right one half way: a quarter of a second at first, two at most.
EASY, HARD = 30_000, 120_000
STEP = 10


def give(network: str) -> Challenge:
    """A challenge for the next code that is asked for from a network."""
    return challenges.give(_purpose(), _most(limits.count(ASKED, _subject(network), 0)))


def demand(network: str, solution: Solution | None) -> None:
    """Count a request for a code, and want a solution after the first few. ChallengeNeeded, with the challenge."""
    asked = limits.count(ASKED, _subject(network))
    if asked <= ASKED.times:
        return
    # Whoever took a challenge a little earlier, when it was easier, is not sent back.
    if solution is not None and challenges.accept(solution, _purpose(), _most(asked) // 2):
        return
    limits.count(ASKED, _subject(network), -1)  # nothing was sent
    raise ChallengeNeeded(challenge=vars(challenges.give(_purpose(), _most(asked))))


def _most(asked: int) -> int:
    return min(HARD, EASY * (1 + max(0, asked - ASKED.times) // STEP))


def _purpose() -> str:
    return f"phone-code:{db.mall()}"


def _subject(network: str) -> str:
    return f"{db.mall()}:{network}"
