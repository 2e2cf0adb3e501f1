"""What can be done with members. Other rooms use the names below; the verbs of one group stand in one file each."""

from __future__ import annotations

from api.members.service.consents import stands as consent_stands
from api.members.service.levels import Earner, add_growth, all_levels, earner, level_multiplier_bp, level_of, seed_levels, standing
from api.members.service.member_codes import new_code, use_code
from api.members.service.member_merge import held_if_active, hold, hold_alone
from api.members.service.profile import by_identity, get, lookup_by_phone, of_any_state, subject, subject_query, surviving
from api.members.service.search import find
from api.members.service.vehicles import default_plate

__all__ = [
    "Earner",
    "add_growth",
    "all_levels",
    "by_identity",
    "consent_stands",
    "default_plate",
    "earner",
    "find",
    "get",
    "held_if_active",
    "hold",
    "hold_alone",
    "level_multiplier_bp",
    "level_of",
    "lookup_by_phone",
    "new_code",
    "of_any_state",
    "seed_levels",
    "standing",
    "subject",
    "subject_query",
    "surviving",
    "use_code",
]
