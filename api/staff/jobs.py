"""Background work of the room of staff."""

from __future__ import annotations

from api.kit import jobs
from api.staff import service


@jobs.nightly("40 19 * * *")
def forget_old_sign_ins() -> None:
    """Remove ended sign-ins, used pairing codes and counts of tries that are not needed any more."""
    service.forget_old()
