"""What happens to points when a member leaves."""

from __future__ import annotations

from sqlalchemy import select, update

from api.kit import clock
from api.kit.db import session
from api.points.models import Award, Batch
from api.points.service import awards, batches
from api.points.states import AwardState


def forfeit(member_id: int) -> int:
    """Let every point of a member go who closes the account, pending ones too; returns how many. A debt stays as it is."""
    pending = select(Award).where(Award.member_id == member_id, Award.state == AwardState.PENDING).order_by(Award.id).with_for_update()
    for award in session.scalars(pending.execution_options(populate_existing=True)).all():
        awards.activate(award, reason="the account was closed")
    open_batches = update(Batch).where(Batch.member_id == member_id, Batch.left_points > 0)
    session.execute(open_batches.values(expires_at=clock.now()), execution_options={"synchronize_session": False})
    return batches.expire(member_id)
