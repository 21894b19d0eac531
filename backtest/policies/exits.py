"""Policies that close a position by an order that rests from the moment it is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

from backtest.errors import UnknownNameError
from backtest.instructions import TRIGGERS, Cancel, Instruction, Order

from .held import FIRST_ID, Held, check_fraction, positions


class Exit:
    """Keeps one reduce-only order at every position, at a distance from its mean entry price.

    When the entry price moves, because the position has grown, the order moves along.
    """

    KIND: ClassVar[str]
    FIRST: ClassVar[int]
    at: float
    by: str

    def _check(self) -> None:
        check_fraction(f"the distance of {self.KIND}", self.at)
        if self.by not in TRIGGERS:
            raise UnknownNameError(f"price for {self.KIND}", self.by, TRIGGERS)

    def at_fill(self, view: Any) -> Sequence[Instruction]:
        """Place the order beside a new position."""
        return self._follow(view)

    def at_close(self, view: Any) -> Sequence[Instruction]:
        """Move the order of a position whose entry has changed since."""
        return self._follow(view)

    def _follow(self, view: Any) -> list[Instruction]:
        placed = view.memory(self)
        found: list[Instruction] = []
        held = {one.number: one for one in positions(view)}
        resting = {one.id for one in view.orders()} if placed else set()
        for number in [n for n in placed if n not in held]:
            symbol, name = placed.pop(number)[1], self.FIRST + number
            if name in resting:
                found.append(Cancel(symbol, name))
        for number, one in held.items():
            if placed.get(number, (None,))[0] != one.entry:
                placed[number] = (one.entry, one.symbol)
                found.append(self._order(one))
        return found

    def _order(self, one: Held) -> Order:
        return Order(
            one.symbol, size=-one.direction * inf, position_side=one.position_side,
            type=self.KIND, reduce_only=True, trigger_by=self.by, id=self.FIRST + one.number,
            **self._terms(one),
        )  # fmt: skip

    def _terms(self, one: Held) -> dict[str, Any]:
        raise NotImplementedError


@dataclass(frozen=True)
class StopLoss(Exit):
    """A stop-market order at a fraction `at` below the entry price (short: above it)."""

    at: float
    by: str = "last"
    KIND: ClassVar[str] = "stop"
    FIRST: ClassVar[int] = FIRST_ID

    def __post_init__(self) -> None:
        """Refuse a distance that is no fraction."""
        self._check()

    def _terms(self, one: Held) -> dict[str, Any]:
        return {"trigger_price": one.entry * (1.0 - one.direction * self.at)}


@dataclass(frozen=True)
class TakeProfit(Exit):
    """A take-profit-market order at a fraction `at` above the entry price (short: below it)."""

    at: float
    by: str = "last"
    KIND: ClassVar[str] = "take_profit"
    FIRST: ClassVar[int] = 2 * FIRST_ID

    def __post_init__(self) -> None:
        """Refuse a distance that is no fraction."""
        self._check()

    def _terms(self, one: Held) -> dict[str, Any]:
        return {"trigger_price": one.entry * (1.0 + one.direction * self.at)}


@dataclass(frozen=True)
class TrailingStop(Exit):
    """A stop that follows the best price since the entry at a fraction `at`."""

    at: float
    by: str = "last"
    KIND: ClassVar[str] = "trailing_stop"
    FIRST: ClassVar[int] = 3 * FIRST_ID

    def __post_init__(self) -> None:
        """Refuse a distance that is no fraction."""
        self._check()

    def _terms(self, one: Held) -> dict[str, Any]:
        return {"callback": self.at}
