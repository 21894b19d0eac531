"""The engine as seen from outside: state arrays, growing record buffers, one compiled entry.

    engine = Engine(config, rules, first_rule, cash)
    for block in stream: engine.feed(block.ts, block.prices, block.flags)
    engine.finish(); engine.take("liquidations")

Compiled code gets one table of addresses instead of twenty arrays: a call costs under half a
microsecond, so that a strategy in Python can be asked at every bar.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import loop
from .contracts import size_worth
from .jit import config, jit
from .liquidation import next_block
from .risk import ACCOUNT
from .samples import look
from .state import (
    BOOK,
    CONFIG,
    DTYPES,
    IS_USD,
    KINDS,
    NO_TIME,
    ORDER,
    POOL,
    POSITION,
    RESTING,
    STATE,
    Done,
    Path,
    Stop,
)
from .types import HAS_MARK, MARK_HIGH, MARK_IS_COARSE, MARK_LOW, N_FIELDS, MarginMode, word
from .world import WORDS, WORDS_PER_ARRAY, World, as_world

FIRST_CAPACITY = 256
FIRST_RESTING = 16
RUN, FINISH, BLOCK, CLOSE_BAR, LOOK = 0, 1, 2, 3, 4
OVERFLOW = -1
_ZERO, _ONE = word(0), word(1)
_RESTS = int(Done.RESTS)


@jit
def _act(world: Any, action: int, first: int, last: int) -> int:
    came = last
    if action == FINISH:
        loop.finish(world, first)
    elif action == BLOCK:
        came = int(next_block(world, _ZERO, ACCOUNT, _ZERO, _ONE, _ZERO))
    elif action == CLOSE_BAR:
        loop.end_bar(world, first)
    elif action == LOOK:
        look(world, first)
    else:
        came = loop.run_bars(world, first, last)
    return OVERFLOW if world.state[0]["overflow"] else came


@jit
def _call(address: int, action: int, first: int, last: int) -> int:
    return _act(as_world(address), action, first, last)


@dataclass(frozen=True)
class Settings:
    """How the account is run; fractions for slippage, milliseconds for times."""

    mode: int
    leverage: float
    timeframe_ms: int
    sample_ms: int
    slippage: float = 0.0
    liquidation_slippage: float = 0.0
    on_liquidation: int = 1
    refill_below: float = 0.5
    rebalance: float = -1.0
    reenter: bool = False
    fund_per_block: float = float("inf")
    path: int = int(Path.PESSIMISTIC)
    ask: bool = False
    pause: bool = False
    fine: bool = False


class Engine:
    """One account on one venue, carried from block to block.

    `rules` holds for each symbol its revisions in date order (`venues.resolve`), `pools` the
    pool number of each symbol, `cash` the starting money of each pool in its settle asset.
    """

    def __init__(
        self,
        settings: Settings,
        rules: list[NDArray[Any]],
        pools: list[int],
        cash: list[float],
        legs: bool = False,
    ) -> None:
        self._made = (settings, rules, pools, cash, legs)
        self._symbols = len(rules)
        if legs:
            rules, pools = [*rules, *rules], [*pools, *pools]
        self._config = _config(settings)
        sizes = (1, len(cash), len(rules), len(KINDS))
        dtypes = (STATE, POOL, POSITION, np.dtype(np.int64))
        self._carried, arrays = _one_memory(sizes, dtypes)
        self._state, self._pools, self._positions, self._counts = arrays
        self._kept = np.zeros((2, len(self._carried)), np.int64)
        self._kept_state = _over(self._kept[1], sizes, dtypes)
        self._resting, self._kept_resting = np.zeros(0, RESTING), np.zeros((2, 0), RESTING)
        self._rules = np.concatenate(rules)
        self._orders, self._book = np.zeros(0, ORDER), np.zeros(0, BOOK)
        self._buffers = [np.zeros(FIRST_CAPACITY, dtype) for dtype in DTYPES]
        self._table = np.zeros(WORDS, np.int64)
        self._address = self._table.ctypes.data
        self._block = _no_bars(self._symbols)
        self._bars = 0
        self._set_up(rules, pools, cash)
        if legs:
            self._set_up_legs()

    def _set_up(self, rules: list[NDArray[Any]], pools: list[int], cash: list[float]) -> None:
        positions = self._positions
        firsts = np.concatenate([[0], np.cumsum([len(r) for r in rules])[:-1]])
        positions["rule"], positions["current"], positions["pool"] = firsts, firsts, pools
        positions["series"], positions["twin"] = np.arange(len(rules)) % self._symbols, -1
        positions["close"] = positions["target"] = positions["order_price"] = np.nan
        positions["closing_mark"] = positions["last"] = np.nan
        positions["owed_low"] = positions["owed_high"] = np.nan
        positions["funded"] = self._state["opened"] = self._state["decided"] = -1
        positions["liquidated_at"] = self._state["wait_until"] = -NO_TIME
        self._pools["cash"] = self._pools["start"] = self._pools["equity"] = cash
        self._pools["deposits"], self._pools["equity_low"] = cash, np.inf
        self._pools["priced_by"], self._state["fund"] = IS_USD, np.inf

    def _set_up_legs(self) -> None:
        positions, half = self._positions, self._symbols
        positions["leg"][:half], positions["leg"][half:] = 1, -1
        positions["twin"] = (np.arange(2 * half) + half) % (2 * half)

    def know_funding(self, rates: list[float]) -> None:
        """Tell each symbol the rate that was settled last before the first bar."""
        self._positions["funding_rate"] = np.array(rates)[self._positions["series"]]

    def price_pool(self, pool: int, position: int, start_usd: float = 0.0) -> None:
        """Value a pool's coin in USD at the mark of a position; or say IS_USD, UNPRICED.

        With `start_usd` a refill restores as much coin as that buys then, and not the first amount.
        """
        self._pools["priced_by"][pool] = position
        self._pools["start_usd"][pool] = start_usd

    def place(self, position: int, size: float, entry: float, mark: float) -> None:
        """Put an open cross position there, as if it had been bought: for worked examples."""
        p = self._positions[position]
        p["size"], p["entry"], p["mark"], p["side"] = size, entry, mark, np.sign(size)
        p["bought"], p["bought_value"], p["low"] = abs(size), abs(size) * entry, np.inf
        p["equity_at_entry"] = 1.0
        self._pools["open"][p["pool"]] += 1

    def set_book(self, levels: list[tuple[float, float]], fund: float) -> None:
        """Orders (price, size) that forced exits meet, best first, and what the fund has."""
        self._book = np.array(levels, BOOK)
        self._state["fund"] = fund
        self._bind()

    def liquidate_block(self) -> bool:
        """One step of the venue's process on the pool as it stands; whether anything closed."""
        return bool(self._replay(BLOCK, 0, 0))

    @property
    def positions(self) -> NDArray[Any]:
        """State of every symbol (dtype POSITION); read only by convention."""
        return self._positions

    @property
    def pools(self) -> NDArray[Any]:
        """State of every pool (dtype POOL); read only by convention."""
        return self._pools

    def unrealized(self, pool: int) -> float:
        """Unrealised P&L of a pool's open positions at their last marks."""
        positions = self._positions
        held = positions[(positions["size"] != 0.0) & (positions["pool"] == pool)]
        rules = self._rules[held["rule"]]
        size, entry, mark = held["size"], held["entry"], held["mark"]
        inverse = size * (1.0 / entry - 1.0 / mark)
        pnl = np.where(rules["inverse"] == 1, inverse, size * (mark - entry) * rules["multiplier"])
        return float(pnl.sum())

    def size_worth(self, position: int, value: float, price: float) -> float:
        """Size that is worth a value in the settle asset at a price, not rounded to lots."""
        rules = self._rules[self._positions["current"][position]]
        return float(size_worth(rules, value, price))

    @property
    def last_ts(self) -> int:
        """Open time of the last bar that was run; 0 before the first."""
        return int(self._state["last_ts"][0])

    @property
    def stopped(self) -> bool:
        """Whether the account has ended before its data."""
        return bool(self._state["stopped"][0])

    def give(self, orders: NDArray[Any]) -> None:
        """Add order events (dtype ORDER) in time order, after those of their time given before."""
        taken = int(self._state["order"][0])
        coming = self._orders[taken:]
        if len(coming) == 0 or len(orders) == 0 or coming["ts"][-1] <= orders["ts"][0]:
            self._orders = np.concatenate([coming, orders])
        else:
            places = np.searchsorted(coming["ts"], orders["ts"], side="right")
            self._orders = np.insert(coming, places, orders)
        self._state["order"] = 0
        self._bind()

    def load(self, ts: NDArray[Any], prices: NDArray[Any], flags: NDArray[Any]) -> None:
        """Take a block of bars; arrays as described in core.types.

        Compiled code reads the arrays' memory as it is: ValueError on another type or layout.
        """
        bars, symbols = len(ts), self._symbols
        _check_array("ts", ts, np.int64, (bars,))
        _check_array("prices", prices, np.float64, (N_FIELDS, symbols, bars))
        _check_array("flags", flags, np.uint8, (symbols, bars))
        self._block, self._bars = (ts, prices, flags), bars
        self._bind()

    def run(self, first: int, last: int) -> int:
        """Run bars [first, last) of the loaded block; returns how far the account came."""
        if not 0 <= first <= last <= self._bars:
            raise ValueError(f"bars {first} to {last} of a block of {self._bars}")
        return self._replay(RUN, first, last)

    def feed(self, ts: NDArray[Any], prices: NDArray[Any], flags: NDArray[Any]) -> int:
        """Load a block and run all of it."""
        self.load(ts, prices, flags)
        return self.run(0, len(ts))

    def finish(self) -> None:
        """Write the trades that are open at the end, valued at their last mark."""
        self._replay(FINISH, self.last_ts, 0)

    def held(self, kind: str) -> NDArray[Any]:
        """The records of a kind written since the last take; not a copy."""
        index = KINDS.index(kind)
        return self._buffers[index][: self._counts[index]]

    def judge(self, kind: str, certainty: NDArray[Any]) -> None:
        """Say of each record that is held how certain it is, where more is known than was."""
        self.held(kind)["certainty"] = certainty

    def take(self, kind: str) -> NDArray[Any]:
        """Hand over the records of a kind written since the last take."""
        records = self.held(kind).copy()
        self._counts[KINDS.index(kind)] = 0
        return records

    def save(self) -> bytes:
        """Everything that is carried on, orders still to come included.

        Records belong to the caller: take them first (ValueError if some are left).
        """
        if self._counts.any():
            raise ValueError("take all records before saving the account")
        coming = self._orders[int(self._state["order"][0]) :]
        resting = self._resting[: int(self._state["resting"][0])]
        return self._carried.tobytes() + resting.tobytes() + coming.tobytes()

    def resume(self, saved: bytes) -> None:
        """Go on from what another engine with the same rules and settings saved."""
        cut = self._carried.nbytes
        self._carried[:] = np.frombuffer(saved[:cut], np.int64)
        held = cut + int(self._state["resting"][0]) * RESTING.itemsize
        self._orders = np.frombuffer(saved[held:], ORDER).copy()
        self._state["order"] = 0
        resting = np.frombuffer(saved[cut:held], RESTING)
        self._hold(resting, len(resting))

    def copy(self) -> "Engine":
        """Another engine with the same account as it stands; take all records before.

        It has no bars loaded.
        """
        other = Engine(*self._made)
        other._config[:], other._book = self._config, self._book
        other.resume(self.save())
        return other

    @property
    def concerned(self) -> set[int]:
        """Numbers of the symbols with an open position or a resting order."""
        held = np.flatnonzero(self._positions["size"])
        resting = self._resting[: int(self._state["resting"][0])]["symbol"]
        return set(self._positions["series"][np.concatenate([held, resting])].tolist())

    @property
    def bar_ms(self) -> int:
        """Length of a bar of the run."""
        return int(self._config["timeframe_ms"][0])

    @property
    def cross(self) -> bool:
        """Whether all positions of a pool share its money."""
        return bool(self._config["mode"][0] == MarginMode.CROSS)

    @property
    def unsure(self) -> bool:
        """Whether the last run stopped inside a bar whose ways lead to different ends."""
        return bool(self._state["unsure"][0] == Stop.UNSURE)

    @property
    def parted(self) -> int:
        """Number of bars, finer ones included, in which a path was taken as their ways part."""
        return int(self._state["parted"][0])

    @property
    def filled(self) -> bool:
        """Whether the last run stopped after orders filled at an open (`Settings.pause`)."""
        return bool(self._state["unsure"][0] == Stop.FILLED)

    def go_on(self) -> None:
        """Go on from an open at which orders filled, with those given for it since."""
        self._state["unsure"] = Stop.NONE

    def look(self, position: int) -> None:
        """Note a position's `ratio`, `backing`, `gain`, `shown` liquidation price and `free` money.

        All at the last marks; in cross mode ratio and backing are those of its pool.
        """
        self._call(LOOK, position, 0)

    @property
    def resting(self) -> NDArray[Any]:
        """Orders that rest now (dtype RESTING), in the order they were given; a copy."""
        every = self._resting[: int(self._state["resting"][0])]
        return np.compress(every["done"] == _RESTS, every) if len(every) else every

    def coming(self, ts: int) -> NDArray[Any]:
        """Order events (dtype ORDER) given for a bar that opens at ts, or before, and not taken."""
        times = self._orders["ts"]
        first = last = int(self._state["order"][0])
        while last < len(times) and times[last] <= ts:
            last += 1
        return self._orders[first:last]

    def set_reserve(self, pool: int, amount: float) -> None:
        """Put money of the trader's beside a pool, for transfers into it."""
        self._pools["reserve"][pool] = amount

    def decide(self, path: int, ask: bool = True) -> None:
        """Go on from a bar that left the account unsure, and from there on, along one path.

        With `ask` it stops again at the next such bar.
        """
        self._config["path"], self._config["ask"] = path, ask
        self._state["decided"], self._state["unsure"] = self._state["opened"], 0

    def go_fine(self) -> None:
        """Play the bar that left the account unsure as finer ones, which are loaded next.

        Its open has been played; `end_bar` of the long bar comes after them.
        """
        self._owe_extremes()
        self._state["unsure"], self._config["fine"] = 0, 1

    def _owe_extremes(self) -> None:
        """Note the bar's range of marks, which finer bars may know no better (MARK_IS_COARSE)."""
        ts, prices, flags = self._block
        at = int(np.searchsorted(ts, self._state["opened"][0]))
        length = int(ts[1] - ts[0]) if self._config["fine"][0] else self._made[0].timeframe_ms
        p = self._positions
        known = flags[p["series"], at] & (HAS_MARK | MARK_IS_COARSE) == HAS_MARK
        lows, highs = prices[MARK_LOW, p["series"], at], prices[MARK_HIGH, p["series"], at]
        p["owed_low"][known], p["owed_high"][known] = lows[known], highs[known]
        p["coarse_to"][known] = ts[at] + length

    def end_bar(self, i: int) -> None:
        """The close of bar i of the loaded block, whose inside was played as finer bars."""
        self._config["fine"] = 0
        self._replay(CLOSE_BAR, i, i)

    def _call(self, action: int, first: int, last: int) -> int:
        if config.DISABLE_JIT:
            return _act(self._bound, action, first, last)
        return _call(self._address, action, first, last)

    def _replay(self, action: int, first: int, last: int) -> int:
        """Act; when a record did not fit, grow the buffers and act again from the same state."""
        saved, resting = self._carried.copy(), self._resting
        if len(resting):
            resting = resting.view(np.int64).copy().view(RESTING)  # a fifth of the time
        came = self._call(action, first, last)
        while came == OVERFLOW:
            needed, crowded = self._counts.copy(), int(self._state["crowded"][0])
            self._carried[:] = saved
            self._grow(needed)
            self._hold(resting, crowded * (len(self._resting) + 1))
            came = self._call(action, first, last)
        return came

    def _hold(self, resting: NDArray[Any], room: int) -> None:
        """Take a list of resting orders, and make room for as many."""
        room = max(room, len(resting))
        if room > len(self._resting):
            room = max(2 * room, FIRST_RESTING)
            self._resting = np.zeros(room, RESTING)
            self._kept_resting = np.zeros((2, room), RESTING)
        self._resting[: len(resting)] = resting
        self._bind()

    def _grow(self, needed: NDArray[Any]) -> None:
        for index, buffer in enumerate(self._buffers):
            if needed[index] > len(buffer):
                larger = np.zeros(max(2 * len(buffer), int(needed[index])), buffer.dtype)
                larger[: len(buffer)] = buffer
                self._buffers[index] = larger
        self._bind()

    def _bind(self) -> None:
        """Write the addresses and shapes of all arrays where compiled code finds them."""
        ts, prices, flags = self._block
        _, kept_pools, kept_positions, _ = self._kept_state
        world = World(
            self._config, self._state, self._pools, self._positions, self._resting, self._carried,
            self._kept, self._kept_resting, kept_pools, kept_positions, self._rules, self._orders,
            self._book, ts, prices, flags, self._counts, *self._buffers,
        )  # fmt: skip
        for slot, array in enumerate(world):
            at = WORDS_PER_ARRAY * slot
            self._table[at] = array.ctypes.data
            self._table[at + 1 : at + 1 + array.ndim] = array.shape
        self._bound = world


def _no_bars(symbols: int) -> tuple[Any, Any, Any]:
    """What is read where no block has been loaded: one bar at time 0 that has no prices."""
    prices = np.full((N_FIELDS, symbols, 1), np.nan)
    return np.zeros(1, np.int64), prices, np.zeros((symbols, 1), np.uint8)


def _check_array(name: str, array: NDArray[Any], dtype: Any, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        raise ValueError(
            f"{name} of a block is {array.dtype} {array.shape}; the engine reads contiguous "
            f"{np.dtype(dtype)} of shape {shape}"
        )


def _one_memory(
    sizes: tuple[int, ...], dtypes: tuple[Any, ...]
) -> tuple[NDArray[Any], list[NDArray[Any]]]:
    """One block of bytes and arrays laid over it: a single copy saves all that is carried."""
    widths = [n * np.dtype(t).itemsize for n, t in zip(sizes, dtypes, strict=True)]
    memory = np.zeros(sum(widths) // 8, np.int64)
    return memory, _over(memory, sizes, dtypes)


def _over(
    memory: NDArray[Any], sizes: tuple[int, ...], dtypes: tuple[Any, ...]
) -> list[NDArray[Any]]:
    """Arrays laid over a block of memory, one behind the other."""
    widths = [n * np.dtype(t).itemsize for n, t in zip(sizes, dtypes, strict=True)]
    parts = np.split(memory, np.cumsum(widths)[:-1] // 8)
    return [part.view(dtype) for part, dtype in zip(parts, dtypes, strict=True)]


def _config(settings: Settings) -> NDArray[Any]:
    config = np.zeros(1, CONFIG)
    names = CONFIG.names or ()
    for name in names:
        config[name] = getattr(settings, name)
    return config
