"""Policies that act when a bucket's margin ratio rises over a threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backtest.errors import UsageError
from backtest.instructions import Instruction, Order
from backtest.legs import BOTH, LONG, SHORT

from .held import Held, check_fraction, positions


class OnAlert:
    """Acts once each time the ratio rises over `over` between two closes."""

    over: float
    share: float

    def _check(self, name: str) -> None:
        check_fraction(f"the ratio over which {name} acts", self.over)
        if not 0.0 < self.share <= 1.0:
            raise UsageError(f"the share of {name} is {self.share:g}; give one over 0, up to 1.")

    def at_fill(self, view: Any) -> Sequence[Instruction]:
        """Nothing: a ratio is judged at closes."""
        return ()

    def _alarmed(self, view: Any) -> Iterator[Held]:
        """Positions whose bucket's ratio has risen over the threshold since the last close."""
        before = view.memory(self)
        now = {one.number: one for one in positions(view)}
        for number in [n for n in before if n not in now]:
            del before[number]
        for number, one in now.items():
            ratio = view.margin_ratio(one.symbol, one.position_side)
            last = before.get(number, 0.0)
            before[number] = ratio
            if last <= self.over < ratio:
                yield one


@dataclass(frozen=True)
class ReduceOnAlert(OnAlert):
    """Close the fraction `share` of a position at market when its ratio rises over `over`.

    In cross mode that lowers the ratio; of an isolated position the venue releases as large a share
    of the margin, so that its ratio stays, and what it can still lose shrinks.
    """

    over: float = 0.8
    share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a ratio or share out of range."""
        self._check("reduce_on_alert")

    def at_close(self, view: Any) -> Sequence[Instruction]:
        """Reduce what is in danger."""
        return [
            Order(
                one.symbol, size=-self.share * one.size, position_side=one.position_side,
                reduce_only=True,
            ) for one in self._alarmed(view)
        ]  # fmt: skip


@dataclass(frozen=True)
class HedgeOnAlert(OnAlert):
    """Open a position against the fraction `share` of one whose ratio rises over `over`.

    In hedge mode in the other leg of the symbol, up to that share; in one-way mode in the
    symbol `with_symbol` of the same settle asset, for as much value at the closes.
    """

    over: float = 0.8
    share: float = 1.0
    with_symbol: str = ""

    def __post_init__(self) -> None:
        """Refuse a ratio or share out of range."""
        self._check("hedge_on_alert")

    def at_close(self, view: Any) -> Sequence[Instruction]:
        """Hedge what is in danger."""
        if not view.hedge and not self.with_symbol:
            raise UsageError(
                "hedge_on_alert has no other leg in one-way mode; add --position-mode hedge, or "
                "name a symbol of the run: hedge_on_alert:0.8,with_symbol=ETH/USDT:USDT."
            )
        found = [self._hedge(view, one) for one in self._alarmed(view)]
        return [order for order in found if order is not None]

    def _hedge(self, view: Any, one: Held) -> Order | None:
        if self.with_symbol:
            if one.symbol == self.with_symbol:
                return None
            against = -self.share * view.exposure(one.symbol, one.position_side)
            side = (LONG if against > 0.0 else SHORT) if view.hedge else BOTH
            size = view.size_for(against, symbol=self.with_symbol)
            return Order(self.with_symbol, size=size, position_side=side)
        other = SHORT if one.position_side == LONG else LONG
        missing = self.share * abs(one.size) - abs(view.size(one.symbol, other))
        if missing <= 0.0:
            return None
        return Order(one.symbol, size=-one.direction * missing, position_side=other)
