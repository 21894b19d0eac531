"""A made-up market in several timeframes that agree: minutes first, the others made of them."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from backtest.core.types import FUNDING, HAS_TRADE
from backtest.market.finer import Finer, find_finer
from backtest.market.layout import timeframe_ms
from backtest.market.stream import Block
from tests.market.conftest import HOUR, SYMBOL, Builder
from tests.market.streams import drained

MINUTE = 60_000
OTHER = "ETH/USDT:USDT"
PRICES = ("open", "high", "low", "close")


def walk(hours: int, seed: int, price: float = 100.0) -> np.ndarray:
    """Candles of minutes (5, N): a random walk on a tick of 0.01, whole volumes."""
    rng = np.random.default_rng(seed)
    path = price + np.cumsum(rng.normal(0.0, 0.05, (hours * 60, 4)).ravel()).reshape(-1, 4)
    path = np.round(path, 2)
    bars = [path[:, 0], path.max(axis=1), path.min(axis=1), path[:, 3]]
    return np.stack([*bars, rng.integers(1, 1000, len(path)).astype(float)])


def made_of(minutes: np.ndarray, count: int) -> np.ndarray:
    """Candles (5, N) of so many minutes each."""
    open_, high, low, close, volume = minutes.reshape(5, -1, count)
    bars = [open_[:, 0], high.max(axis=1), low.min(axis=1), close[:, -1], volume.sum(axis=1)]
    return np.stack(bars)


@dataclass
class Layers:
    """Trade and mark of some symbols, written in whatever timeframes a test wants."""

    market: Builder
    hours: int = 8
    minutes: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def write(self, kind: str, *names: str, symbol: str = SYMBOL, **edited: object) -> "Layers":
        """Write the candles of one kind; `edited` replaces whole columns, `without` drops rows."""
        seed = len(symbol) + 10 * ord(symbol[0]) + (kind == "mark")
        path = self.minutes.setdefault((symbol, kind), walk(self.hours, seed))
        for name in names:
            bars = made_of(path, timeframe_ms(name) // MINUTE)
            frame = pl.DataFrame(dict(zip((*PRICES, "volume"), bars, strict=True)))
            self._save(kind, name, symbol, frame, edited)
        return self

    def _save(self, kind, name, symbol, frame, edited):
        kept = np.ones(len(frame), bool)
        kept[list(edited.get("without", ()))] = False
        changed = {k: v for k, v in edited.items() if k != "without"}
        frame = frame.with_columns(**changed) if changed else frame
        at = np.arange(len(frame)) * (timeframe_ms(name) / HOUR)
        if kind == "mark":
            frame = frame.drop("volume")
        self.market.write(at[kept].tolist(), frame.filter(pl.Series(kept)), kind, symbol, name)

    def coarse(self, *symbols: str, name: str = "1h") -> Block:
        """All bars of the run."""
        return drained(self.market.stream(*symbols or (SYMBOL,), name=name, volume=True))

    def finer(self, *symbols: str, name: str = "1h", detail=None, **options) -> Finer:
        """The finer series of the symbols."""
        data = [self.market.data(s, name=name) for s in symbols or (SYMBOL,)]
        return find_finer(self.market.store(), data, detail, **options)


def every(finer: Finer, block: Block, length: int, needed=None) -> Block:
    """The bars inside all bars of a block, as one block."""
    parts = [finer.bars(block, i, length, needed) for i in range(len(block.ts))]
    return Block(
        np.concatenate([p.ts for p in parts]),
        np.concatenate([p.prices for p in parts], axis=2),
        np.concatenate([p.flags for p in parts], axis=1),
    )


def resampled(block: Block, first: int, symbol: int = 0) -> list[float]:
    """Open, high, low and close of a block's candles, trade or mark by their first field."""
    open_, high, low, close = block.prices[first : first + 4, symbol]
    traded = block.flags[symbol] & HAS_TRADE != 0 if first < 4 else block.flags[symbol] != 0
    return [open_[traded][0], high[traded].max(), low[traded].min(), close[traded][-1]]


def settled(block: Block) -> dict[int, float]:
    """Rates by the number of the bar whose open they are settled at."""
    return {i: r for i, r in enumerate(block.prices[FUNDING, 0].tolist()) if r == r}
