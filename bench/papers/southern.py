"""Receipts of Hong Kong, Macau and Taiwan: Traditional Chinese, bilingual and English."""

from __future__ import annotations

from bench.papers.till import HK_FOOD, HK_GOODS, LATIN, Slip, Till, layout, total_of

HKD = {"currency": "HKD"}


def _change(t: Till, fen: int) -> int:
    return -(-fen // 10_000) * 10_000 + t.rng.choice([0, 0, 10_000])


@layout
def hk_tea_restaurant(t: Till) -> Slip:
    """茶餐廳: 加一 service charge, cash and 找贖, table and pax."""
    shop, number = t.name("茶餐廳", "冰室", "粥麵"), t.digits(6)
    goods = t.goods(HK_FOOD, low=1800, high=9800, step=100)
    sub = total_of(goods)
    fee = sub // 10 if t.rng.random() < 0.6 else 0
    total = sub + fee
    cash = _change(t, total)
    return t.slip(
        f"""
        #{shop}
        ^尖沙咀廣東道{t.digits(2)}號地下{t.digits(1)}號舖
        ^電話: 2{t.digits(3)} {t.digits(4)}
        單號: {number} | 枱號: {t.digits(2)}
        {t.stamp("%d/%m/%Y %H:%M", "%d/%m/%y %H:%M", "%d-%m-%Y %H:%M:%S")} | 人數: {t.digits(1)}
        ---
        {t.listed(goods, 1)}
        ---
        小計 | {t.money(sub, 1, "")}
        {f"加一服務費 | {t.money(fee, 1, '')}" if fee else ""}
        !{t.pick("總計", "合計", "總數", "應付")} | {t.money(total, 1, t.pick("$", "HK$", ""))}
        {t.pick("現金", "實收", "收款 現金", "收")} | {t.money(cash, 1, "")}
        {t.pick("找贖", "找續", "找回")} | {t.money(cash - total, 1, "")}
        ^多謝惠顧
        """,
        total,
        shop,
        number,
        **HKD,
    )


@layout
def hk_department_store(t: Till) -> Slip:
    """Bilingual headings on two rows, Octopus with its remaining value."""
    shop, number = t.name("百貨"), f"{t.digits(3)}-{t.digits(2)}-{t.digits(5)}"
    goods = t.goods(HK_GOODS, low=2900, high=89_900, step=10)
    sub = total_of(goods)
    off = t.percent(sub, 5, 10)
    total = sub - off
    return t.slip(
        f"""
        #{shop}
        ^{t.pick("GRAND HARBOUR DEPARTMENT STORE LTD", "WING ON STREET CO. LTD.")}
        ^Shop 2{t.digits(2)}, Level 2, Harbour Centre
        收據編號 Receipt No. {number}
        日期 Date {t.stamp("%d %b %Y", "%d/%m/%Y", "%Y-%m-%d")} 時間 Time {t.when:%H:%M}
        收銀員 Cashier {t.digits(4)}
        {t.listed(goods)}
        小計 Subtotal | {t.money(sub, 2, "$")}
        折扣 Discount | {t.money(-off, 2, "")}
        !總額 Total | {t.money(total, 2, t.pick("HK$", "HKD ", "$"))}
        八達通 OCTOPUS | {t.money(total, 2, "$")}
        八達通號碼 Octopus No. | {t.digits(8)}
        餘額 Remaining Value | {t.money(t.rng.randrange(1000, 90_000, 10), 2, "$")}
        貨品如有問題 請於七天內憑單更換
        HKD
        """,
        total,
        shop,
        number,
        **HKD,
    )


@layout
def hk_jewellery(t: Till) -> Slip:
    """珠寶: price with thousands, a deposit paid before and the rest by card; the bill is the price."""
    shop, number = t.name("珠寶金行", "珠寶"), "INV" + t.digits(7)
    price = t.rng.randrange(6_800_00, 48_000_00, 10_000)
    deposit = price // 500_000 * 100_000
    return t.slip(
        f"""
        #{shop}
        ^Sales Invoice 銷售單
        單據編號 Invoice No: {number}
        日期 Date: {t.stamp("%d/%m/%Y %H:%M", "%Y/%m/%d %H:%M")}
        足金頸鏈 9999 | 18.62克 | {t.money(price, 2, "")}
        !總金額 Total Amount | {t.money(price, 2, "HK$")}
        已付訂金 Deposit Paid | {t.money(deposit, 2, "HK$")}
        尚欠餘款 Balance | {t.money(price - deposit, 2, "HK$")}
        VISA ************{t.digits(4)} | {t.money(price - deposit, 2, "HK$")}
        客戶簽署 Signature
        """,
        price,
        shop,
        number,
        **HKD,
    )


@layout
def hk_fast_food(t: Till) -> Slip:
    """快餐: a large pick-up number, total in large print, Octopus balance below."""
    shop, number = t.name("快餐"), t.digits(8)
    goods = t.goods(HK_FOOD, 3, 2500, 6500, 50)
    total = total_of(goods)
    return t.slip(
        f"""
        ^{shop}
        ^太古城中心 B{t.digits(2)}號舖
        ^取餐號碼
        #{t.digits(3)}
        單號 {number} {t.stamp("%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M:%S")}
        堂食
        {t.listed(goods, 1)}
        #!{t.pick("總計", "總額", "TOTAL", "合共")} | {t.money(total, 1, "$")}
        八達通 | {t.money(total, 1, "$")}
        卡號: {t.digits(8)} | 扣除: {t.money(total, 1, "$")}
        餘額: {t.money(t.rng.randrange(500, 60_000, 10), 1, "$")} | 上次增值: {t.earlier(60 * 24 * 20, "%d/%m/%Y")}
        HK$
        """,
        total,
        shop,
        number,
        **HKD,
    )


@layout
def hk_english_memo(t: Till) -> Slip:
    """All English: net total, cash tendered, change due, items sold."""
    shop, number = t.pick("MERIDIAN OPTICAL LIMITED", "HARVEST PHARMACY LTD", "PAPER LANE STATIONERY LIMITED"), t.digits(7)
    goods = t.goods(LATIN, 5, 1500, 25_000, 10)
    sub = total_of(goods)
    off = t.percent(sub, 0, 5, 15)
    total = sub - off
    cash = _change(t, total)
    return t.slip(
        f"""
        #{shop}
        ^Unit {t.digits(3)}, 3/F, Times Avenue, Causeway Bay
        ^Tel 2{t.digits(7)}
        ^SALES MEMO
        Memo No.: {number} | Till: 0{t.digits(1)}
        Date: {t.stamp("%d/%m/%Y", "%d-%b-%Y", "%d/%m/%y")} | Time: {t.when:%H:%M:%S}
        Served by: AMY
        {t.listed(goods)}
        Items Sold: | {sum(count for _, count, _ in goods)}
        Sub-Total | {t.money(sub, 2, "")}
        {f"Less Discount | {t.money(-off, 2, '')}" if off else ""}
        !{t.pick("Net Total", "NET AMOUNT", "TOTAL HK$", "Grand Total")} | {t.money(total, 2, "")}
        {t.pick("Cash Tendered", "CASH", "Amount Tendered")} | {t.money(cash, 2, "")}
        {t.pick("Change Due", "CHANGE")} | {t.money(cash - total, 2, "")}
        All prices in HKD
        """,
        total,
        shop,
        number,
        **HKD,
    )


@layout
def hk_bill_before_paying(t: Till) -> Slip:
    """結帳單 that waits to be paid: 請到收銀處付款."""
    shop, number = t.name("酒家", "海鮮酒家"), t.digits(5)
    goods = t.goods(HK_FOOD, low=3800, high=28_000, step=100)
    sub = total_of(goods)
    total = sub + sub // 10
    return t.slip(
        f"""
        #{shop}
        ^{t.pick("暫結單", "結帳單（未付款）", "客單", "點菜帳單")}
        帳單號 {number} | 檯號 {t.digits(2)}
        入座時間 {t.earlier(80, "%d/%m/%Y %H:%M")}
        列印時間 {t.stamp("%d/%m/%Y %H:%M")}
        {t.listed(goods, 1)}
        小計 | {t.money(sub, 1, "")}
        加一 | {t.money(sub // 10, 1, "")}
        !{t.pick("總計", "應付金額")} | {t.money(total, 1, "HK$")}
        ^{t.pick("請到收銀處付款", "此單據並非收據", "尚未付款 請往收銀處埋單")}
        """,
        total,
        shop,
        number,
        kind="prebill",
        at=None,
        **HKD,
    )


@layout
def hk_supermarket(t: Till) -> Slip:
    """超市: saved amount, stamps and points beside the total."""
    shop, number = t.name("超級市場"), t.digits(12)
    goods = t.goods(HK_GOODS, 8, 590, 12_900, 10)
    sub = total_of(goods)
    off = t.percent(sub, 5, 8)
    total = sub - off
    return t.slip(
        f"""
        #{shop}
        ^{t.mall()}分店
        {t.stamp("%d-%m-%y %H:%M", "%d/%m/%Y %H:%M")} | {number}
        {t.listed(goods)}
        優惠 MULTIBUY | {t.money(-off, 2, "")}
        !{t.pick("應付總額", "總計 TOTAL", "TOTAL HKD")} | {t.money(total, 2, "$")}
        {t.pick("PAYME", "AlipayHK", "WeChat Pay HK", "VISA PAYWAVE")} | {t.money(total, 2, "")}
        閣下今次共節省 | {t.money(off, 2, "$")}
        貨品數量 | {sum(count for _, count, _ in goods)}
        今次積分 | {total // 100}
        積分結餘 | {t.rng.randrange(2000, 50_000):,}
        所得印花 | {total // 10_000}
        HKD
        """,
        total,
        shop,
        None,
        **HKD,
    )


@layout
def macau_gifts_in_two_currencies(t: Till) -> Slip:
    """澳門手信: total in patacas, the same in Hong Kong dollars, cash in dollars."""
    shop, number = t.name("手信", "餅家"), "MC" + t.digits(8)
    goods = t.goods(HK_GOODS, 4, 3000, 15_000, 1000)
    total = total_of(goods)
    dollars = round(total / 1.03 / 10) * 10
    cash = _change(t, dollars)
    return t.slip(
        f"""
        #{shop}
        ^澳門大三巴街{t.digits(2)}號
        單據編號：{number}
        日期：{t.stamp("%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M")}
        {t.listed(goods)}
        !{t.pick("總額", "合計", "總金額")} | {t.money(total, 2, t.pick("MOP ", "MOP$"))}
        折合港幣 | {t.money(dollars, 2, "HKD ")}
        現金 HKD | {t.money(cash, 2, "")}
        找贖 HKD | {t.money(cash - dollars, 2, "")}
        匯率 1:1.03 澳門幣 MOP
        """,
        total,
        shop,
        number,
        currency="MOP",
    )


@layout
def hk_card_slip(t: Till) -> Slip:
    """A bank's terminal slip: the bank's name is the largest print; base, tips, total."""
    shop, number = t.pick("LUEN FAT TRADING", "BLUE OCEAN SEAFOOD", "MEI FONG BOUTIQUE"), t.digits(12)
    total = t.rng.randrange(8000, 900_000, 10)
    return t.slip(
        f"""
        #{t.pick("HANG FOOK BANK", "BANK OF SOUTH CHINA", "GLOBAL PAYMENTS")}
        ^{shop}
        ^SHOP G{t.digits(2)} HARBOUR PLAZA HK
        MERCHANT ID {t.digits(12)}
        TERMINAL ID {t.digits(8)}
        {t.pick("VISA", "MASTERCARD", "UNIONPAY")} | SALE
        CARD NO ************{t.digits(4)}
        DATE/TIME {t.stamp("%d %b %Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d %b %y %H:%M")}
        BATCH {t.digits(6)} | TRACE {t.digits(6)}
        REF NO {number}
        APP CODE {t.digits(6)}
        !{t.pick("AMOUNT HKD", "TOTAL HKD", "TOTAL 總額")} | {t.money(total, 2, t.pick("", "HK$"))}
        ^*** {t.pick("MERCHANT COPY 商戶存根", "CUSTOMER COPY 客戶存根")} ***
        """,
        total,
        shop,
        number,
        kind="payment_slip",
        **HKD,
    )


@layout
def hk_refund(t: Till) -> Slip:
    """退款單, bilingual, with the original receipt's number and date."""
    shop, number = t.name("時裝", "運動用品"), "R" + t.digits(7)
    total = t.rng.randrange(9900, 99_900, 100)
    return t.slip(
        f"""
        #{shop}
        ^退款單 REFUND
        單號 Receipt No.: {number}
        {t.stamp("%d/%m/%Y %H:%M")}
        原單號 Original No.: S{t.digits(7)}
        原單日期: {t.earlier(60 * 24 * 5, "%d/%m/%Y")}
        男裝恤衫 | -1 | -{t.money(total, 2, "")}
        !{t.pick("退款總額 Total Refund", "退款金額")} | -{t.money(total, 2, "HK$")}
        {t.pick("VISA 退款", "現金退款")} | -{t.money(total, 2, "")}
        """,
        -total,
        shop,
        number,
        kind="credit_note",
        **HKD,
    )


@layout
def hk_coffee_counter(t: Till) -> Slip:
    """Small bilingual slip: items in two languages on two rows, card with its last digits."""
    shop, number = t.pick("SLOW BREW COFFEE", "CORNER BEAN", "NORTH POINT ROASTERS"), "#" + t.digits(5)
    goods = t.goods(LATIN, 3, 2200, 6000, 100)
    total = total_of(goods)
    return t.slip(
        f"""
        #{shop}
        ^Shop L1-{t.digits(2)}, {t.pick("K11 ART", "Pacific Court", "Elements Row")}
        Order {number}
        {t.stamp("%d %b %Y, %I:%M %p", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M")}
        {t.listed(goods, 1)}
        Subtotal 小計 | {t.money(total, 1, "$")}
        !Total 總計 | {t.money(total, 1, "HK$")}
        Mastercard ({t.digits(4)}) | {t.money(total, 1, "HK$")}
        Thank you!
        """,
        total,
        shop,
        number,
        **HKD,
    )


@layout
def taiwan_einvoice(t: Till) -> Slip:
    """電子發票證明聯: the invoice period, the Minguo year, random code and total on one row."""
    shop, letters = t.name("書店", "生活百貨", "咖啡"), t.pick("AB", "XK", "TR")
    number = f"{letters}-{t.digits(8)}"
    goods = t.goods(HK_GOODS, 4, 4500, 99_000, 100)
    total = total_of(goods)
    month = t.when.month + t.when.month % 2
    return t.slip(
        f"""
        #{shop}
        #電子發票證明聯
        #{t.when.year - 1911}年{month - 1:02d}-{month:02d}月
        #{number}
        {t.stamp("%Y-%m-%d %H:%M:%S")} 格式 25
        !隨機碼 {t.digits(4)} | 總計 {t.money(total, 0, t.pick("", "$", "NT$"))}
        賣方 {t.digits(8)} | 買方 {t.digits(8)}
        ^退貨憑電子發票證明聯正本辦理
        ^交易明細
        {t.listed(goods, 0)}
        {t.pick("合計", "總計")} | {t.money(total, 0, t.pick("NT$", "$", ""))}
        {t.pick("信用卡", "LINE Pay", "悠遊卡")} | {t.money(total, 0, "")}
        新台幣
        """,
        total,
        shop,
        number,
        currency="TWD",
    )


@layout
def taiwan_department_store(t: Till) -> Slip:
    """百貨公司: Minguo date, gift coupon and card, tax inside."""
    shop, number = t.name("百貨"), t.digits(7)
    goods = t.goods(HK_GOODS, 5, 19_900, 299_900, 100)
    sub = total_of(goods)
    off = t.percent(sub, 10)
    total = sub - off
    coupon = 10_000 * t.rng.randint(1, 3)
    coupon = min(coupon, total // 20_000 * 10_000)
    return t.slip(
        f"""
        #{shop}
        ^統一編號 {t.digits(8)}
        櫃位: 3F 童裝
        日期: {t.when.year - 1911}/{t.when:%m/%d %H:%M}
        交易序號: {number} | 收銀機: 0{t.digits(1)}
        {t.listed(goods, 0)}
        小計 | {t.money(sub, 0, "")}
        {t.pick("折扣", "會員折讓", "滿額折扣")} | -{t.money(off, 0, "")}
        !{t.pick("應付金額", "應收金額", "總計")} | {t.money(total, 0, t.pick("NT$", "NT$ ", ""))}
        {f"禮券 | {t.money(coupon, 0, '')}" if coupon else ""}
        信用卡 | {t.money(total - coupon, 0, "")}
        (內含營業稅 {t.money(total // 21 // 100 * 100, 0, "")})
        新臺幣 NT$
        """,
        total,
        shop,
        number,
        currency="TWD",
    )


@layout
def taiwan_cash_register(t: Till) -> Slip:
    """Small eatery: cash and 找零 in whole dollars, date with Minguo year and 年月日."""
    shop, number = t.name("牛肉麵", "早餐店", "便當"), t.digits(4)
    goods = t.goods(HK_FOOD, 4, 3000, 18_000, 500)
    total = total_of(goods)
    cash = -(-total // 50_000) * 50_000
    return t.slip(
        f"""
        #{shop}
        {t.when.year - 1911}年{t.when:%m月%d日 %H:%M}
        單號: {number} | 內用
        {t.listed(goods, 0)}
        !{t.pick("合計", "總計", "總金額")} | {t.money(total, 0, "$")}
        {t.pick("現金", "收現", "實收")} | {t.money(cash, 0, "$")}
        找零 | {t.money(cash - total, 0, "$")}
        NT$ 謝謝光臨
        """,
        total,
        shop,
        number,
        currency="TWD",
    )


@layout
def hk_english_restaurant(t: Till) -> Slip:
    """Table service in English: service charge, rounding, card; covers."""
    shop, number = t.pick("THE TERRACE GRILL", "LITTLE NAPLES TRATTORIA", "OLD BUND BISTRO"), t.digits(5)
    goods = t.goods(LATIN, 5, 5800, 38_800, 100)
    sub = total_of(goods)
    fee = sub // 10
    total = (sub + fee) // 100 * 100
    return t.slip(
        f"""
        #{shop}
        ^{t.pick("2/F Central Court", "Level 5, The Atrium")}
        Check No {number} | Table {t.digits(2)} | Covers {t.digits(1)}
        Open {t.earlier(95, "%d/%m/%Y %H:%M")}
        Closed {t.stamp("%d/%m/%Y %H:%M")}
        {t.listed(goods)}
        Food & Beverage | {t.money(sub, 2, "")}
        10% Service Charge | {t.money(fee, 2, "")}
        {f"Rounding | -{t.money(sub + fee - total, 2, '')}" if sub + fee != total else ""}
        !{t.pick("TOTAL", "Total Due", "AMOUNT DUE")} | {t.money(total, 2, t.pick("HK$ ", "HKD "))}
        {t.pick("Visa", "Amex", "Master Card")} | {t.money(total, 2, "")}
        HKD {t.pick("Payment received with thanks", "Thank you, see you soon")}
        """,
        total,
        shop,
        number,
        **HKD,
    )


@layout
def macau_restaurant(t: Till) -> Slip:
    """葡國餐廳: Portuguese and Chinese heading, service charge, MPay."""
    shop, number = t.name("葡國餐廳", "餐廳"), t.digits(6)
    goods = t.goods(HK_FOOD, 5, 4800, 26_000, 100)
    sub = total_of(goods)
    total = sub + sub // 10
    return t.slip(
        f"""
        #{shop}
        ^RESTAURANTE PORTO INTERIOR
        單號 N.: {number} | 檯 Mesa: {t.digits(2)}
        日期 Data: {t.stamp("%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M")}
        {t.listed(goods)}
        小計 | {t.money(sub, 2, "")}
        服務費10% | {t.money(sub // 10, 2, "")}
        !{t.pick("總計 TOTAL", "合計 Total")} | {t.money(total, 2, t.pick("MOP", "MOP$ "))}
        {t.pick("MPay", "澳門通", "中銀澳門 BOC Pay", "VISA")} | {t.money(total, 2, "MOP")}
        """,
        total,
        shop,
        number,
        currency="MOP",
    )
