"""The story of one liquidation: what led to it, what was done, and what would have saved it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..config import RunConfig, milliseconds
from ..errors import ResultError
from ..legs import POSITION_SIDES
from ..result import Result, open_result
from ..venues import override
from ..venues.processes import step_text
from .bars import BARS_BEFORE, around
from .between import readings, rules_at
from .inputs import config_of, refuse_other_data, refuse_other_rules, strategy_of
from .judge import Judge
from .moved import Part, parts
from .pick import Fall, Key, ms, pick
from .remedies import Remedy, all_remedies
from .replay import Outcome, Replay
from .state import State, sampled, triggered

HORIZON = "24h"
SAME = ("symbol", "position_side", "step_name", "cause")
CLOSE_TO = ("size_closed", "mark_price", "equity_before", "residual")
STEP = (
    "ts", "symbol", "position_side", "event", "step", "step_name", "cause", "certainty", "side",
    "size_before", "size_closed", "mark_price", "exit_price", "equity_before",
    "maintenance_margin", "margin_ratio", "slippage", "fee", "forfeited", "residual", "shortfall",
    "tier_before", "tier_after",
)  # fmt: skip


@dataclass(frozen=True)
class Story:
    """Liquidation `number` of `count`; amounts are in the settle asset.

    `start` is the bucket when it was complete (None: it fell in the bar it was opened in), `end`
    as its first step met it, `parts` what led from one to the other. `remedies` were each found by
    playing the run again until `horizon_end`; `worth` is what the account had there.
    """

    number: int
    count: int
    config: RunConfig
    fall: Fall
    start: State | None
    end: State
    parts: list[Part]
    bars: pl.DataFrame
    remedies: list[Remedy]
    worth: float
    change_at: int
    horizon_end: int
    runs: int
    step_texts: dict[str, str]

    @property
    def steps(self) -> pl.DataFrame:
        """What was done, step by step."""
        return self.fall.steps.select(STEP)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: numbers, texts, times, lists and tables."""
        first, fall = self.fall.first, self.fall
        return {
            "number": self.number,
            "count": self.count,
            "venue": first["venue"],
            "path": fall.path,
            "symbol": first["symbol"],
            "position_side": first["position_side"],
            "side": first["side"],
            "margin": "cross" if fall.cross else "isolated",
            "cause": first["cause"],
            "certainty": first["certainty"],
            "opened": [_opened(key, one.ts) for key, one in fall.opened.items()],
            "time": first["ts"],
            "until": fall.last["ts"],
            "bars": self.bars.to_dicts(),
            "start": None if self.start is None else _state(self.start),
            "parts": [asdict(part) for part in self.parts],
            "end": _state(self.end),
            "steps": self.steps.to_dicts(),
            "step_texts": self.step_texts,
            "worth": self.worth,
            "remedies": [asdict(one) for one in self.remedies],
            "saved_means": "nothing of the bucket is liquidated from its opening until then",
            "horizon_end": _time(self.horizon_end),
            "runs": self.runs,
        }

    def __repr__(self) -> str:
        """The headline and what would have saved it."""
        from .words import headline, remedy_lines

        return "\n".join([headline(self), *remedy_lines(self)])


def _time(stamp: int) -> Any:
    return pl.Series([stamp]).cast(pl.Datetime("ms", "UTC"))[0]


def _opened(key: Key, ts: int) -> dict[str, Any]:
    return {"symbol": key[0], "position_side": key[1], "time": _time(ts)}


def _state(state: State) -> dict[str, Any]:
    held = [
        {"symbol": key[0], "position_side": key[1], **asdict(one)}
        for key, one in state.positions.items()
    ]
    return {
        "time": _time(state.ts),
        "equity": state.equity,
        "maintenance_margin": state.maintenance,
        "margin_ratio": state.ratio,
        "positions": held,
    }


def why(
    result: Result | Path | str,
    number: int,
    *,
    horizon: str = HORIZON,
    path: str | None = None,
    strategy: Callable[..., Any] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Story:
    """The story of liquidation `number` of a result, as `backtest show` numbers them.

    `path` optimistic tells of that account's. `strategy` is the function that was run, where it
    was not a file. `horizon` is how long after the last step a remedy must hold. Raises UsageError
    where there is no such liquidation, ResultError where the run cannot be played again.
    """
    opened = result if isinstance(result, Result) else open_result(result)
    fall = pick(opened, number, path)
    venue = fall.first["venue"]
    config = config_of(opened, venue, fall.path)
    chosen = strategy_of(opened, config, strategy)
    refuse_other_data(opened, config)
    refuse_other_rules(opened, venue)
    cut = _cut(config, fall, milliseconds(horizon))
    replay = Replay(cut, chosen, fall.since.ts, progress)
    shown = ms(fall.first["ts"]) - BARS_BEFORE * cut.timeframe_ms
    base = replay.unchanged(shown)
    refuse_difference(opened, fall, base)
    return _tell(fall, replay, base)


def _cut(config: RunConfig, fall: Fall, horizon: int) -> RunConfig:
    """The config until the horizon is over."""
    bar = config.timeframe_ms
    until = ms(fall.last["ts"]) + bar + max(horizon, bar)
    if config.until is not None:
        until = min(until, config.until)
    return replace(config, until=until)


def refuse_difference(result: Result, fall: Fall, base: Outcome) -> None:
    """Raise ResultError where the replay did not give the same steps."""
    was = fall.steps
    times = was["ts"].unique().implode()
    again = base.frame("liquidations").filter(pl.col("ts").is_in(times))
    keys = ("ts", "symbol", "position_side", "event", "step")
    mine = again.join(was.select(keys), on=keys, how="semi").sort("ts", "event", "step")
    was = was.sort("ts", "event", "step")
    same = mine.height == was.height
    same = same and all(mine[name].to_list() == was[name].to_list() for name in SAME)
    same = same and all(
        np.allclose(mine[name].to_numpy(), was[name].to_numpy(), rtol=1e-9, atol=1e-9)
        for name in CLOSE_TO
    )
    if not same:
        raise ResultError(
            f"liquidation {fall.number} of {result.path} did not come out the same when it was "
            "played again, so nothing can be said of what would have saved it: the program has "
            "changed since, or the strategy keeps something outside its view.state; run it again."
        )


def _tell(fall: Fall, replay: Replay, base: Outcome) -> Story:
    symbols = replay.group.accounts[0].symbols
    time = ms(fall.first["ts"])
    keys = [(symbol, side) for symbol in symbols for side in POSITION_SIDES]
    now = {key: rules_at(base, symbols, key, time) for key in keys}
    then = {key: rules_at(base, symbols, key, fall.since.ts) for key in keys}
    now = {key: then[key] if then[key]["frozen"] else one for key, one in now.items()}
    end = triggered(base, fall, time, now)
    start = _start(replay, base, fall, then)
    moved = []
    if start is not None:
        rules = {key: (then[key], now[key]) for key in keys}
        moved = parts(readings(base, fall, (start, end), rules))
    judge = Judge(replay, fall, base, end)
    return Story(
        fall.number, fall.count, replay.config, fall, start, end, moved,
        around(replay, base, fall), list(all_remedies(judge)), judge.worth(base),
        judge.change_at, int(replay.config.until or 0), replay.runs, _step_texts(replay, fall),
    )  # fmt: skip


def _step_texts(replay: Replay, fall: Fall) -> dict[str, str]:
    """What the venue's process says of each step that was taken, by the step's name."""
    config, account = replay.config, replay.group.accounts[0]
    book = override(account.rulebook, config.rules)
    when = ms(fall.first["ts"]) if config.rules_as_of is None else config.rules_as_of
    contract = book.instrument(fall.key[0]).contract
    names = set(fall.steps["step_name"])
    steps = book.process(config.margin, when, contract, config.margin).steps
    return {step.name: step_text(step) for step in steps if step.name in names}


def _start(replay: Replay, base: Outcome, fall: Fall, rules: Mapping[Key, Any]) -> State | None:
    """The bucket right after the open at which it was complete, or at the close of that bar."""
    since = fall.since
    if since.at_open:
        return sampled(replay.at_its_open(), fall, since.ts, rules)
    if since.ts == ms(fall.first["ts"]):
        return None
    return sampled(base, fall, since.ts, rules)
