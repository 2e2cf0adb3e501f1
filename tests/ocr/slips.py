"""Slips written line by line, as a reader would hand them over: layouts of several regions, no photo needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from ocr.fields.choose import choose
from ocr.reading import Box, Line, Picture, Reading, Signals

STEP = 40.0
GLYPH = 20.0


def lines_of(rows: str, width: float = 800.0, margin: float = 60.0) -> list[Line]:
    """One Line for each cell: `|` parts cells, the last of several stands at the right; `#` in front doubles the size."""
    found = []
    y = 80.0
    for row in rows.strip("\n").split("\n"):
        text = row.strip()
        size = 2.0 if text.startswith("#") else 1.0
        cells = [cell.strip() for cell in text.lstrip("#").split("|")]
        for place, cell in enumerate(cells):
            if cell:
                found.append(Line(cell, 0.98, _box(cell, place, len(cells), y, size, width, margin)))
        y += STEP * size
    return found


def _box(cell: str, place: int, count: int, y: float, size: float, width: float, margin: float) -> Box:
    long = sum(GLYPH if ord(character) > 255 else GLYPH * 0.55 for character in cell) * size
    right = width - margin
    left = margin + place * (right - margin) / count if place < count - 1 or count == 1 else right - long
    high = 0.75 * STEP * size
    return ((left, y), (left + long, y), (left + long, y + high), (left, y + high))


def read(rows: str, height: float | None = None, screenshot: float = 0.0, today: date | None = None) -> Reading:
    """The reading of such a slip, with paper left below it unless `height` cuts the picture; `today`: the day of upload."""
    lines = lines_of(rows)
    foot = max(line.box[2][1] for line in lines) + 300
    return choose(lines, Picture(800, round(height or foot), "JPEG", "0" * 16, Signals(screenshot=screenshot)), today)


@dataclass(frozen=True)
class Slip:
    """What is printed, and what a person reads from it."""

    name: str
    rows: str
    fen: int | None
    kind: str = "receipt"
    merchant: str | None = None
    at: str | None = None
    number: str | None = None
    currency: str = "CNY"
    auto: bool | None = None
    today: date | None = None
    facts: dict[str, object] = field(default_factory=dict)


SLIPS = (
    Slip(
        "Hong Kong tea restaurant, bilingual, cash",
        """
        #翠園茶餐廳
        TSUI YUEN CAFE
        九龍尖沙咀彌敦道100號地下
        Tel: 2345 6789
        單號 Bill No.: 0012873
        枱號 Table: 12 | 人數 Pax: 2
        日期 Date: 05/03/2026 | 13:24
        菠蘿油 | 1 | 22.0
        凍檸茶 | 2 | 44.0
        乾炒牛河 | 1 | 68.0
        小計 Subtotal | 134.0
        加一服務費 10% Service Charge | 13.4
        總計 Total | HK$147.4
        現金 Cash | 200.0
        找贖 Change | 52.6
        多謝惠顧 Thank you
        """,
        14740,
        merchant="翠園茶餐廳",
        at="2026-03-05T13:24:00",
        number="0012873",
        currency="HKD",
        auto=True,
    ),
    Slip(
        "Hong Kong cosmetics shop, Octopus with its balance",
        """
        #美麗坊化妝品
        MEI LAI FONG COSMETICS LTD
        海港城商場 2樓 OT215號舖
        收據編號：HK-2026-88123
        2026/07/19 20:05:11
        保濕面霜 50ml | 1 | $328.00
        潔面乳 | 1 | $99.00
        原價 | $427.00
        會員折扣 | -$42.70
        應付金額 | $384.30
        八達通 Octopus | $384.30
        八達通餘額 | $512.60
        八達通號碼 | 12345678
        HKD
        """,
        38430,
        merchant="美麗坊化妝品",
        at="2026-07-19T20:05:11",
        number="HK-2026-88123",
        currency="HKD",
        auto=True,
    ),
    Slip(
        "Taiwan electronic invoice, Minguo year, whole dollars",
        """
        #好日子書店
        電子發票證明聯
        115年03-04月
        AB-12345678
        2026-03-08 15:22:09
        隨機碼: 4821 | 總計: 680
        賣方: 12345675
        交易明細
        民國115年03月08日
        小說 | 1 | 380
        雜誌 | 1 | 300
        合計 | NT$680
        現金 | NT$1000
        找零 | NT$320
        """,
        68000,
        at="2026-03-08T15:22:09",
        currency="TWD",
    ),
    Slip(
        "Taiwan department store, dates in Minguo years with slashes",
        """
        #遠大百貨
        櫃位: 3F 童裝
        日期: 115/06/21 18:40
        交易序號: 0003345
        童裝外套 | 1,280
        襪子 | 120
        小計 | 1,400
        折扣 | -140
        應付金額 | NT$ 1,260
        信用卡 | 1,260
        """,
        126000,
        at="2026-06-21T18:40:00",
        number="0003345",
        currency="TWD",
    ),
    Slip(
        "Macau bakery, patacas, points beside the total",
        """
        #鉅記手信
        澳門新馬路56號
        單據編號: MC20260501-0098
        日期: 01/05/2026 時間: 11:09
        杏仁餅 | 2 | 90.00
        蛋卷 | 1 | 55.00
        總額 | MOP 145.00
        MPay 支付 | MOP 145.00
        本次積分 | 145
        積分結餘 | 2,310
        """,
        14500,
        merchant="鉅記手信",
        at="2026-05-01T11:09:00",
        number="MC20260501-0098",
        currency="MOP",
        auto=True,
    ),
    Slip(
        "mainland restaurant, voucher of a platform, logo above the shop",
        """
        #美团
        老王家炭火烤肉（天汇广场店）
        结账单
        桌台:B07 | 人数:4
        账单号:250918003211
        开台时间:2026-09-18 17:45:02
        结账时间:2026-09-18 19:31:40
        菜品 | 数量 | 小计
        肥牛拼盘 | 1 | 128.00
        蔬菜拼盘 | 2 | 56.00
        米饭 | 4 | 12.00
        酸梅汤 | 1 | 28.00
        消费合计 | 224.00
        团购券抵扣 | -100.00
        抹零 | -0.00
        应收金额 | 124.00
        微信支付 | 124.00
        """,
        12400,
        merchant="老王家炭火烤肉（天汇广场店）",
        at="2026-09-18T19:31:40",
        number="250918003211",
        auto=True,
    ),
    Slip(
        "cash: what was handed over is larger than what was paid",
        """
        #鲜果时光
        小票号:A20260611077
        时间:2026-06-11 09:12
        红富士苹果 | 2 | 31.60
        香蕉 | 1 | 8.80
        应收 | 40.40
        实收 | 50.00
        找零 | 9.60
        """,
        4040,
        merchant="鲜果时光",
        at="2026-06-11T09:12:00",
        number="A20260611077",
        auto=True,
    ),
    Slip(
        "stored-value card with a balance larger than the bill",
        """
        #瑜伽生活馆
        消费小票
        流水号:8800123
        交易时间:2026.08.02 20:15:33
        私教课 | 1 | 380.00
        合计 | 380.00
        会员价优惠 | -38.00
        实付 | 342.00
        储值卡支付 | 342.00
        卡内余额 | 4,658.00
        """,
        34200,
        merchant="瑜伽生活馆",
        at="2026-08-02T20:15:33",
        number="8800123",
        auto=True,
    ),
    Slip(
        "the subtotal is the final line",
        """
        #阿婆牛杂
        单号:0087
        2026-05-14 12:05
        牛杂 | 1 | 25.00
        萝卜 | 1 | 8.00
        小计 | 33.00
        微信 | 33.00
        谢谢惠顾
        """,
        3300,
        merchant="阿婆牛杂",
        at="2026-05-14T12:05:00",
    ),
    Slip(
        "amount in capital words",
        """
        #金福珠宝首饰行
        销售单
        单据号:XS-2026-000871
        日期:2026年10月02日 16:20
        足金手链 | 1 | 6,280.00
        工费 | 1 | 320.00
        合计金额 | ￥6,600.00
        大写:陆仟陆佰元整
        """,
        660000,
        merchant="金福珠宝首饰行",
        at="2026-10-02T16:20:00",
        number="XS-2026-000871",
        auto=True,
    ),
    Slip(
        "card slip of a bank",
        """
        #中国银行
        POS签购单
        商户名称:云裳女装旗舰店
        商户编号:104310053110123
        终端编号:12345678
        卡号:6222 **** **** 1234
        交易类型:消费
        批次号:000123
        凭证号:004567
        授权码:889900
        参考号:123456789012
        日期时间:2026/04/30 14:02:55
        金额:
        #RMB 1,299.00
        """,
        129900,
        kind="payment_slip",
        merchant="云裳女装旗舰店",
        at="2026-04-30T14:02:55",
        number="123456789012",
    ),
    Slip(
        "Hong Kong card slip",
        """
        #HANG SENG BANK
        LUK FOOK OPTICAL
        SHOP 215 HARBOUR CITY
        MERCHANT ID: 000012345678
        TERMINAL ID: 87654321
        VISA
        CARD NO: ************4321
        DATE/TIME: 12 MAR 2026 18:22:10
        BATCH NO: 000045
        TRACE NO: 001234
        APPROVAL CODE: 998877
        REF NO: 000102030405
        SALE
        TOTAL: HK$ 2,380.00
        CUSTOMER COPY
        """,
        238000,
        kind="payment_slip",
        at="2026-03-12T18:22:10",
        currency="HKD",
    ),
    Slip(
        "refund slip names its receipt",
        """
        #乐童玩具
        退货单
        退货单号:TH20260709001
        原小票号:XS20260701123
        退货时间:2026-07-09 10:30:00
        积木 | 1 | -199.00
        退款合计 | -199.00
        退款方式:支付宝 | -199.00
        """,
        -19900,
        kind="refund",
        merchant="乐童玩具",
        at="2026-07-09T10:30:00",
        number="TH20260709001",
        facts={"original_no": "XS20260701123"},
    ),
    Slip(
        "a bill that waits to be paid",
        """
        #湘水楼
        预结单
        桌号:A3
        单号:77120
        剁椒鱼头 | 1 | 98.00
        小炒肉 | 1 | 58.00
        应付合计 | 156.00
        本单未结账，请到前台付款
        """,
        15600,
        kind="unpaid_bill",
        merchant="湘水楼",
    ),
    Slip(
        "Hong Kong bill to be paid, traditional",
        """
        #福滿樓
        暫結單
        枱號: 18
        點心 | 6 | 210.0
        茶芥 | 4 | 60.0
        加一 | 27.0
        總數 | 297.0
        請到收銀處付款
        HKD
        """,
        29700,
        kind="unpaid_bill",
        merchant="福滿樓",
        currency="HKD",
    ),
    Slip(
        "a top-up is no purchase",
        """
        #悦动健身
        会员充值凭证
        流水号:CZ0099812
        充值时间:2026-02-03 19:00
        充值金额 | 2000.00
        赠送金额 | 200.00
        卡内余额 | 2350.00
        支付方式:微信支付
        """,
        200000,
        kind="top_up",
        merchant="悦动健身",
        at="2026-02-03T19:00:00",
        number="CZ0099812",
    ),
    Slip(
        "parking slip",
        """
        #天汇广场停车场
        停车缴费凭证
        车牌号:粤B12345
        入场时间:2026-03-01 10:02:11
        出场时间:2026-03-01 14:20:33
        停车时长:4小时18分
        应收:25.00元
        实收:25.00元
        """,
        2500,
        kind="parking",
    ),
    Slip(
        "delivery slip: the platform's name stands larger than the shop's",
        """
        #饿了么 #23
        一品香牛肉面（天河店）
        --已在线支付--
        下单时间:2026-06-06 18:20:11
        订单编号:5006789912345
        牛肉面 | x1 | 28.00
        卤蛋 | x1 | 3.00
        餐盒费 | 2.00
        配送费 | 4.00
        满减优惠 | -8.00
        原价 | 37.00
        实付 | 29.00
        张**(女士) 138****0000
        """,
        2900,
        kind="delivery_order",
        merchant="一品香牛肉面（天河店）",
        at="2026-06-06T18:20:11",
        number="5006789912345",
    ),
    Slip(
        "American order of month and day by the day of upload",
        """
        #SUNSET DINER
        CHECK NO: 44821
        DATE: 03/04/2026 7:15 PM
        BURGER | 14.50
        SODA | 3.00
        SUBTOTAL | US$17.50
        TAX | 1.40
        TOTAL | US$18.90
        VISA | 18.90
        """,
        1890,
        merchant="SUNSET DINER",
        at="2026-03-04T19:15:00",
        today=date(2026, 3, 5),
        number="44821",
        currency="USD",
        auto=True,
    ),
    Slip(
        "two-digit year, year first",
        """
        #一尺茶
        取餐号 068
        订单号:260418332211
        26-04-18 15:06
        茉莉奶绿 | 1 | 16.00
        合计 | 16.00
        券优惠 | -5.00
        实付 | 11.00
        """,
        1100,
        merchant="一尺茶",
        at="2026-04-18T15:06:00",
        number="260418332211",
    ),
    Slip(
        "a coupon counted as a means of payment",
        """
        #都市影城
        票号:9900112233
        购票时间:2026-08-15 18:00:00
        场次:2026-08-16 20:30
        票价 | 90.00
        应付 | 90.00
        代金券 | 30.00
        支付宝 | 60.00
        """,
        9000,
        merchant="都市影城",
        at="2026-08-15T18:00:00",
        number="9900112233",
    ),
    Slip(
        "labels above their amounts",
        """
        #半山书局
        小票号 20260722118
        时间 2026-07-22 17:44:12
        诗集 | 1 | 45.00
        画册 | 1 | 128.00
        应付金额
        173.00
        实付金额
        173.00
        """,
        17300,
        merchant="半山书局",
        at="2026-07-22T17:44:12",
        number="20260722118",
    ),
    Slip(
        "a reprint says so",
        """
        #佳佳便利
        **补打小票**
        小票号:7700213
        时间:2026-01-09 08:01
        矿泉水 | 2 | 4.00
        合计 | 4.00
        微信支付 | 4.00
        """,
        400,
        number="7700213",
        facts={"reprint": True},
    ),
    Slip(
        "tax invoice in Singapore",
        """
        #THE BREAD CORNER PTE LTD
        GST REG NO: 201234567K
        TAX INVOICE
        RECEIPT NO: BC-008812
        DATE: 21/02/2026 09:41
        CROISSANT | 2 | 7.60
        LATTE | 1 | 6.50
        SUB TOTAL | S$14.10
        GST 9% | 1.27
        TOTAL | S$15.37
        NETS | S$15.37
        """,
        1537,
        merchant="THE BREAD CORNER PTE LTD",
        at="2026-02-21T09:41:00",
        number="BC-008812",
        currency="SGD",
        auto=True,
    ),
    Slip(
        "fashion chain, counts beside sums",
        """
#悠衣库
天环广场店
电话:020-88888888
收据号码: 1024-0003-8812
2026/05/20(三) 19:22
【收银机:02】
圆领T恤 | 2点 | 158.00
休闲裤 | 1点 | 299.00
小计 | 3点 | ¥457.00
合计 | ¥457.00
（内含税 13% | ¥52.58）
支付宝 | ¥457.00
找零 | ¥0.00
""",
        45700,
        at="2026-05-20T19:22:00",
        number="1024-0003-8812",
        auto=True,
    ),
    Slip(
        "everything on one line",
        """
#渔歌海鲜大排档
单据:20260115088 | 台号:21
结账时间:2026-01-15 20:41:08
基围虾 | 1 | 88.00
炒花甲 | 1 | 38.00
应收:126.00 优惠:6.00 实收:120.00
微信:120.00
""",
        12000,
        merchant="渔歌海鲜大排档",
        at="2026-01-15T20:41:08",
        number="20260115088",
    ),
    Slip(
        "whole yuan",
        """
#老街烧烤
单号:778812
时间:2026-08-08 23:15
羊肉串 | 20 | 60
啤酒 | 4 | 32
合计: 92元
抹零: 2元
实收: 90元
支付宝: 90元
""",
        9000,
        merchant="老街烧烤",
        at="2026-08-08T23:15:00",
        number="778812",
    ),
    Slip(
        "hk supermarket english",
        """
#FRESHMART
SHOP 12, CITYPLAZA
TEL 2888 1234
19-03-26 14:22  TRN# 004455
MILK 1L | 21.90
BREAD | 15.50
EGGS | 32.00
SUB-TOTAL | 69.40
DISCOUNT | -5.00
TOTAL | HK$64.40
OCTOPUS | 64.40
OCTOPUS REMAINING VALUE | 233.10
""",
        6440,
        merchant="FRESHMART",
        at="2026-03-19T14:22:00",
        currency="HKD",
        auto=True,
    ),
    Slip(
        "macau bilingual",
        """
#新濠茶餐廳
Rua do Campo 12
單號 No: 5521
日期 Date: 08/11/2026 19:02
豬扒包 | 2 | 56.0
絲襪奶茶 | 2 | 40.0
總數 TOTAL: MOP$ 96.0
現金 CASH: MOP$ 100.0
找續 CHANGE: MOP$ 4.0
""",
        9600,
        merchant="新濠茶餐廳",
        at="2026-11-08T19:02:00",
        number="5521",
        currency="MOP",
        auto=True,
    ),
    Slip(
        "tw convenience",
        """
#好鄰居便利店
統一編號:12345678
民國115年7月2日 08:15
茶葉蛋 | 2 | $26
御飯糰 | 1 | $32
總計 | $58
現金 | $100
找零 | $42
""",
        5800,
        merchant="好鄰居便利店",
        at="2026-07-02T08:15:00",
        currency="TWD",
    ),
    Slip(
        "afternoon in words",
        """
#花时花艺
收据
编号 P0012345
2026年3月5日 下午3:05
玫瑰 | 11 | 198.00
总计 | 198.00
已付 微信 | 198.00
""",
        19800,
        merchant="花时花艺",
        at="2026-03-05T15:05:00",
        number="P0012345",
        auto=True,
    ),
    Slip(
        "member card",
        """
#沁心SPA养生馆
消费单
单号:XF2026091200031
时间:2026-09-12 16:30
足疗60分钟 | 1 | 168.00
本次消费 | 168.00
会员卡支付 | 168.00
卡余额 | 1,332.00
""",
        16800,
        merchant="沁心SPA养生馆",
        at="2026-09-12T16:30:00",
        number="XF2026091200031",
    ),
    Slip(
        "alipay page",
        """
09:41
账单详情
#山城小面(万象城店)
#-36.50
交易成功
付款方式 | 花呗
商品说明 | 山城小面消费
创建时间 | 2026-06-18 12:20:33
订单号 | 20260618220014
 | 52781234567890
商家订单号 | MC99887766
""",
        3650,
        kind="e_screenshot",
        merchant="山城小面(万象城店)",
        at="2026-06-18T12:20:33",
    ),
    Slip(
        "quick service",
        """
#汉堡乐
欢迎光临
天河城店
取餐号 A088
订单号 9981-2231
2026-02-11 18:55:03
双层牛堡套餐 | 1 | 42.00
加大薯条 | 1 | 5.00
总计(堂食) | 47.00
优惠券 | -10.00
应付 | 37.00
微信支付 | 37.00
积分余额 | 1288
""",
        3700,
        merchant="汉堡乐",
        at="2026-02-11T18:55:03",
        number="9981-2231",
        auto=True,
    ),
    Slip(
        "dept store, points redeemed",
        """
#丽都百货有限公司
销售小票
专柜:兰若化妆品
小票号:0388120026
日期:2026.11.02 13:08
精华液 | 1 | 890.00
合计 | 890.00
满减 | 90.00
应收 | 800.00
积分抵现 | 50.00
银行卡 | 750.00
""",
        80000,
        merchant="兰若化妆品",
        at="2026-11-02T13:08:00",
        number="0388120026",
    ),
    Slip(
        "paid net of voucher",
        """
#原野露营
流水号:LS88001
销售时间:2026-04-05 11:11:11
帐篷 | 1 | 599.00
总额 | 599.00
应付 | 599.00
代金券 | 100.00
实付 | 499.00
支付宝 | 499.00
""",
        49900,
        merchant="原野露营",
        at="2026-04-05T11:11:11",
        number="LS88001",
    ),
    Slip(
        "bank logo bigger",
        """
#招商银行
#一网通商户
商户存根
商户名称: 青果眼镜店
终端号: 00112233
交易类型: 消费
卡号: 6225****8812
日期时间: 2026-10-10 15:01:20
参考号: 551200998877
金额: RMB 680.00
""",
        68000,
        kind="payment_slip",
        merchant="青果眼镜店",
        at="2026-10-10T15:01:20",
        number="551200998877",
    ),
    Slip(
        "tax invoice sg style with service",
        """
#KOPI HOUSE
BILL NO: 10233
12 Jan 2026 8:05 AM
KAYA SET | 6.80
KOPI | 1.80
Subtotal | 8.60
10% Svc Chg | 0.86
9% GST | 0.85
Rounding | -0.01
Grand Total | $10.30
Paynow | $10.30
""",
        1030,
        merchant="KOPI HOUSE",
        at="2026-01-12T08:05:00",
        number="10233",
        auto=True,
    ),
    Slip(
        "exchange note is no refund",
        """
#乐步鞋业
销售单号:A7781
时间:2026-03-08 14:00
运动鞋 | 1 | 399.00
合计 | 399.00
实收 | 399.00
微信 | 399.00
7天内凭小票可退货、换货
退款原路返回
""",
        39900,
        merchant="乐步鞋业",
        number="A7781",
        at="2026-03-08T14:00:00",
        auto=True,
    ),
    Slip(
        "void card slip",
        """
#银联商务
POS签购单
商户名称:乐步鞋业
交易类型:消费撤销
终端号:11223344
参考号:112233445566
日期/时间:2026/03/08 14:30:00
金额:RMB 399.00
""",
        -39900,
        kind="refund",
        merchant="乐步鞋业",
    ),
    Slip(
        "quantity row and rounding",
        """
#百果鲜
机号:02 收银:12
单号:22009911
销售日期:2026-12-01 09:30:12
苹果 | 1.25kg | 12.80 | 16.00
葡萄 | 0.83kg | 19.90 | 16.52
数量合计: | 2
金额合计: | 32.52
四舍五入: | -0.02
应收金额: | 32.50
现金: | 50.00
找零: | 17.50
""",
        3250,
        merchant="百果鲜",
        at="2026-12-01T09:30:12",
        number="22009911",
        auto=True,
    ),
    Slip(
        "chinese menu is nothing",
        """
#菜单
红烧肉 | 58
清蒸鱼 | 88
""",
        None,
        kind="other",
    ),
)
