"""The ways to write a strategy, and loading one from its file.

A strategy is a Python file with one of two functions; the arguments after the first are the
parameters that `-p name=value` sets.

    def targets(bars, *, fast=50, slow=200):      # columns in, columns out
        ...returns ts, symbol, target             # target exposure: signed notional / equity

    def on_bar(view, *, size=1.0):                # called at each close
        return {"BTC/USDT:USDT": 1.0}             # exposures, Orders, or None

`ts` is the open of the bar at whose close the target is known; it trades at the next open, and
null keeps the last target. `targets` may also name `mark` and `funding` to get those columns as
LazyFrames. Column `symbol` is a Categorical: cast it to String before joining with your own.

In hedge mode a positive target is for the long leg and a negative one for the short leg, the other
leg being flat. For both at once return columns `target_long` and `target_short` (0 or negative), or
from `on_bar` `Legs(long=1.0, short=-0.5)` or Orders with a `position_side`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from .errors import BacktestError, StrategyError, UnknownNameError, UsageError
from .values import flag, number, whole

FRAMES = ("bars", "mark", "funding")


@dataclass(frozen=True)
class Strategy:
    """A loaded strategy: its name, which of the two functions it has, and its parameters.

    `hash` is the SHA-256 of its source, by which two runs can be seen to have used the same.
    """

    name: str
    kind: str
    function: Callable[..., Any]
    params: Mapping[str, Any]
    hash: str = ""

    def frames(self) -> list[str]:
        """Names of the LazyFrames that `targets` asks for, beyond the bars."""
        names = list(inspect.signature(self.function).parameters)
        return [name for name in names[1:] if name in FRAMES]

    def call(self, *args: Any, **frames: Any) -> Any:
        """Call the function; whatever goes wrong in it becomes one sentence."""
        try:
            return self.function(*args, **frames, **self.params)
        except Exception as error:
            raise self.failure(error) from error

    def failure(self, error: Exception) -> BacktestError:
        """What went wrong inside the strategy as one sentence, with file and line."""
        if isinstance(error, BacktestError):
            return error
        code = getattr(self.function, "__code__", None)
        place = where(error, code.co_filename if code else "")
        return StrategyError(f"strategy {self.name} failed: {place}.")


def of(function: Callable[..., Any], given: Mapping[str, Any]) -> Strategy:
    """A strategy from a function, for use from Python."""
    name = getattr(function, "__name__", "strategy")
    first = next(iter(inspect.signature(function).parameters), "bars")
    kind = "on_bar" if name == "on_bar" or first == "view" else "targets"
    return Strategy(name, kind, function, parameters(function, given), _source_hash(function))


def _source_hash(function: Callable[..., Any]) -> str:
    try:
        return sha256(inspect.getsource(function).encode()).hexdigest()
    except (OSError, TypeError):
        return ""


def parameters(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given parameters as the function wants them; refuses unknown and missing ones."""
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    after_first = list(inspect.signature(function).parameters.values())[1:]
    known = {p.name: p for p in after_first if p.kind in named and p.name not in FRAMES}
    for name in given:
        if name not in known:
            raise UnknownNameError("parameter of the strategy", name, known)
    missing = [n for n, p in known.items() if p.default is p.empty and n not in given]
    if missing:
        raise UsageError(f"the strategy needs -p {missing[0]}=VALUE; it has no default.")
    return {name: _convert(known[name], value) for name, value in given.items()}


def _convert(parameter: inspect.Parameter, value: Any) -> Any:
    """A value as the type of the parameter's default: text from a command line is read as it."""
    what, kind = f"parameter {parameter.name}", type(parameter.default)
    if kind is bool:
        return flag(what, value)
    if kind is int:
        return whole(what, value)
    return number(what, value) if kind is float else value


def where(error: BaseException, filename: str) -> str:
    """`ZeroDivisionError: division by zero (in on_bar, momentum.py:12)`.

    The deepest line of the strategy's own file is named, not that of a library it called.
    """
    what = str(error).strip().splitlines()
    text = ": ".join([type(error).__name__, *what[:1]]).rstrip(".")
    found, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == filename:
            found = frame
        frame = frame.tb_next
    if found is None:
        return text
    name, line = found.tb_frame.f_code.co_name, found.tb_lineno
    place = "" if name == "<module>" else f"in {name}, "
    return f"{text} ({place}{filename.rsplit('/', 1)[-1]}:{line})"
