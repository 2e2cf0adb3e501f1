from __future__ import annotations

from api.kit.errors import Conflict, NotFound, Unprocessable


class RuleNotFound(NotFound):
    """There is no such rule of points."""


class RuleWrong(Unprocessable):
    """This rule of points does not make sense; `errors` says why."""


class RuleStartsInThePast(Unprocessable):
    """A rule of points starts now or later: a change never touches the past."""


class SaleNotClaimed(Conflict):
    """No sighting has claimed this sale yet, so it cannot earn."""


class AwardNotFound(NotFound):
    """There is no such award of points."""


class PointsTooFew(Conflict):
    """There are not enough points for this."""


class SpendNotFound(NotFound):
    """These points were never spent."""


class GiveBackTooLarge(Conflict):
    """More points would come back than were spent."""


class AdjustmentNotFound(NotFound):
    """There is no such adjustment of points."""


class AlertNotFound(NotFound):
    """There is no such alert."""


class RehearsalNotFound(NotFound):
    """There is no such rehearsal of a rule."""


class RehearsalRangeWrong(Unprocessable):
    """These days cannot be rehearsed; `errors` says why."""
