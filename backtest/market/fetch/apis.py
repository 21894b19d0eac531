"""What is known of each exchange's history: rows a request gives, how far back, in which order.

Figures are those of the rulebooks ("Mark price and data") and of ccxt 4.5.90. A page that turns
out shorter than it should be is asked again from where it stopped, so that a figure that is too
large costs requests and no rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backtest.errors import UnknownNameError
from backtest.values import UNITS

DAY = UNITS["d"]
CANDLES = ("trade", "mark", "index")
EVERYTHING = (*CANDLES, "funding")


@dataclass(frozen=True, slots=True)
class Settled:
    """How settlements are asked for.

    `paging` is `span` (a first and a last time), `cursor` (back from a time), `page` (by number,
    newest first) or `all` (one answer has everything). `span` is the longest span of one request
    in ms, `kept` how far back the exchange goes, 0 where it has all. `rate` is the field that
    holds the rate where it is not the one of ccxt.
    """

    paging: str
    rows: int
    span: int = 0
    kept: int = 0
    rate: str = ""
    cursor: str = "until"
    """The parameter of ccxt that takes a cursor."""


@dataclass(frozen=True, slots=True)
class Api:
    """`rows` of a request by kind of candle, the longest `span` of one in ms, and how many candles
    are `kept` (0: all). `volume` is in `base`, or in `contracts`. `unmarked` says what to do where
    there is no history of marks.
    """

    rows: Mapping[str, int]
    settled: Settled
    span: int = 0
    kept: int = 0
    volume: str = "base"
    until: bool = True
    """Whether ccxt makes an end of a span of candles; without, it follows from the rows asked."""
    unmarked: str = ""
    proven: str = "documents"
    """What its paging was tested on: `recorded` answers of the exchange, or its `documents`."""
    params: Mapping[str, object] = field(default_factory=dict)
    """Parameters of ccxt that each request for candles takes."""


def _three(trade: int, others: int | None = None) -> dict[str, int]:
    return {"trade": trade, "mark": others or trade, "index": others or trade}


APIS: Mapping[str, Api] = {
    "binanceusdm": Api(_three(1000), Settled("span", 1000), proven="recorded"),
    "binancecoinm": Api(
        _three(1000), Settled("span", 1000), span=200 * DAY - 1, proven="recorded"
    ),
    "bybit": Api(_three(1000), Settled("span", 200), proven="recorded"),
    "okx": Api(
        _three(300, 100), Settled("cursor", 100, kept=92 * DAY, cursor="after"), proven="recorded"
    ),
    "gate": Api(_three(1999), Settled("span", 1000), volume="contracts"),
    "hyperliquid": Api(
        {"trade": 5000},
        Settled("span", 500),
        kept=5000,
        unmarked="import asset_ctxs with `backtest import hyperliquid-archive`",
        proven="recorded",
    ),
    "krakenfutures": Api(_three(2000), Settled("all", 0), volume="contracts", until=False),
    "deribit": Api(
        {"trade": 5000},
        Settled("span", 720, span=30 * DAY, rate="interest_1h"),
        unmarked="a run takes trade for it and says so",
    ),
    "bitget": Api(
        _three(200), Settled("page", 100), span=90 * DAY, params={"useHistoryEndpoint": True}
    ),
    "kucoinfutures": Api(
        _three(500, 1500), Settled("span", 100), volume="contracts", until=False
    ),
    "dydx": Api(
        {"trade": 1000},
        Settled("cursor", 100),
        unmarked="its margin follows the oracle price, of which it keeps no candles",
    ),
}  # fmt: skip


def api_of(venue: str) -> Api:
    """What is known of an exchange's history. Raises UnknownNameError for one that is not."""
    if venue not in APIS:
        raise UnknownNameError(
            "exchange to fetch from", venue, APIS, "Bring other data in with `backtest import`."
        )
    return APIS[venue]
