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
        events = [event for order in self._orders(answer) if (event := self._event(order))]
        if events:
            self._engine.give(np.array(events, ORDER))

    def _orders(self, answer: Any) -> list[Order]:
        if isinstance(answer, Order):
            return [answer]
        if isinstance(answer, Mapping):
            given = [(symbol, value) for symbol, value in answer.items() if value is not None]
            return [Order(symbol, exposure=value) for symbol, value in given]
        if type(answer) is not bool and isinstance(answer, Real):
            return [Order(self._only_symbol(), exposure=float(answer))]
        if isinstance(answer, list | tuple) and all(isinstance(o, Order) for o in answer):
            return list(answer)
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

    def _event(self, order: Order) -> Event | None:
        """The order as an event for the next open; a target that does not change is none."""
        number, due = self._number(order.symbol), self._view.ts + 1
        sized = order.exposure is None
        value = self._finite(order.symbol, order.size if sized else order.exposure)
        if sized:
            return (due, number, int(OrderKind.SIZE), value, nan) if value else None
        if self._targets.get(number) == value:
            return None
        self._targets[number] = value
        return (due, number, int(OrderKind.EXPOSURE), value * self._exposure, nan)

    def _number(self, symbol: Any) -> int:
        if symbol not in self._numbers:
            what = f"symbol in the answer of {self._strategy.name}"
            raise UnknownNameError(what, str(symbol), self._numbers)
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
