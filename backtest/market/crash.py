"""Stretches of hours rebuilt from what people published of four crashes (`crashes.toml`).

The trade price goes through every published price; between two of them it is a random walk tied to
both ends, thrown back at the highest and the lowest of them. Mark, premium and volume are made as
in the rest of the sample (`backtest.market.synthetic`). No hour of it is a real candle.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from backtest.market.synthetic import (
    YEAR_MS,
    Candles,
    Floats,
    SymbolModel,
    ohlc,
    premiums,
    smoothed,
    steps_of,
    volumes,
)

FACTS = Path(__file__).with_name("crashes.toml")
HEAT = 1.2
"""How much more than in its usual year a price moves between two published ones."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A published price: when (ms), how its hour is known, and the page that gives it."""

    ts: int
    price: float
    how: str
    page: str


@dataclass(frozen=True, slots=True)
class Crash:
    """One stretch, since <= ts < until in ms, and its published prices by symbol and time."""

    name: str
    since: int
    until: int
    facts: dict[str, tuple[Fact, ...]]


def crashes() -> tuple[Crash, ...]:
    """The stretches of `crashes.toml`, in time order."""
    with FACTS.open("rb") as file:
        return tuple(_crash(entry) for entry in tomllib.load(file)["crashes"])


def _crash(entry: Mapping[str, Any]) -> Crash:
    facts = {
        symbol: tuple(
            Fact(_ms(row["at"]), row["price"], row["how"], entry["pages"][row["page"]])
            for row in rows
        )
        for symbol, rows in entry["prices"].items()
    }
    return Crash(entry["name"], _ms(entry["since"]), _ms(entry["until"]), facts)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def rebuilt(crash: Crash, model: SymbolModel, bar_ms: int, seed: int) -> Candles:
    """The bars of one symbol in a crash. Symbols share a walk, as they do in the market.

    The first fact must be at the start of the stretch.
    """
    steps = steps_of(bar_ms)
    bars = (crash.until - crash.since) // bar_ms
    facts = crash.facts[model.symbol]
    own = np.random.default_rng([seed, crc32(f"{crash.name} {model.symbol}".encode())])
    market = np.random.default_rng([seed, crc32(crash.name.encode())])
    draws = [rng.standard_normal(bars * steps) for rng in (market, own)]
    moves = model.correlation * draws[0] + np.sqrt(1.0 - model.correlation**2) * draws[1]
    moves *= HEAT * model.annual_volatility * np.sqrt(bar_ms / steps / YEAR_MS)
    path = _through(facts, crash.since, bar_ms // steps, moves)
    first = float(np.log(facts[0].price))
    trade, mark = path.reshape(bars, steps), smoothed(path.reshape(bars, steps), first, bar_ms)
    returns = np.diff(trade[:, -1], prepend=first)
    typical = model.annual_volatility * np.sqrt(bar_ms / YEAR_MS)
    return Candles(
        ohlc(trade, first, model.tick),
        ohlc(mark, first, model.tick),
        volumes(model, bar_ms, 1.0 + np.abs(returns) / typical, own),
        premiums(returns, 0.0, bar_ms, own),
    )


def _through(facts: tuple[Fact, ...], since: int, step_ms: int, moves: Floats) -> Floats:
    """Logarithms of the price after each step: at its fact in a fact's step, a bridge between."""
    at = [(fact.ts - since) // step_ms for fact in facts]
    logs = np.log([fact.price for fact in facts])
    path = logs[-1] + np.cumsum(moves) - np.cumsum(moves)[at[-1]]
    for (a, b), (low, high) in zip(pairwise(at), pairwise(logs), strict=True):
        walk = np.concatenate([[0.0], np.cumsum(moves[a + 1 : b + 1])])
        share = np.linspace(0.0, 1.0, b - a + 1)
        path[a : b + 1] = low + (high - low) * share + walk - walk[-1] * share
    return _reflected(path, float(logs.min()), float(logs.max()))


def _reflected(path: Floats, low: float, high: float) -> Floats:
    """A path thrown back at both ends, so that no made-up price is beyond the published ones."""
    width = high - low
    inside: Floats = high - np.abs(np.mod(path - low, 2.0 * width) - width)
    return inside
