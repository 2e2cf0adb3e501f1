"""What a label says about the amount beside it, in both scripts and in English."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from ocr.fields.text import squeezed


class Role(StrEnum):
    """The part an amount plays on a slip."""

    PAID = "paid"
    PAYABLE = "payable"
    TOTAL = "total"
    SUBTOTAL = "subtotal"
    LISTED = "listed"
    DISCOUNT = "discount"
    CASH = "cash"
    CHANGE = "change"
    TENDER = "tender"
    FEE = "fee"
    TAX = "tax"
    ROUNDING = "rounding"
    BALANCE = "balance"
    POINTS = "points"
    COUNT = "count"
    TOP_UP = "top_up"
    BONUS = "bonus"
    REFUND = "refund"
    DEPOSIT = "deposit"
    OTHER = "other"


# What a slip calls a sum of its articles, and what was paid of it.
SUMS = (Role.SUBTOTAL, Role.TOTAL, Role.PAYABLE)
SUMS_AND_PAID = (*SUMS, Role.PAID)

# Asked from the top; the first that matches decides. Matched against `squeezed` text: simplified, lower case, no spaces.
_TABLE: tuple[tuple[Role, str], ...] = (
    (Role.TENDER, r"(支付|付款|收款|结算)(方式|类型|渠道)|paymentmethod|paymode|paymenttype|tendertype"),
    (
        Role.TOTAL,
        r"价税合计|(合计|总计|总额|总价|金额)含税|小写|含税(合计|总|金额)|total(rm|amount|sales?)?(payable)?(with|inc)(l|luding|lusive)?(of)?(gst|sst|tax|vat)|totalinclusive|totalrmincl",
    ),
    (
        Role.OTHER,
        r"时间|日期|^date|^time|datetime|电话|tel|phone|热线|税号|注册号|gstreg|gstno|gstid|sstno|sstid|卡号|编号|单号|流水|条码|原单|有效期|发票抬头|面额$|起送|满.{0,4}(可|减|送)\d|每满|再消费|人均|单价|unitprice|折合(港|澳|葡|人民币|美)|equivalent|每期|月供|期数|月付|monthlyinstal",
    ),
    (Role.POINTS, r"积分(?!支付|抵|付款|消费)|积点|印花|会员成长|points?(?!paid|redeem)|里数|奖赏钱(?!支付)|balpoint|stamps?$|集点|点数"),
    (
        Role.COUNT,
        r"件数|数量$|总数量|合计数|品项|品数|项数|总件|合计件|共\d*件|商品数|人数|张数|票数|份数|totalqty|qty|quantity|noofitem|totalitem|itemcount|itemsold|pax$|covers?$|guests?$|位数",
    ),
    # What was paid before, and what is left of the bill: parts of it, never the whole.
    (Role.DEPOSIT, r"(?<!退)(?<!退还)(押金|定金|订金|首付|首期款?$|预付(?!卡)|预收|尾款|补收|补付|补交|补差|尚欠|未付余)|deposit"),
    (Role.BALANCE, r"余额|余量|剩余|结余|卡余|本次余|可用额|balance(?!due|payable|topay)|remaining|储值余|余款$"),
    (Role.BONUS, r"赠送|赠金|bonus"),
    (
        Role.TOP_UP,
        r"充值(?!卡|优惠)|增值(?!税)|储值金额|储值额|本次储值|(?<!手)续费|topup|addvalue|reload|充入|到账金额|售卡金额|开卡金额|购卡金额",
    ),
    (
        Role.REFUND,
        r"退款(?!方式|时间|日期|原因|单|状态)|实退|应退|退货(合计|金额|总)|退还|refund(amount|total|ed)|totalrefund|amountrefunded|credittotal|折让金额合计",
    ),
    (Role.CHANGE, r"找零|找补|应找|找余|找回|找款|找还|找钱|^找$|零找|change(?!d)|退找|ruckgeld|rückgeld|^zuruck|^zurück"),
    (
        Role.PAYABLE,
        r"(优惠|折扣|折|减免|立减|券)后|实洋|折实|最终金额|净金额|^net$|^due$|zuzahlen|tobepaid|实销|应付|应收|应缴|应结|需付|需支付|待付|待支付|净额|净付|净计|结账金额|amountdue|balancedue|totaldue|netpayable|amountpayable|"
        r"totalpayable|nettotal|netamount|netamt|grandtotal|payableamount|nettsales|topay$|balancepayable|roundedtotal|totalrounded|totalafter|amounttopay|nett$|nettotal|结算金额|实际金额|实价|总计应",
    ),
    (
        Role.DISCOUNT,
        r"优惠|折扣|折让|立减|满减|直减|减免|抵扣|抵用|抵现|让利|随机减|红包|代金券|优惠券|现金券|礼券|折价|折金|减价|促销|特价|团购差|(会员|商家|平台|店铺|活动|生日|员工|新客|首单|补贴)(折|减|优|补)|补贴|discount|^disc|disc$|disc\d|saving|voucher|promo|rebate|coupon|^less|memberprice|deduct|^减|省$|节省|已省|九折|八折|扣减|免单",
    ),
    (
        Role.CASH,
        r"实收现金|收现|现收|收您|付现|现金(支付|收款|实收|付款|收入)?$|^现金|cash(?!ier|back|less|memo|sale|bill|receipt)|tender(?!type)|amountreceived|amtreceived|received$|moneyreceived|付款现金|收到现金|收客|交来|^收取$|^收款$|客付|来款|^收$|^geg(eben|bar)?|^bar(eur)?$|gegeben",
    ),
    (
        Role.PAID,
        r"实付|实收|(用户|顾客|客户|买家|会员|个人|本人)(实|应)?(支付|付款|付)(?!方式)|实际(支付|付款|收款|应付|应收|消费)|顾客实付|客户实付|已付|已收|支付(金额|总额|合计)|付款(金额|总额|合计)|收款(金额|合计)|本次支付|(本次|此次|本单|当次)消费(?!积)|交易金额|成交|实结|实缴|收银金额|实支付|本次消费|本次扣款|扣款金额|"
        r"缴费金额|(amount|total|amt)paid|paidamount|paidtotal|paymentamount|totalpayment|^paid$|amountcharged|saleamount|txnamount|transactionamount|金额amount|amount金额|^base|totalpaid|payamt|付款总计|支付总计|您已支付|共支付|共付|已支付",
    ),
    (Role.ROUNDING, r"抹.$|抹零|舍零|舍入|四舍五入|抹分|抹角|进位|尾数|rounding|roundadj|^round|凑整|零头|去零"),
    (Role.TAX, r"税|mwst|ust\d|^netto|^brutto|gst|vat|^tax|tax$|sst|taxamount"),
    (
        Role.FEE,
        r"服务费|加一|茶位|茶芥|餐位|包厢费|开瓶费|配送费|运费|餐盒|打包费|包装费|服务加|servicecharge|svcchg|svccharge|^sc\d|deliveryfee|packaging|tips?$|gratuity|trinkgeld|小费|打赏|包装盒|手续费|加工费",
    ),
    (
        Role.LISTED,
        r"原价|(门市|市场|零售)价|码洋|折前|优惠前|原始|原金额|原总|总原|未折|标价|应收原|折扣前|吊牌|originalprice|beforedisc|totalbefore|listprice",
    ),
    (
        Role.SUBTOTAL,
        r"小计|小结|zwischensumme|商品(总|合|金)|货品|菜品(总|合|金)|餐费|票款|票价合计|消费合计|消费总|项目合计|商品总|销售(合计|总|金)|订单(总|金)|subtotal|subtl|subttl|^(food|drinks?|beverage)total|sub-total|"
        r"totalexcl|amountexcl|amtexcl|grosstotal|grossamount|grosssales|合计前|食品合|餐饮合|itemtotal|不含税|未税|销售额|应税",
    ),
    (
        Role.TOTAL,
        r"合计|总计|消费金额|消费额|总额|总金额|总价|总和|总款|共计|合共|总共|总数$|总数total|结账|账单金额|本单|^summe|gesamtsumme|gesamtbetrag|金额合|合记|合\w?计|totalrm|totalamount|totalamt|totalsales|totalincl|totalwith|^total|total$|totalgst|totalhk|totalmop|totalnt|totalsgd|totalusd|totalinclusive|billtotal|invoicetotal|ordertotal|^amount(hkd|hk|rmb|cny|mop|twd|ntd|nt)?$|totalsale|^总$|^计$|总数额|^ttl|ttl$|现计|共收|(^|\d)金额$|total",
    ),
    (
        Role.TENDER,
        r"支付$|^ae$|数字货币|聚合|中银|礼金卡|微信|支付宝|银行卡|银联|云闪付|信用卡|借记卡|储值|购物卡|礼品卡|会员卡|会员支付|预付卡|积分支付|积分抵|积分付|刷卡|扫码|在线支付|线上支付|网上支付|数字人民币|数币|八达通|octopus|visa|master|unionpay|amex|jcb|alipay|wechat|weixin|payme|"
        r"转数快|fps|悠游卡|一卡通|linepay|街口|mpay|澳门通|applepay|googlepay|^(ec|kredit|giro)karte|girocard|kartenzahlung|maestro|tapgo|eps$|credit|debit|creditcard|mydebit|touchngo|tng|grabpay|boost|giftcard|挂账|签单|挂单|美团|大众点评|抖音|团购|聚合支付|付款方式|支付方式|收款方式|payment|paymethod|quickpass|taiwanpay|分期|instal+ment|全支付|pxpay|悠遊|数字钱包|消费券|券支付|购物券|商场券|店铺?券|医保|统筹|储值卡|提货|e-?wallet|轻松付|刷脸|花呗|白条|现钞|转账|汇款|零钱$|零钱通|余额宝",
    ),
)
_COMPILED = tuple((role, re.compile(pattern)) for role, pattern in _TABLE)


@lru_cache(maxsize=20_000)
def role_of(label: str) -> Role | None:
    """The role that a label gives to its amount, or None for anything that is not a known label."""
    key = squeezed(label)
    if not key:
        return None
    for role, pattern in _COMPILED:
        if pattern.search(key):
            return role
    return None
