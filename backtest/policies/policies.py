"""The list of policies of a run, and reading one from text: `stop_loss:0.05,by=mark`."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backtest.errors import UnknownNameError, UsageError
from backtest.instructions import Instruction
from backtest.values import number

from .exits import StopLoss, TakeProfit, TrailingStop
from .on_alert import HedgeOnAlert, ReduceOnAlert
from .top_up import TopUp

NAMES: dict[str, type[Any]] = {
    "stop_loss": StopLoss,
    "take_profit": TakeProfit,
    "trailing_stop": TrailingStop,
    "top_up": TopUp,
    "reduce_on_alert": ReduceOnAlert,
    "hedge_on_alert": HedgeOnAlert,
}


class Policy(Protocol):
    """What is asked after fills at an open, of which it sees the open alone, and at each close.

    It keeps nothing itself: `view.memory(self)` is its notebook for the account.
    """

    def at_fill(self, view: Any) -> Sequence[Instruction]:
        """What follows from fills at this open; it is placed at once."""
        ...

    def at_close(self, view: Any) -> Sequence[Instruction]:
        """What to do at the next open."""
        ...


def describe(policy: Any) -> str:
    """A policy as text that is the same in every process: as it was written, or what it is."""
    says_nothing = repr(policy) == object.__repr__(policy)
    return type(policy).__qualname__ if says_nothing else str(policy)


@dataclass(frozen=True)
class Policies:
    """The policies of a run, asked in their order, after the strategy."""

    all: tuple[Policy, ...] = ()


def parse_policy(given: Any) -> Policy:
    """A policy from `name:value,name=value`; one made in Python is taken as it is."""
    if not isinstance(given, str):
        if not all(callable(getattr(given, name, None)) for name in ("at_fill", "at_close")):
            raise UsageError(
                f"a policy is {type(given).__name__}; give text like stop_loss:0.05, or an object "
                "with at_fill(view) and at_close(view)."
            )
        return given  # type: ignore[no-any-return]
    name, _, rest = given.partition(":")
    if name.strip() not in NAMES:
        raise UnknownNameError("policy", name.strip(), NAMES)
    kind = NAMES[name.strip()]
    return kind(**_arguments(given, kind, rest))  # type: ignore[no-any-return]


def _arguments(given: str, kind: type[Any], rest: str) -> dict[str, Any]:
    known = inspect.signature(kind).parameters
    found: dict[str, Any] = {}
    for place, part in enumerate(p for p in rest.split(",") if p.strip()):
        name, equals, value = (side.strip() for side in part.partition("="))
        if not equals:
            name, value = [*known, name][min(place, len(known))], name
        if name not in known:
            raise UnknownNameError(f"setting of the policy {given!r}", name, known)
        if name in found:
            raise UsageError(f"the policy {given!r} gives {name} twice; give it once.")
        text = known[name].annotation in (str, "str")
        found[name] = value if text else number(f"{name} of the policy {given!r}", value)
    for name, one in known.items():
        if one.default is one.empty and name not in found:
            raise UsageError(
                f"the policy {given!r} needs {name}, as in {given.split(':')[0]}:0.05."
            )
    return found
