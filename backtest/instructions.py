"""What a strategy, a policy or an order file may ask of an account: orders, and money to move.

| type          | needs         | may have                                   | fills as   |
|---------------|---------------|--------------------------------------------|------------|
| market        |               | reduce_only                                | taker      |
| limit         | price         | reduce_only, post_only, good_till          | maker      |
| stop          | trigger_price | trigger_by, reduce_only, good_till         | taker      |
| take_profit   | trigger_price | trigger_by, reduce_only, good_till         | taker      |
| trailing_stop | callback      | trigger_price, trigger_by, reduce_only, …  | taker      |
"""

from dataclasses import dataclass
from math import inf, isfinite, isnan, nan
from numbers import Real
from typing import Any

from .core.state import OrderKind, OrderType, TriggerBy
from .errors import StrategyError, UnknownNameError, UsageError
from .legs import BOTH, parse_side
from .values import parse_time

TYPES = tuple(kind.name.lower() for kind in OrderType)
TRIGGERS = tuple(by.name.lower() for by in TriggerBy)
TRIGGERED = ("trigger_by", "reduce_only", "good_till")
NEEDS = {
    "limit": "price",
    "stop": "trigger_price",
    "take_profit": "trigger_price",
    "trailing_stop": "callback",
}
TAKES: dict[str, tuple[str, ...]] = {
    "market": ("reduce_only",),
    "limit": ("price", "reduce_only", "post_only", "good_till"),
    "stop": ("trigger_price", *TRIGGERED),
    "take_profit": ("trigger_price", *TRIGGERED),
    "trailing_stop": ("callback", "trigger_price", *TRIGGERED),
}
TERMS = (
    "price",
    "trigger_price",
    "trigger_by",
    "callback",
    "reduce_only",
    "post_only",
    "good_till",
)
"""What an order may have besides a size."""
FIRST_POLICY_ID = 1_000_000_000
"""Names of orders from here on are those of policies; below zero, of orders without one."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order for the next open: `size` to trade (base units), or a target `exposure` at market.

    A positive size buys and a negative one sells, on either leg; an infinite one trades all of the
    position there is and never opens one. In hedge mode `position_side` is long or short; an
    exposure without one is a signed target of both legs.

    `type` is market, limit, stop, take_profit or trailing_stop: all but market rest until they
    fill, their time (`good_till`, exclusive) has come, or the venue ends them. `trigger_price` of a
    trailing stop is where it becomes active, `callback` the fraction it follows at. `trigger_by` is
    last (trade) or mark. `id`, a whole number from 1 to 999,999,999, is the order's name for
    `Cancel` and in the records; an order with the id of one that rests replaces it.
    """

    symbol: str
    size: float | None = None
    exposure: float | None = None
    position_side: str = BOTH
    type: str = "market"
    price: float | None = None
    trigger_price: float | None = None
    trigger_by: str = "last"
    callback: float | None = None
    reduce_only: bool = False
    post_only: bool = False
    good_till: Any = None
    id: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no order, in a sentence that names it."""
        what = f"the order for {self.symbol}"
        side = parse_side(f"position_side of {what}", self.position_side)
        object.__setattr__(self, "position_side", side)
        if (self.size is None) == (self.exposure is None):
            raise StrategyError(f"{what} needs a size or an exposure, and only one of them.")
        given = {name: getattr(self, name) for name in TERMS}
        if found := problem(self.type, self.exposure is None, given):
            raise StrategyError(f"{what} {found}.")
        if isinstance(self.id, bool) or not isinstance(self.id, int) or self.id < 0:
            raise StrategyError(f"{what} has id {self.id!r}; give a whole number, or none.")


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take back the resting order of that id; without one all of the symbol's."""

    symbol: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class AddMargin:
    """Move money from the wallet into an isolated position's margin; a negative amount back.

    In the settle asset. Refused and recorded where the position or the money is not there.
    """

    symbol: str
    amount: float
    position_side: str = BOTH


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move money from the reserve outside the venue into the account; a negative amount back.

    In the settle asset of the symbol, which may be left out if the run has one. It arrives after
    the delay of the run (`reserve_delay`). More than the reserve holds is refused and recorded.
    """

    amount: float
    symbol: str | None = None


Instruction = Order | Cancel | AddMargin | Transfer


def problem(kind: str, sized: bool, given: dict[str, Any]) -> str:
    """What makes these terms no order of a type, as the end of a sentence; empty if nothing does.

    `given` holds TERMS; None, NaN and False are not given, nor is a trigger by `last`.
    """
    if kind not in TYPES:
        raise UnknownNameError("type of order", str(kind), TYPES)
    by = given.get("trigger_by") or "last"
    if by not in TRIGGERS:
        raise UnknownNameError("trigger_by of an order", str(by), TRIGGERS)
    there = [name for name in TERMS if _is_given(name, given.get(name))]
    if kind != "market" and not sized:
        return f"is a {kind} order with an exposure; give it a size"
    if NEEDS.get(kind, "") not in ("", *there):
        return f"is a {kind} order without {NEEDS[kind]}; give it one"
    for name in there:
        if name not in TAKES[kind]:
            return f"is a {kind} order, which has no {name}; {_hint(kind, name)}"
    return _bad_number(given, there)


def _is_given(name: str, value: Any) -> bool:
    missing = value is None or value is False or (isinstance(value, float) and isnan(value))
    return not missing and not (name == "trigger_by" and value == "last")


def _hint(kind: str, name: str) -> str:
    other = next(one for one in TAKES if name in TAKES[one])
    return f"leave it out, or give type {other}"


def _bad_number(given: dict[str, Any], there: list[str]) -> str:
    for name in ("price", "trigger_price", "callback"):
        value = given.get(name)
        if name not in there:
            continue
        if not isinstance(value, Real) or not isfinite(float(value)) or float(value) <= 0.0:
            return f"has {name} {value!r}; give a finite number over 0"
        if name == "callback" and float(value) >= 1.0:
            return f"has callback {value!r}; give a fraction under 1, such as 0.02"
    return ""


def terms(order: Order) -> dict[str, Any]:
    """An order's size and terms as fields of a core ORDER."""
    whole = order.size is not None and abs(order.size) == inf
    chosen = order.price if order.type == "limit" else order.trigger_price
    return {
        "kind": int(OrderKind.SIZE),
        "value": order.size,
        "price": nan if chosen is None else float(chosen),
        "type": TYPES.index(order.type),
        "by": TRIGGERS.index(order.trigger_by),
        "reduce_only": int(order.reduce_only or whole),
        "post_only": int(order.post_only),
        "callback": order.callback or 0.0,
        "until": 0 if order.good_till is None else _until(order),
        "id": order.id,
    }


def _until(order: Order) -> int:
    try:
        return parse_time(order.good_till)
    except UsageError as error:
        raise StrategyError(f"good_till of the order for {order.symbol}: {error}") from error
