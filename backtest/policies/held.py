"""What policies share: the positions of an account, and names of orders of their own."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from backtest.errors import UsageError
from backtest.instructions import FIRST_POLICY_ID as FIRST_ID
from backtest.legs import BOTH, LONG, SHORT

__all__ = ["FIRST_ID", "Held", "check_fraction", "coming", "positions"]


class Held(NamedTuple):
    """A position, open or to come: its place among all, what it is, its signed size and entry."""

    number: int
    symbol: str
    position_side: str
    size: float
    entry: float
    is_open: bool = True

    @property
    def direction(self) -> float:
        """1 long, −1 short."""
        return 1.0 if self.size > 0.0 else -1.0

    @property
    def name(self) -> int:
        """A number for the orders beside it: its own for each place and direction."""
        return 2 * self.number + (self.size < 0.0)


def places(view: Any) -> Iterator[tuple[int, str, str]]:
    """Where an account can have a position: number, symbol and side."""
    sides = (LONG, SHORT) if view.hedge else (BOTH,)
    for n, symbol in enumerate(view.symbols):
        for m, side in enumerate(sides):
            yield n * len(sides) + m, symbol, side


def positions(view: Any) -> Iterator[Held]:
    """Every open position of an account."""
    for number, symbol, side in places(view):
        size = view.size(symbol, side)
        if size != 0.0:
            yield Held(number, symbol, side, size, view.entry_price(symbol, side))


def coming(view: Any) -> Iterator[Held]:
    """Positions that orders may open where there is none, each at the price nearest to the market.

    Where orders of both directions wait, the one of each.
    """
    flat = [one for one in places(view) if view.size(*one[1:]) == 0.0]
    orders = view.orders() if flat else []
    orders = [one for one in orders if not one.reduce_only and one.price == one.price]
    for number, symbol, side in flat if orders else []:
        now = view.price(symbol)
        for direction in (1.0, -1.0):
            mine = [o for o in orders if (o.symbol, o.position_side) == (symbol, side)]
            prices = [o.price for o in mine if o.size * direction > 0.0]
            if prices:
                entry = min(prices, key=lambda price: abs(price - now))
                yield Held(number, symbol, side, direction, entry, is_open=False)


def check_fraction(what: str, value: float) -> None:
    """Refuse what is no fraction between 0 and 1, both excluded."""
    if not 0.0 < value < 1.0:
        raise UsageError(f"{what} is {value:g}; give a fraction between 0 and 1, such as 0.05.")
