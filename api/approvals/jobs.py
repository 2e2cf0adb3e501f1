"""What is done every night about approvals."""

from __future__ import annotations

from api.approvals import service
from api.kit import jobs


@jobs.nightly("5 20 * * *")
def expire_approvals() -> None:
    """End requests for a second person that waited too long."""
    service.expire()
