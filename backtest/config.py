"""A run as one frozen value, from Python, a TOML file or the command line."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from .core.state import OnLiquidation
from .core.state import Path as Way
from .core.types import MarginMode
from .errors import UnknownNameError, UsageError
from .legs import POSITION_MODES
from .policies import describe, parse_policy
from .values import (
    HOUR,
    check,
    flag,
    format_time,
    milliseconds,
    names,
    number,
    one_of,
    parse_time,
    several,
    table,
    text,
    whole,
)

__all__ = ["HOUR", "RunConfig", "format_time", "from_mapping", "milliseconds", "parse_time"]

FundingPolicy = Literal["zero", "last"] | float
BPS = 10_000.0
DETAIL_TOLERANCE = 0.001
"""The relative difference up to which finer candles may part from the bar they make up."""


@dataclass(frozen=True)
class RunConfig:
    """What to run.

    Times are milliseconds since 1970 UTC, slippage is in basis points. `strategy` is a path;
    `orders` a file of orders instead. `cash` is in USD, with which an account that settles in a
    coin buys it at the first trade open (a stablecoin is one USD), or with `cash_in` "settle" in
    each settle asset. Without `data` the bundled sample is used. `prices` names the
    venue on whose prices every venue's rules run.
    `position_mode` is one_way, or hedge for a long and a short leg of each symbol. `rules_as_of`
    holds the rules of one date over the whole run. `skip_refused` leaves out venues that cannot
    take the run. `policies` are risk tools beside the strategy (`backtest.policies`), `alerts`
    margin ratios that raise an alert, `reserve` money outside the venue, in the unit of `cash`, of
    which a transfer arrives `reserve_delay` after the close. `missing_funding` is zero, last or a
    rate. `path` is both, or the pessimistic or optimistic one alone, of the ways that a bar leaves
    open. `timeframe_detail` is the finer timeframe that tells what happened inside of bars, or
    off; without it all finer ones of the data do. `detail_tolerance` is the fraction by which those
    may part from the bar they make up.
    Values may be text, as a command line gives them.
    """

    strategy: str | None = None
    orders: str | None = None
    data: str | None = None
    venues: tuple[str, ...] = ("binanceusdm",)
    symbols: tuple[str, ...] = ("BTC/USDT:USDT",)
    timeframe: str = "1h"
    since: int | None = None
    until: int | None = None
    prices: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    cash: float = 10_000.0
    cash_in: str = "usd"
    exposure: float = 1.0
    leverage: float = 10.0
    margin: str = "isolated"
    position_mode: str = "one_way"
    slippage: float = 0.0
    liquidation_slippage: str = "0"
    on_liquidation: str = "continue"
    refill_below: float = 0.5
    rebalance: str = "change"
    reenter: bool = False
    missing_funding: str = "zero"
    max_gap: str = "24h"
    sample: str = "1h"
    policies: tuple[Any, ...] = ()
    alerts: tuple[Any, ...] = ()
    reserve: float = 0.0
    reserve_delay: str = "0"
    path: str = "both"
    timeframe_detail: str | None = None
    detail_tolerance: float = DETAIL_TOLERANCE
    strict_rules: bool = False
    rules_as_of: int | None = None
    skip_refused: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be run; every message names the setting and its value."""
        for name, cleaned in _KINDS.items():
            value = getattr(self, name)
            if value is not None or name not in _OPTIONAL:
                object.__setattr__(self, name, cleaned(name, value))
        if (self.strategy is None) == (self.orders is None):
            raise UsageError("give a strategy file or --orders FILE, one of them and not both.")
        self._check_words()
        self._check_ranges()
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise UsageError(
                f"--since {format_time(self.since)} is not before --until "
                f"{format_time(self.until)}; swap them."
            )

    def _check_words(self) -> None:
        one_of("margin", self.margin, [m.name.lower() for m in MarginMode])
        one_of("path", self.path, [m.name.lower() for m in Way])
        one_of("cash_in", self.cash_in, ["usd", "settle"])
        one_of("position_mode", self.position_mode, list(POSITION_MODES))
        one_of("on_liquidation", self.on_liquidation, [m.name.lower() for m in OnLiquidation])
        for value in (self.timeframe, self.max_gap, self.sample):
            milliseconds(value)
        _ = self.delay_ms, [parse_policy(one) for one in self.policies]
        _ = self.liquidation_slippage_fraction, self.rebalance_band, self.funding_policy

    def _check_ranges(self) -> None:
        check("cash", self.cash, self.cash > 0, "greater than 0")
        check("leverage", self.leverage, self.leverage >= 1, "1 or more")
        check("exposure", self.exposure, self.exposure > 0, "greater than 0")
        check("reserve", self.reserve, self.reserve >= 0, "0 or more")
        for ratio in self.thresholds:
            check("alerts", ratio, 0 < ratio < 1, "margin ratios between 0 and 1")
        check("detail_tolerance", self.detail_tolerance, 0 <= self.detail_tolerance < 1, "0 to 1")
        check("slippage", self.slippage, 0 <= self.slippage < BPS, "between 0 and 10000 bps")
        check("refill_below", self.refill_below, 0 <= self.refill_below <= 1, "between 0 and 1")

    @property
    def hedge(self) -> bool:
        """Whether every symbol has a long and a short leg."""
        return self.position_mode == "hedge"

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Margin ratios at which an alert is raised, in rising order."""
        return tuple(sorted(number("alerts", one, "margin ratios") for one in self.alerts))

    @property
    def delay_ms(self) -> int:
        """How long money from the reserve is on its way."""
        return 0 if self.reserve_delay in ("0", "0m") else milliseconds(self.reserve_delay)

    @property
    def timeframe_ms(self) -> int:
        """Length of a bar."""
        return milliseconds(self.timeframe)

    @property
    def liquidation_slippage_fraction(self) -> float:
        """Slippage of forced exits as a fraction; −1 for the bar's trade extreme."""
        if self.liquidation_slippage == "bar":
            return -1.0
        bps = number("liquidation_slippage", self.liquidation_slippage, "basis points or 'bar'")
        check("liquidation_slippage", bps, 0 <= bps < BPS, "between 0 and 10000 bps, or 'bar'")
        return bps / BPS

    @property
    def rebalance_band(self) -> float:
        """Exposure drift that triggers rebalancing; −1 when only a new target does."""
        if self.rebalance == "change":
            return -1.0
        if self.rebalance == "always":
            return 0.0
        band = number("rebalance", self.rebalance, "'change', 'always' or a band of exposure")
        check("rebalance", band, band >= 0, "'change', 'always' or a band of 0 or more")
        return band

    @property
    def funding_policy(self) -> FundingPolicy:
        """What a missing settlement is charged at: zero, last or a rate."""
        if self.missing_funding in ("zero", "last"):
            return cast(FundingPolicy, self.missing_funding)
        return number("missing_funding", self.missing_funding, "'zero', 'last' or a rate")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the manifest, times as text."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["params"], values["rules"] = dict(self.params), dict(self.rules)
        values["venues"], values["symbols"] = list(self.venues), list(self.symbols)
        values["policies"] = [describe(policy) for policy in self.policies]
        values["alerts"] = list(self.thresholds)
        for name in ("since", "until", "rules_as_of"):
            values[name] = None if values[name] is None else format_time(values[name])
        return values


def _time(name: str, value: Any) -> int:
    return parse_time(value)


_OPTIONAL = (
    "strategy",
    "orders",
    "data",
    "since",
    "until",
    "prices",
    "rules_as_of",
    "timeframe_detail",
)
_KINDS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("strategy", "orders", "data", "prices", "timeframe"), text),
    **dict.fromkeys(("margin", "cash_in", "position_mode", "on_liquidation"), text),
    **dict.fromkeys(("max_gap", "sample", "path", "timeframe_detail", "reserve_delay"), text),
    **dict.fromkeys(("liquidation_slippage", "rebalance", "missing_funding"), text),
    **dict.fromkeys(("venues", "symbols"), names),
    **dict.fromkeys(("since", "until", "rules_as_of"), _time),
    **dict.fromkeys(("params", "rules"), table),
    **dict.fromkeys(("cash", "exposure", "leverage", "slippage", "refill_below"), number),
    **dict.fromkeys(("detail_tolerance", "reserve"), number),
    "policies": several,
    "alerts": partial(several, mark=","),
    **dict.fromkeys(("reenter", "strict_rules", "skip_refused"), flag),
    "seed": whole,
}


def from_mapping(values: Mapping[str, Any]) -> RunConfig:
    """A config from plain values as a TOML file or a caller gives them; unknown names refused."""
    for name in values:
        if name not in _KINDS:
            raise UnknownNameError("setting", name, _KINDS)
    return RunConfig(**values)


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file, or one sentence about why not."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}; correct it there.") from error
