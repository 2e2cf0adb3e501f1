"""The trade bill: a zip of CSV files in GBK, in the unconfirmed form that merchants' samples show, with planted differences."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from alipay.money import yuan
from alipay.signing import BEIJING, beijing
from alipay.simulator.store import Difference, Store, Trade

HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
FEE_BP = 60
AVAILABLE_HOUR = 9
_WHOLE_BP = 10_000
_RULE = "-" * 40


@dataclass(frozen=True)
class Line:
    """A payment or a refund of the day; `fen` is negative for money back."""

    kind: str
    trade_no: str
    out_trade_no: str
    subject: str
    created_at: datetime
    at: datetime
    fen: int
    out_request_no: str = ""


def is_available(day: date, now: datetime) -> bool:
    """Whether the day's bill has been made: at nine in the morning of the next day in Beijing."""
    return now >= datetime.combine(day + timedelta(days=1), datetime.min.time(), BEIJING) + timedelta(hours=AVAILABLE_HOUR)


def lines_of(store: Store, seller_id: str, day: date) -> list[Line]:
    """Everything the seller was paid and gave back on that day, and then what was planted."""
    trades = [trade for trade in store.trades.values() if store.apps[trade.app_id].seller_id == seller_id]
    lines = sorted((line for trade in trades for line in _lines_of(trade) if _on(line.at, day)), key=lambda line: line.at)
    for difference in store.differences:
        if difference.on is None or difference.on == day:
            lines = _differing(lines, difference, day)
    return lines


def _lines_of(trade: Trade) -> Iterable[Line]:
    named = (trade.trade_no, trade.out_trade_no, str(trade.asked["subject"]), trade.created_at)
    if trade.paid_at:
        yield Line("交易", *named, trade.paid_at, trade.total)
    for refund in trade.refunds:
        yield Line("退款", *named, refund.at, -refund.amount, refund.out_request_no)


def _differing(lines: list[Line], difference: Difference, day: date) -> list[Line]:
    if difference.kind == "extra":
        noon = datetime.combine(day, datetime.min.time(), BEIJING) + timedelta(hours=12)
        return [*lines, Line("交易", f"{day:%Y%m%d}22009{'9' * 15}", difference.number, "多出的一笔", noon, noon, difference.fen)]
    hit = [difference.hits(line.out_trade_no, line.out_request_no) for line in lines]
    if difference.kind == "missing":
        return [line for line, is_hit in zip(lines, hit, strict=True) if not is_hit]
    if difference.kind == "twice":
        return lines + [line for line, is_hit in zip(lines, hit, strict=True) if is_hit]
    return [replace(line, fen=line.fen + difference.fen) if is_hit else line for line, is_hit in zip(lines, hit, strict=True)]


def packed(lines: list[Line], seller_id: str, day: date, now: datetime) -> bytes:
    """The zip: the details, and the summary that stands beside them."""
    names = [f"{seller_id}0156_{day:%Y%m%d}_{what}.csv".encode("gbk") for what in ("业务明细", "业务明细(汇总)")]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, text in zip(names, (_details(lines, seller_id, day, now), "#支付宝业务汇总查询\r\n"), strict=True):
            folder.writestr(_stand_in(name).decode(), text.encode("gb18030"))
    whole = out.getvalue()
    for name in names:
        whole = whole.replace(_stand_in(name), name)
    return whole


def _stand_in(name: bytes) -> bytes:
    # The names are GBK without saying so, as Chinese Windows writes them; zipfile itself would write UTF-8.
    return f"details-{len(name)}".encode().ljust(len(name), b"-")


def _details(lines: list[Line], seller_id: str, day: date, now: datetime) -> str:
    out = io.StringIO()
    span = f"#起始日期:[{day:%Y年%m月%d日} 00:00:00]   终止日期:[{day + timedelta(days=1):%Y年%m月%d日} 00:00:00]"
    out.write(f"#支付宝业务明细查询\r\n#账号:[{seller_id}0156]\r\n{span}\r\n#{_RULE}业务明细列表{_RULE}\r\n{HEADER}\r\n")
    csv.writer(out).writerows(_row(line) for line in lines)
    paid, back = ([line for line in lines if line.kind == kind] for kind in ("交易", "退款"))
    out.write(f"#{_RULE}业务明细列表结束{_RULE}\r\n")
    out.write(f"#交易合计：{len(paid)}笔，商家实收共{_signed(sum(line.fen for line in paid))}元，商家优惠共0.00元\r\n")
    out.write(f"#退款合计：{len(back)}笔，商家实收退款共{_signed(sum(line.fen for line in back))}元，商家优惠退款共0.00元\r\n")
    out.write(f"#导出时间:[{now.astimezone(BEIJING):%Y年%m月%d日 %H:%M:%S}]\r\n")
    return out.getvalue()


def _row(line: Line) -> list[str]:
    fee = -((line.fen * FEE_BP + _WHOLE_BP // 2) // _WHOLE_BP) if line.fen > 0 else 0
    amount, nothing = _signed(line.fen), "0.00"
    # Numbers are followed by a tab, so that a spreadsheet does not round them.
    numbers = [f"{line.trade_no}\t", f"{line.out_trade_no}\t", line.kind, line.subject]
    times = [beijing(line.created_at), beijing(line.at)]
    return [
        *numbers,
        *times,
        *("", "", "", "", "*三(138****0000)"),
        *(amount, amount, nothing, nothing, nothing, nothing, nothing, "", nothing, nothing),
        f"{line.out_request_no}\t",
        *(_signed(fee), nothing, ""),
    ]


def _signed(fen: int) -> str:
    return f"-{yuan(-fen)}" if fen < 0 else yuan(fen)


def _on(at: datetime, day: date) -> bool:
    return at.astimezone(BEIJING).date() == day
