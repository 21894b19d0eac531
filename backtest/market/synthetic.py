"""Paths of a made-up market: volatility that clusters, fat tails, jumps, a mark that lags.

A bar is a few steps of a random walk. All symbols share a market factor, the volatility regime
and the jumps; each adds a walk of its own. In every bar

    volatility²  h' = ω + h·(a·z² + b), z the bar's shock: GARCH(1,1) with mean 1
    shock        normal · √((d − 2) / χ²_d): Student's t with d degrees of freedom
    premium      mean-reverting, pushed by the bar's return: what funding follows
    trade        walk · premium, plus a wick at each jump that decays within a few steps
    mark         exponential average of trade over some minutes

Nothing here is fitted to a venue: the parameters are round numbers of the size people see.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS
CHUNK_STEPS = 1 << 19
"""Steps made at a time: it bounds memory, and is part of what a seed stands for."""

TAIL_DEGREES = 4.0
LARGEST_SHOCK_SQUARED = 25.0
SHOCK_WEIGHT_PER_HOUR = 0.08
VOLATILITY_MEMORY_HOURS = 100.0
JUMPS_PER_YEAR = 14.0
JUMP_MEAN, JUMP_DEVIATION, JUMP_WORST = -0.02, 0.045, -0.14
WICK_SHARE, WICK_DECAY, WICK_STEPS = 0.35, 0.5, 6
MARK_LAG_MS = 360_000.0
PREMIUM_DEVIATION, PREMIUM_MEMORY_HOURS, PREMIUM_PUSH = 0.0005, 48.0, 0.006


@dataclass(frozen=True, slots=True)
class SymbolModel:
    """How one symbol moves: first price, tick, annual volatility, correlation with the market."""

    symbol: str
    price: float
    tick: float
    annual_volatility: float
    correlation: float
    jump_size: float = 1.0
    """How much of a market jump the symbol makes."""
    hourly_volume: float = 1000.0
    """Typical volume of an hour in base units."""
    annual_drift: float = 0.0
    """Mean change of the logarithm of the price in a year, jumps included."""


@dataclass(frozen=True, slots=True)
class Candles:
    """Consecutive bars of one symbol: OHLC of trade and mark (4, N), volume and premium (N,)."""

    trade: Floats
    mark: Floats
    volume: Floats
    premium: Floats


@dataclass(frozen=True, slots=True)
class _Common:
    """What all symbols share in a chunk: factor and jumps per step, scale per bar."""

    factor: Floats
    jumps: Floats
    scale: Floats


def candles(model: SymbolModel, bar_ms: int, bars: int, seed: int) -> Iterator[Candles]:
    """The bars of one symbol, a chunk at a time; the same for any company of other symbols."""
    own = np.random.default_rng([seed, crc32(model.symbol.encode())])
    walk = _Walk(model, bar_ms, own)
    for common in _common(bar_ms, bars, seed):
        yield walk.next(common)


def steps_of(bar_ms: int) -> int:
    """Steps inside a bar: one per five minutes, at least four."""
    return max(4, bar_ms // 300_000)


def _common(bar_ms: int, bars: int, seed: int) -> Iterator[_Common]:
    rng = np.random.default_rng([seed, 0])
    steps = steps_of(bar_ms)
    variance = 1.0
    for start in range(0, bars, CHUNK_STEPS // steps):
        n = min(CHUNK_STEPS // steps, bars - start)
        factor = rng.standard_normal((n, steps))
        tail = np.sqrt((TAIL_DEGREES - 2.0) / rng.chisquare(TAIL_DEGREES, n))
        shocks = tail * factor.sum(axis=1) / np.sqrt(steps)
        variances = _variances(shocks, variance, bar_ms)
        variance = float(variances[-1])
        jumps = _jumps(rng, (n, steps), bar_ms)
        yield _Common(factor, jumps, tail * np.sqrt(variances[:-1]))


def _variances(shocks: Floats, first: float, bar_ms: int) -> Floats:
    """Variance of each bar relative to its mean, and of the bar after the last (N + 1,)."""
    hours = bar_ms / HOUR_MS
    memory = np.exp(-hours / VOLATILITY_MEMORY_HOURS)
    weight = min(SHOCK_WEIGHT_PER_HOUR * np.sqrt(hours), 0.5 * memory)
    growth = weight * np.minimum(shocks**2, LARGEST_SHOCK_SQUARED) + memory - weight
    rest = 1.0 - memory
    path = accumulate(growth.tolist(), lambda h, g: rest + h * g, initial=first)
    return np.fromiter(path, np.float64, len(shocks) + 1)


def _jumps(rng: np.random.Generator, shape: tuple[int, int], bar_ms: int) -> Floats:
    chance = JUMPS_PER_YEAR * bar_ms / YEAR_MS / shape[1]
    jumps = np.zeros(shape)
    at = np.flatnonzero(rng.random(shape) < chance)
    sizes = JUMP_MEAN + JUMP_DEVIATION * rng.standard_normal(len(at))
    jumps.flat[at] = np.clip(sizes, JUMP_WORST, -JUMP_WORST / 2)
    return jumps


class _Walk:
    """One symbol's state between two chunks."""

    def __init__(self, model: SymbolModel, bar_ms: int, rng: np.random.Generator) -> None:
        self._model = model
        self._bar_ms = bar_ms
        self._rng = rng
        self._value = self._trade = self._mark = float(np.log(model.price))
        self._premium = 0.0

    def next(self, common: _Common) -> Candles:
        """The bars that follow, driven by what the market does in them."""
        value = self._values(common)
        returns = np.diff(value[:, -1], prepend=self._value)
        premium = premiums(returns, self._premium, self._bar_ms, self._rng)
        trade = value + _within(self._premium, premium, value.shape[1])
        trade += _wicks(common.jumps * self._model.jump_size)
        mark = smoothed(trade, self._mark, self._bar_ms)
        made = Candles(
            ohlc(trade, self._trade, self._model.tick),
            ohlc(mark, self._mark, self._model.tick),
            volumes(self._model, self._bar_ms, common.scale, self._rng),
            premium,
        )
        self._value, self._premium = float(value[-1, -1]), float(premium[-1])
        self._trade, self._mark = float(trade[-1, -1]), float(mark[-1, -1])
        return made

    def _values(self, common: _Common) -> Floats:
        model, shape = self._model, common.factor.shape
        share = model.correlation
        own = self._rng.standard_normal(shape)
        moves = share * common.factor + np.sqrt(1.0 - share**2) * own
        moves *= model.annual_volatility * np.sqrt(self._bar_ms / shape[1] / YEAR_MS)
        moves *= common.scale[:, None]
        moves += model.jump_size * common.jumps
        jump_drift = JUMPS_PER_YEAR * JUMP_MEAN * model.jump_size
        moves += (model.annual_drift - jump_drift) * self._bar_ms / shape[1] / YEAR_MS
        values: Floats = self._value + np.cumsum(moves).reshape(shape)
        return values


def premiums(returns: Floats, before: float, bar_ms: int, rng: np.random.Generator) -> Floats:
    """Premium at the end of each bar: mean-reverting, pushed by the bar's return."""
    keep = float(np.exp(-bar_ms / HOUR_MS / PREMIUM_MEMORY_HOURS))
    noise = PREMIUM_DEVIATION * np.sqrt(1.0 - keep**2) * rng.standard_normal(len(returns))
    pushes = (noise + PREMIUM_PUSH * returns).tolist()
    path = accumulate(pushes, lambda p, e: keep * p + e, initial=before)
    return np.fromiter(path, np.float64, len(pushes) + 1)[1:]


def volumes(model: SymbolModel, bar_ms: int, scale: Floats, rng: np.random.Generator) -> Floats:
    """Volume of each bar in base units, more where `scale`, its volatility, is above 1."""
    typical = model.hourly_volume * bar_ms / HOUR_MS
    spread = np.exp(0.4 * rng.standard_normal(len(scale)))
    made: Floats = np.round(typical * spread * (0.5 + 0.5 * scale), 3)
    return made


def ohlc(path: Floats, before: float, tick: float) -> Floats:
    """OHLC (4, N) on the tick of the steps of each bar; a bar opens where the one before closed."""
    points = np.maximum(np.rint(np.exp(path) / tick), 1.0)
    first = max(float(np.rint(np.exp(before) / tick)), 1.0)
    opens = np.concatenate([[first], points[:-1, -1]])
    high = np.maximum(opens, points.max(axis=1))
    low = np.minimum(opens, points.min(axis=1))
    decimals = max(0, round(-np.log10(tick)))
    bars: Floats = np.round(np.stack([opens, high, low, points[:, -1]]) * tick, decimals)
    return bars


def _within(before: float, ends: Floats, steps: int) -> Floats:
    """A value known at the ends of bars, drawn straight through the steps inside them."""
    starts = np.concatenate([[before], ends[:-1]])
    share = np.arange(1, steps + 1) / steps
    drawn: Floats = starts[:, None] + (ends - starts)[:, None] * share
    return drawn


def _wicks(jumps: Floats) -> Floats:
    """Overshoot of the trade price at each jump, decaying over the next steps."""
    wicks = np.zeros(jumps.size)
    shape = WICK_SHARE * WICK_DECAY ** np.arange(WICK_STEPS)
    for at in np.flatnonzero(jumps):
        room = min(WICK_STEPS, jumps.size - int(at))
        wicks[at : at + room] += jumps.flat[at] * shape[:room]
    return wicks.reshape(jumps.shape)


def smoothed(path: Floats, first: float, bar_ms: int) -> Floats:
    """The mark of each step: an exponential average of the trade price over some minutes."""
    share = 1.0 - float(np.exp(-bar_ms / path.shape[1] / MARK_LAG_MS))
    smooth = accumulate(path.ravel().tolist(), lambda m, x: m + share * (x - m), initial=first)
    return np.fromiter(smooth, np.float64, path.size + 1)[1:].reshape(path.shape)
