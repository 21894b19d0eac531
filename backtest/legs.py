"""The positions of a run: one of each symbol, or in hedge mode a long and a short leg of each.

Sizes and exposures keep their sign on a leg: what a short leg holds is negative.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .errors import BacktestError, UnknownNameError

POSITION_SIDES = BOTH, LONG, SHORT = ("both", "long", "short")
POSITION_MODES = ("one_way", "hedge")
SWITCH = "add --position-mode hedge"


class Legs(NamedTuple):
    """Target exposures of the two legs of a symbol, short 0 or negative; None keeps the last."""

    long: float | None = None
    short: float | None = None


@dataclass(frozen=True)
class Positions:
    """Which position of the engine is which symbol's.

    Numbers [0, n) are the symbols, in hedge mode their long legs, and [n, 2n) the short legs.
    """

    symbols: tuple[str, ...]
    hedge: bool = False

    def leg(self, symbol: int, side: str) -> int:
        """The number of a position from its symbol's and its side."""
        return symbol + len(self.symbols) if side == SHORT else symbol

    def split(self, symbol: int, exposure: float) -> list[tuple[int, float]]:
        """A signed target as targets of positions: of two legs one is wanted, the other flat."""
        if not self.hedge:
            return [(symbol, exposure)]
        long, short = max(exposure, 0.0), min(exposure, 0.0)
        return [(symbol, long), (self.leg(symbol, SHORT), short)]

    def place(self, events: NDArray[Any], side: str) -> list[NDArray[Any]]:
        """Events (dtype ORDER) of symbols on the positions of a side, signed targets split."""
        if not self.hedge:
            return [events]
        legs = []
        for leg in (LONG, SHORT) if side == BOTH else (side,):
            one = events.copy()
            one["symbol"] += self.leg(0, leg)
            if side == BOTH:
                bounds = (0.0, np.inf) if leg == LONG else (-np.inf, 0.0)
                one["value"] = np.clip(one["value"], *bounds)
            legs.append(one)
        return legs


def parse_side(what: str, value: Any) -> str:
    """`both`, `long` or `short`, in capitals or not; nothing is both."""
    side = "both" if value is None else str(value).strip().lower()
    if side not in POSITION_SIDES:
        raise UnknownNameError(what, str(value), POSITION_SIDES)
    return side


def refuse_side(error: type[BacktestError], what: str, side: str, hedge: bool, sized: bool) -> None:
    """Refuse a leg in one-way mode, and in hedge mode a size that does not say which leg."""
    if side != BOTH and not hedge:
        raise error(f"{what} names the {side} leg, but the run is in one-way mode; {SWITCH}.")
    if side == BOTH and hedge and sized:
        raise error(
            f"{what} has a size, but not which leg it changes; in hedge mode give it a "
            "position_side, long or short."
        )


def refuse_sign(error: type[BacktestError], what: str, side: str, exposure: float) -> None:
    """Refuse an exposure that its leg can never have."""
    if (side == LONG and exposure < 0.0) or (side == SHORT and exposure > 0.0):
        sign = "negative" if side == SHORT else "positive"
        raise error(
            f"{what} has exposure {exposure:g} for the {side} leg; that of a {side} leg is "
            f"{sign}, or 0."
        )
