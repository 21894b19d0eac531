"""The flags that describe a run, and how they become a config."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from backtest.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

FLAGS: tuple[Callable[[Any], Any], ...] = (
    click.option("--config", type=click.Path(path_type=Path), help="TOML file of settings."),
    click.option("--orders", help="Replay orders from a Parquet or CSV file instead."),
    click.option("-p", "--param", "params", multiple=True, help="Strategy parameter, NAME=VALUE."),
    click.option("--data", help="Folder of market data [the bundled sample]."),
    click.option("--venue", "venues", help="Venues whose rules to run, comma-separated."),
    click.option(
        "--symbol",
        "--symbols",
        "symbols",
        help="Symbols, comma-separated, like BTC/USDT:USDT, or a coin: BTC.",
    ),
    click.option("--timeframe", help="Bar length [1h]."),
    click.option("--since", help="First bar, like 2022-05-01."),
    click.option("--until", help="End, exclusive."),
    click.option("--timerange", help="20220501-20220701 instead of --since and --until."),
    click.option("--prices", help="Run every venue's rules on this venue's prices."),
    click.option("--cash", help="Starting money per settle asset, in USD [10000]."),
    click.option("--cash-in", help="usd, or settle: --cash is in coin [usd]."),
    click.option("--exposure", help="Multiplies the strategy's targets [1]."),
    click.option("--leverage", help="The venue's leverage setting [10]."),
    click.option("--margin", help="isolated or cross [isolated]."),
    click.option("--position-mode", help="one_way or hedge: two legs per symbol [one_way]."),
    click.option("--slippage", help="On ordinary fills, bps [0]."),
    click.option("--liquidation-slippage", help="On forced market exits, bps or 'bar' [0]."),
    click.option("--on-liquidation", help="stop, continue or refill [continue]."),
    click.option("--refill-below", help="Share of the start that triggers a refill [0.5]."),
    click.option("--rebalance", help="change, always or a band of exposure [change]."),
    click.option("--reenter", is_flag=True, default=None, help="Open again after liquidation."),
    click.option("--missing-funding", help="zero, last or a rate [zero]."),
    click.option("--max-gap", help="A longer hole ends positions [24h]."),
    click.option("--sample", help="How often equity and margin are recorded [1h]."),
    click.option(
        "--policy",
        "policies",
        multiple=True,
        help="Risk tool beside the strategy, like stop_loss:0.05; see the README.",
    ),
    click.option("--alerts", help="Margin ratios that on_bar is told of, like 0.5,0.8."),
    click.option("--reserve", help="Money outside the venue, in the unit of --cash [0]."),
    click.option("--reserve-delay", help="How long it is on its way, like 30m [0]."),
    click.option("--path", help="both, or only pessimistic or optimistic inside of bars [both]."),
    click.option("--timeframe-detail", help="Look inside bars with 5m, 1m, off [what there is]."),
    click.option("--detail-tolerance", help="Finer data may differ by this fraction [0.001]."),
    click.option("--strict-rules", is_flag=True, default=None, help="Refuse extrapolated rules."),
    click.option("--rules-as-of", help="Hold the rules of this date over the whole run."),
    click.option(
        "--skip-refused", is_flag=True, default=None, help="Leave out venues that cannot run it."
    ),
    click.option("--rule", "rules", multiple=True, help="Replace a rule, KEY=VALUE."),
    click.option("--seed", help="Kept in the manifest [0]."),
)


def run_flags(command: F) -> F:
    """Add all flags of a run to a command."""
    for flag in reversed(FLAGS):
        command = flag(command)
    return command


def settings(flags: dict[str, Any]) -> dict[str, Any]:
    """Flags that were given, as settings; pairs and time ranges taken apart."""
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    for name in ("params", "rules"):
        if name in given:
            given[name] = pairs(name, given[name])
    if "timerange" in given:
        if "since" in given or "until" in given:
            raise UsageError("give --timerange or --since and --until, not both.")
        given.update(_time_range(given.pop("timerange")))
    return given


def pairs(name: str, texts: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE texts of a flag as a mapping."""
    return dict(_pair(name, text) for text in texts)


def _pair(name: str, text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise UsageError(f"{text!r} is not NAME=VALUE, which {name} needs.")
    return key.strip(), value.strip()


def _time_range(text: str) -> dict[str, str]:
    since, separator, until = text.partition("-")
    if not separator or "-" in until:
        raise UsageError(f"--timerange {text!r} is not like 20220501-20220701.")
    return {k: v for k, v in (("since", since), ("until", until)) if v}


def build_config(strategy: str | None, flags: dict[str, Any]) -> Any:
    """The config of a run from a TOML file and the flags on top of it."""
    from backtest.config import from_mapping, read_toml

    given = settings(flags)
    path = given.pop("config", None)
    base = read_toml(path) if path is not None else {}
    if strategy is not None:
        given["strategy"] = strategy
    for name, other in (("strategy", "orders"), ("orders", "strategy")):
        if name in given and other not in given:
            base.pop(other, None)
    for name in ("params", "rules"):
        if name in given and isinstance(base.get(name), dict):
            given[name] = {**base[name], **given[name]}
    return from_mapping({**base, **given})
