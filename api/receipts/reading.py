"""The seam to the reader: its words become ours, its refusals ours, and all its calls run in one thread of one process."""

from __future__ import annotations

import faulthandler
import os
import queue
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from api.kit import logs
from api.kit.errors import Problem
from api.receipts import errors
from api.receipts.decision import Choice, Slip, Sure
from api.receipts.shop_recognition import Clues
from api.settings import Settings
from ocr import decode, papers
from ocr.reading import Reading

log = logs.get(__name__)

Box = Sequence[Sequence[float]]

MAX_BYTES = decode.MAX_BYTES
EXIT_HUNG = 70  # the supervisor starts another reader
HASH_BANDS = 4
BAND_BITS = 16

_REFUSALS: dict[type[decode.PhotoRefused], type[Problem]] = {
    decode.NotAPicture: errors.NotAPicture,
    decode.PhotoTooLarge: errors.PhotoTooLarge,
    decode.TooManyPixels: errors.TooManyPixels,
    decode.UnreadablePhoto: errors.PhotoDamaged,
}
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIC": "image/heic"}


class PhotoUnreadable(Exception):
    """The reader looked at the picture and cannot open it."""


def check_photo(data: bytes) -> str:
    """The picture's format (JPEG, PNG, WEBP, HEIC) from its magic and header alone; refuses by name, decodes nothing."""
    if not data:
        raise errors.PhotoEmpty()
    try:
        return decode.check(data)
    except decode.PhotoRefused as refused:
        raise _REFUSALS[type(refused)]() from refused


def decoded(data: bytes) -> Any:
    """The upright picture (BGR pixels, scale) for masking; PhotoDamaged and the like when it cannot be opened."""
    try:
        return decode.decode(data)
    except decode.PhotoRefused as refused:
        raise _REFUSALS[type(refused)]() from refused


@dataclass(frozen=True)
class PhotoFacts:
    """What is kept of one picture beside its file: four marked parts of its hash, and its lines."""

    bands: tuple[int, ...]
    lines: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class ReceiptReading:
    """One receipt as read, from all its photos together. `stored` is what the database keeps."""

    stored: dict[str, Any]
    photos: tuple[PhotoFacts, ...] = ()

    @property
    def _reading(self) -> Reading:
        return Reading.from_json(self.stored)

    def slip(self, timezone: str) -> Slip:
        """The fields in our words; the printed time is taken in the mall's own time zone."""
        read = self._reading
        at = read.paid_at
        return Slip(
            kind=read.kind,
            kind_confidence=read.kind_confidence,
            merchant=Sure(read.merchant.value, read.merchant.confidence, read.merchant.box),
            paid_fen=Sure(read.total_fen.value, read.total_fen.confidence, read.total_fen.box),
            paid_at=Sure(at.value and aware(at.value, timezone), at.confidence, at.box),
            other_times=tuple(aware(moment, timezone) for moment in read.other_times),
            receipt_no=Sure(read.receipt_no.value, read.receipt_no.confidence, read.receipt_no.box),
            auto=read.auto,
            currency=read.currency,
            amounts=tuple(Choice(amount.value_fen, amount.label, amount.confidence, amount.box) for amount in read.candidates),
            readable=bool(read.lines),
            flaw=read.picture.flaw,
            screen_photo=read.picture.signals.screen_photo,
            screenshot=read.picture.signals.screenshot,
            edited=read.picture.signals.edited,
        )

    def clues(self) -> Clues:
        """What the slip says about who sold."""
        read = self._reading
        return Clues(read.merchant.value, read.unit, read.tax_no, read.phone, read.mall, tuple(line.text for line in read.lines))

    @property
    def minute_known(self) -> bool:
        """Whether a time of day was printed, not only a date."""
        at = self._reading.paid_at.value
        return at is not None and (at.hour, at.minute, at.second) != (0, 0, 0)

    @property
    def tenders(self) -> tuple[tuple[str, int], ...]:
        """The means of payment (the kinds that sales know), with what each paid in fen."""
        return tuple((_tender_kind(tender.name), tender.amount_fen) for tender in self._reading.tenders if tender.amount_fen > 0)

    @property
    def cashier(self) -> str | None:
        """Who was at the till, as printed."""
        return self._reading.cashier

    @property
    def original_no(self) -> str | None:
        """The number of the purchase that a refund slip names."""
        return self._reading.original_no


_TENDERS = (
    ("points", r"积分|積分|points"),
    ("coupon", r"券|coupon|voucher|优惠|優惠|抵扣"),
    ("stored_bonus", r"赠金|贈金|赠送|bonus"),
    ("stored_principal", r"储值|儲值|购物卡|購物卡|礼品卡|禮品卡|会员卡|預付|预付|余额|gift\s*card"),
    ("wechat", r"微信|wechat|weixin|财付通"),
    ("alipay", r"支付宝|支付寶|alipay|花呗"),
    ("card", r"银行|銀行|刷卡|银联|銀聯|信用卡|借记|visa|master|unionpay|amex|jcb|credit|debit|云闪付"),
    ("cash", r"现金|現金|cash"),
)


def _tender_kind(printed: str) -> str:
    return next((kind for kind, pattern in _TENDERS if re.search(pattern, printed, re.IGNORECASE)), "other")


def aware(local: datetime, timezone: str) -> datetime:
    """A time as printed, as an instant."""
    return local.replace(tzinfo=ZoneInfo(timezone))


def translate(readings: list[Reading], sent_on: date | None = None) -> ReceiptReading:
    """One receipt out of the readings of its photos, in the order they were sent, on the day they were sent."""
    together = readings[0] if len(readings) == 1 else papers.join(readings, sent_on)
    heights = [reading.picture.height for reading in readings]
    return ReceiptReading(together.to_json() | {"heights": heights}, tuple(_photo_facts(reading) for reading in readings))


def located(stored: dict[str, Any], box: Box | None) -> tuple[int, Box] | None:
    """On which photo (from 1) a box of the whole receipt stands, and where there."""
    if box is None:
        return None
    above = 0.0
    for position, height in enumerate(stored["heights"], 1):
        if min(y for _, y in box) < above + height or position == len(stored["heights"]):
            return position, [[x, y - above] for x, y in box]
        above += height
    return None


def same_paper(stored: dict[str, Any], other_stored: dict[str, Any]) -> str:
    """What two readings are to each other by their printed facts: same, reprint, tampered or different."""
    return str(papers.compare(Reading.from_json(stored), Reading.from_json(other_stored)).verdict)


def _photo_facts(reading: Reading) -> PhotoFacts:
    lines = tuple({"text": line["text"], "box": line["box"]} for line in reading.to_json()["lines"])
    return PhotoFacts(tuple(bands(reading.picture.phash)), lines)


def bands(phash: str) -> list[int]:
    """The hash in four parts, each marked with its place: two pictures within three bits share at least one part."""
    number = int(phash, 16)
    return [(place << BAND_BITS) | (number >> (BAND_BITS * place)) & 0xFFFF for place in range(HASH_BANDS)]


def distance(bands: list[int], other_bands: list[int]) -> int:
    """How many bits of two hashes differ, from their parts."""
    return sum((a ^ b).bit_count() for a, b in zip(bands, other_bands, strict=True))


# The reader itself: one thread owns it, everybody else hands photos over.


class _Task:
    """Work for the reader, and where the answer goes. The clock runs from the moment the thread takes it up."""

    def __init__(self, work: Callable[[Any], Any], photos: int) -> None:
        self.work = work
        self.photos = photos
        self.began = threading.Event()
        self.answer: Future[Any] = Future()


class _Worker:
    """The one thread that builds the reader and calls it."""

    def __init__(self, settings: Settings) -> None:
        self.timeout = settings.read_timeout
        self.photos = 0
        self.rested_mb = 0
        self.tasks: queue.Queue[_Task] = queue.Queue()
        self.ready: Future[Any] = Future()
        threading.Thread(target=self._run, args=(settings,), name="reader", daemon=True).start()

    def _run(self, settings: Settings) -> None:
        try:
            from ocr.reader import Reader

            reader = Reader(settings.ocr_models)
            self.ready.set_result(reader.healthy())
        except BaseException as error:
            self.ready.set_exception(error)
            return
        while True:
            self._do(reader, self.tasks.get())

    def _do(self, reader: Any, task: _Task) -> None:
        # A thread in C code may never give the interpreter back: this timer needs no interpreter.
        faulthandler.dump_traceback_later(self.timeout * task.photos + 2, exit=True)
        task.began.set()
        try:
            task.answer.set_result(task.work(reader))
        except Exception as error:
            task.answer.set_exception(error)
        finally:
            faulthandler.cancel_dump_traceback_later()
            self.rested_mb = _memory_mb()

    def ask(self, work: Callable[[Any], Any], photos: int) -> Any:
        task = _Task(work, photos)
        self.tasks.put(task)
        task.began.wait()
        try:
            return task.answer.result(self.timeout * photos)
        except TookTooLong:
            log.error("a photo hangs the reader, the process ends", seconds=self.timeout)
            os._exit(EXIT_HUNG)


_worker: _Worker | None = None


def start_reader(settings: Settings) -> None:
    """Build the reader in its own thread and prove it on the small known picture. Once a process."""
    global _worker
    _worker = _Worker(settings)
    if not _worker.ready.result(120):
        raise RuntimeError("The reader does not read its known picture as it must.")


def running() -> bool:
    """Whether this process holds a reader."""
    return _worker is not None


def read(photos: list[bytes], sent_on: date | None = None) -> ReceiptReading:
    """Read the photos of one receipt, sent on that day. PhotoUnreadable for what cannot be opened; a hang ends this process."""
    if _worker is None:
        raise RuntimeError("The reader is not started in this process.")
    try:
        _worker.photos += len(photos)
        readings = _worker.ask(lambda reader: [reader.read(photo, sent_on) for photo in photos], len(photos))
        return translate(readings, sent_on)
    except decode.PhotoRefused as refused:
        raise PhotoUnreadable(type(refused).__name__) from refused


def healthy() -> bool:
    """Whether the reader of this process still reads its small known picture."""
    return _worker is not None and bool(_worker.ask(lambda reader: reader.healthy(), 1))


def photos_read() -> int:
    """How many photos this process has read, to know when it is worn out."""
    return _worker.photos if _worker else 0


def rested_mb() -> int:
    """What this process held after its last photo, MiB: in the middle of one it holds much more, and gives it back."""
    return _worker.rested_mb if _worker else 0


def _memory_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


_PHONE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
_MASKED_CARD = re.compile(r"\d{4,6}[*xX•●]{3,}\d{2,4}")
_LONG = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_CARD_LABEL = re.compile(r"(卡号|卡號|card\s*(no|number)|会员号|会员卡|手机|手機|mobile)", re.IGNORECASE)


def private(text: str) -> bool:
    """Whether a printed line carries a person's phone or card digits."""
    if _PHONE.search(text) or _MASKED_CARD.search(text) or (_CARD_LABEL.search(text) and re.search(r"\d{4,}", text)):
        return True
    return any(_is_card(re.sub(r"\D", "", digits)) for digits in _LONG.findall(text))


def _is_card(digits: str) -> bool:
    # ISO/IEC 7812-1: the check digit of a card number, so that a long receipt number stays visible.
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return digits[0] in "3456" and sum(value // 10 + value % 10 for value in doubled) % 10 == 0
