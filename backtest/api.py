"""The public functions, as `import backtest as bt` gives them."""

from collections.abc import Callable, Mapping
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Any

from .config import RunConfig, from_mapping
from .errors import UsageError
from .explanation import explain, explain_pool
from .goldens import verify
from .result import Result
from .run import execute
from .run import resume as go_on
from .story import why
from .strategy import of
from .venues import load as load_venue

__all__ = ["explain", "explain_pool", "load_venue", "resume", "run", "verify", "why"]


def run(
    strategy: str | Callable[..., Any] | RunConfig | None = None,
    *,
    out: str | Path | None = None,
    force: bool = False,
    **settings: Any,
) -> Result:
    """Run a strategy and return its result, which is on disk at `result.path`.

    `strategy` is the path of a strategy file, a function `targets(bars, …)` or
    `on_bar(view, …)`, or a whole RunConfig. `settings` are the fields of RunConfig, with
    times as text or milliseconds; `params` are the strategy's parameters. Raises one of
    `backtest.errors` with a sentence that says what to do.
    """
    folder = Path(out) if out is not None else None
    if isinstance(strategy, RunConfig):
        return execute(strategy, folder, force=force)
    if callable(strategy):
        _check_signature(strategy)
        loaded = of(strategy, settings.get("params", {}))
        config = from_mapping({**settings, "strategy": loaded.name})
        return execute(config, folder, strategy=loaded, force=force)
    if strategy is not None:
        settings["strategy"] = strategy
    _check_paths(settings)
    return execute(from_mapping(settings), folder, force=force)


def resume(path: str | Path | None = None, *, strategy: Callable[..., Any] | None = None) -> Result:
    """Go on with a run that was killed, and return its result: the same as undisturbed.

    `path` is the result that it was to write, None the last in the results folder. A strategy
    that was given as a function must be given again. Raises ResultError where there is nothing to
    go on with, or strategy, data, rules or versions have changed.
    """
    kept = Path(path) if path is not None else None
    return go_on(kept, strategy=strategy)


def _check_signature(function: Callable[..., Any]) -> None:
    try:
        signature(function)
    except (TypeError, ValueError):
        raise UsageError(
            f"{getattr(function, '__name__', function)!r} cannot be a strategy, as Python does not "
            "know its arguments; give a function targets(bars) or on_bar(view)."
        ) from None


def _check_paths(settings: Mapping[str, Any]) -> None:
    """Refuse an object where a path belongs by its type: printed, a frame would fill the screen."""
    for name in ("strategy", "orders"):
        value = settings.get(name)
        if value is not None and not isinstance(value, str | PathLike):
            raise UsageError(
                f"{name} is a {type(value).__name__}; it takes the path of a file"
                f"{', so write the orders to Parquet or CSV first' if name == 'orders' else ''}."
            )
