"""A strategy that is asked at every close, and its answers as order events."""

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from numbers import Real
from typing import Any

import numpy as np

from .core.engine import Engine
from .core.state import ORDER, OrderKind
from .errors import StrategyError, UnknownNameError
from .strategy import Order, Strategy
from .view import View

Event = tuple[int, int, int, float, float]
_SIZE, _EXPOSURE = int(OrderKind.SIZE), int(OrderKind.EXPOSURE)


class Dialogue:
    """Asks a strategy at every close and hands its answers to the engine."""

    def __init__(
        self, strategy: Strategy, engine: Engine, symbols: Sequence[str], exposure: float
    ) -> None:
        self._strategy, self._engine, self._exposure = strategy, engine, exposure
        self._view = View(engine, symbols)
        self._numbers = {name: number for number, name in enumerate(symbols)}
        self._targets: dict[int, float] = {}

    def feed(self, block: Any) -> int:
        """Run a block bar by bar, asking after each close; returns how many bars were run."""
        engine, view, run = self._engine, self._view, self._engine.run
        engine.load(block.ts, block.prices, block.flags)
        view._load(block.ts, block.prices)
        ask, params = self._strategy.function, dict(self._strategy.params)
        for i in range(len(block.ts)):
            run(i, i + 1)
            if engine.stopped:
                return i + 1
            view._bar = i
            try:
                answer = ask(view, **params)
            except Exception as error:
                raise self._strategy.failure(error) from error
            if answer is not None:
                self._give(answer)
        return len(block.ts)

    def _give(self, answer: Any) -> None:
        events = [event for event in self._events(answer) if event is not None]
        if events:
            self._engine.give(np.array(events, ORDER))

    def _events(self, answer: Any) -> list[Event | None]:
        if type(answer) is not bool and isinstance(answer, Real):
            return [self._target(self._only_symbol(), answer)]
        if isinstance(answer, Mapping):
            return [self._target(s, value) for s, value in answer.items() if value is not None]
        if isinstance(answer, Order):
            return [self._order(answer)]
        if isinstance(answer, list | tuple) and all(isinstance(o, Order) for o in answer):
            return [self._order(order) for order in answer]
        raise StrategyError(
            f"on_bar of {self._strategy.name} returned {type(answer).__name__} at {self._when()}; "
            "return an Order, a list of Orders, an exposure, a mapping of symbols to exposures, "
            "or None."
        )

    def _only_symbol(self) -> str:
        if len(self._view.symbols) > 1:
            raise StrategyError(
                f"on_bar of {self._strategy.name} returned one number, but the run has "
                f"{len(self._view.symbols)} symbols; return a mapping of symbols to exposures."
            )
        return self._view.symbols[0]

    def _order(self, order: Order) -> Event | None:
        """The order as an event for the next open."""
        if order.exposure is not None:
            return self._target(order.symbol, order.exposure)
        number, size = self._number(order.symbol), self._finite(order.symbol, order.size)
        return (self._view.ts + 1, number, _SIZE, size, nan) if size else None

    def _target(self, symbol: str, exposure: Any) -> Event | None:
        """A target as an event for the next open; one that does not change is none."""
        number = self._number(symbol)
        if self._targets.get(number) == exposure:
            return None
        value = self._targets[number] = self._finite(symbol, exposure)
        return (self._view.ts + 1, number, _EXPOSURE, value * self._exposure, nan)

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
