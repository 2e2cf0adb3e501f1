"""What can be done with plates."""

from api.plates.service.inspections import ExpectedPlate, acknowledge, alarms, check, checks, expected
from api.plates.service.lifecycle import batch, batches, bind, issue, move, moves_of, plate_of, plates, retire, shops_with_plates
from api.plates.service.print_sheets import address, sheet
from api.plates.service.resolution import PlateInUse, ScannedPlate, Terms, check_amount, enter, resolve, show
from api.plates.service.silence import SilenceReport, watch
from api.plates.service.terms import set_terms, terms_of

__all__ = [
    "ExpectedPlate",
    "PlateInUse",
    "ScannedPlate",
    "SilenceReport",
    "Terms",
    "acknowledge",
    "address",
    "alarms",
    "batch",
    "batches",
    "bind",
    "check",
    "check_amount",
    "checks",
    "enter",
    "expected",
    "issue",
    "move",
    "moves_of",
    "plate_of",
    "plates",
    "resolve",
    "retire",
    "set_terms",
    "sheet",
    "shops_with_plates",
    "show",
    "terms_of",
    "watch",
]
