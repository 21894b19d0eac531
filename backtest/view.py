"""What an `on_bar` strategy sees at a close of a bar."""

from datetime import UTC, datetime
from math import nan
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from .core.engine import Engine
from .core.state import POOL, POSITION, OrderKind, OrderType
from .core.types import CLOSE, FUNDING, HIGH, LOW, MARK_CLOSE, MARK_OPEN, OPEN, VOLUME
from .errors import StrategyError, UnknownNameError
from .instructions import TYPES
from .legs import BOTH, LONG, SHORT, SWITCH, Positions, parse_side
from .policies import describe

FLOAT = 8


class Alert(NamedTuple):
    """A bucket's margin ratio has risen over a threshold at this close."""

    symbol: str
    position_side: str
    threshold: float
    margin_ratio: float


class Resting(NamedTuple):
    """An order that waits: `price` is its limit or trigger; an infinite `size` is all there is."""

    id: int
    symbol: str
    position_side: str
    type: str
    size: float
    price: float
    reduce_only: bool


class OpensOnly:
    """A block's prices at an open: everything that comes later in the bar is not known."""

    def __init__(self, prices: Any) -> None:
        self._prices = prices

    def __getitem__(self, place: tuple[int, int, int]) -> float:
        """The price of (field, symbol, bar); NaN unless it is of the open."""
        return float(self._prices[place]) if place[0] in AT_OPEN else nan


AT_OPEN = (OPEN, MARK_OPEN, FUNDING)
Rows = tuple["memoryview[float]", ...]


class View:
    """The account and the market at the close of a bar; nothing later can be seen.

    `symbol` may be left out when the run has one. `state` is the strategy's own notebook: each
    venue's account has its own. In hedge mode `position_side` names a leg, long or short. `alerts`
    are those of this bar (`RunConfig.alerts`), `cross` says whether positions share their margin.
    """

    def __init__(self, engine: Engine, positions: Positions) -> None:
        self.symbols = symbols = positions.symbols
        self._legs = positions
        self.state: dict[str, Any] = {}
        self._numbers: dict[str | None, int] = {s: number for number, s in enumerate(symbols)}
        if len(symbols) == 1:
            self._numbers[None] = 0
        self._sides = self._by_side(_floats(engine.positions))
        self._pools = _floats(engine.pools)
        self._pool_of = [int(pool) for pool in engine.positions["pool"]]
        self.alerts: list[Alert] = []
        self.cross = engine.cross
        self._engine = engine
        self._alerted: dict[int, float] = {}
        self.reserve_delay_ms = 0
        self._policies: dict[str, Any] = {}
        self._memories: dict[int, tuple[Any, dict[Any, Any]]] = {}
        self._asked = 0
        self._bar_ms = engine.bar_ms
        self._coming: list[dict[str, Any]] = []
        self._ts: Any = None
        self._prices: Any = None
        self._bar = 0

    def _by_side(self, rows: list["memoryview[float]"]) -> dict[tuple[str | None, str], Rows]:
        """State of the positions of every symbol and side."""
        found: dict[tuple[str | None, str], Rows] = {}
        for symbol, number in self._numbers.items():
            found[symbol, BOTH] = (rows[number],)
            if self._legs.hedge:
                long, short = rows[number], rows[self._legs.leg(number, SHORT)]
                found[symbol, LONG], found[symbol, SHORT] = (long,), (short,)
                found[symbol, BOTH] = (long, short)
        return found

    @property
    def hedge(self) -> bool:
        """Whether every symbol has a long and a short leg."""
        return self._legs.hedge

    def memory(self, policy: Any) -> dict[Any, Any]:
        """The notebook of the policy that is asked, or of one that it asks, for this account."""
        last, memory = self._memories.get(self._asked, (None, {}))
        if last is not policy:
            memory = self._policies.setdefault(f"{self._asked} {describe(policy)}", {})
            self._memories[self._asked] = (policy, memory)
        return memory

    def _remember(self, policies: dict[str, Any]) -> None:
        """Take the notebooks of policies that another view has kept."""
        self._policies, self._memories = policies, {}

    def _follow(self, other: "View") -> None:
        """See the same bar as another account's view."""
        self._ts, self._prices, self._bar = other._ts, other._prices, other._bar

    def _load(self, ts: Any, prices: Any) -> None:
        self._ts, self._prices = memoryview(ts), memoryview(prices)

    def _number(self, symbol: str | None) -> int:
        try:
            return self._numbers[symbol]
        except (KeyError, TypeError):
            if symbol is None:
                raise StrategyError("say which symbol; this run has several.") from None
            raise UnknownNameError("symbol", str(symbol), self.symbols) from None

    def _price(self, field: int, symbol: str | None) -> float:
        price: float = self._prices[field, self._number(symbol), self._bar]
        return price

    @property
    def ts(self) -> int:
        """Open time of the bar that just closed, milliseconds UTC."""
        ts: int = self._ts[self._bar]
        return ts

    @property
    def time(self) -> datetime:
        """Open time of the bar that just closed."""
        return datetime.fromtimestamp(self.ts / 1000, UTC)

    def open(self, symbol: str | None = None) -> float:
        """Trade open; NaN if the bar has no trade."""
        return self._price(OPEN, symbol)

    def high(self, symbol: str | None = None) -> float:
        """Trade high; NaN if the bar has no trade."""
        return self._price(HIGH, symbol)

    def low(self, symbol: str | None = None) -> float:
        """Trade low; NaN if the bar has no trade."""
        return self._price(LOW, symbol)

    def close(self, symbol: str | None = None) -> float:
        """Trade close; NaN if the bar has no trade."""
        return self._price(CLOSE, symbol)

    def volume(self, symbol: str | None = None) -> float:
        """Volume in base units; NaN if the bar has no trade."""
        return self._price(VOLUME, symbol)

    def mark(self, symbol: str | None = None) -> float:
        """Mark price at the close; NaN if the bar has none."""
        return self._price(MARK_CLOSE, symbol)

    def funding_rate(self, symbol: str | None = None) -> float:
        """Rate settled at this bar's open; NaN if none was."""
        return self._price(FUNDING, symbol)

    def equity(self, symbol: str | None = None) -> float:
        """Equity of the symbol's settle asset, unrealised P&L included."""
        return self._pools[self._pool_of[self._number(symbol)]][_POOL_EQUITY]

    def cash(self, symbol: str | None = None) -> float:
        """Money not bound in positions, without unrealised P&L."""
        return self._pools[self._pool_of[self._number(symbol)]][_POOL_CASH]

    def size(self, symbol: str | None = None, position_side: str = BOTH) -> float:
        """Signed position size, base units; of two legs their sum."""
        return _total(self._rows(symbol, position_side), _SIZE)

    def size_for(
        self, exposure: float, price: float | None = None, symbol: str | None = None
    ) -> float:
        """Size whose value at a price (the close) is that exposure, which is signed.

        For orders that need a size; in base units, of an inverse contract in USD.
        """
        number, at = self._number(symbol), self.close(symbol) if price is None else price
        return self._engine.size_worth(number, exposure * self.equity(symbol), at)

    def exposure(self, symbol: str | None = None, position_side: str = BOTH) -> float:
        """Signed value of the position at the close / equity; 0 without equity."""
        size, one = self.size(symbol, position_side), self.size_for(1.0, symbol=symbol)
        return size / one if one > 0.0 else 0.0

    def price(self, symbol: str | None = None, by: str = "last") -> float:
        """The price that an order is held against now: the last trade, or the mark.

        For a policy that is asked after fills at an open that of the open.
        """
        row = self._sides[self.symbols[self._number(symbol)], BOTH][0]
        if by == "mark":
            return row[_MARK]
        return self.open(symbol) if isinstance(self._prices, OpensOnly) else row[_CLOSE]

    def entry_price(self, symbol: str | None = None, position_side: str = BOTH) -> float:
        """Mean entry price; 0 without a position."""
        rows = self._rows(symbol, position_side)
        if len(rows) > 1:
            raise StrategyError("two legs have two entry prices; name a position_side.")
        return rows[0][_ENTRY]

    def margin(self, symbol: str | None = None, position_side: str = BOTH) -> float:
        """Money in the bucket of an isolated position, without unrealised P&L; of two legs both."""
        return _total(self._rows(symbol, position_side), _MARGIN)

    def unrealized_pnl(self, symbol: str | None = None, position_side: str = BOTH) -> float:
        """Unrealised P&L at the last mark; of two legs both."""
        return sum(self._looked(symbol, position_side, _GAIN))

    def backing(self, symbol: str | None = None, position_side: str = BOTH) -> float:
        """Equity of the position's bucket: its margin and P&L, in cross mode that of its pool."""
        return min(self._looked(symbol, position_side, _BACKING))

    def margin_ratio(self, symbol: str | None = None, position_side: str = BOTH) -> float:
        """Maintenance margin / equity of the position's bucket, in cross mode of its pool; 1 falls.

        0 without a position that has a requirement; of two isolated legs the higher one.
        """
        return max(self._looked(symbol, position_side, _RATIO))

    def liquidation_price(self, symbol: str | None = None, position_side: str = BOTH) -> float:
        """The mark at which the position falls, every other one standing still; NaN without."""
        found = self._looked(symbol, position_side, _SHOWN)
        if len(found) > 1:
            raise StrategyError("two legs have two liquidation prices; name a position_side.")
        return found[0]

    def available(self, symbol: str | None = None) -> float:
        """Money of the symbol's settle asset that neither positions nor orders hold."""
        return self._looked(symbol, BOTH, _FREE)[0]

    def reserve(self, symbol: str | None = None) -> float:
        """Money outside the venue, in the symbol's settle asset, that `Transfer` can bring in."""
        return self._pools[self._pool_of[self._number(symbol)]][_POOL_RESERVE]

    def coming(self, symbol: str | None = None) -> tuple[float, float]:
        """Money on its way from the reserve: what arrives by the next open, and what later does."""
        pool, opens = self._pool_of[self._number(symbol)], self.ts + self._bar_ms
        mine = [e for e in self._coming if self._pool_of[e["symbol"]] == pool and e["value"] > 0.0]
        ready = sum(e["value"] for e in mine if e["ts"] <= opens)
        return ready, sum(e["value"] for e in mine) - ready

    def orders(self, symbol: str | None = None) -> list["Resting"]:
        """The orders that rest, of all symbols or of one, in the order they were given.

        A policy sees them as they will stand at the next open, after what the strategy has answered
        at this close.
        """
        every = [self._resting_order(row, "size") for row in self._engine.resting]
        for row in self._engine.coming(self.ts + self._bar_ms):
            if row["kind"] == OrderKind.CANCEL:
                every = [one for one in every if one.id != row["value"]]
            elif row["kind"] == OrderKind.SIZE and row["type"] != OrderType.MARKET:
                every.append(self._resting_order(row, "value"))
        return [one for one in every if symbol is None or one.symbol == symbol]

    def order_ids(self) -> set[int]:
        """The ids of all `orders`, which are found faster."""
        if len(self._engine.coming(self.ts + self._bar_ms)):
            return {order.id for order in self.orders()}
        return set(self._engine.resting["id"].tolist())

    def _resting_order(self, row: Any, sized: str) -> "Resting":
        count, number = len(self.symbols), int(row["symbol"])
        side = (SHORT if number >= count else LONG) if self._legs.hedge else BOTH
        return Resting(
            int(row["id"]), self.symbols[number % count], side, TYPES[int(row["type"])],
            float(row[sized]), float(row["price"]), bool(row["reduce_only"]),
        )  # fmt: skip

    def _position(self, number: int, side: str) -> int:
        return self._legs.leg(number, side)

    def _looked(self, symbol: str | None, side: str, field: int) -> list[float]:
        """What the engine notes of the positions of a side when it is told to look."""
        rows, found = self._rows(symbol, side), []
        first = self._position(self._number(symbol), side)
        for k, row in enumerate(rows):
            self._engine.look(first + k * len(self.symbols))
            found.append(row[field])
        return found

    def _raise_alerts(self, thresholds: tuple[float, ...]) -> None:
        """Note which buckets' ratios have risen over a threshold since the last close."""
        self.alerts = []
        for symbol in self.symbols:
            for side in (LONG, SHORT) if self._legs.hedge else (BOTH,):
                number = self._position(self._numbers[symbol], side)
                held = self.size(symbol, side) != 0.0
                ratio = self.margin_ratio(symbol, side) if held else 0.0
                before = self._alerted.get(number, 0.0)
                self._alerted[number] = ratio
                for threshold in thresholds:
                    if before <= threshold < ratio:
                        self.alerts.append(Alert(symbol, side, threshold, ratio))

    def _rows(self, symbol: str | None, side: str) -> Rows:
        """State of the positions of a side: one, or in hedge mode both legs."""
        try:
            return self._sides[symbol, side]
        except (KeyError, TypeError):
            number, found = self._number(symbol), parse_side("position_side", side)
            if found != BOTH and not self._legs.hedge:
                raise StrategyError(f"there is no {found} leg in one-way mode; {SWITCH}.") from None
            return self._sides[self.symbols[number], found]


def _total(rows: Rows, field: int) -> float:
    return rows[0][field] if len(rows) == 1 else rows[0][field] + rows[1][field]


def _floats(records: NDArray[Any]) -> list["memoryview[float]"]:
    """Memory of each record as 64-bit floats: reading one costs 40 ns instead of 300."""
    rows: Any = records.view(np.float64).reshape(len(records), -1)
    return [cast("memoryview[float]", memoryview(row)) for row in rows]


def _offset(dtype: np.dtype[Any], name: str) -> int:
    found: Any = dtype.fields
    return int(found[name][1]) // FLOAT


_POOL_RESERVE = _offset(POOL, "reserve")
_RATIO, _SHOWN = _offset(POSITION, "ratio"), _offset(POSITION, "shown")
_FREE, _GAIN, _BACKING = (_offset(POSITION, name) for name in ("free", "gain", "backing"))
_POOL_EQUITY, _POOL_CASH = _offset(POOL, "equity"), _offset(POOL, "cash")
_MARK, _CLOSE = _offset(POSITION, "mark"), _offset(POSITION, "close")
_SIZE, _ENTRY = _offset(POSITION, "size"), _offset(POSITION, "entry")
_MARGIN = _offset(POSITION, "margin")
