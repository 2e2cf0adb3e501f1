"""How well fields are chosen among lines: `python -m bench.reading DIR [--json FILE] [--against FILE] [--show FIELD]`.

Every *.jsonl of the folder holds slips as lines with what is wanted; no picture is needed. Prints every miss with what was
wanted, what was chosen and what else there was to choose from, then the shares by file and over five folds that keep all
slips of one shop together. `--against` compares with the JSON of an earlier run: what got better, what got worse.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.receipts import KINDS, Label, _flat, _names, _same_shop
from ocr.fields import merchants, numbers, times
from ocr.fields.choose import choose
from ocr.fields.entries import entries
from ocr.fields.rows import lay_out
from ocr.ranker import training
from ocr.reading import Line, Picture, Reading, Signals

#: What the shop's own policy takes without a question, for every field but the amount.
SURE = 0.80
PURCHASES = frozenset({"receipt", "payment_slip", "delivery_order", "e_screenshot"})
FIELDS = ("kind", "number", "date", "datetime", "total", "merchant")


@dataclass(frozen=True)
class Slip:
    """One slip as lines, with what is wanted of it."""

    source: str
    file: str
    lines: tuple[Line, ...]
    picture: Picture
    want: Label
    shop: str

    @property
    def fold(self) -> int:
        """The fifth that all slips of this shop fall into."""
        return training.fold_of(self.shop)


@dataclass(frozen=True)
class Verdict:
    """One field of one slip: right or not, what was wanted and what was chosen."""

    field: str
    right: bool
    want: Any
    got: Any


def main(arguments: Sequence[str] | None = None) -> int:
    """Choose the fields of every slip, print misses and the summary."""
    options = _options(arguments)
    slips = load(options.folder)
    # Totals are chosen by a ranker that was made without the shops of the slip's fold, unless the shipped one is asked for.
    rankers = [] if options.shipped else training.folds(training.examples(training.load(options.folder)))
    answers: dict[str, dict[str, Verdict]] = {}
    alarms: dict[str, list[str]] = defaultdict(list)
    purchases = trusted = 0
    held: Counter[str] = Counter()
    for slip in slips:
        reading = choose(slip.lines, slip.picture, _day_of_upload(slip.want, options.uploaded), rankers[slip.fold] if rankers else None)
        answers[_key(slip)] = {verdict.field: verdict for verdict in verdicts(slip.want, reading)}
        if KINDS.get(slip.want.get("kind", "receipt"), slip.want.get("kind", "receipt")) in PURCHASES:
            purchases, trusted = purchases + 1, trusted + reading.auto
            held.update(reading.doubts)
        for name, text in _alarms(slip.want, reading):
            alarms[name].append(f"{_key(slip)}: {text}")
        _show(slip, reading, answers[_key(slip)], options.show)
    summary = {
        "slips": len(slips),
        "files": _shares(slips, answers, lambda slip: slip.source),
        "folds": _shares(slips, answers, lambda slip: f"fold {slip.fold}"),
        "all": _shares(slips, answers, lambda _: "all")["all"],
        "trusted": {"of purchases": purchases, "trusted": trusted, "not because": dict(held.most_common())},
        "alarms": {name: len(texts) for name, texts in sorted(alarms.items())},
    }
    for name, texts in sorted(alarms.items()):
        print(f"{name}:", *(f"\n    {text}" for text in texts))
    _table(summary)
    if options.against:
        _compare(json.loads(options.against.read_text(encoding="utf-8"))["answers"], answers)
    if options.json:
        marks = {key: {field: [verdict.right, verdict.got] for field, verdict in row.items()} for key, row in answers.items()}
        options.json.write_text(json.dumps({**summary, "answers": marks}, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument(
        "--uploaded", type=int, metavar="DAYS", help="uploaded so many days after the purchase (otherwise nobody knows when)"
    )
    parser.add_argument("--show", choices=[*FIELDS, "all", "none"], default="all", help="print the misses of one field only")
    parser.add_argument("--shipped", action="store_true", help="the ranker of this version, which has seen these shops")
    return parser.parse_args(arguments)


def load(folder: Path) -> list[Slip]:
    """The slips of every *.jsonl in the folder, in the order of their files."""
    return [
        Slip(slip.source, slip.file, slip.lines, _picture(slip), slip.want, slip.shop) for slip in training.load(folder)
    ]  # fmt: skip


def _picture(slip: training.Slip) -> Picture:
    return Picture(slip.width, slip.height, "JPEG", "0" * 16, Signals(screenshot=slip.screenshot))


def _key(slip: Slip) -> str:
    return f"{slip.source}/{slip.file}"


def _day_of_upload(want: Label, days: int | None) -> date | None:
    bought = date.fromisoformat(want["date"]) if want.get("date") else printed_day(want.get("date_as_printed") or "")
    return None if days is None or bought is None else bought + timedelta(days=days)


def verdicts(want: Label, reading: Reading) -> Iterator[Verdict]:
    """Every field that the slip's label asks for."""
    if want.get("kind"):
        kind = KINDS.get(want["kind"], want["kind"])
        yield Verdict("kind", reading.kind == kind, kind, reading.kind)
    if want.get("receipt_no"):
        wanted = [want["receipt_no"], *want.get("receipt_no_alternatives", [])]
        number = reading.receipt_no.value
        yield Verdict("number", _flat(number or "") in [_flat(printed) for printed in wanted], wanted, number)
    yield from _times(want, reading.paid_at.value)
    if want.get("total") is not None or "date_as_printed" not in want:
        total = fen(want)
        yield Verdict("total", reading.total_fen.value == total, total, reading.total_fen.value)
    if want.get("merchant"):
        right = any(_same_shop(name, reading.merchant.value) for name in _names(want))
        yield Verdict("merchant", right, want["merchant"], reading.merchant.value)


def fen(want: Label) -> int | None:
    """The wanted total in hundredths, or None where no amount may be given."""
    return None if want.get("total") is None else round(want["total"] * 100)


def _times(want: Label, at: datetime | None) -> Iterator[Verdict]:
    got = None if at is None else at.isoformat()
    if want.get("date_as_printed"):
        day = printed_day(want["date_as_printed"])
        if day is not None:
            yield Verdict("date", at is not None and at.date() == day, f"{day} ({want['date_as_printed']})", got)
    if want.get("date"):
        yield Verdict("date", at is not None and at.date().isoformat() == want["date"], want["date"], got)
    if want.get("date") and want.get("time"):
        # A label without seconds asks for the minute; the slip may say more.
        clocks = [f"{want['date']}T{clock}" for clock in (want["time"], *want.get("time_alternatives", []))]
        yield Verdict("datetime", got is not None and got.startswith(tuple(clocks)), clocks, got)


_NAMED = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def printed_day(printed: str) -> date | None:
    """The day that a date says where days are printed first (25/12/2018, 25-12-18, 20181225, OCT 3, 2016), if it says one."""
    parts = re.findall(r"\d+", printed)
    if not parts:
        return None
    month = next((number for number, name in enumerate(_NAMED, 1) if name in printed.upper()), None)
    if len(parts) == 1:
        parts = [printed[6:8], printed[4:6], printed[:4]]
    elif month is not None:
        parts = [parts[0], str(month), parts[1]]
    elif len(parts[0]) == 4:
        parts.reverse()
    day, middle, year = (int(part) for part in parts)
    year += 2000 if year < 100 else 0
    for number, second in ((middle, day), (day, middle)):  # a till that prints the month first
        if 1 <= number <= 12 and 1 <= second <= 31:
            return date(year, number, second)
    return None


def _alarms(want: Label, reading: Reading) -> Iterator[tuple[str, str]]:
    """What costs more than a miss: answers that nobody would be asked about."""
    at = reading.paid_at
    wanted_kind = KINDS.get(want.get("kind", "receipt"), want.get("kind", "receipt"))
    day_wrong = [verdict for verdict in _times(want, at.value) if verdict.field == "date" and not verdict.right]
    if day_wrong and at.value is not None and at.confidence >= SURE:
        yield "date trusted and wrong", f"want {day_wrong[0].want}, trusted {at.value} ({at.confidence})"
    if reading.auto and reading.total_fen.value != fen(want):
        yield "total trusted and wrong", f"want {fen(want)}, trusted {reading.total_fen.value}"
    if reading.auto and reading.kind in PURCHASES and wanted_kind not in PURCHASES:
        yield "no purchase and trusted", f"is {wanted_kind}, taken for {reading.kind}"
    if "receipt_no" in want and not want["receipt_no"] and reading.receipt_no.value:
        yield "number where none is labelled", f"{reading.receipt_no.value} ({reading.receipt_no.confidence})"


def _show(slip: Slip, reading: Reading, answers: Mapping[str, Verdict], show: str) -> None:
    for verdict in answers.values():
        if not verdict.right and show in (verdict.field, "all"):
            print(f"miss {verdict.field:9} {_key(slip)}: want {verdict.want!r}, got {verdict.got!r}")
            for text in _CHOICES[verdict.field](slip, reading):
                print(f"       {text}")


def _kind_choices(slip: Slip, reading: Reading) -> list[str]:
    from ocr.fields import kinds

    votes = {kind: round(vote, 1) for kind, vote in kinds._votes(lay_out(slip.lines)).items() if vote}
    return [f"{reading.kind_confidence} of {votes}"]


def _number_choices(slip: Slip, reading: Reading) -> list[str]:
    choices = numbers.numbers(lay_out(slip.lines), reading.kind)
    return [f"{number.value} ({number.score:.2f}) in {number.item.text!r}" for number in choices[:6]]


def _time_choices(slip: Slip, _: Reading) -> list[str]:
    choices = times.moments(lay_out(slip.lines), "dmy")
    return [f"{moment.when} ({moment.score:.2f}) in {[item.text for item in moment.items]}" for moment in choices[:6]]


def _total_choices(_: Slip, reading: Reading) -> list[str]:
    return [f"{choice.value_fen} ({choice.confidence:.2f}) under {choice.label!r}" for choice in reading.candidates]


def _shop_choices(slip: Slip, reading: Reading) -> list[str]:
    rows = lay_out(slip.lines)
    ledger = entries(rows)
    head = merchants._head(rows, ledger, reading.kind)
    names = [*merchants._labelled(rows, slip.lines, reading.kind), *merchants._ranked(head, slip.lines, reading.kind)]
    names.sort(key=lambda name: name.score, reverse=True)
    return [f"{name.text!r} ({name.score:.2f})" for name in names[:5]]


_CHOICES: dict[str, Callable[[Slip, Reading], list[str]]] = {
    "kind": _kind_choices,
    "number": _number_choices,
    "date": _time_choices,
    "datetime": _time_choices,
    "total": _total_choices,
    "merchant": _shop_choices,
}


def _shares(
    slips: Sequence[Slip], answers: Mapping[str, Mapping[str, Verdict]], part: Callable[[Slip], str]
) -> dict[str, dict[str, dict[str, Any]]]:
    marks: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for slip in slips:
        for verdict in answers[_key(slip)].values():
            marks[part(slip)][verdict.field].append(verdict.right)
    return {name: {field: _share(marks[name][field]) for field in FIELDS if marks[name][field]} for name in sorted(marks)}


def _share(marks: Sequence[bool]) -> dict[str, Any]:
    return {"right": sum(marks), "asked": len(marks), "share": round(sum(marks) / len(marks), 4)}


def _table(summary: Mapping[str, Any]) -> None:
    parts = {**summary["files"], **summary["folds"], "all": summary["all"]}
    print(f"\n{'':10}" + "".join(f"{field:>18}" for field in FIELDS))
    for name, fields in parts.items():
        cells = (f"{part['right']}/{part['asked']} {part['share']:.3f}" if (part := fields.get(field)) else "-" for field in FIELDS)
        print(f"{name:10}" + "".join(f"{cell:>18}" for cell in cells))
    print("purchases trusted:", summary["trusted"]["trusted"], "of", summary["trusted"]["of purchases"])
    print("not trusted because", *(f"{name}: {count}" for name, count in summary["trusted"]["not because"].items()), sep="\n    ")
    for name, count in summary["alarms"].items():
        print(f"{name}: {count}")


def _compare(earlier: Mapping[str, Mapping[str, Any]], answers: Mapping[str, Mapping[str, Verdict]]) -> None:
    """What an earlier run had wrong and is right now, and the other way round."""
    changes: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, row in answers.items():
        for field, verdict in row.items():
            before = earlier.get(key, {}).get(field)
            if before is not None and before[0] != verdict.right:
                text = f"{key}: want {verdict.want!r}, was {before[1]!r}, is {verdict.got!r}"
                changes[field, "better" if verdict.right else "worse"].append(text)
    print("\nagainst the earlier run")
    for field in FIELDS:
        for way in ("better", "worse"):
            print(f"{field} {way}: {len(changes[field, way])}", *(f"\n    {text}" for text in changes[field, way]))


if __name__ == "__main__":
    raise SystemExit(main())
