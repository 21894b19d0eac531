"""What policies share: the positions of an account, and names of orders of their own."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from backtest.errors import UsageError
from backtest.legs import BOTH, LONG, SHORT

FIRST_ID = 1_000_000_000
"""Names of orders from here on are those of policies."""


class Held(NamedTuple):
    """A position: its place among all, what it is, and which way it goes (1 or −1)."""

    number: int
    symbol: str
    position_side: str
    size: float
    entry: float

    @property
    def direction(self) -> float:
        """1 long, −1 short."""
        return 1.0 if self.size > 0.0 else -1.0


def positions(view: Any) -> Iterator[Held]:
    """Every open position of an account."""
    sides = (LONG, SHORT) if view.hedge else (BOTH,)
    for n, symbol in enumerate(view.symbols):
        for m, side in enumerate(sides):
            size = view.size(symbol, side)
            if size != 0.0:
                entry = view.entry_price(symbol, side)
                yield Held(n * len(sides) + m, symbol, side, size, entry)


def check_fraction(what: str, value: float) -> None:
    """Refuse what is no fraction between 0 and 1, both excluded."""
    if not 0.0 < value < 1.0:
        raise UsageError(f"{what} is {value:g}; give a fraction between 0 and 1, such as 0.05.")
