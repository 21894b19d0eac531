"""A strategy that is asked at every close, and its answers as order events."""

from collections.abc import Mapping
from copy import deepcopy
from math import isfinite, nan
from numbers import Real
from typing import Any

import numpy as np

from .core.engine import Engine
from .core.state import ORDER, OrderKind
from .errors import StrategyError, UnknownNameError
from .legs import BOTH, LONG, SHORT, Legs, Positions, refuse_side, refuse_sign
from .strategy import Order, Strategy
from .view import View

Event = tuple[int, int, int, float, float]
_SIZE, _EXPOSURE = int(OrderKind.SIZE), int(OrderKind.EXPOSURE)


class Dialogue:
    """Asks a strategy at every close and hands its answers to the engine."""

    def __init__(
        self, strategy: Strategy, engine: Engine, positions: Positions, exposure: float
    ) -> None:
        self._strategy, self._engine, self._exposure = strategy, engine, exposure
        self._positions, self._view = positions, View(engine, positions)
        self._numbers = {name: number for number, name in enumerate(positions.symbols)}
        self._targets: dict[int, float] = {}
        self._params = dict(strategy.params)

    @property
    def carried(self) -> dict[str, Any]:
        """What the dialogue remembers between bars, plain values and the strategy's notebook."""
        return {"targets": dict(self._targets), "state": self._view.state}

    def carry_on(self, carried: Mapping[str, Any]) -> None:
        """Go on from what another dialogue of the same strategy remembered."""
        self._targets, self._view.state = dict(carried["targets"]), carried["state"]

    def fork(self, engine: Engine) -> "Dialogue":
        """The same dialogue as it stands, with another engine that has the same account."""
        twin = Dialogue(self._strategy, engine, self._positions, self._exposure)
        twin.carry_on(deepcopy(self.carried))
        twin._view._follow(self._view)
        return twin

    def feed(self, block: Any, first: int = 0) -> int:
        """Run the loaded block bar by bar from bar `first` on, asking after each close.

        Returns how far it came: up to a bar whose ways part, or the account's end.
        """
        engine, run = self._engine, self._engine.run
        self._view._load(block.ts, block.prices)
        for i in range(first, len(block.ts)):
            if run(i, i + 1) == i:
                return i
            if engine.stopped:
                return i + 1
            self.ask(i)
        return len(block.ts)

    def ask(self, i: int) -> None:
        """Ask at the close of bar i and hand over the answer."""
        self._view._bar = i
        try:
            answer = self._strategy.function(self._view, **self._params)
        except Exception as error:
            raise self._strategy.failure(error) from error
        if answer is not None:
            self._give(answer)

    def _give(self, answer: Any) -> None:
        events = self._events(answer)
        if events:
            given = np.zeros(len(events), ORDER)
            for row, event in zip(given, events, strict=True):
                row["ts"], row["symbol"], row["kind"], row["value"], row["price"] = event
            self._engine.give(given)

    def _events(self, answer: Any) -> list[Event]:
        if type(answer) is not bool and isinstance(answer, Real | Legs):
            return self._target(self._only_symbol(), answer)
        if isinstance(answer, Mapping):
            given = [(symbol, wanted) for symbol, wanted in answer.items() if wanted is not None]
            return [event for pair in given for event in self._target(*pair)]
        if isinstance(answer, Order):
            return self._order(answer)
        if isinstance(answer, list | tuple) and all(isinstance(o, Order) for o in answer):
            return [event for order in answer for event in self._order(order)]
        raise StrategyError(
            f"on_bar of {self._strategy.name} returned {type(answer).__name__} at {self._when()}; "
            "return an Order, a list of Orders, an exposure, Legs, a mapping of symbols to "
            "exposures or Legs, or None."
        )

    def _only_symbol(self) -> str:
        if len(self._view.symbols) > 1:
            raise StrategyError(
                f"on_bar of {self._strategy.name} returned one number, but the run has "
                f"{len(self._view.symbols)} symbols; return a mapping of symbols to exposures."
            )
        return self._view.symbols[0]

    def _order(self, order: Order) -> list[Event]:
        """The order as events for the next open."""
        symbol, side = order.symbol, order.position_side
        if order.exposure is not None:
            if side == BOTH:
                return self._target(symbol, order.exposure)
            return self._leg(symbol, side, order.exposure)
        number, size = self._number(symbol), self._finite(symbol, order.size)
        refuse_side(StrategyError, self._what(symbol), side, self._positions.hedge, sized=True)
        number = self._positions.leg(number, side)
        return [(self._view.ts + 1, number, _SIZE, size, nan)] if size else []

    def _target(self, symbol: str, wanted: Any) -> list[Event]:
        """A signed target, or those of two legs, as events for the next open."""
        if isinstance(wanted, Legs):
            legs = [(LONG, wanted.long), (SHORT, wanted.short)]
            given = [(side, value) for side, value in legs if value is not None]
            return [event for pair in given for event in self._leg(symbol, *pair)]
        number = self._number(symbol)
        if self._targets.get(number) == wanted and not self._positions.hedge:
            return []
        split = self._positions.split(number, self._finite(symbol, wanted))
        return [event for pair in split for event in self._change(*pair)]

    def _leg(self, symbol: str, side: str, wanted: Any) -> list[Event]:
        """The target of one leg as an event for the next open."""
        number, exposure = self._number(symbol), self._finite(symbol, wanted)
        refuse_side(StrategyError, self._what(symbol), side, self._positions.hedge, sized=False)
        refuse_sign(StrategyError, self._what(symbol), side, exposure)
        return self._change(self._positions.leg(number, side), exposure)

    def _change(self, number: int, exposure: float) -> list[Event]:
        """The target of a position as an event; one that does not change is none."""
        if self._targets.get(number) == exposure:
            return []
        self._targets[number] = exposure
        return [(self._view.ts + 1, number, _EXPOSURE, exposure * self._exposure, nan)]

    def _what(self, symbol: str) -> str:
        return f"on_bar of {self._strategy.name}: its order of {symbol} at {self._when()}"

    def _number(self, symbol: Any) -> int:
        if not isinstance(symbol, str) or symbol not in self._numbers:
            what = f"symbol in the answer of {self._strategy.name}"
            raise UnknownNameError(what, str(symbol), self._numbers, "Add it with --symbol.")
        return self._numbers[symbol]

    def _finite(self, symbol: str, value: Any) -> float:
        if isinstance(value, Real) and isfinite(float(value)):
            return float(value)
        raise StrategyError(
            f"on_bar of {self._strategy.name} ordered {value!r} of {symbol} at {self._when()}; "
            "a size or exposure is a finite number."
        )

    def _when(self) -> str:
        return f"{self._view.time:%Y-%m-%d %H:%M}"
