"""Each exchange's answers: the form, the order of rows, how many, and what it refuses.

An answer is a function of (world, query) under the path it is asked at; `{}` stands for anything.
"""

import json
from datetime import UTC, datetime

import numpy as np

from .world import COINS, DAY, HOUR, MINUTE

UNITS = {"m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
MANY = 1 << 60


class RefusalError(Exception):
    """An answer with a status of its own."""

    def __init__(self, status, body):
        super().__init__(body)
        self.status, self.body = status, body


def number(query, name, default=None):
    return int(query[name]) if name in query else default


def width(text):
    return int(text[:-1]) * UNITS[text[-1].lower()]


def price(coin):
    return f"{{:.{2 if COINS[coin] > 10 else 6}f}}"


def coin_of(text, cut=("USDT", "USD_PERP", "USD")):
    for tail in cut:
        if text.endswith(tail) and text[: -len(tail)] in COINS:
            return text[: -len(tail)]
    raise RefusalError(400, '{"code":-1121,"msg":"Invalid symbol."}')


def oldest(rows, limit):
    return rows[:limit]


def newest(rows, limit):
    return rows[len(rows) - min(limit, len(rows)) :]


# Binance, USD-M and COIN-M -----------------------------------------------------------------------


def binance_markets(inverse):
    def answer(world, query):
        return {"symbols": [binance_market(coin, inverse) for coin in COINS], "serverTime": 0}

    return answer


def binance_market(coin, inverse):
    quote = "USD" if inverse else "USDT"
    return {
        "symbol": f"{coin}USD_PERP" if inverse else f"{coin}USDT", "pair": f"{coin}{quote}",
        "contractType": "PERPETUAL", "deliveryDate": 4133404800000, "onboardDate": 1569398400000,
        "baseAsset": coin, "quoteAsset": quote, "marginAsset": coin if inverse else quote,
        "contractSize": 100, "pricePrecision": 2, "quantityPrecision": 3,
        ("contractStatus" if inverse else "status"): "TRADING",
        "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.10"},
                    {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"}],
    }  # fmt: skip


def binance_candles(kind, inverse):
    def answer(world, query):
        coin = coin_of(query.get("symbol") or query["pair"])
        step, limit = width(query["interval"]), min(number(query, "limit", 500), 1500)
        first, end = number(query, "startTime"), number(query, "endTime", world.now())
        if inverse and first is not None and end - first > 200 * DAY:
            raise RefusalError(400, '{"code":-4061,"msg":"Time range larger than 200 days."}')
        begin = end - limit * step if first is None else first
        rows = world.candles(coin, kind, step, begin, end + 1)
        rows = oldest(rows, limit) if first is not None else newest(rows, limit)
        p = price(coin)
        form = f'[{{:.0f}},"{p}","{p}","{p}","{p}","{{}}",{{:.0f}},"{{:.4f}}",9,"1","1","0"]'
        body = []
        for t, o, h, low, c, v in rows.tolist():
            volume, other = (v * c / 100, v) if inverse else (v, v * c)
            shown = "0" if kind != "trade" else f"{volume:.3f}"
            body.append(form.format(t, o, h, low, c, shown, t + step - 1, other))
        return "[" + ",".join(body) + "]"

    return answer


def binance_funding(world, query):
    coin = coin_of(query["symbol"])
    first, end = number(query, "startTime"), number(query, "endTime", world.now())
    limit = min(number(query, "limit", 100), 1000)
    rows = world.settlements(coin, first or 0, end + 1)
    rows = oldest(rows, limit) if first is not None else newest(rows, limit)
    return [
        {"symbol": query["symbol"], "fundingTime": int(t) + int(t // HOUR) % 20,
         "fundingRate": f"{rate:.8f}", "markPrice": "1"} for t, rate in rows
    ]  # fmt: skip


# Bybit -------------------------------------------------------------------------------------------


def bybit(items, **more):
    return {"retCode": 0, "retMsg": "OK", "result": {"list": items, **more}, "time": 0}


def bybit_markets(world, query):
    inverse = query.get("category") == "inverse"
    if query.get("category") not in ("linear", "inverse"):
        return bybit([], category=query.get("category"), nextPageCursor="")
    quote = "USD" if inverse else "USDT"
    return bybit(
        [
            {"symbol": f"{coin}{quote}", "status": "Trading", "baseCoin": coin, "quoteCoin": quote,
             "contractType": "InversePerpetual" if inverse else "LinearPerpetual",
             "launchTime": "1585526400000", "deliveryTime": "0", "priceScale": "2",
             "leverageFilter": {"minLeverage": "1", "maxLeverage": "100", "leverageStep": "0.01"},
             "priceFilter": {"minPrice": "0.1", "maxPrice": "199999.8", "tickSize": "0.10"},
             "lotSizeFilter": {"maxOrderQty": "100", "minOrderQty": "0.001", "qtyStep": "0.001"},
             "fundingInterval": 60, "settleCoin": coin if inverse else quote} for coin in COINS
        ],
        category=query["category"], nextPageCursor="",
    )  # fmt: skip


def bybit_candles(kind):
    def answer(world, query):
        coin, inverse = coin_of(query["symbol"]), query["category"] == "inverse"
        step = {"D": DAY, "W": 7 * DAY}.get(query["interval"]) or int(query["interval"]) * MINUTE
        limit, end = min(number(query, "limit", 200), 1000), number(query, "end", world.now())
        rows = newest(world.candles(coin, kind, step, number(query, "start", 0), end + 1), limit)
        p = price(coin)
        form = f'["{{:.0f}}","{p}","{p}","{p}","{p}"' + (
            ',"{:.3f}","{:.3f}"]' if kind == "trade" else "]"
        )
        items = []
        for t, o, h, low, c, v in rows[::-1].tolist():
            volumes = (v * c, v) if inverse else (v, v * c)
            items.append(form.format(t, o, h, low, c, *volumes))
        head = f'{{"retCode":0,"retMsg":"OK","result":{{"symbol":"{query["symbol"]}",'
        return head + f'"category":"{query["category"]}","list":[{",".join(items)}]}},"time":0}}'

    return answer


def bybit_funding(world, query):
    if "startTime" in query and "endTime" not in query:
        raise RefusalError(200, '{"retCode":10001,"retMsg":"params error: endTime required"}')
    coin, limit = coin_of(query["symbol"]), min(number(query, "limit", 200), 200)
    first, end = number(query, "startTime", 0), number(query, "endTime", world.now())
    rows = newest(world.settlements(coin, first, end + 1), limit)[::-1]
    return bybit(
        [{"symbol": query["symbol"], "fundingRate": f"{rate:.8f}",
          "fundingRateTimestamp": f"{t:.0f}"} for t, rate in rows],
        category=query["category"],
    )  # fmt: skip


# OKX ---------------------------------------------------------------------------------------------


def okx(items):
    return {"code": "0", "msg": "", "data": items}


def okx_markets(world, query):
    if query.get("instType") != "SWAP":
        return okx([])
    return okx([
        {"instId": f"{coin}-USDT-SWAP", "instType": "SWAP", "instFamily": f"{coin}-USDT",
         "uly": f"{coin}-USDT", "baseCcy": "", "quoteCcy": "", "settleCcy": "USDT",
         "ctType": "linear", "ctVal": "0.01", "ctMult": "1", "ctValCcy": coin, "lever": "100",
         "lotSz": "0.01", "minSz": "0.01", "tickSz": "0.1", "state": "live", "expTime": "",
         "listTime": "1573557408000", "ruleType": "normal", "category": "1"} for coin in COINS
    ])  # fmt: skip


def okx_candles(kind, recent, most):
    def answer(world, query):
        coin = query["instId"].split("-")[0]
        if coin not in COINS or (kind == "index") == query["instId"].endswith("SWAP"):
            raise RefusalError(200, '{"code":"51001","msg":"no such instrument","data":[]}')
        step = width(query["bar"].removesuffix("utc"))
        limit = min(number(query, "limit", 100), most)
        before, after = number(query, "before", 0), number(query, "after", MANY)
        first = max(before + 1, world.now() - 1440 * step if recent else 0)
        rows = world.candles(coin, kind, step, first, min(after, world.now()))
        if "before" in query and "after" not in query:
            rows = world.candles(coin, kind, step, world.now() - limit * step, world.now())
        rows, p = newest(rows, limit)[::-1], price(coin)
        form = f'["{{:.0f}}","{p}","{p}","{p}","{p}",'
        done = world.now() - step
        items = []
        for t, o, h, low, c, v in rows.tolist():
            tail = f'"{v * 100:.2f}","{v:.4f}","{v * c:.4f}",' if kind == "trade" else ""
            items.append(form.format(t, o, h, low, c) + tail + f'"{int(t <= done)}"]')
        return '{"code":"0","msg":"","data":[' + ",".join(items) + "]}"

    return answer


def okx_funding(world, query):
    coin, limit = query["instId"].split("-")[0], min(number(query, "limit", 100), 100)
    kept = world.now() - 92 * DAY
    first, after = max(number(query, "before", 0) + 1, kept), number(query, "after", MANY)
    if "before" in query and "after" not in query:
        first = kept
    rows = newest(world.settlements(coin, first, after), limit)[::-1]
    return okx([
        {"instId": query["instId"], "instType": "SWAP", "fundingRate": f"{rate + 1e-6:.10f}",
         "realizedRate": f"{rate:.10f}", "fundingTime": f"{t:.0f}", "method": "current_period"}
        for t, rate in rows
    ])  # fmt: skip


# Gate --------------------------------------------------------------------------------------------


def gate_markets(world, query):
    return [
        {"name": f"{coin}_USDT", "type": "direct", "quanto_multiplier": "0.01",
         "maintenance_rate": "0.005", "mark_type": "index", "order_price_round": "0.1",
         "mark_price_round": "0.01", "order_size_min": 1, "order_size_max": 1000000,
         "leverage_min": "1", "leverage_max": "100", "maker_fee_rate": "-0.0002",
         "taker_fee_rate": "0.00075", "funding_interval": 3600, "in_delisting": False,
         "create_time": 1567900800, "last_price": "1", "risk_limit_base": "1",
         "risk_limit_step": "1", "risk_limit_max": "1", "order_price_deviate": "0.5"}
        for coin in COINS
    ]  # fmt: skip


def gate_candles(world, query):
    kind, _, name = query["contract"].rpartition("_USDT")[0].rpartition("_")
    coin, kind = name, kind or "trade"
    if coin not in COINS:
        raise RefusalError(400, '{"label":"CONTRACT_NOT_FOUND","message":"no such contract"}')
    step = width(query["interval"])
    if "limit" in query and ("from" in query or "to" in query):
        raise RefusalError(400, '{"label":"INVALID_PARAM_VALUE","message":"limit"}')
    end = number(query, "to", world.now() // 1000) * 1000
    first = number(query, "from", (end - number(query, "limit", 100) * step) // 1000) * 1000
    if (end - first) // step >= 2000:
        raise RefusalError(400, '{"label":"INVALID_PARAM_VALUE","message":"too many points"}')
    rows, p = world.candles(coin, kind, step, first, end + 1), price(coin)
    form = f'{{{{"t":{{:.0f}},"o":"{p}","h":"{p}","l":"{p}","c":"{p}"'
    items = []
    for t, o, h, low, c, v in rows.tolist():
        tail = f',"v":{v * 100:.0f},"sum":"{v * c:.2f}"}}' if kind == "trade" else "}"
        items.append(form.format(t / 1000, o, h, low, c) + tail)
    return "[" + ",".join(items) + "]"


def gate_funding(world, query):
    coin, limit = query["contract"].split("_")[0], min(number(query, "limit", 100), 1000)
    first, end = number(query, "from", 0), number(query, "to", world.now() // 1000)
    rows = newest(world.settlements(coin, first * 1000, end * 1000 + 1), limit)[::-1]
    return [{"t": int(t) // 1000, "r": f"{rate:.8f}"} for t, rate in rows]


# Hyperliquid -------------------------------------------------------------------------------------


def hyperliquid_info(world, query):
    kind = query["type"]
    if kind in ("candleSnapshot", "fundingHistory"):
        return (
            hyperliquid_candles(world, query["req"])
            if "req" in query
            else (hyperliquid_funding(world, query))
        )
    universe = [{"name": coin, "szDecimals": 3, "maxLeverage": 50} for coin in COINS]
    contexts = [
        {"markPx": str(p), "midPx": str(p), "oraclePx": str(p), "prevDayPx": str(p), "funding": "0",
         "openInterest": "1", "dayNtlVlm": "1", "premium": "0", "impactPxs": [str(p), str(p)]}
        for p in COINS.values()
    ]  # fmt: skip
    if kind == "perpDexs":
        return [None]
    if kind == "meta":
        return {"universe": universe, "collateralToken": 0}
    if kind == "metaAndAssetCtxs":
        return [{"universe": universe, "collateralToken": 0}, contexts]
    if kind in ("spotMeta", "spotMetaAndAssetCtxs"):
        token = {"name": "USDC", "szDecimals": 8, "weiDecimals": 8, "index": 0, "tokenId": "0x0",
                 "isCanonical": True, "evmContract": None, "fullName": None}  # fmt: skip
        meta = {"universe": [], "tokens": [token]}
        return meta if kind == "spotMeta" else [meta, []]
    raise RefusalError(422, '"Failed to deserialize the JSON body into the target type"')


def hyperliquid_candles(world, query):
    coin, step = query["coin"], width(query["interval"])
    first = max(query["startTime"], world.now() - 5000 * step)
    rows = oldest(world.candles(coin, "trade", step, first, query["endTime"] + 1), 5000)
    p = price(coin)
    return [
        {"t": int(t), "T": int(t) + step - 1, "s": coin, "i": query["interval"],
         "o": p.format(o), "h": p.format(h), "l": p.format(low), "c": p.format(c),
         "v": f"{v:.4f}", "n": 3} for t, o, h, low, c, v in rows
    ]  # fmt: skip


def hyperliquid_funding(world, query):
    end = query.get("endTime") or world.now()
    rows = oldest(world.settlements(query["coin"], query["startTime"], end + 1), 500)
    return [
        {"coin": query["coin"], "fundingRate": f"{rate:.10f}", "premium": "0",
         "time": int(t) + int(t // HOUR) % 90} for t, rate in rows
    ]  # fmt: skip


# Kraken futures ----------------------------------------------------------------------------------


def kraken_markets(world, query):
    return {"result": "success", "instruments": [
        {"symbol": f"PF_{'XBT' if coin == 'BTC' else coin}USD", "type": "flexible_futures",
         "tickSize": 0.1, "contractSize": 1, "tradeable": True, "impactMidSize": 1.0,
         "maxPositionSize": 100.0, "openingDate": "2022-03-22T15:29:52.000Z",
         "marginLevels": [{"numNonContractUnits": 0, "initialMargin": 0.02,
                           "maintenanceMargin": 0.01}],
         "fundingRateCoefficient": 24, "maxRelativeFundingRate": 0.0025,
         "contractValueTradePrecision": 4, "base": coin, "quote": "USD", "pair": f"{coin}:USD"}
        for coin in COINS
    ]}  # fmt: skip


def kraken_coin(name):
    return coin_of(name.upper().removeprefix("PF_").replace("XBT", "BTC"))


def kraken_candles(world, query, *parts):
    kind, name, interval = parts
    coin, step = kraken_coin(name), width(interval)
    first, end = number(query, "from", 0) * 1000, number(query, "to", world.now() // 1000) * 1000
    rows = world.candles(coin, "index" if kind == "spot" else kind, step, first, end + 1)
    more, rows, p = len(rows) > 2000, oldest(rows, 2000), price(coin)
    return {"candles": [
        {"time": int(t), "open": p.format(o), "high": p.format(h), "low": p.format(low),
         "close": p.format(c), "volume": f"{v:.4f}" if kind == "trade" else "0"}
        for t, o, h, low, c, v in rows
    ], "more_candles": more}  # fmt: skip


def kraken_funding(world, query):
    rows = world.settlements(kraken_coin(query["symbol"]), 0, world.now())
    return {"result": "success", "rates": [
        {"timestamp": iso(t), "relativeFundingRate": rate, "fundingRate": rate * 40_000}
        for t, rate in rows.tolist()
    ]}  # fmt: skip


def iso(ms):
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


# Deribit -----------------------------------------------------------------------------------------


def deribit(result):
    return {"jsonrpc": "2.0", "result": result, "usIn": 1, "usOut": 2, "usDiff": 1}


def deribit_markets(world, query):
    return deribit([
        {"instrument_name": f"{coin}-PERPETUAL", "kind": "future", "instrument_type": "reversed",
         "future_type": "reversed", "settlement_period": "perpetual", "base_currency": coin,
         "quote_currency": "USD", "counter_currency": "USD", "settlement_currency": coin,
         "tick_size": 0.5, "contract_size": 10.0, "min_trade_amount": 10.0, "is_active": True,
         "creation_timestamp": 1534167754000, "expiration_timestamp": 32503708800000,
         "maker_commission": 0.0, "taker_commission": 0.0005, "max_leverage": 50,
         "price_index": f"{coin.lower()}_usd"} for coin in ("BTC", "ETH")
    ])  # fmt: skip


def deribit_candles(world, query):
    coin = query["instrument_name"].split("-")[0]
    step = DAY if query["resolution"] == "1D" else int(query["resolution"]) * MINUTE
    first, end = number(query, "start_timestamp"), number(query, "end_timestamp")
    rows = newest(world.candles(coin, "trade", step, first, end + 1), 5000)
    names = ("ticks", "open", "high", "low", "close", "volume")
    columns = {n: rows[:, i].round(2).tolist() for i, n in enumerate(names)}
    columns["ticks"] = rows[:, 0].astype(int).tolist()
    return deribit(
        {**columns, "cost": columns["volume"], "status": "ok" if len(rows) else "no_data"}
    )


def deribit_funding(world, query):
    coin = query["instrument_name"].split("-")[0]
    first, end = number(query, "start_timestamp"), number(query, "end_timestamp")
    rows = newest(hourly(world, coin, first, end + 1), 744)
    return deribit([
        {"timestamp": int(t), "interest_1h": rate, "interest_8h": rate * 8, "index_price": 1.0,
         "prev_index_price": 1.0} for t, rate in rows.tolist()
    ])  # fmt: skip


def hourly(world, coin, first, stop):
    stop = min(stop, world.now())
    stamps = np.arange(
        -(-max(first, world.settlements(coin, 0, stop)[0, 0]) // HOUR) * HOUR, stop, HOUR
    )
    return np.column_stack((stamps, 1e-5 * np.sin(stamps / 1e8)))


# Bitget ------------------------------------------------------------------------------------------


def bitget(data):
    return {"code": "00000", "msg": "success", "requestTime": 0, "data": data}


def bitget_markets(world, query):
    if query.get("productType") != "USDT-FUTURES":
        return bitget([])
    return bitget([
        {"symbol": f"{coin}USDT", "baseCoin": coin, "quoteCoin": "USDT", "symbolType": "perpetual",
         "supportMarginCoins": ["USDT"], "minTradeNum": "0.01", "priceEndStep": "1",
         "volumePlace": "2", "pricePlace": "1", "sizeMultiplier": "0.01", "minTradeUSDT": "5",
         "symbolStatus": "normal", "makerFeeRate": "0.0002", "takerFeeRate": "0.0006",
         "fundInterval": "1", "minLever": "1", "maxLever": "125", "launchTime": "",
         "offTime": "-1", "limitOpenTime": "-1", "deliveryTime": ""} for coin in COINS
    ])  # fmt: skip


def bitget_candles(kind, most, days):
    def answer(world, query):
        coin = coin_of(query["symbol"])
        name = query["granularity"].removesuffix("utc")
        step, limit = width(name), min(number(query, "limit", 100), most)
        end = number(query, "endTime", world.now())
        first = number(query, "startTime", end - limit * step)
        if end - first > 90 * DAY:
            raise RefusalError(400, '{"code":"00001","msg":"interval too long"}')
        first = max(first, world.now() - days * DAY if days else 0)
        which = query.get("kLineType", kind)
        rows, p = newest(world.candles(coin, which, step, first, end), limit), price(coin)
        return bitget([
            [f"{t:.0f}", *(p.format(x) for x in (o, h, low, c)),
             f"{v:.4f}" if which == "trade" else "0", f"{v * c:.4f}"] for t, o, h, low, c, v in rows
        ])  # fmt: skip

    return answer


def bitget_funding(world, query):
    coin, size = coin_of(query["symbol"]), min(number(query, "pageSize", 20), 100)
    rows = world.settlements(coin, 0, world.now())[::-1]
    page = rows[(number(query, "pageNo", 1) - 1) * size :][:size]
    return bitget([
        {"symbol": query["symbol"], "fundingRate": f"{rate:.8f}", "fundingTime": f"{t:.0f}"}
        for t, rate in page
    ])  # fmt: skip


# KuCoin futures ----------------------------------------------------------------------------------


def kucoin(data):
    return {"code": "200000", "data": data}


def kucoin_markets(world, query):
    return kucoin([
        {"symbol": f"{'XBT' if coin == 'BTC' else coin}USDTM", "rootSymbol": "USDT",
         "type": "FFWCSX", "firstOpenDate": 1585555200000, "nextFundingRateTime": 1,
         "baseCurrency": "XBT" if coin == "BTC" else coin, "quoteCurrency": "USDT",
         "settleCurrency": "USDT", "maxOrderQty": 1000000, "maxPrice": 1000000.0, "lotSize": 1,
         "tickSize": 0.1, "multiplier": 0.001, "initialMargin": 0.01, "maintainMargin": 0.005,
         "makerFeeRate": 0.0002, "takerFeeRate": 0.0006, "isInverse": False, "status": "Open",
         "maxLeverage": 100} for coin in COINS
    ])  # fmt: skip


def kucoin_coin(name):
    return coin_of(name.replace("XBT", "BTC").removesuffix("M"))


def kucoin_candles(world, query):
    coin, step = kucoin_coin(query["symbol"]), int(query["granularity"]) * MINUTE
    rows = oldest(
        world.candles(coin, "trade", step, number(query, "from"), number(query, "to") + 1), 500
    )
    return kucoin([[int(t), o, h, low, c, v * 1000] for t, o, h, low, c, v in rows.tolist()])


def kucoin_lines(world, query):
    name, _, tail = query["symbol"].partition("-")
    coin, kind = kucoin_coin(name), tail.removesuffix("-price") or "trade"
    step = {"1day": DAY, "1hour": HOUR, "1min": MINUTE}.get(query["interval"])
    step = step or width(query["interval"])
    first, end = number(query, "startAt") * 1000, number(query, "endAt") * 1000
    rows, p = newest(world.candles(coin, kind, step, first, end + 1), 1500)[::-1], price(coin)
    return kucoin({"symbol": query["symbol"], "list": [
        [f"{t / 1000:.0f}", p.format(o), p.format(c), p.format(h), p.format(low), "0", "0"]
        for t, o, h, low, c, _ in rows.tolist()
    ]})  # fmt: skip


def kucoin_funding(world, query):
    coin = kucoin_coin(query["symbol"])
    rows = newest(world.settlements(coin, number(query, "from"), number(query, "to") + 1), 100)
    return kucoin([
        {"symbol": query["symbol"], "fundingRate": rate, "timepoint": int(t)}
        for t, rate in rows[::-1].tolist()
    ])  # fmt: skip


# dYdX --------------------------------------------------------------------------------------------


def dydx_markets(world, query):
    return {"markets": {f"{coin}-USD": {
        "clobPairId": "0", "ticker": f"{coin}-USD", "status": "ACTIVE", "oraclePrice": "1",
        "priceChange24H": "0", "volume24H": "0", "trades24H": 0, "nextFundingRate": "0",
        "initialMarginFraction": "0.02", "maintenanceMarginFraction": "0.012",
        "openInterest": "1", "atomicResolution": -10, "quantumConversionExponent": -9,
        "tickSize": "1", "stepSize": "0.0001", "stepBaseQuantums": 1000000,
        "subticksPerTick": 100000, "marketType": "CROSS", "openInterestLowerCap": "0",
        "openInterestUpperCap": "0", "baseOpenInterest": "1"} for coin in COINS}}  # fmt: skip


def dydx_candles(world, query, name):
    coin, limit = name.split("-")[0], min(number(query, "limit", 100), 1000)
    steps = {"1MIN": MINUTE, "1HOUR": HOUR, "1DAY": DAY}
    first, end = (
        (moment(query[n]) for n in ("fromISO", "toISO"))
        if "fromISO" in query
        else (moment(query["fromIso"]), moment(query["toIso"]))
    )
    rows = newest(world.candles(coin, "trade", steps[query["resolution"]], first, end), limit)
    p = price(coin)
    return {"candles": [
        {"startedAt": iso(t), "ticker": name, "resolution": query["resolution"],
         "open": p.format(o), "high": p.format(h), "low": p.format(low), "close": p.format(c),
         "baseTokenVolume": f"{v:.4f}", "usdVolume": f"{v * c:.4f}", "trades": 1}
        for t, o, h, low, c, v in rows[::-1].tolist()
    ]}  # fmt: skip


def dydx_funding(world, query, name):
    coin, limit = name.split("-")[0], min(number(query, "limit", 100), 100)
    end = moment(query["effectiveBeforeOrAt"]) if "effectiveBeforeOrAt" in query else world.now()
    rows = newest(hourly(world, coin, 0, end + 1), limit)[::-1]
    return {"historicalFunding": [
        {"ticker": name, "rate": f"{rate:.10f}", "price": "1", "effectiveAtHeight": "1",
         "effectiveAt": iso(t).replace(".000Z", ".219Z")} for t, rate in rows
    ]}  # fmt: skip


def moment(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _binance(inverse):
    root = "dapi/v1" if inverse else "fapi/v1"
    return {
        f"{root}/exchangeInfo": binance_markets(inverse),
        f"{root}/klines": binance_candles("trade", inverse),
        f"{root}/markPriceKlines": binance_candles("mark", inverse),
        f"{root}/indexPriceKlines": binance_candles("index", inverse),
        f"{root}/fundingRate": binance_funding,
    }


def _okx():
    found = {"instruments": okx_markets, "funding-rate-history": okx_funding}
    paths = {f"api/v5/public/{name}": answer for name, answer in found.items()}
    for kind, name, most in (
        ("trade", "", 300),
        ("mark", "mark-price-", 100),
        ("index", "index-", 100),
    ):
        paths[f"api/v5/market/{name}candles"] = okx_candles(kind, True, most)
        paths[f"api/v5/market/history-{name}candles"] = okx_candles(kind, False, most)
    return paths


def _bitget():
    root = "api/v2/mix/market"
    return {
        f"{root}/contracts": bitget_markets,
        f"{root}/candles": bitget_candles("trade", 1000, 30),
        f"{root}/history-candles": bitget_candles("trade", 200, 0),
        f"{root}/history-mark-candles": bitget_candles("mark", 200, 0),
        f"{root}/history-index-candles": bitget_candles("index", 200, 0),
        f"{root}/history-fund-rate": bitget_funding,
    }


PATHS = {
    "binanceusdm": _binance(inverse=False),
    "binancecoinm": _binance(inverse=True),
    "bybit": {
        "v5/market/instruments-info": bybit_markets,
        "v5/market/kline": bybit_candles("trade"),
        "v5/market/mark-price-kline": bybit_candles("mark"),
        "v5/market/index-price-kline": bybit_candles("index"),
        "v5/market/funding/history": bybit_funding,
    },
    "okx": _okx(),
    "gate": {
        "api/v4/futures/usdt/contracts": gate_markets,
        "api/v4/futures/btc/contracts": lambda world, query: [],
        "api/v4/futures/usdt/candlesticks": gate_candles,
        "api/v4/futures/usdt/funding_rate": gate_funding,
    },
    "hyperliquid": {"info": hyperliquid_info},
    "krakenfutures": {
        "derivatives/api/v3/instruments": kraken_markets,
        "derivatives/api/v4/historicalfundingrates": kraken_funding,
        "api/charts/v1/{}/{}/{}": kraken_candles,
    },
    "deribit": {
        "api/v2/public/get_instruments": deribit_markets,
        "api/v2/public/get_tradingview_chart_data": deribit_candles,
        "api/v2/public/get_funding_rate_history": deribit_funding,
    },
    "bitget": _bitget(),
    "kucoinfutures": {
        "api/v1/contracts/active": kucoin_markets,
        "api/v1/kline/query": kucoin_candles,
        "api/ua/v1/market/kline": kucoin_lines,
        "api/v1/contract/funding-rates": kucoin_funding,
    },
    "dydx": {
        "v4/perpetualMarkets": dydx_markets,
        "v4/candles/perpetualMarkets/{}": dydx_candles,
        "v4/historicalFunding/{}": dydx_funding,
    },
}


def answer(world, venue, path, query):
    """The answer to a request as text. Raises RefusalError."""
    for form, respond in PATHS.get(venue, {}).items():
        wanted, given = form.split("/"), path.split("/")
        fits = len(wanted) == len(given) and all(
            w in ("{}", g) for w, g in zip(wanted, given, strict=True)
        )
        if fits:
            parts = [g for w, g in zip(wanted, given, strict=True) if w == "{}"]
            found = respond(world, query, *parts)
            return found if isinstance(found, str) else json.dumps(found)
    raise RefusalError(404, json.dumps({"error": f"no such path {venue}/{path}"}))
