"""The number that the shop gave this slip, among the many numbers that shops print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ocr.fields.rows import Item, Row
from ocr.fields.text import squeezed
from ocr.reading import Kind

_NOT_OURS = (
    r"原|持卡人|桌|台号|台$|卡号|会员|手机|电话|tel|phone|fax|机号|终端|terminal|商户(编)?号|商户id|merchant|税|gst|sst|reg|company|roc|cono|柜|工号|员|cashier|取(单|餐|票柜|货|杯)|叫号|排队|等候|(?<!订单)(?<!小票)(?<!交易)(?<!流水)(?<!收据)(?<!账单)条码|barcode|客(服|户)|牌|"
    r"批次|batch|发票(代码|抬头)|店号|门店|storeno|postal|qq|微信|公众|座|厅|sn$|序列|imei|身份|pos号|posno|posid|seat|table|counter|regno|版本|班次|shift|授权|auth|appr|(?<!p)aid|(?<!receip)tid|mid$|account|账号|地址|member|staff|card|信用代码|批号|核销|兑换|统一编号|统编|卖方|买方|随机码|机器|[卡咭吉](片|编)?号|咭|八达通|octopus|mobile|handy|^br(no|n)?$|business|licen[cs]e|permit|^uid|uen$|ssm|iban|agent|room|^mb$|cust(omer)?(no|id|code|acc|$)|kunden|points|积分|奖赏|survey|code$|queue|pump|locker|passport|护照|cheque|支票|steuer|ustid|kasse|tisch|artikel|genehmigung|yuu|moneyback|易赏钱|vip|loyalty|clubcard|bonuslink|payback|贵宾|顾客(编|号)|(商品|货品|产品)(编|代|条)|货号|款号|型号|sku|item|isbn|设备|券(号|码)|执照|许可|(店|铺|商场|机构|部门|网点|站|机|柜|台)(铺|点|面)?(编|代)(号|码)|^(machine|device|printer|pos|edc)?serial|^(shop|store|outlet|branch|unit|lot|site|station|till|lane|drawer|operator|server|clerk|waiter|salesman|bank)(no|num|id|code)?$|plate|vehicle|filiale|signatur|bedien"
)
# Best label first for each kind of paper: (pattern, score).
_LABELS = (
    (
        r"(小票|收据|销售单?|票据|单据|凭条|账单|结账单|帐单|水单)(编)?(号码?|条码)|rec[ea][il1j]pt(no|number|num|id|h)?|racejpt|resit(no)?$|(sales?|cash)?(b[il1]{3}|slip|inv[o0][il1]ce|docket|check|chk|memo|doc)(no|num|number|id|nodate|date)?$|taxinv(no)?$|^bon(nr)?$|(beleg|rechnungs?)(nr|nummer)$|nob[il]l$|invois(no)?$|tax?p?x?inv[o0][il1]ce|^inv|^rcpt|receiptnumber|documentno|docno|billno|checkno|slipno|invno|invoiceno|发票号码",
        0.95,
    ),
    (
        r"(交易|流水|收银|消费|订单|支付)(流水|编|单|序)?(号|编号)码?|流水(号|单号)?$|单号|单号码?|(trans(action)?|trx|trn|txn|order|ord|cb)(no|num|number|id)?$|(订单|交易|流水)条码|transno|orderno|trxno|订单$|编号$|referenceno|refno|reference$|^bestell(nr|nummer)$|vorgang(snr|nr)?$",
        0.85,
    ),
    (
        r"^(单据|小票|账单|收据|票据|流水)$|^ref$|^trace(no)?$|^stan$|^rn$|票号|取票码|序号|凭证号|voucherno|流水|serial|seq|no$|号码$|单$|cn#|cnno|creditnoteno|cs#",
        0.6,
    ),
    (r"参考号|检索", 0.7),
)
_NO_LABELS = re.compile(_NOT_OURS)
_COMPILED = tuple((re.compile(pattern), score) for pattern, score in _LABELS)
_DATED = re.compile(r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}")
# A date, with its time, that shares the line with the number before or behind it.
_DATE_BESIDE = re.compile(
    r"[\s/|]+(?:20\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}([-/.])\d{1,2}\1(?:20)?\d\d)(?!\d)(?:\s*\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp][Mm]\b)?)?"
)
# A uniform invoice of Taiwan: two letters and eight digits, large and without a label.
_UNIFORM = re.compile(r"[A-Z]{2}\s?-?\s?\d{8}")
# Where one item holds several labels with their numbers.
_PARTS = re.compile(
    r"\s{2,}|(?<=\d{4})\s(?=[A-Z][a-z]{2})|(?<=[A-Za-z0-9])\s(?=[^\W\d_a-zA-Z])|\s(?=(?:DATE|TIME|Date|Time|日期|时间)\b)|(?<=\d)(?=[一-鿿]{1,6}:)"
)
# What a till calls itself in front of a long number.
_POS = re.compile(r"^P[0O][5S](?=\d{8})")
# Digits that one closed loop or one gap tells apart.
_ALIKE = frozenset("0689")
# The bank's own number of a card payment.
_REFERENCE = re.compile(r"参考|^ref$|refno|rrn|检索")
_TIGER = re.compile(r"(?<=[机编单卡帐账铺台])号?虎")
# Several labels, each with its number, in one run of print.
_LABEL_AND_VALUE = re.compile(r"(?P<label>[^\W\d_][^:#\d]{0,23}?)\s?[#:]{1,2}\s?(?P<value>[A-Za-z]{0,5}[-/]?\d[\w\-/]*)")
# A number without a label behind the date and the time.
_BEHIND_TIME = re.compile(
    r"\d[-/.]\w{1,3}[-/.]\d{2,4}\D{1,2}\d{1,2}:\d{2}(?::\d{2})?\s?(?:[AaPp][Mm])?\s+(?P<value>[A-Z]{1,4}\d{4,}|\d{6,})$"
)
_ORIGINAL = re.compile(r"原(单|小票|交易|订单|收据|流水|发票|销售|票)|original|against")


@dataclass(frozen=True)
class Number:
    """A number with its label's score."""

    value: str
    score: float
    item: Item
    original: bool = False


def numbers(rows: Sequence[Row], kind: Kind) -> list[Number]:
    """The numbers that may be the slip's own, best first."""
    foreign = _foreign(rows)
    candidates = [*_labelled(rows, kind), *_beside_date(rows), *_uniform(rows)]
    candidates = [number for number in candidates if number.score > 0.9 or not _is_foreign(number.value, foreign)]
    barcodes = _bare(rows)
    candidates = [_confirmed(number, barcodes) for number in candidates]
    return sorted(candidates, key=lambda number: number.score, reverse=True)


def repaired(value: str, paid_at: datetime | None) -> str:
    """The number with what small print closed opened again: POS read as P05, one digit of a day that cannot be."""
    value = _POS.sub("POS", value)
    if paid_at is None:
        return value
    day = f"{paid_at:%Y%m%d}"
    for at in (match.start() for match in re.finditer(r"(?=\d{8})", value)):
        printed = value[at : at + 8]
        differing = [(a, b) for a, b in zip(printed, day, strict=True) if a != b]
        if len(differing) == 1 and set(differing[0]) <= _ALIKE and not _is_day(printed):
            return value[:at] + day + value[at + 8 :]
    return value


def _is_day(run: str) -> bool:
    return run[:2] == "20" and 1 <= int(run[4:6]) <= 12 and 1 <= int(run[6:]) <= 31


def original_number(rows: Sequence[Row]) -> str | None:
    """On a refund slip: the number of the receipt that is taken back."""
    for row in rows:
        for label, value, _ in _pairs(row):
            if _ORIGINAL.search(squeezed(label)):
                return value
    return None


def _foreign(rows: Sequence[Row]) -> frozenset[str]:
    """The numbers that a label gives to something else: a card, a member, a terminal, a phone, a company.

    They come again on the next visit, so they never name this one, wherever else on the slip they stand.
    """
    return frozenset(
        flat
        for row in rows
        for label, value, _ in _pairs(row)
        if all(_NO_LABELS.search(key) for key in _keys(label, value)) and len(flat := re.sub(r"\W", "", value)) >= 5
    )


def _is_foreign(value: str, foreign: frozenset[str]) -> bool:
    digits = re.sub(r"\D", "", value)
    mobile = re.fullmatch(r"1[3-9]\d{9}", value)
    return re.sub(r"\W", "", value) in foreign or bool(mobile) or (digits == value and _is_card(digits))


def _is_card(digits: str) -> bool:
    # ISO/IEC 7812-1: the length, the first digit and the check digit of a payment card.
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return len(digits) in (15, 16, 19) and digits[0] in "3456" and sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def _beside_date(rows: Sequence[Row]) -> Iterator[Number]:
    """A number without any label, on the row of the date: what small tills print in place of one."""
    for row in rows:
        dated = [item for item in row.items if _DATED.search(item.text)]
        for item in row.items:
            tokens = re.findall(r"(?<![\w/.:-])[A-Z]{0,4}\d[A-Z0-9-]{4,}(?![\w/.:])", item.text)
            if dated and item is not dated[0] and tokens and ":" not in item.text:
                yield Number(tokens[-1], 0.5, item)
        for item in row.items:
            if behind := _BEHIND_TIME.search(item.text):
                yield Number(behind["value"], 0.48, item)


def _uniform(rows: Sequence[Row]) -> Iterator[Number]:
    if any("发票" in row.text for row in rows):
        for item in (row.items[0] for row in rows if len(row.items) == 1):
            if _UNIFORM.fullmatch(item.text):
                yield Number(re.sub(r"\s", "", item.text), 0.93, item)


def _labelled(rows: Sequence[Row], kind: Kind) -> Iterator[Number]:
    for number, row in enumerate(rows):
        for label, value, item in [*_pairs(row), *_stacked(rows, number)]:
            score = _score(label, value, kind)
            if score > 0:
                # The head of the slip names it; what follows the total is about cards and machines.
                yield Number(value, score - 0.04 * number / len(rows), item)


def _pairs(row: Row) -> Iterator[tuple[str, str, Item]]:
    for item in row.items:
        # A number that is printed in groups is one number.
        text = re.sub(r"(?<=\d)\s?-\s?(?=\d)", "-", _DATE_BESIDE.sub("  ", item.text))
        parts = _PARTS.split(text)
        for part in parts:
            if pair := _split(part):
                yield (*pair, item)
        several = list(_LABEL_AND_VALUE.finditer(text))
        for match in several if len(several) > 1 else ():
            if value := _clean(match["value"]):
                yield match["label"], value, item
    # A colon of its own stands between a label and its value.
    items = [item for item in row.items if squeezed(item.text)]
    for left, right in pairwise(items):
        label = _last_label(left.text)
        if not re.search(r"\d{3}", label) and (value := _clean(_DATE_BESIDE.sub("", right.text))):
            yield label, value, right


def _last_label(text: str) -> str:
    """The label next to the value: before it there may be others with values of their own."""
    return re.sub(r"^.*(?:[:#]\s?\S+|\b\d+)\s(?=[^\W\d_])", "", text)


def _split(text: str) -> tuple[str, str] | None:
    if "#" in text or ":" in text:
        head, _, tail = text.rpartition(":") if re.search(r":\s?[A-Za-z0-9]", text) else text.rpartition("#")
        if value := _clean(tail):
            return _last_label(head) or "#", value
    match = re.match(r"(?P<label>.*?[^\W\d_]\.?)\s?[.:]?\s?(?P<value>[A-Z]{0,5}[-/]?\d[A-Za-z0-9\-/]{3,39})$", text)
    if match and (value := _clean(match["value"])):
        return match["label"], value
    return None


def _stacked(rows: Sequence[Row], number: int) -> Iterator[tuple[str, str, Item]]:
    row = rows[number]
    if number + 1 < len(rows) and len(row.items) == 1 and row.text.rstrip().endswith((":", "号", "No", "No.", "NO", "#")):
        below = rows[number + 1].items[0]
        if value := _clean(below.text):
            yield row.text, value, below


def _clean(text: str) -> str | None:
    text = text.strip(" #:.*")
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9\-/_ ]*", text)
    if match is None or len(text) - match.end() > 2:
        return None
    value = re.sub(r"\s", "", match.group()).strip("-/_")
    if len(value) < 3 or sum(c.isdigit() for c in value) < max(2, len(value) // 3):
        return None
    return None if _is_date(value) else value


def _is_date(value: str) -> bool:
    if re.fullmatch(r"\d{1,2}-?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*-?\d{2,4}.*", value, re.IGNORECASE):
        return True
    return bool(re.fullmatch(r"20\d\d[-/]\d{1,2}[-/]\d{1,2}.*|\d{1,2}[-/]\d{1,2}[-/](20)?\d\d.*", value))


def _keys(label: str, value: str) -> list[str]:
    """The label as it is matched; two of them where two labels share two numbers (机号/交易编号)."""
    # 号 in the traditional script is taken for its right half, or for both.
    return [_TIGER.sub("号", squeezed(part)) for part in (label.split("/") if "/" in value else [label])]


def _score(label: str, value: str, kind: Kind) -> float:
    return max(_labelled_score(key, value, kind) for key in _keys(label, value))


def _labelled_score(key: str, value: str, kind: Kind) -> float:
    if _is_terminal(key, kind):
        return 0.0
    for pattern, score in _COMPILED:
        if pattern.search(key):
            if kind == "payment_slip" and _REFERENCE.search(key):
                score = 0.97
            if kind == "e_screenshot" and re.search(r"^(交易单号|订单号|交易号)", key):
                score = 0.97
            if kind == "refund" and re.search(r"退(货|款)(单|小票|流水)", key):
                score = 0.98
            return score - (0.5 if len(value) < 4 else 0.0)
    # A label that ends like one, with a letter that was read wrongly.
    return 0.42 if key.endswith("号") and len(re.sub(r"\D", "", value)) >= 6 else 0.0


def _is_terminal(key: str, kind: Kind) -> bool:
    if kind == "payment_slip" and _REFERENCE.search(key):
        return False
    return bool(_NO_LABELS.search(key))


def _bare(rows: Sequence[Row]) -> list[str]:
    """Numbers that stand alone on a row, as they do under a barcode."""
    return [
        value for row in rows if len(row.items) == 1 and re.fullmatch(r"[A-Za-z0-9\-* ]{6,40}", row.text) and (value := _clean(row.text))
    ]


def _confirmed(number: Number, barcodes: Sequence[str]) -> Number:
    flat = re.sub(r"\W", "", number.value)
    if any(re.sub(r"\W", "", bare) == flat for bare in barcodes):
        return Number(number.value, min(0.99, number.score + 0.08), number.item)
    return number
