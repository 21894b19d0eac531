"""An exchange as a source of history: candles and settlements, asked again until they come."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from backtest.market.fetch.apis import Api, api_of
from backtest.market.fetch.exchange import TransientError, asking, public_exchange
from backtest.market.fetch.pace import BannedError, Pace

T = TypeVar("T")
Rows = npt.NDArray[np.float64]
"""Candles: stamp, open, high, low, close, volume. Settlements: stamp, rate. One a row."""

LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is made before it counts as failed, and the first wait in seconds.

    Each wait is twice the one before it.
    """

    attempts: int = 6
    wait: float = 1.0


@dataclass
class Client:
    """One exchange, asked by several threads at the pace it allows.

    `url` is asked in its place. No key is read or sent.
    """

    venue: str
    url: str = ""
    limited: bool = True
    patience: Patience = Patience()
    api: Api = field(init=False)
    pace: Pace = field(init=False)
    _main: Any = field(init=False, default=None)
    _own: threading.local = field(init=False, default_factory=threading.local)

    def __post_init__(self) -> None:
        """Look up what is known of the exchange; nothing is asked yet."""
        self.api = api_of(self.venue)
        self.pace = Pace(self.venue, self.limited)

    def load(self) -> None:
        """Ask for its markets. Raises DataError."""
        main = public_exchange(self.venue, self.pace, self.url)
        self.patiently("its markets", main.load_markets)
        self._main = main

    @property
    def markets(self) -> Mapping[str, Any]:
        """ccxt's markets by symbol."""
        found: Mapping[str, Any] = self._main.markets
        return found

    @property
    def timeframes(self) -> Mapping[str, Any]:
        """Lengths of candles that the exchange has."""
        found: Mapping[str, Any] = self._main.timeframes
        return found

    def candles(
        self, symbol: str, kind: str, timeframe: str, first: int, stop: int, rows: int
    ) -> Rows:
        """What one request gives of the candles that open from `first` to before `stop`."""
        params = {**self.api.params, **({"until": stop - 1} if self.api.until else {})}
        if kind != "trade":
            params["price"] = kind
        found = self.patiently(
            f"{kind} candles of {symbol}",
            lambda exchange: exchange.fetch_ohlcv(symbol, timeframe, first, rows, params),
        )
        table = np.array(found, dtype=np.float64).reshape(-1, 6)
        return table[(table[:, 0] >= first) & (table[:, 0] < stop)]

    def settlements(
        self, symbol: str, since: int | None, rows: int | None, params: Mapping[str, Any]
    ) -> Rows:
        """What one request gives of the settlements of a perpetual."""
        found = self.patiently(
            f"funding of {symbol}",
            lambda exchange: exchange.fetch_funding_rate_history(symbol, since, rows, dict(params)),
        )
        rate = self.api.settled.rate
        rates = [[e["timestamp"], e["info"][rate] if rate else e["fundingRate"]] for e in found]
        return np.array(rates, dtype=np.float64).reshape(-1, 2)

    def patiently(self, what: str, ask: Callable[..., T]) -> T:
        """An answer, after as many attempts as patience has. Raises DataError."""
        wait, exchange = self.patience.wait, self._exchange() if self._main else None
        for attempt in range(1, self.patience.attempts + 1):
            try:
                with asking(self.venue, what):
                    return ask(exchange) if exchange else ask()
            except BannedError:
                raise
            except TransientError:
                if attempt == self.patience.attempts:
                    raise
            self.pace.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        raise AssertionError("the last attempt returns or raises")

    def _exchange(self) -> Any:
        """ccxt's exchange of this thread: its connection is not for several at a time."""
        if not hasattr(self._own, "exchange"):
            self._own.exchange = public_exchange(self.venue, self.pace, self.url, self._main)
        return self._own.exchange
