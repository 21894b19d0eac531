"""What the names of data.binance.vision say: market, kind, symbol and timeframe of an archive."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from backtest.errors import DataError, UsageError
from backtest.market.intake import SeriesName
from backtest.market.layout import FUNDING_NAME, timeframe_ms

KINDS = {
    "klines": "trade", "markPriceKlines": "mark", "indexPriceKlines": "index",
    "fundingRate": "funding",
}  # fmt: skip
VENUES = {"um": "binanceusdm", "cm": "binancecoinm", "spot": "binance"}
QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD1", "BTC", "ETH", "BNB", "EUR", "TRY")
ROOT = "https://data.binance.vision/data"
_NAME = re.compile(
    r"(?P<id>[A-Z0-9_]+)-(?P<what>\d+[mhdw]|1mo|fundingRate)-(?P<when>\d{4}-\d\d(-\d\d)?)"
)
_DAY = 10
"""Letters of a date with a day."""


class Archive(NamedTuple):
    """One zip: its path, the series it is of, and its month or day."""

    path: Path
    of: SeriesName
    when: str
    market: str


def archive_of(path: Path, market: str | None, kind: str | None) -> Archive:
    """What a file is by its name and its folders; `market` and `kind` where these do not say it.

    Raises DataError for a name of another form, UsageError where something must be told.
    """
    found = _NAME.fullmatch(path.stem)
    if found is None:
        raise DataError(
            f"{path} is not named as data.binance.vision names its files, like "
            "BTCUSDT-1m-2024-01.zip; rename it or leave it out."
        )
    folders = path.absolute().parts[:-1]
    place = market or next((f for f in reversed(folders) if f in VENUES), None)
    what = next((KINDS[f] for f in reversed(folders) if f in KINDS), None)
    if found["what"] == "fundingRate":
        what = "funding"
    elif kind is not None:
        what = kind
    if place is None:
        raise UsageError(
            f"{path} does not say its market; keep it in a folder um, cm or spot, or give --market."
        )
    if what is None:
        raise UsageError(
            f"{path} may be trade, mark or index candles, which have one name; keep it in a "
            "folder klines, markPriceKlines or indexPriceKlines, or give --kind."
        )
    if what == "trade" and place == "spot":
        what = "spot"
    symbol = symbol_of_id(found["id"], place)
    timeframe = FUNDING_NAME if what == "funding" else found["what"]
    if what != "funding":
        timeframe_ms(timeframe)
    of = SeriesName(VENUES[place], symbol, what, timeframe)
    return Archive(path, of, found["when"], place)


def symbol_of_id(name: str, market: str) -> str:
    """The ccxt symbol of a Binance id: `BTCUSDT` of um is `BTC/USDT:USDT`.

    Raises DataError for an id whose quote is not known.
    """
    pair, _, rest = name.partition("_")
    if market == "cm":
        base = pair.removesuffix("USD")
        if base == pair or not base:
            raise DataError(f"{name} is no coin-margined id of Binance, such as BTCUSD_PERP.")
        tail = "" if rest in ("", "PERP") else f"-{rest}"
        return f"{base}/USD:{base}{tail}"
    for quote in QUOTES:
        base = pair.removesuffix(quote)
        if base != pair and base:
            if market == "spot":
                return f"{base}/{quote}"
            return f"{base}/{quote}:{quote}{f'-{rest}' if rest else ''}"
    raise DataError(
        f"the quote of {name} is none of {', '.join(QUOTES)}; leave the file out or report it."
    )


def id_of_symbol(symbol: str) -> tuple[str, str]:
    """(market, Binance id) of a ccxt symbol. Raises UsageError for another form."""
    found = re.fullmatch(r"([A-Z0-9]+)/([A-Z0-9]+)(?::([A-Z0-9]+)(?:-(\d{6}))?)?", symbol)
    if found is None:
        raise UsageError(f"{symbol!r} is no ccxt symbol; write it like BTC/USDT:USDT.")
    base, quote, settle, date = found.groups()
    if settle is None:
        return "spot", f"{base}{quote}"
    if settle == base:
        return "cm", f"{base}{quote}_{date or 'PERP'}"
    return "um", f"{base}{quote}{f'_{date}' if date else ''}"


def vision_urls(symbol: str, kinds: list[str], timeframe: str, since: int, until: int) -> list[str]:
    """Addresses of the archives of a span (ms, end exclusive): months, then days of the last one.

    The month of `until` comes day by day unless it is over by then; funding has months only.
    Raises UsageError for a kind that the archive does not have.
    """
    market, name = id_of_symbol(symbol)
    folder = "spot" if market == "spot" else f"futures/{market}"
    found = []
    for kind in kinds:
        words = {v: k for k, v in KINDS.items()} | {"spot": "klines"}
        if kind not in words or (market == "spot" and kind not in ("trade", "spot")):
            raise UsageError(
                f"data.binance.vision has no {kind} of {symbol}; it has "
                f"{'trade' if market == 'spot' else ', '.join(KINDS.values())}."
            )
        word = words[kind]
        for when in _months(since, until) if word == "fundingRate" else _pieces(since, until):
            step = "daily" if len(when) == _DAY else "monthly"
            if word == "fundingRate":
                path = f"{word}/{name}/{name}-{word}-{when}"
            else:
                path = f"{word}/{name}/{timeframe}/{name}-{timeframe}-{when}"
            found.append(f"{ROOT}/{folder}/{step}/{path}.zip")
    return found


def _months(since: int, until: int) -> list[str]:
    start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (since, until - 1))
    count = (end.year - start.year) * 12 + end.month - start.month + 1
    first = start.year * 12 + start.month - 1
    return [f"{(first + n) // 12}-{(first + n) % 12 + 1:02d}" for n in range(count)]


def _pieces(since: int, until: int) -> list[str]:
    """Whole months, and the days of the last month where the span ends inside it."""
    months, end = _months(since, until), datetime.fromtimestamp(until / 1000, UTC)
    if end.day == 1 and (end.hour, end.minute, end.second) == (0, 0, 0):
        return months
    last = datetime.fromtimestamp((until - 1) / 1000, UTC)
    return months[:-1] + [f"{months[-1]}-{day:02d}" for day in range(1, last.day + 1)]
