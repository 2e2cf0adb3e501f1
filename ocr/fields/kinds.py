"""What sort of paper this is: a purchase, or one of the things that only look like one."""

# ruff: noqa: E501  (a rule is one line, however many words it knows)
from __future__ import annotations

import re
from collections.abc import Sequence

from ocr.fields.entries import Entry
from ocr.fields.labels import SUMS_AND_PAID, Role
from ocr.fields.rows import Row
from ocr.fields.text import plain, squeezed
from ocr.reading import Kind

# Each pattern that is found adds its weight to the kind; matched row by row against squeezed text.
_SIGNS: tuple[tuple[Kind, float, str], ...] = (
    ("refund", 8.0, r"(交易类型|业务类型|transtype|txntype|transactiontype).{0,12}(退货|退款|撤销|冲正|refund|void|reversal)"),
    (
        "refund",
        3.0,
        r"^(商品|销售|客户|顾客|会员)?(退货|退款|退单|退菜|退费|退票|红冲|冲红|冲销|撤销)(单|小票|凭证|凭据|收据|票据|存根|联|成功|通知书|交易)?$",
    ),
    (
        "refund",
        2.0,
        r"(退货|退款)(单号|小票号|流水|时间|日期|金额|合计|总额|方式|原因|店|人|笔数)|实退|应退|原(单|小票|交易|订单|收据|流水|发票|销售单|票)(编)?号|原交易",
    ),
    (
        "refund",
        3.0,
        r"creditnote|refundslip|refundreceipt|^refund$|salesreturn|^return(receipt)?$|^void(slip|receipt|transaction|txn|sale)|transtype(refund|void)|txntype(refund|void)|交易类型.{0,10}(退货|退款|撤销|消费撤销|refund|void)|销货退回|折让证明",
    ),
    (
        "top_up",
        3.0,
        r"(充值|储值|充卡|售卡|开卡|购卡|办卡|续卡)(单|小票|凭证|凭据|收据|成功|票)|^(会员)?(充值|储值|增值)$|(?<!自动)增值(单|收据|服务|凭证|成功|交易)|(钱包|八达通)(增值|充值)|topup(receipt|slip)|^topup|(?<!last)addvalue|(wallet|card|tng)(topup|reload)|reload(receipt|slip|success)|^(guthaben)?aufladung",
    ),
    (
        "top_up",
        2.0,
        r"(充值|储值|增值(?!税)|充卡|购卡)(金额|时间|日期|卡号|后|前|方式|合计|账户|本金|赠送)|赠送金额|topupamount|reloadamount|valueadded",
    ),
    (
        "unpaid_bill",
        3.0,
        r"预(结|打|付)?(账)?(单|账单)|^预结|预打|预览|暂结|暂单|对账联|(客人|顾客|消费|账单|点菜)确认单|^(点|落|下|加)(菜|单|餐)(单|清单|明细)?$|客看单|结账前|proforma|guestcheck|notareceipt|thisisnota(n)?(official)?receipt|unpaid|quotation|报价单|估价单|^客单$|核对单$|(账|菜|帐|结)单未(结|付)|^pre(payment|bill|check)(bill|check|receipt)?$|^(interim|provisional|preliminary|temporary|draft)(bill|check|receipt)$|^(bill|check)preview$|zwischenrechnung|vorabrechnung|keinerechnung|bilsementara|bukanresit",
    ),
    (
        "unpaid_bill",
        3.0,
        r"未(付款|结账|支付|付清|买单|收款|结算|付)(?!.{0,6}(订单|自动))|尚未(付|结)|待(支付|付款|结账|收款)|仅供(核对|参考|对账)|(非|不是|不作).{0,4}(付款|结账|收款)凭|(并非|不是)(正式)?(收据|发票)|核对后(付款|结账)|pay(ment)?at(the)?(counter|cashier)|请(到|至|前往).{0,8}(付款|结账|买单)|扫码(支付|付款|买单)即|到(收银台|前台|柜台|收银处).{0,3}(结|付|买|埋)|paymentpending|pleasepay",
    ),
    (
        "parking",
        3.0,
        r"停车(费|场|收费|时长|时间|缴费|凭证|小票|票)|泊车|车牌|入场时间|出场时间|进场时间|离场|停留时|驻车|parking(fee|ticket|receipt|lot)?|carpark|vehicleno|platenum|时租",
    ),
    (
        "payment_slip",
        3.0,
        r"签购单|持卡人(存根|联|签名|签字)|商户(存根|联)|cardholder(copy|signature)?|merchantcopy|customercopy.{0,6}card|刷卡(单|凭条|小票|凭证)|pos单|银行卡(交易|消费)凭|扫码(支付|付款)凭|收款凭证|kundenbeleg|händlerbeleg|salinan(pelanggan|pemegangkad)",
    ),
    (
        "payment_slip",
        1.2,
        r"(终端|机身|终端机)(编)?(号|id)|terminal(no|id)?|^tid|商户(编)?号|merchant(no|id)|^mid|批次(号)?|batch(no)?|凭证号|voucherno|traceno|授权(码|号)|authcode|appr(oval)?code|apprcode|authno|参考号|refno|rrn|检索|系统参考|交易类型|trans?type|txntype|发卡(行|机构)|issuer|收单(行|机构)|acquirer|应用标识|^aid|^tc:?|^tvr|^arqc|免密|nosignature|卡号.{0,10}\*{2}|cardno|^机号|操作员(编)?号|八达通(卡)?(编号|号码)",
    ),
    (
        "delivery_order",
        3.0,
        r"美团外卖|饿了么|外送(单|订单)|foodpanda|deliveroo|keeta|ubereats|grabfood|百度外卖|京东外卖|京东到家|淘宝闪购|闪送|抖音外卖|户户送|蜂鸟|达达|^delivery$",
    ),
    (
        "delivery_order",
        1.5,
        r"配送费|配送(地址|时间|方式|员)|骑手|送餐|送达|收货(地址|人)|预计.{0,4}(送|到)|立即送|顾客地址|客户地址|送货地址|deliver(y|ed)?(fee|address|to|charge|chg)|rider|(先生|女士|小姐)\d{3}\*|隐私号|虚拟号",
    ),
    (
        "e_screenshot",
        3.0,
        r"^(账单|交易|订单|付款|支付|消费)(详情|明细|记录)$|^(支付|交易|付款|转账|消费)成功$|当前状态|商户全称|收单机构|商家订单号|商户单号|转账单号|^交易状态|查看(账单|往来)|再来一单|账单(分类|管理)|计入收支|申请电子回单|对此订单有疑问|联系商家|发起群收款|^(全部|我的)?账单$|商品说明|创建时间|paymentsuccessful|transactiondetails",
    ),
    ("refund", 1.5, r"^void$"),  # one article may be void on a purchase
    # An amount that a card is only held for: nothing is bought yet.
    (
        "unpaid_bill",
        12.0,
        r"(交易类型|transtype|txntype|transactiontype).{0,12}(预授权(?!完成)|preauth(?!orisationcomp|comp))|^预授权(?!完成)|^pre-?auth(orisation|orization)?$",
    ),
    # What the terminal itself calls the transaction outweighs all that a card slip also prints.
    ("refund", 12.0, r"(交易类型|transtype|txntype|transactiontype).{0,10}(退货|退款|撤销|refund|void)"),
)
# What a paper calls itself, alone on a row above its first amount.
_TITLES: tuple[tuple[Kind, float, str], ...] = (
    (
        "refund",
        4.0,
        r"^((销售|商品)?销退|销售退回|(小票|单据|业务|销售)类型(退货|退款)|作废(小票|单据|票据)|整单作废|stornobeleg|stornorechnung|gutschrift(sbeleg)?|retoure(nbeleg)?|erstattung(sbeleg)?|returnedgoods|goodsreturn(ed)?(note)?|(visa|mastercard|card|cash|unionpay|amex)refund|cancelled(receipt|transaction|sale))单?$",
    ),
    (
        "unpaid_bill",
        3.0,
        r"^(报价|询价|预算|估价|挂账|挂|送货|发货|出库|取货|提货|配货|拣货)(单|清单|明细单)$|^埋单纸$|^(quote|estimate|salesquote|kostenvoranschlag|angebot|sebutharga|proformainvoice|deliveryorder|deliverynote|packing(list|slip)|lieferschein)$",
    ),
    # A bank's or an exchange's paper.
    (
        "other",
        20.0,
        r"^((atm|自助|现金|银行)?(取款|存款|存现|取现|转账|汇款|提现)(凭条|凭证|回单|交易|业务)?单?|(银行)?(业务|客户|交易)回单|余额查询|(atm|cash)?withdrawal(receipt|slip)?|(cash|cheque)deposit(receipt|slip)?|(fund|bank|interbank)?transfer(receipt|slip)|balance(i|e)nquiry|(外币|货币)兑换(水?单)?|(currency|foreign)exchange(receipt|slip|memo)?|licensedmoneychanger|moneychanger|westernunion|auszahlung(sbeleg)?)$|^(交易|业务)类型(取款|存款|存现|转账|汇款|提现|余额查询)|^(trans|transaction|txn)type(cash)?(withdrawal|deposit|transfer|balance)",
    ),
    # A till's, a kitchen's or a terminal's own paper.
    (
        "other",
        20.0,
        r"^(交接?班|日结|班结|营业日报|营业汇总|销售日报|销售汇总|收款汇总|收银(日报|汇总|交接))(单|表|报表|小票|汇总表?)?$|^结算总计单?$|^[xz](report|reading|bericht)$|^(shift|dailysales|endofday|settlement)(report|summary)$|^(tages|kassen)abschluss$|^(后厨|厨房|厨打|制作|出品|传菜|划菜|配菜)(单|联)$|^kitchen(order|ticket|copy|slip)$|^kot$|^(training|练习|培训|演示)(mode|模式|小票|receipt)$|^testbon$|^(test|sample|specimen)(receipt|print|page)$|^打印测试页?$",
    ),
    # What is no purchase in a shop.
    (
        "other",
        20.0,
        r"^(体育|福利)?彩票$|^lotto$|^lottery(ticket)?$|^捐(款|赠)(收据|证书|凭证|票据)?$|^(donation(receipt)?|spendenquittung)$|^快递(单|面单)$|^(物流)?运单$|^(air)?waybill$|^consignmentnote$|^挂号(单|凭证|条)$|^(登机牌|boardingpass)$|^(优惠|代金|兑换|抽奖)券$|^(giftreceipt|geschenkbon)$|^(电|水|燃气|煤气|物业|取暖)费(缴费|收费|缴纳)?(通知|催缴)?(单|凭证|收据|账单)$|^(electricity|water|gas|utility)bill$|^stromrechnung$",
    ),
)
_HEADS = tuple((kind, weight, re.compile(pattern)) for kind, weight, pattern in _TITLES)
# Papers that show prices, or how long to wait, and sell nothing; on a slip with a sum the same words name a column or an order.
_NOTHING_SOLD = re.compile(
    r"^(菜单|菜牌|餐牌|价目表|menu|pricelist|名片)$|^(您的)?(排队|取号|叫号|候位|等位|轮候)(号码?|单|票|凭条|小票)?$|前面(还有|等待|等候)\w{0,6}(桌|位|人|号)|^(queue|waiting)(ticket|number|no|slip)$|^wartenummer$|^nomborgiliran$"
)
_COMPILED = tuple((kind, weight, re.compile(pattern)) for kind, weight, pattern in _SIGNS)
# What shops print on every order that leaves the house or was paid in an app: it only strengthens what says that somebody delivers.
_TAKEAWAY = re.compile(r"外卖(单|订单|平台)?$|^外卖|餐盒费|打包费|期望|已在线支付|在线支付完成|备注")
# A shop that can also be ordered from elsewhere says so in a sentence of its own.
_ADVERT = re.compile(
    r"下载|关注|欢迎|也可|可于|可在|经由|透过|通过|平台(点|订|落)|落单享|order(now)?(on|via|at|from)|availableon|finduson|download|followus|joinus"
)
# Sentences about what may be done later are not what was done.
_ADVICE = re.compile(
    r"凭(?!证|据|条)|日内|天内|不予|不可|不得|恕不|如需|如有|请(保|妥|勿|在|于)|须|退换|可退|概不|谢绝|政策|规则|换货|扫(一扫)?码(关注|评|领|开)|公众号|may ?be|not ?(be )?(return|refund|exchange)|no ?(refund|exchange|return)|within|policy|goods ?sold|积分|发票|(免费|优惠)(泊|停)车|(泊|停)车(优惠|券|礼遇)|free ?parking|parking ?(privilege|redemption|offer|validation)"
)
_AMOUNT = re.compile(r"^(交易|付款|消费|支付)?金额$|^(sale|trans(action)?|txn)?(amount|amt)$")
# Articles that only fill a card or a wallet.
_FILLS = re.compile(
    r"充值(?!卡)|(?<!自动)增值(?!税)|topup|reload|addvalue|cashin|(wallet|钱包|touchngo|tng|octopus|八达通|prepaid)(pin|credit|load)|aufladung|aufladen"
)
_CLOCK_BAR = re.compile(r"^(上午|下午)?\d{1,2}:\d{2}$")


def kind_of(rows: Sequence[Row], ledger: Sequence[Entry], looks_like_screen: float) -> tuple[Kind, float]:
    """The kind of slip, and how sure that is (0..1). `looks_like_screen`: the picture's own score for a screenshot."""
    votes = _votes(rows)
    roles = {entry.role for entry in ledger if entry.fen}
    for kind, weight in _titles(rows, ledger):
        if kind != "unpaid_bill" or not _is_paid(roles):
            votes[kind] += weight
    articles = _lists_articles(ledger)
    # A card slip may call its one amount a total; articles, or a sum before the total, make it a shop's own receipt.
    sums = roles & {Role.TOTAL, Role.SUBTOTAL, Role.PAYABLE, Role.DISCOUNT, Role.CHANGE}
    if articles or len(sums) >= 2 or (bool(sums) and votes["payment_slip"] < 5.0 and not _is_one_amount(ledger)):
        votes["payment_slip"] = max(0.0, votes["payment_slip"] - 3.5)
        votes["e_screenshot"] *= 0.7
    if _CLOCK_BAR.match(rows[0].items[0].text if rows else ""):
        votes["e_screenshot"] += 2.0
    votes["e_screenshot"] += 3.0 * looks_like_screen
    if _is_paid(roles):
        votes["unpaid_bill"] *= 0.5
    if Role.REFUND in roles:
        votes["refund"] += 1.0
    if Role.TOP_UP in roles:
        votes["top_up"] += 1.0
    if _is_filled(ledger):
        votes["top_up"] += 6.0
    elif _is_less(ledger) or (articles and Role.TOP_UP not in roles):
        votes["top_up"] *= 0.4  # what a card can be filled with elsewhere, not what was bought here
    if articles and votes["parking"] < 6.0:
        votes["parking"] *= 0.5  # one word about cars among articles is one of them, or the address
    if not roles.intersection(SUMS_AND_PAID) and any(len(row.items) == 1 and _NOTHING_SOLD.search(squeezed(row.text)) for row in rows):
        votes["other"] += 3.0
    return _decide(votes, ledger)


def _votes(rows: Sequence[Row]) -> dict[Kind, float]:
    votes: dict[Kind, float] = {kind: 0.0 for kind, _, _ in _SIGNS} | {"other": 0.0}
    for kind, weight, pattern in _COMPILED:
        hits = [item for row in rows for item in row.items if _speaks(pattern, item.text)]
        if kind == "delivery_order":
            hits = [item for item in hits if not _ADVERT.search(squeezed(item.text))]
        votes[kind] += weight * min(len(hits), 6)
    if votes["delivery_order"]:
        votes["delivery_order"] += 1.5 * min(2, sum(_speaks(_TAKEAWAY, item.text) for row in rows for item in row.items))
    return votes


def _titles(rows: Sequence[Row], ledger: Sequence[Entry]) -> list[tuple[Kind, float]]:
    first = min((entry.row for entry in ledger if entry.strong), default=len(rows))
    alone = [squeezed(row.text) for row in rows[:first] if len(row.items) == 1]
    return [(kind, weight) for kind, weight, pattern in _HEADS if any(pattern.search(key) for key in alone)]


def _speaks(pattern: re.Pattern[str], text: str) -> bool:
    return bool(pattern.search(squeezed(text))) and not _ADVICE.search(plain(text).lower())


def _lists_articles(ledger: Sequence[Entry]) -> bool:
    return len({entry.row for entry in ledger if entry.role is None and entry.strong and entry.label}) >= 2


def _is_one_amount(ledger: Sequence[Entry]) -> bool:
    """Is there one amount alone, by the name that terminals give it, beside the balance of the card?"""
    strong = [entry for entry in ledger if entry.strong and entry.fen and entry.role is not Role.BALANCE]
    named = any(_AMOUNT.match(squeezed(entry.label)) for entry in strong)
    return named and len({abs(entry.fen) for entry in strong}) == 1 and all(entry.role for entry in strong)


def _is_filled(ledger: Sequence[Entry]) -> bool:
    """Is what was put on a card or into a wallet all that was paid for?"""
    fills = [entry.fen for entry in ledger if entry.fen > 0 and (entry.role is Role.TOP_UP or _is_fill(entry))]
    due = {entry.fen for entry in ledger if entry.role in SUMS_AND_PAID}
    return bool(due.intersection([*fills, sum(fills)]) - {0})


def _is_less(ledger: Sequence[Entry]) -> bool:
    """Is what was put on a card only a part of what was paid?"""
    fills = [entry.fen for entry in ledger if entry.role in (Role.TOP_UP, Role.BONUS) and entry.fen > 0]
    return bool(fills) and sum(fills) < max((entry.fen for entry in ledger if entry.role in SUMS_AND_PAID), default=0)


def _is_fill(entry: Entry) -> bool:
    return entry.role in (None, Role.FEE, Role.TENDER) and bool(_FILLS.search(squeezed(entry.label)))


def _is_paid(roles: set[Role | None]) -> bool:
    return bool(roles & {Role.PAID, Role.TENDER, Role.CASH, Role.CHANGE})


def _decide(votes: dict[Kind, float], ledger: Sequence[Entry]) -> tuple[Kind, float]:
    needed: dict[Kind, float] = {"payment_slip": 3.0, "delivery_order": 3.0, "e_screenshot": 4.0}
    able = {kind: vote for kind, vote in votes.items() if vote >= needed.get(kind, 2.0)}
    # A title says more than a place: refunds, top-ups and unpaid bills first, then the channel.
    for kind in ("refund", "top_up", "unpaid_bill", "parking", "e_screenshot", "delivery_order", "payment_slip", "other"):
        if kind in able and able[kind] >= 0.6 * max(able.values()):
            rest = max((vote for rival, vote in votes.items() if rival != kind), default=0.0)
            return kind, round(min(0.99, 0.6 + 0.08 * (votes[kind] - 0.5 * rest)), 3)
    # Under the label of a sum an amount is money even where shops print neither cents nor a currency.
    money = [entry for entry in ledger if entry.strong or entry.role in SUMS_AND_PAID]
    if not money:
        return "other", 0.6
    rest = max(votes.values())
    return "receipt", round(max(0.4, 0.97 - 0.12 * rest), 3)


# Words under which no purchase is trusted by itself. As a title or a field: taken back, never sold, not paid yet, paid in parts, a report.
_DOUBTFUL = re.compile(
    r"storno|gutschrift|retoure|erstattung|returnedgoods|^(visa|mastercard|card|cash|unionpay|amex|total)?refund(ed)?(amount|total)?$|cancelled|annull|销退|类型退货|反结账|作废|冲销|撤销|"
    r"trainingmode|training$|练习模式|培训模式|testbon|"
    r"anzahlung|kaution|bookingfee|advancepayment|downpayment|认购金|诚意金|意向金|"
    r"后厨单|埋单纸|厨房单|kostenvoranschlag|lieferschein|送货单|取货单|出库单|挂账|挂单|招待|免单|"
    r"交班|日结|班结|消费笔数|营业额|(pos|终端|批|商户|供应商|收银)结算单|zreport|xreport|tagesabschluss|"
    r"lottery|lotto|彩票|捐款|donation|westernunion|外币兑换|moneychanger|电费|水费|燃气费|物业费|stromrechnung|electricitybill"
)
# As an article: value that is sold and earns when it is spent.
_VALUE_SOLD = re.compile(
    r"(礼品|购物|充值|储值|提货|话费|京东e|星礼|月饼|礼|现金|代金|会员年|八达通|悠游|交通)(卡|券)|券$|办卡|开卡|年卡|课包|加值|充值|缴费|增值服务|giftcard|egift|gift(card|voucher)|cashvoucher|voucher|"
    r"steam|itunes|appstore|googleplay|topup|reload|prepaid|pin$|aufladung|guthaben|geschenkkarte|gutschein|paysafe"
)


def is_doubtful(rows: Sequence[Row], ledger: Sequence[Entry]) -> bool:
    """Does anything on the slip say that it may be no purchase, or a purchase of value that earns again when it is spent?"""
    titles = (item.text for row in rows for item in row.items)
    if any(_DOUBTFUL.search(squeezed(text)) and not _ADVICE.search(plain(text).lower()) for text in titles):
        return True
    sums = [entry.row for entry in ledger if entry.role in SUMS_AND_PAID and entry.fen]
    first = min(sums, default=len(rows))
    above = (entry.label or rows[entry.row].text for entry in ledger if entry.row < first and entry.fen > 0)
    return any(_VALUE_SOLD.search(squeezed(label)) for label in above)
