"""What a run was made of, once more: its config for one venue, refused if it has changed."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from .. import venues
from ..config import RunConfig
from ..errors import BacktestError, ResultError, UsageError
from ..loading import load
from ..market.series import file_hash
from ..result import Result
from ..samples import sample_data
from ..strategy import Strategy, of

AGAIN = "so the liquidation cannot be played again"


def config_of(result: Result, venue: str, path: str) -> RunConfig:
    """The config of a run, for one of its venues, from that account's first bar on."""
    manifest = result.manifest
    try:
        account = next(one for one in manifest["accounts"] if one["venue"] == venue)
        given = {**manifest["config"], **manifest["local"]}
    except (KeyError, StopIteration) as error:
        raise ResultError(f"the manifest of {result.path} is damaged; run it again.") from error
    given |= {"venues": (venue,), "path": path, "skip_refused": False}
    given["since"] = account["since"]
    known = {field.name for field in fields(RunConfig)}
    for name in sorted(set(given) - known):
        raise ResultError(
            f"the run at {result.path} has a setting {name!r} that this program does not know, "
            f"{AGAIN}; use the version that ran it."
        )
    try:
        return RunConfig(**given)
    except UsageError as error:
        raise ResultError(f"{error} The run at {result.path} has it, {AGAIN}.") from error


def strategy_of(
    result: Result, config: RunConfig, given: Callable[..., Any] | None
) -> Strategy | None:
    """The strategy of a run, or `given` in place of one that was a function; None: an order file.

    Raises ResultError where it is gone or has changed.
    """
    entry = result.manifest["strategy"]
    if entry["kind"] == "orders":
        _refuse_other_file(Path(str(config.orders)), entry["hash"], "the order file")
        return None
    if given is not None:
        found = of(given, config.params)
    elif not str(config.strategy).endswith(".py"):
        raise ResultError(
            f"the strategy of {result.path} was a Python function, {config.strategy}, {AGAIN} from "
            "here; from Python give it along: backtest.why(result, n, strategy=function)."
        )
    else:
        path = Path(str(config.strategy))
        _refuse_other_file(path, entry["hash"], "the strategy")
        found = load(str(path), config.params)
    if entry["hash"] and found.hash != entry["hash"]:
        raise ResultError(f"the strategy {found.name} has changed since the run, {AGAIN}.")
    return found


def refuse_other_data(result: Result, config: RunConfig) -> None:
    """Raise ResultError where a data file of the run is gone or has changed."""
    root = Path(config.data) if config.data else sample_data()
    if not root.is_dir():
        raise ResultError(
            f"the data folder {root} is not there, {AGAIN}; go to the folder the run was begun in, "
            "or run it again."
        )
    for name, digest in result.manifest["files"].items():
        _refuse_other_file(root / name, digest, "the data file")


def refuse_other_rules(result: Result, venue: str) -> None:
    """Raise ResultError where the venue's rulebook is not that of the run."""
    account: Mapping[str, Any] = next(
        one for one in result.manifest["accounts"] if one["venue"] == venue
    )
    try:
        now = venues.load(venue).hash
    except BacktestError as error:
        raise ResultError(f"the rules of {venue} cannot be read, {AGAIN}: {error}") from error
    if now != account["rulebook_hash"]:
        raise ResultError(
            f"the rules of {venue} have changed since the run (tiers or rulebook), {AGAIN}; run "
            "it again."
        )


def _refuse_other_file(path: Path, digest: str, what: str) -> None:
    try:
        now = file_hash(path)
    except OSError as error:
        raise ResultError(
            f"{what} {path} of the run cannot be read ({error.strerror}), {AGAIN}."
        ) from error
    if digest and now != digest:
        raise ResultError(
            f"{what} {path} has changed since the run, {AGAIN}; put it back, or run it again."
        )
