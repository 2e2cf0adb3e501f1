"""What can be done with receipts: take one in, read it, decide on it, score it, ask about it, correct it, withdraw it.

Other rooms and the routes use the names below; the verbs of one group stand in one file each.
"""

from __future__ import annotations

from api.receipts.service.answers import answer, correct, fitting, withdraw
from api.receipts.service.conclusions import begin_reading, conclude, reading_failed
from api.receipts.service.membership import ERASURE, bring_back, erase_photos, forget, hand_over, lock_all
from api.receipts.service.moves import photos_of, stored_reading
from api.receipts.service.outcomes import refuse, score
from api.receipts.service.refund_slips import apply_refund
from api.receipts.service.submissions import BY_MEMBER, MAX_PHOTOS, check, spend_limits, take_in
from api.receipts.service.till_learning import learn_tills
from api.receipts.service.upkeep import close_unanswered, reader_trouble, remove_old_photos, sweep_orphans
from api.receipts.service.views import (
    corrections_of,
    count_of,
    crop_of,
    export,
    photo_of,
    place_of,
    receipt_of,
    receipts_of,
    receipts_of_mall,
)

__all__ = [
    "BY_MEMBER",
    "ERASURE",
    "MAX_PHOTOS",
    "answer",
    "apply_refund",
    "begin_reading",
    "bring_back",
    "check",
    "close_unanswered",
    "conclude",
    "correct",
    "corrections_of",
    "count_of",
    "crop_of",
    "erase_photos",
    "export",
    "fitting",
    "forget",
    "hand_over",
    "learn_tills",
    "lock_all",
    "photo_of",
    "photos_of",
    "place_of",
    "reader_trouble",
    "reading_failed",
    "receipt_of",
    "receipts_of",
    "receipts_of_mall",
    "refuse",
    "remove_old_photos",
    "score",
    "spend_limits",
    "stored_reading",
    "sweep_orphans",
    "take_in",
    "withdraw",
]
