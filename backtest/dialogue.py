"""A strategy that is asked at every close, and its answers as order events."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from inspect import ismethod
from math import inf, isfinite, nan
from numbers import Real
from typing import Any

import numpy as np

from .core.engine import Engine
from .core.state import ORDER, OrderKind
from .errors import BacktestError, StrategyError, UnknownNameError
from .instructions import FIRST_POLICY_ID, AddMargin, Cancel, Instruction, Order, Transfer, terms
from .legs import BOTH, LONG, SHORT, Legs, Positions, refuse_side, refuse_sign
from .policies import Policies, Policy, describe
from .strategy import Strategy, where
from .view import OpensOnly, View

Event = dict[str, Any]
Kinds = Mapping[type, Callable[[Any], list[Event]]]
_EXPOSURE, _CANCEL = int(OrderKind.EXPOSURE), int(OrderKind.CANCEL)
INSTRUCTIONS = (Order, Cancel, AddMargin, Transfer)


class Manners:
    """How answers are taken: what multiplies targets, when money arrives, what else is asked."""

    def __init__(
        self, exposure: float, bar_ms: int, *, delay_ms: int = 0, policies: Policies | None = None,
        alerts: tuple[float, ...] = (),
    ) -> None:  # fmt: skip
        self.exposure, self.bar_ms, self.delay_ms = exposure, bar_ms, delay_ms
        self.policies, self.alerts = policies or Policies(), alerts


class Dialogue:
    """Asks a strategy and its policies at every close, and hands their answers to the engine.

    `strategy` is None where only policies are asked. Transfers arrive `delay_ms` after the close.
    """

    def __init__(
        self, strategy: Strategy | None, engine: Engine, positions: Positions, manners: Manners
    ) -> None:
        self._strategy, self._engine, self._manners = strategy, engine, manners
        self._positions, self._view = positions, View(engine, positions)
        self._numbers = {name: number for number, name in enumerate(positions.symbols)}
        self._targets: dict[int, float] = {}
        self._view.reserve_delay_ms = manners.delay_ms
        self._ids = 0
        self._params = dict(strategy.params) if strategy else {}
        self._policies = manners.policies
        self._function = strategy.function if strategy else None
        self._who = "on_bar of " + strategy.name if strategy else "a policy"
        self._kinds: Kinds = {
            Order: self._order, Cancel: self._cancel, AddMargin: self._add_margin,
            Transfer: self._transfer,
        }  # fmt: skip

    @property
    def carried(self) -> dict[str, Any]:
        """What the dialogue remembers between bars, plain values and the strategy's notebook."""
        return {
            "targets": dict(self._targets), "coming": list(self._view._coming), "ids": self._ids,
            "state": self._view.state, "alerts": dict(self._view._alerted),
            "policies": self._view._policies,
        }  # fmt: skip

    def carry_on(self, carried: Mapping[str, Any]) -> None:
        """Go on from what another dialogue of the same strategy remembered."""
        self._targets, self._view._coming = dict(carried["targets"]), list(carried["coming"])
        self._ids, self._view.state = carried["ids"], carried["state"]
        self._view._alerted = dict(carried["alerts"])
        self._view._remember(carried["policies"])

    def fork(self, engine: Engine) -> "Dialogue":
        """The same dialogue as it stands, with another engine that has the same account."""
        twin = Dialogue(self._strategy, engine, self._positions, self._manners)
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
            while run(i, i + 1) == i:
                if not engine.filled:
                    return i
                self._follow_fills(i)
            if engine.stopped:
                return i + 1
            self.ask(i)
        return len(block.ts)

    def ask(self, i: int) -> None:
        """Ask at the close of bar i and hand over the answers."""
        self._view._bar = i
        if self._function is not None:
            if self._manners.alerts:
                self._view._raise_alerts(self._manners.alerts)
            try:
                answer = self._function(self._view, **self._params)
            except Exception as error:
                raise self._strategy.failure(error) from error  # type: ignore[union-attr]
            if answer is not None:
                self._give(self._of_strategy(self._events(answer)))
        view = self._view
        for view._asked, policy in enumerate(self._policies.all):
            answers = self._answers(policy, policy.at_close)
            if answers:
                self._give([event for one in answers for event in self._instruction(one)])
        if self._view._coming:
            self._give_due()

    def _follow_fills(self, i: int) -> None:
        """Ask the policies what follows from fills at the open of bar i, and go on."""
        if not self._engine.stopped:
            view = self._view
            view._bar = i
            known, view._prices = view._prices, OpensOnly(view._prices)
            for view._asked, policy in enumerate(self._policies.all):
                answers = self._answers(policy, policy.at_fill)
                events = [event for one in answers for event in self._instruction(one)]
                for event in events:
                    event["ts"] = view.ts
                self._give(events)
            view._prices = known
        self._engine.go_on()

    def _answers(self, policy: Policy, ask: Callable[[View], Sequence[Instruction]]) -> Any:
        """What a policy answers, which may only be instructions; its failure is one sentence."""
        try:
            answers = ask(self._view)
        except BacktestError:
            raise
        except Exception as error:
            filename = ask.__func__.__code__.co_filename if ismethod(ask) else ""
            place = where(error, filename)
            raise StrategyError(f"policy {describe(policy)} failed: {place}.") from error
        if not isinstance(answers, list | tuple) or not all(
            type(a) in self._kinds for a in answers
        ):
            raise StrategyError(
                f"policy {describe(policy)} returned {answers!r:.60} at {self._when()}; return a "
                "list of Orders, Cancels, AddMargins or Transfers."
            )
        return answers

    def _give(self, events: list[Event]) -> None:
        events = self._once(events)
        if not events:
            return
        given = np.zeros(len(events), ORDER)
        given["price"] = nan
        for row, event in zip(given, events, strict=True):
            for name, value in event.items():
                row[name] = value
        self._engine.give(given)

    def _of_strategy(self, events: list[Event]) -> list[Event]:
        for event in events:
            if event.get("id", 0) >= FIRST_POLICY_ID:
                raise StrategyError(
                    f"{self._who} gave an order the id {event['id']} at {self._when()}; names from "
                    f"{FIRST_POLICY_ID:,} on are those of policies, so give a lower one."
                )
        return events

    def _once(self, events: list[Event]) -> list[Event]:
        """The events of one answer, each order taken back once; two of one name are refused."""
        found: list[Event] = []
        given, taken_back = set(), set()
        for event in events:
            name = event.get("id", 0)
            if event["kind"] == _CANCEL:
                if event["value"] in taken_back:
                    continue
                taken_back.add(event["value"])
            elif name and name in given:
                raise StrategyError(
                    f"{self._who} gave two orders with id {name} at {self._when()}; give each its "
                    "own, or none."
                )
            given.add(name)
            taken_back.discard(name)
            found.append(event)
        return found

    def _give_due(self) -> None:
        """Hand over the transfers that arrive by the next open."""
        opens, coming = self._view.ts + self._manners.bar_ms, self._view._coming
        arrived = [event for event in coming if event["ts"] <= opens]
        self._view._coming = [event for event in coming if event["ts"] > opens]
        self._give(arrived)

    def _events(self, answer: Any) -> list[Event]:
        if type(answer) is not bool and isinstance(answer, Real | Legs):
            return self._target(self._only_symbol(), answer)
        if isinstance(answer, Mapping):
            given = [(symbol, wanted) for symbol, wanted in answer.items() if wanted is not None]
            return [event for pair in given for event in self._target(*pair)]
        if isinstance(answer, INSTRUCTIONS):
            return self._instruction(answer)
        if isinstance(answer, list | tuple) and all(isinstance(o, INSTRUCTIONS) for o in answer):
            return [event for order in answer for event in self._instruction(order)]
        raise StrategyError(
            f"{self._who} returned {type(answer).__name__} at {self._when()}; "
            "return an Order, a list of Orders, an exposure, Legs, a mapping of symbols to "
            "exposures or Legs, or None."
        )

    def _instruction(self, one: Any) -> list[Event]:
        return self._kinds[type(one)](one)

    def _only_symbol(self) -> str:
        if len(self._view.symbols) > 1:
            raise StrategyError(
                f"{self._who} returned one number, but the run has "
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
        number, size = self._number(symbol), self._size(symbol, order.size)
        refuse_side(StrategyError, self._what(symbol), side, self._positions.hedge, sized=True)
        if not size:
            return []
        event = self._event(self._positions.leg(number, side), **terms(order))
        if order.type == "market":
            return [event]
        if order.id:
            return [*self._replaced(order.id), event]
        self._ids -= 1  # below zero are the names of orders that have none of their own
        return [{**event, "id": self._ids}]

    def _event(self, number: int, **fields: Any) -> Event:
        return {"ts": self._view.ts + 1, "symbol": number, **fields}

    def _replaced(self, name: int) -> list[Event]:
        """What takes back the resting order of that name, if there is one."""
        return [
            self._event(int(one["symbol"]), kind=int(OrderKind.CANCEL), value=float(name))
            for one in self._engine.resting
            if one["id"] == name
        ]

    def _cancel(self, cancel: Cancel) -> list[Event]:
        number, kind = self._number(cancel.symbol), int(OrderKind.CANCEL)
        if cancel.id is not None:
            return [self._event(number, kind=kind, value=float(cancel.id))]
        mine = {number, self._positions.leg(number, SHORT)} if self._positions.hedge else {number}
        found = [one for one in self._engine.resting if int(one["symbol"]) in mine]
        return [self._event(int(o["symbol"]), kind=kind, value=float(o["id"])) for o in found]

    def _add_margin(self, one: AddMargin) -> list[Event]:
        number = self._number(one.symbol)
        refuse_side(
            StrategyError, self._what(one.symbol), one.position_side, self._positions.hedge,
            sized=True,
        )  # fmt: skip
        amount = self._finite(one.symbol, one.amount)
        number = self._positions.leg(number, one.position_side)
        return [self._event(number, kind=int(OrderKind.ADD_MARGIN), value=amount)]

    def _transfer(self, one: Transfer) -> list[Event]:
        symbol = self._only_symbol() if one.symbol is None else one.symbol
        number, amount = self._number(symbol), self._finite(symbol, one.amount)
        event = self._event(number, kind=int(OrderKind.TRANSFER), value=amount)
        if self._manners.delay_ms == 0:
            return [event]
        # money on its way is kept here: an engine takes its events in order of time
        event["ts"] = self._view.ts + self._manners.bar_ms + self._manners.delay_ms
        self._view._coming.append(event)
        return []

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
        value = exposure * self._manners.exposure
        return [self._event(number, kind=_EXPOSURE, value=value)]

    def _what(self, symbol: str) -> str:
        return f"{self._who}: its order of {symbol} at {self._when()}"

    def _number(self, symbol: Any) -> int:
        if not isinstance(symbol, str) or symbol not in self._numbers:
            what = f"symbol in the answer of {self._who.removeprefix('on_bar of ')}"
            raise UnknownNameError(what, str(symbol), self._numbers, "Add it with --symbol.")
        return self._numbers[symbol]

    def _size(self, symbol: str, value: Any) -> float:
        endless = isinstance(value, Real) and abs(float(value)) == inf
        return float(value) if endless else self._finite(symbol, value)

    def _finite(self, symbol: str, value: Any) -> float:
        if isinstance(value, Real) and isfinite(float(value)):
            return float(value)
        raise StrategyError(
            f"{self._who} ordered {value!r} of {symbol} at {self._when()}; "
            "a size or exposure is a finite number."
        )

    def _when(self) -> str:
        return f"{self._view.time:%Y-%m-%d %H:%M}"
