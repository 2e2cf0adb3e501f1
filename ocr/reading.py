"""What was read on a photo: lines, and the fields chosen among them. Plain values, stable JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar, cast

SCHEMA = 1

Point = tuple[float, float]
Box = tuple[Point, Point, Point, Point]
T = TypeVar("T")

Kind = Literal[
    "receipt",
    "payment_slip",
    "delivery_order",
    "e_screenshot",
    "unpaid_bill",
    "refund",
    "top_up",
    "parking",
    "other",
]

# The currency of a slip that prints a dollar sign and nothing that says whose.
SOME_DOLLAR = "$"

# What keeps a photo from being read.
Flaw = Literal["dark", "far", "blurred"]


@dataclass(frozen=True)
class Line:
    """One run of text. `box`: four corners in reading order, in pixels of the EXIF-upright picture; score 0..1."""

    text: str
    score: float
    box: Box


@dataclass(frozen=True)
class Field(Generic[T]):
    """A value with its confidence (0..1), the lines it was read from, and where to crop. value None: not found."""

    value: T | None
    confidence: float = 0.0
    line_indexes: tuple[int, ...] = ()
    box: Box | None = None


@dataclass(frozen=True)
class Candidate:
    """An amount (in fen) that the photo supports as the total, and the printed label that names it."""

    value_fen: int
    confidence: float
    label: str
    line_index: int
    box: Box | None


@dataclass(frozen=True)
class Tender:
    """One means of payment as printed, and what it paid, in fen."""

    name: str
    amount_fen: int


@dataclass(frozen=True)
class Signals:
    """What the picture itself tells. Scores are 0 (no sign) to 1 (clear sign); none is proof."""

    screen_photo: float = 0.0
    screenshot: float = 0.0
    edited: float = 0.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """The picture: upright size in pixels, format, perceptual hash (16 hex digits), signals, and what keeps it from being read."""

    width: int
    height: int
    format: str
    phash: str
    signals: Signals = Signals()
    flaw: Flaw | None = None


@dataclass(frozen=True)
class Reading:
    """Everything read from one receipt. Amounts are whole fen (hundredths of `currency`), times naive local.

    `currency` is an ISO 4217 code, `SOME_DOLLAR` where only its sign is printed, or empty where none is.
    """

    lines: tuple[Line, ...]
    merchant: Field[str]
    total_fen: Field[int]
    currency: str
    paid_at: Field[datetime]
    receipt_no: Field[str]
    kind: Kind
    kind_confidence: float
    auto: bool
    picture: Picture
    candidates: tuple[Candidate, ...] = ()
    tenders: tuple[Tender, ...] = ()
    amounts: Mapping[str, int] = field(default_factory=dict)
    original_no: str | None = None
    reprint: bool = False
    unit: str | None = None
    tax_no: str | None = None
    phone: str | None = None
    cashier: str | None = None
    mall: str | None = None
    #: What else the printed date means in another order of day and month, where nothing settles the order.
    other_times: tuple[datetime, ...] = ()
    #: What keeps the amount from being trusted without a person; nothing where `auto` is.
    doubts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain JSON values, with the version of its shape under `schema`."""
        return {
            "schema": SCHEMA,
            "lines": [_line_out(line) for line in self.lines],
            "merchant": _field_out(self.merchant),
            "total_fen": _field_out(self.total_fen),
            "currency": self.currency,
            "paid_at": _field_out(self.paid_at),
            "receipt_no": _field_out(self.receipt_no),
            "kind": self.kind,
            "kind_confidence": self.kind_confidence,
            "auto": self.auto,
            "picture": _picture_out(self.picture),
            "candidates": [_candidate_out(candidate) for candidate in self.candidates],
            "tenders": [{"name": tender.name, "amount_fen": tender.amount_fen} for tender in self.tenders],
            "amounts": dict(self.amounts),
            "doubts": list(self.doubts),
            "other_times": [at.isoformat() for at in self.other_times],
            **{name: getattr(self, name) for name in _PLAIN},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reading:
        """The reading that `to_json` wrote. Raises ValueError for a shape of another version."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"A reading of schema {data.get('schema')!r} cannot be read here.")
        return cls(
            lines=tuple(Line(line["text"], line["score"], _box_in(line["box"])) for line in data["lines"]),
            merchant=_field_in(data["merchant"]),
            total_fen=_field_in(data["total_fen"]),
            currency=data["currency"],
            paid_at=_time_in(data["paid_at"]),
            receipt_no=_field_in(data["receipt_no"]),
            kind=data["kind"],
            kind_confidence=data["kind_confidence"],
            auto=data["auto"],
            picture=_picture_in(data["picture"]),
            candidates=tuple(_candidate_in(candidate) for candidate in data["candidates"]),
            tenders=tuple(Tender(tender["name"], tender["amount_fen"]) for tender in data["tenders"]),
            amounts=dict(data["amounts"]),
            # Readings that were stored by earlier versions have neither.
            other_times=tuple(datetime.fromisoformat(at) for at in data.get("other_times", ())),
            doubts=tuple(data.get("doubts", ())),
            **{name: data[name] for name in _PLAIN},
        )


_PLAIN = ("original_no", "reprint", "unit", "tax_no", "phone", "cashier", "mall")


def _box_out(box: Box | None) -> list[list[float]] | None:
    return None if box is None else [[round(x, 1), round(y, 1)] for x, y in box]


def _box_in(points: Any) -> Box:
    return cast(Box, tuple((float(x), float(y)) for x, y in points))


def _line_out(line: Line) -> dict[str, Any]:
    return {"text": line.text, "score": round(line.score, 4), "box": _box_out(line.box)}


def _field_out(item: Field[Any]) -> dict[str, Any]:
    value = item.value.isoformat() if isinstance(item.value, datetime) else item.value
    return {
        "value": value,
        "confidence": item.confidence,
        "line_indexes": list(item.line_indexes),
        "box": _box_out(item.box),
    }


def _field_in(data: Mapping[str, Any]) -> Field[Any]:
    box = None if data["box"] is None else _box_in(data["box"])
    return Field(data["value"], data["confidence"], tuple(data["line_indexes"]), box)


def _time_in(data: Mapping[str, Any]) -> Field[datetime]:
    item = _field_in(data)
    value = None if item.value is None else datetime.fromisoformat(item.value)
    return Field(value, item.confidence, item.line_indexes, item.box)


def _candidate_out(candidate: Candidate) -> dict[str, Any]:
    return {
        "value_fen": candidate.value_fen,
        "confidence": candidate.confidence,
        "label": candidate.label,
        "line_index": candidate.line_index,
        "box": _box_out(candidate.box),
    }


def _candidate_in(data: Mapping[str, Any]) -> Candidate:
    box = None if data["box"] is None else _box_in(data["box"])
    return Candidate(data["value_fen"], data["confidence"], data["label"], data["line_index"], box)


def _picture_out(picture: Picture) -> dict[str, Any]:
    signals = picture.signals
    return {
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
        "phash": picture.phash,
        "flaw": picture.flaw,
        "signals": {
            "screen_photo": signals.screen_photo,
            "screenshot": signals.screenshot,
            "edited": signals.edited,
            "reasons": list(signals.reasons),
        },
    }


def _picture_in(data: Mapping[str, Any]) -> Picture:
    facts = data["signals"]
    signals = Signals(facts["screen_photo"], facts["screenshot"], facts["edited"], tuple(facts["reasons"]))
    return Picture(data["width"], data["height"], data["format"], data["phash"], signals, data.get("flaw"))
