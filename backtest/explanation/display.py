"""What a venue's screen prints where it differs from the number that decides.

Mechanisms are the words of a rulebook's [display]; nothing is ever triggered by them.
"""

from dataclasses import dataclass, fields
from math import ceil, floor, inf
from typing import Any

TICK_TOLERANCE = 1e-6
"""Share of a tick by which a price may miss it and still stand on it."""
RATIO_UNIT = 10_000
"""A truncated ratio keeps four decimals."""


@dataclass(frozen=True)
class Display:
    """How a venue shows liquidation and bankruptcy price, margins and the margin ratio."""

    liquidation: str = "exact"
    bankruptcy: str = "exact"
    maintenance: str = "with_fee"
    ratio: str = "exact"
    isolated_margin: str = "without_pnl"
    balance: str = "wallet"
    no_price: str = "none"
    no_price_long: float = 0.0
    no_price_short: float = inf


def display_of(book: Any, mode: str, ts_ms: int, contract: str = "linear") -> Display:
    """The display mechanisms of a rulebook for a margin mode ("isolated", "cross") at a date."""

    def value(name: str) -> Any:
        return book.at(f"display.{name}", ts_ms, contract, mode).value

    names = [field.name for field in fields(Display) if f"display.{field.name}" in book.decisions]
    return Display(liquidation=value(mode), **{name: value(name) for name in names})


def exists(price: float) -> bool:
    """Whether a liquidation or bankruptcy price is one: 0 and inf stand for none."""
    return 0.0 < price < inf


UNMOVED = ("exact", "frozen_estimate", "common_ratio", "integer_contracts")


def shown_price(price: float, side: float, tick: float, mechanism: str) -> float:
    """A price as the venue prints it.

    `tick_nearer` moves it one tick towards the market, `tick_rounded` rounds it towards the
    market: up for a long, down for a short.
    """
    if not exists(price) or mechanism in UNMOVED:
        return price
    if mechanism == "tick_nearer":
        return price + side * tick
    return round_to_tick(price, tick, up=side > 0)


def round_to_tick(price: float, tick: float, *, up: bool) -> float:
    """The next tick above or below a price; a price on a tick stays there."""
    steps = price / tick
    if abs(steps - round(steps)) < TICK_TOLERANCE:
        return round(steps) * tick
    return (ceil(steps) if up else floor(steps)) * tick


def shown_none(price: float, side: float, display: Display) -> float:
    """A price that does not exist as the venue prints it: nothing, a sentinel, or as computed."""
    if price == price and display.no_price == "sentinel":
        return display.no_price_long if side > 0 else display.no_price_short
    return price


def shown_ratio(ratio: float, mechanism: str) -> float:
    """A ratio to equity as printed: itself, its inverse, or cut to four decimals."""
    if mechanism == "inverse":
        return 1.0 / ratio if ratio > 0 else inf
    if mechanism == "truncated" and ratio < inf:
        return floor(ratio * RATIO_UNIT + 1e-9) / RATIO_UNIT
    return ratio
