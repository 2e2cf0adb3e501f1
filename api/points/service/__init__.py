"""What can be done with points. Other rooms use the names below; the verbs of one group stand in one file each."""

from __future__ import annotations

from api.points.models import Adjustment, Award, Spend, TakeBack
from api.points.service.adjustments import adjust, grant
from api.points.service.awards import activate_due, award, award_of, earn, earn_claimed
from api.points.service.batches import expire as expire_member
from api.points.service.batches import expire_due
from api.points.service.clawback import hold_awards, take_back
from api.points.service.member_merge import Holding, MergeUndo, export, holding, holds, lock_awards, merge, preview_undo_merge, undo_merge
from api.points.service.membership import forfeit
from api.points.service.notifications import expiring as tell_expiring
from api.points.service.redemption import give_back, spend, spend_of
from api.points.service.reports import Liability, liability_report, raise_alerts, record_liability
from api.points.service.views import Summary, awards_of, history, spendable, summary

__all__ = [
    "Adjustment",
    "Award",
    "Holding",
    "Liability",
    "MergeUndo",
    "Spend",
    "Summary",
    "TakeBack",
    "activate_due",
    "adjust",
    "award",
    "award_of",
    "awards_of",
    "earn",
    "earn_claimed",
    "expire_due",
    "expire_member",
    "export",
    "forfeit",
    "give_back",
    "grant",
    "history",
    "hold_awards",
    "holding",
    "holds",
    "liability_report",
    "lock_awards",
    "merge",
    "preview_undo_merge",
    "raise_alerts",
    "record_liability",
    "spend",
    "spend_of",
    "spendable",
    "summary",
    "take_back",
    "tell_expiring",
    "undo_merge",
]
