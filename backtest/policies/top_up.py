"""Margin that is topped up from the wallet and the reserve before the venue takes the position."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from backtest.errors import UsageError
from backtest.instructions import AddMargin, Instruction, Transfer

from .held import check_fraction, positions


@dataclass(frozen=True)
class TopUp:
    """When a bucket's margin ratio is over `over` at a close, bring it down to `to`.

    In isolated mode money moves from the wallet into the position, and from the reserve into
    the wallet as far as that is short; in cross mode from the reserve. At most `limit` per account
    and settle asset over the whole run, in that asset. What the reserve does not hold is refused
    and recorded.
    """

    over: float = 0.8
    to: float = 0.5
    limit: float = inf

    def __post_init__(self) -> None:
        """Refuse ratios that are none, or a goal that is no lower."""
        check_fraction("the ratio over which top_up acts", self.over)
        check_fraction("the ratio that top_up goes to", self.to)
        if self.to >= self.over:
            raise UsageError(
                f"top_up goes to {self.to:g}, which is not under {self.over:g}, where it acts; "
                "give a lower one."
            )
        if not self.limit > 0.0:
            raise UsageError(f"the limit of top_up is {self.limit:g}; give an amount over 0.")

    def at_fill(self, view: Any) -> Sequence[Instruction]:
        """Nothing: a ratio is judged at closes."""
        return ()

    def at_close(self, view: Any) -> Sequence[Instruction]:
        """Move what is missing."""
        memory, found = view.memory(self), []
        topped: set[str] = set()
        for one in positions(view):
            ratio = view.margin_ratio(one.symbol, one.position_side)
            asset = one.symbol.partition(":")[2].partition("-")[0]
            if ratio <= self.over or (view.cross and asset in topped):
                continue
            topped.add(asset)
            backing = max(view.backing(one.symbol, one.position_side), 0.0)
            if ratio == inf:
                continue
            amount = min(backing * (ratio / self.to - 1.0), self.limit - memory.get(asset, 0.0))
            if amount > 0.0:
                memory[asset] = memory.get(asset, 0.0) + amount
                found += self._moves(view, one, amount)
        return found

    def _moves(self, view: Any, one: Any, amount: float) -> list[Instruction]:
        if view.cross:
            return [Transfer(amount, one.symbol)]
        missing = amount - view.available(one.symbol)
        brought: list[Instruction] = [Transfer(missing, one.symbol)] if missing > 0.0 else []
        return [*brought, AddMargin(one.symbol, amount, one.position_side)]
