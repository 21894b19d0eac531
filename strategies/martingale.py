"""Buy every further step down with twice as much, and sell all a little above the mean entry.

It wins nearly always, and each win is small; then one fall runs through the whole ladder and
takes the account. With and without a risk tool:

backtest run strategies/martingale.py --leverage 10 --on-liquidation refill
backtest run strategies/martingale.py --leverage 10 --on-liquidation refill --policy stop_loss:0.05
"""

from math import inf
from typing import Any

import backtest as bt

EXIT = 100
"""Name of the order that sells; the buying ones are 1, 2, 3 … from the top."""


def on_bar(
    view: Any, *, base: float = 0.1, steps: int = 5, gap: float = 0.02, profit: float = 0.01
) -> list[bt.Order] | None:
    """A first buy of `base` exposure, `steps` limit buys `gap` apart, and a limit sale."""
    if view.size() == 0.0:
        return _new_round(view, base, steps, gap)
    price = view.entry_price() * (1.0 + profit)
    if any(order.id == EXIT and order.price == price for order in view.orders()):
        return None
    symbol = view.symbols[0]
    return [bt.Order(symbol, size=-inf, type="limit", price=price, reduce_only=True, id=EXIT)]


def _new_round(view: Any, base: float, steps: int, gap: float) -> list[bt.Order]:
    """Orders with the names of those that still rest from the last round replace them."""
    symbol, price = view.symbols[0], view.close()
    found = [bt.Order(symbol, size=view.size_for(base, price))]
    for step in range(1, steps + 1):
        level = price * (1.0 - gap) ** step
        size = view.size_for(base * 2.0**step, level)
        found.append(bt.Order(symbol, size=size, type="limit", price=level, id=step))
    return found
