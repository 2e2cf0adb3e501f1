"""Who sold it: the shop's name among logos of platforms, banks and malls, titles, slogans and addresses."""

# ruff: noqa: E501  (a rule is one line, however many words it knows)
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ocr.fields.entries import Entry
from ocr.fields.rows import Item, Row
from ocr.fields.text import has_han, plain, squeezed
from ocr.reading import Kind, Line

_SAYS_SO = re.compile(
    r"^(商户名称?|商户(merchantname)?|商户名称merchantname|店名|门店名称?|店铺名?称?|专柜\w{0,8}|商店名称?|品牌名?称?|商家名?称?|收款(商户|方|单位)|merchantname|merchant|shopname|shop|storename|store|outlet|销售方(名称)?|销货单位|卖方|分店|门店|店铺|专柜|店号店名|商号|分店名?称?)$"
)
_TITLE = re.compile(
    r"(小票|收据|单据|凭证|凭据|发票|存根|签购单|账单|结算单|结账单|预结单|预打单|确认单|核对单|对账单|点菜单|消费单|销售单|购物单|订单|退货单?|退款单?|充值单|充值|储值单?|清单|顾客联|商户联|客户联|柜台联|记账联|第.联|补打|重打|重印|副本|copy|"
    r"receipt|invoice|bill$|^tax|cashsale|cashmemo|duplicate|reprint|证明联|欢迎|光临|谢谢|多谢|惠顾|thank|welcome|电子|堂食|打包|自取|外带|外卖|外送|取餐|取单|桌号|台号|座位|影厅|场次|菜品|品名|商品|数量|金额|单价|"
    r"已在线支付|在线支付|已支付|货到付款|立即|预计|备注|详情|当前状态|支付成功|交易成功|付款成功|网络|credit ?note|营业时间|打印|客单|takeaway|dinein|takeout|dine-in)"
)
_PLATFORM = re.compile(
    r"^(#?\d*)?(美团|饿了么|美团外卖|大众点评|抖音|京东|淘宝|foodpanda|deliveroo|keeta|ubereats|grab|口碑|客如云|美团点评|有赞|收钱吧|哗啦啦|二维火|微信支付|支付宝|alipay|wechatpay|unionpay|银联|云闪付|visa|mastercard|octopus|八达通|拉卡拉|随行付|通联|富友|银盛|收单行|quickpass|闪付|applepay|pos|百度|天猫|财付通|wepay)"
)
_BANK = re.compile(r"银行(?!卡)|bank(?!ery)|收单|银联商务|拉卡拉|支付(科技|有限|服务)|有限公司支付|payments?$")
_NOT_NAME = re.compile(
    r"(电话|热线|\btel|fax|phone|地址|add(ress)?:|www\.|http|\.com|@|微信|公众号|扫码|二维码|税号|gst|sst|reg\.?no|no\.\s?\d|jalan|jln|road|street|lot\s?\d|邮编|时间|日期|单号|流水|收银|卡号|人数|工号|机号|店号|营业执照|服务员|\bdate\b|\btime\b|cashier|table|单价|积分|会员|order)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(省|市|区|县|镇|路|街|道|巷|弄)[^店]{0,12}\d+\s?(号|楼|层|室|铺|弄)|\d+号$|\d+楼|[A-Z]?\d+-?\d*号?(铺|室|舖)$|地下|地库$|shop\s?(no)?\.?\s?\w?\d|g/f|[1-9]/f|level\s?\d|unit\s?\w?\d",
    re.IGNORECASE,
)
_SHOP_WORD = re.compile(
    r"店$|店[)）]?$|专柜|超市|餐厅|酒家|酒楼|茶餐厅|面馆|火锅|咖啡|cafe|coffee|bakery|restaurant|restoran|mart|store|shop|影城|影院|药房|药店|便利|百货|书店|美妆|珠宝|sdnbhd|ltd|limited|enterprise|trading|pharmacy|服饰|眼镜|烘焙|料理|烤肉|奶茶|酒吧|公司|堂$|轩$|阁$|馆$|坊$|屋$|堡$|house|kitchen|boutique|bistro|bar$|grill|tea"
)
_COMPANY = re.compile(r"有限公司|商业管理|购物中心(有限)|百货(有限|股份)|集团|物业|limited|ltd\.?$", re.IGNORECASE)
_WESTERN_FIRM = re.compile(r"\b(sdn\.?\s?bhd|s/b|enterprise|ltd|limited|bakery|restaurant|restoran|trading|inc)\b\.?", re.IGNORECASE)
# A place followed by the word for a shop: a branch of the shop that stands above it.
_BRANCH = re.compile(
    r"^[^·•・()\s]{0,9}(广场|天地|购物中心|商场|百货|城|汇|港|街|里|中心|路|mall|plaza)\s?((分|专卖|旗舰|直营)?店|store)(\s?\d+)?$",
    re.IGNORECASE,
)
# Below the first row, a building with or without the unit in it: where the shop is.
_PLACE = re.compile(r"^[^·•・():]{0,9}(广场|天地|购物中心|商场|百货|中心|plaza|mall)\s?([A-Z]{0,2}\d{1,2}F?(-\w{1,6})?)?$", re.IGNORECASE)
# The tail of a name that was broken over two rows.
_FRAGMENT = re.compile(r"[^()·\s]{0,4}店[)]?|[^(]{0,6}[)]")
_MALL = re.compile(
    r"(广场|天地|购物中心|商场|购物公园|奥特莱斯|万象汇?|中心|mall|plaza|city|centre|center|天街|吾悦|银泰|海岸城|里$|城$|汇$|荟$|港城)",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"(?<![A-Za-z0-9])(?P<unit>(?:[A-Z]{1,2}\d{0,2}|\d{1,2}[FL]?|B\d|L\d|LG\d?|UG|GF|[NSEW]\d)-?[A-Z]?\d{1,4}[A-Z]?(?:[-&、]\d{1,4}[A-Z]?)?)\s?(?:号?铺|室|号商铺|舖|單位)?$"
)


@dataclass(frozen=True)
class Name:
    """A shop's name as printed, and how likely it is one."""

    text: str
    score: float
    items: tuple[Item, ...]


def merchant(rows: Sequence[Row], ledger: Sequence[Entry], lines: Sequence[Line], kind: Kind) -> Name | None:
    """The shop's name as printed, or None when the slip shows none."""
    labelled = _labelled(rows, lines, kind)
    head = _head(rows, ledger, kind)
    names = [*labelled, *_ranked(head, lines, kind)]
    if not names:
        return None
    best = max(names, key=lambda name: name.score)
    return _completed(best, head, lines)


def _labelled(rows: Sequence[Row], lines: Sequence[Line], kind: Kind) -> list[Name]:
    """Names behind a label that says that they are names."""
    names = []
    for row in rows:
        for at, item in enumerate(row.items):
            label, colon, rest = item.text.partition(":")
            if re.search(r"name\)?$", label.strip(), re.IGNORECASE) or _SAYS_SO.match(squeezed(label)):
                value, source = (rest, item) if rest.strip() else _next(row, at)
                if value.strip() and (colon or source is not item) and not re.fullmatch(r"[\d\s\-*/A-Z]{1,14}", value.strip()):
                    names.append(Name(_as_printed(lines, source, value), _label_score(squeezed(label), kind, value), (source,)))
    return names


def _next(row: Row, at: int) -> tuple[str, Item]:
    item = row.items[at + 1] if at + 1 < len(row.items) else row.items[at]
    return (item.text, item) if at + 1 < len(row.items) else ("", item)


def _label_score(key: str, kind: Kind, value: str) -> float:
    if kind == "payment_slip":
        return 0.97
    if "专柜" in key:
        return 0.95
    if key.startswith(("门店", "分店")):
        # The branch of a shop whose name stands at the top; a name of its own only when it is more than a mall's.
        return 0.3 if _MALL.search(value) and not _SHOP_WORD.search(squeezed(value)) else 0.6
    return 0.5 if kind == "e_screenshot" else 0.8


def _head(rows: Sequence[Row], ledger: Sequence[Entry], kind: Kind) -> list[Row]:
    """The rows above the first row that is plainly about the sale."""
    if kind == "e_screenshot":
        amount = max((entry for entry in ledger if entry.strong), key=lambda entry: entry.item.height, default=None)
        stop = amount.row if amount else 8
        return [row for row in rows[: stop + 1] if amount is None or row is not rows[stop]]
    stop = min((entry.row for entry in ledger if entry.strong), default=len(rows))
    labelled = [n for n, row in enumerate(rows) if len(row.items) >= 3 or re.search(r":\s?\S*\d{3}", row.text)]
    first = min([stop, *labelled[:1]], default=stop)
    return list(rows[: max(4, min(first + 1, 14))])


def _ranked(head: Sequence[Row], lines: Sequence[Line], kind: Kind) -> list[Name]:
    items = [item for row in head for item in row.items]
    if not items:
        return []
    usual = median(item.height for item in items)
    # Where the slip is bilingual, the name in Chinese is the shop's own.
    western = not any(has_han(item.text) for item in items)
    names = []
    for place, row in enumerate(head):
        item = max(row.items, key=lambda item: item.height)
        score = _likely(item, place, usual, len(row.items), kind, western)
        if score > 0:
            names.append(Name(_as_printed(lines, item, item.text), round(score, 3), (item,)))
    return names


def _likely(item: Item, place: int, usual: float, beside: int, kind: Kind, western: bool) -> float:
    text, key = item.text, squeezed(item.text)
    if len(key) < 2 or item.score < 0.5 or _TITLE.search(key) or _NOT_NAME.search(plain(text)):
        return 0.0
    if sum(c.isdigit() for c in key) > 0.45 * len(key) or _PLATFORM.search(key) or _BANK.search(key):
        return 0.0
    score = 0.45 - 0.03 * place
    score += 0.12 * min(2.0, max(0.0, item.height / max(1.0, usual) - 1.0))
    score += 0.15 if _SHOP_WORD.search(key) else 0.0
    score += 0.20 if western and _WESTERN_FIRM.search(text) else 0.0
    score -= 0.30 if _BRANCH.search(text) else 0.0
    score -= 0.20 if place and _PLACE.search(text) else 0.0
    score -= 0.25 if _FRAGMENT.fullmatch(text) else 0.0
    score -= 0.30 if _ADDRESS.search(text) else 0.0
    score -= 0.12 if _COMPANY.search(text) and has_han(text) else 0.0
    score -= 0.15 if beside > 1 and kind != "e_screenshot" else 0.0
    score -= 0.15 if text.startswith(("《", "(", "[", "【", "*", "-")) or ":" in text else 0.0
    score -= 0.10 if len(key) > 24 and has_han(text) else 0.0
    return score * min(1.0, 0.4 + item.score * 0.6)


def _as_printed(lines: Sequence[Line], item: Item, value: str) -> str:
    """The words as they stand on the paper, in their own script."""
    printed = lines[item.index].text.strip()
    if value.strip() == item.text.strip():
        return printed
    tail = re.split(r"[:：]", printed, maxsplit=1)[-1].strip()
    return tail or value.strip()


def _completed(name: Name, head: Sequence[Row], lines: Sequence[Line]) -> Name:
    """A logo is followed by the full name with the branch; a long name is broken over two rows."""
    own = squeezed(name.text)
    for row in head:
        for item in row.items:
            longer = squeezed(item.text)
            if item not in name.items and own and own in longer and len(longer) > len(own) and not _TITLE.search(longer):
                return Name(lines[item.index].text.strip(), min(0.99, name.score + 0.25), (*name.items, item))
    tail = _tail(name, head)
    if tail is not None:
        text = name.text + lines[tail.index].text.strip()
        return Name(text, min(0.99, name.score + 0.1), (*name.items, tail))
    return name


def _tail(name: Name, head: Sequence[Row]) -> Item | None:
    last = name.items[-1]
    following = [item for row in head for item in row.items if item.middle > last.middle + 0.3 * last.height]
    if not following:
        return None
    tail = min(following, key=lambda item: item.middle)
    near = tail.middle - last.middle < 1.8 * max(last.height, tail.height)
    alike = 0.6 < tail.height / last.height < 1.5
    closes = bool(re.search(r"^[^()（(:]{0,10}(店|店[)）]|[)）])$", tail.text)) and not _TITLE.search(squeezed(tail.text))
    open_bracket = name.text.count("(") + name.text.count("（") > name.text.count(")") + name.text.count("）")
    is_branch = len(squeezed(tail.text)) <= 5 or open_bracket
    ended = bool(re.search(r"店[)）]?$", name.text))
    return tail if near and alike and closes and is_branch and not ended else None


def unit_and_mall(rows: Sequence[Row]) -> tuple[str | None, str | None]:
    """The shop's unit in the building (B1-203) and the mall's name, where a row shows them."""
    unit = mall = None
    for row in rows:
        for item in row.items:
            match = _UNIT.search(item.text)
            before = item.text[: match.start()] if match else item.text
            if match and unit is None and has_han(before) and len(before) <= 16 and _MALL.search(before.strip()) and ":" not in before:
                unit, mall = match["unit"], before.strip(" -")
    return unit, mall or _mall_in_name(rows)


def _mall_in_name(rows: Sequence[Row]) -> str | None:
    for row in rows[:6]:
        match = re.search(r"[(·\s]([^\s()·:]{2,12}?)(?:分?店)[)]?$", row.text)
        if match and _MALL.search(match[1]):
            return match[1]
    return None
