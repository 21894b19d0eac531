"""Policies that close a position by an order that rests from the moment it is opened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

from backtest.errors import UnknownNameError
from backtest.instructions import TRIGGERS, Cancel, Instruction, Order

from .held import FIRST_ID, Held, check_fraction, positions
from .held import coming as coming_positions


class Exit:
    """Keeps one reduce-only order at every position, at a distance from its mean entry price.

    When the entry price moves, because the position has grown, the order moves along. One that the
    venue has refused or taken back is given again, and where its price has been passed already, as
    a resting order would be refused, the position is closed at market.
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
        """Move the order of a position whose entry has changed since, or bring it back."""
        return self._follow(view)

    def _follow(self, view: Any) -> list[Instruction]:
        placed = view.memory(self)
        wanted = {self.FIRST + one.name: one for one in self._guarded(view)}
        if not placed and not wanted:
            return []
        resting = view.order_ids()
        gone = {name: placed.pop(name)[0] for name in [n for n in placed if n not in wanted]}
        found: list[Instruction] = []
        if gone:  # the venue ends an order that has nothing to close, but where it may wait for it
            waits = {self.FIRST + one.name for one in coming_positions(view)} & resting
            found += [Cancel(gone[name], name) for name in gone if name in waits]
        for name, one in wanted.items():
            goal = (one.symbol, self._level(one))
            if placed.get(name) != goal or name not in resting:
                placed[name] = goal
                found.append(self._order(view, one, name))
        return found

    def _guarded(self, view: Any) -> Iterable[Held]:
        """The positions that have such an order beside them."""
        return positions(view)

    def _order(self, view: Any, one: Held, name: int) -> Order:
        leaves: dict[str, Any] = {
            "size": -one.direction * inf, "position_side": one.position_side,
        }  # fmt: skip
        if self._is_passed(one, view.price(one.symbol, self.by)):
            return Order(one.symbol, **leaves, reduce_only=True)
        return Order(
            one.symbol, **leaves, type=self.KIND, reduce_only=True, trigger_by=self.by, id=name,
            **self._terms(one),
        )  # fmt: skip

    def _terms(self, one: Held) -> dict[str, Any]:
        return {"trigger_price": self._level(one)}

    def _level(self, one: Held) -> float:
        """Where the order stands; it moves when this does."""
        raise NotImplementedError

    def _is_passed(self, one: Held, price: float) -> bool:
        """Whether a price has gone beyond the level of an open position."""
        raise NotImplementedError


@dataclass(frozen=True)
class StopLoss(Exit):
    """A stop-market order at a fraction `at` below the entry price (short: above it).

    Beside an order that may open a position it waits asleep, so that not even the bar in which that
    one fills is without it.
    """

    at: float
    by: str = "last"
    KIND: ClassVar[str] = "stop"
    FIRST: ClassVar[int] = FIRST_ID

    def __post_init__(self) -> None:
        """Refuse a distance that is no fraction."""
        self._check()

    def _guarded(self, view: Any) -> Iterable[Held]:
        return [*positions(view), *coming_positions(view)]

    def _level(self, one: Held) -> float:
        return one.entry * (1.0 - one.direction * self.at)

    def _is_passed(self, one: Held, price: float) -> bool:
        return one.is_open and (price - self._level(one)) * one.direction <= 0.0


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

    def _level(self, one: Held) -> float:
        return one.entry * (1.0 + one.direction * self.at)

    def _is_passed(self, one: Held, price: float) -> bool:
        return (price - self._level(one)) * one.direction >= 0.0


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

    def _level(self, one: Held) -> float:
        return one.direction  # the venue moves it; more of the same position changes nothing

    def _is_passed(self, one: Held, price: float) -> bool:
        return False
