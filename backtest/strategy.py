"""The ways to write a strategy, and loading one from its file.

A strategy is a Python file with one of two functions; its keyword-only arguments are the
parameters that `-p name=value` sets.

    def targets(bars, *, fast=50, slow=200):      # columns in, columns out
        ...returns ts, symbol, target             # target exposure: signed notional / equity

    def on_bar(view, *, size=1.0):                # called at each close
        return {"BTC/USDT:USDT": 1.0}             # exposures, Orders, or None

`targets` may also name `mark` and `funding` to get those columns as LazyFrames.
"""

import inspect
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import BacktestError, StrategyError, UnknownNameError, UsageError

ENTRY_POINTS = ("targets", "on_bar")
FRAMES = ("bars", "mark", "funding")


@dataclass(frozen=True, slots=True)
class Order:
    """A market order for the next open: `size` to trade (base units) or a target `exposure`."""

    symbol: str
    size: float | None = None
    exposure: float | None = None

    def __post_init__(self) -> None:
        """Exactly one of size and exposure must be given."""
        if (self.size is None) == (self.exposure is None):
            raise StrategyError(
                f"the order for {self.symbol} needs a size or an exposure, and only one of them."
            )


@dataclass(frozen=True)
class Strategy:
    """A loaded strategy: its name, which of the two functions it has, and its parameters."""

    name: str
    kind: str
    function: Callable[..., Any]
    params: Mapping[str, Any]

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
        return StrategyError(f"strategy {self.name} failed {_where(error)}.")


def load(path: str, given: Mapping[str, Any]) -> Strategy:
    """Load a strategy file and check its parameters."""
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"no strategy at {path}; give the path of a Python file.")
    try:
        names = runpy.run_path(str(file))
    except Exception as error:
        raise StrategyError(f"strategy {path} cannot be loaded: {_where(error)}.") from error
    kinds = [kind for kind in ENTRY_POINTS if callable(names.get(kind))]
    if len(kinds) != 1:
        has = " and ".join(kinds) or "neither"
        raise UsageError(f"{path} must define targets(bars) or on_bar(view); it has {has}.")
    function = names[kinds[0]]
    return Strategy(file.stem, kinds[0], function, _parameters(function, given))


def of(function: Callable[..., Any], given: Mapping[str, Any]) -> Strategy:
    """A strategy from a function of this name, for use from Python."""
    name = getattr(function, "__name__", "strategy")
    positional = next(iter(inspect.signature(function).parameters), "bars")
    kind = "on_bar" if name == "on_bar" or positional == "view" else "targets"
    return Strategy(name, kind, function, _parameters(function, given))


def _parameters(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    signature = inspect.signature(function).parameters.values()
    known = {p.name: p for p in signature if p.kind is p.KEYWORD_ONLY and p.name not in FRAMES}
    for name in given:
        if name not in known:
            raise UnknownNameError("parameter", name, known)
    missing = [n for n, p in known.items() if p.default is p.empty and n not in given]
    if missing:
        raise UsageError(f"the strategy needs -p {missing[0]}=VALUE; it has no default.")
    return {name: _convert(known[name], value) for name, value in given.items()}


def _convert(parameter: inspect.Parameter, value: Any) -> Any:
    """Text from the command line becomes the type of the parameter's default."""
    if not isinstance(value, str) or parameter.default is parameter.empty:
        return value
    kind = type(parameter.default)
    if kind is bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if value.lower() in words:
            return words[value.lower()]
    elif kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    else:
        return value
    raise UsageError(f"parameter {parameter.name} is {value!r}; it takes {_article(kind)}.")


def _article(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false"}[kind]


def _where(error: Exception) -> str:
    """`ZeroDivisionError: … in on_bar, line 12`, from the deepest frame of the traceback."""
    frame, text = error.__traceback__, f"{type(error).__name__}: {error}".rstrip(".")
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return text
    code = frame.tb_frame.f_code
    return f"with {text} (in {code.co_name}, {Path(code.co_filename).name}:{frame.tb_lineno})"
