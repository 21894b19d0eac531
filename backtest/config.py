"""A run as one frozen value, from Python, a TOML file or the command line."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .core.state import OnLiquidation
from .core.types import MarginMode
from .errors import UnknownNameError, UsageError

MINUTE = 60_000
UNITS = {"m": MINUTE, "h": 60 * MINUTE, "d": 1440 * MINUTE, "w": 10080 * MINUTE}
HOUR = UNITS["h"]


@dataclass(frozen=True)
class RunConfig:
    """What to run.

    Times are milliseconds since 1970 UTC, slippage is in basis points, `cash` in the settle
    asset. `strategy` is a path; `orders` a file of orders instead. `prices` names the venue on
    whose prices every venue's rules run. `missing_funding` is zero, last or a rate.
    """

    strategy: str | None = None
    orders: str | None = None
    data: str = "datasets/sample"
    venues: tuple[str, ...] = ("binanceusdm",)
    symbols: tuple[str, ...] = ("BTC/USDT:USDT",)
    timeframe: str = "1h"
    since: int | None = None
    until: int | None = None
    prices: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    cash: float = 10_000.0
    exposure: float = 1.0
    leverage: float = 10.0
    margin: str = "isolated"
    slippage: float = 0.0
    liquidation_slippage: str = "0"
    on_liquidation: str = "continue"
    refill_below: float = 0.5
    rebalance: str = "change"
    reenter: bool = False
    missing_funding: str = "zero"
    max_gap: str = "24h"
    sample: str = "1h"
    strict_rules: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be run; every message names the setting and its value."""
        if (self.strategy is None) == (self.orders is None):
            raise UsageError("give either a strategy file or --orders FILE, not both and not none.")
        _one_of("margin", self.margin, [m.name.lower() for m in MarginMode])
        _one_of("on_liquidation", self.on_liquidation, [m.name.lower() for m in OnLiquidation])
        for name in ("cash", "leverage"):
            _check(name, getattr(self, name), getattr(self, name) > 0, "greater than 0")
        _check("leverage", self.leverage, self.leverage >= 1, "1 or more")
        _check("exposure", self.exposure, self.exposure > 0, "greater than 0")
        _check("slippage", self.slippage, 0 <= self.slippage < 10_000, "between 0 and 10000 bps")
        _check("refill_below", self.refill_below, 0 <= self.refill_below <= 1, "between 0 and 1")
        if not self.venues or not self.symbols:
            raise UsageError("name at least one venue and one symbol.")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise UsageError(
                f"--since {format_time(self.since)} is not before --until "
                f"{format_time(self.until)}; swap them."
            )
        for value in (self.timeframe, self.max_gap, self.sample):
            milliseconds(value)
        _ = self.liquidation_slippage_fraction, self.rebalance_band, self.funding_policy

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
        _check("liquidation_slippage", bps, 0 <= bps < 10_000, "between 0 and 10000 bps, or 'bar'")
        return bps / 10_000

    @property
    def rebalance_band(self) -> float:
        """Exposure drift that triggers rebalancing; −1 when only a new target does."""
        if self.rebalance == "change":
            return -1.0
        if self.rebalance == "always":
            return 0.0
        band = number("rebalance", self.rebalance, "'change', 'always' or a band")
        _check("rebalance", band, band >= 0, "'change', 'always' or a band of 0 or more")
        return band

    @property
    def funding_policy(self) -> str | float:
        """What a missing settlement is charged at: zero, last or a rate."""
        if self.missing_funding in ("zero", "last"):
            return self.missing_funding
        return number("missing_funding", self.missing_funding, "'zero', 'last' or a rate")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the manifest."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["params"], values["rules"] = dict(self.params), dict(self.rules)
        values["venues"], values["symbols"] = list(self.venues), list(self.symbols)
        for name in ("since", "until"):
            values[name] = None if values[name] is None else format_time(values[name])
        return values


def from_mapping(values: Mapping[str, Any]) -> RunConfig:
    """A config from plain values as a TOML file or a caller gives them; unknown names refused."""
    known = {f.name for f in fields(RunConfig)}
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise UnknownNameError("setting", name, known)
        cleaned[name] = _clean(name, value)
    return RunConfig(**cleaned)


def from_toml(path: Path, changes: Mapping[str, Any]) -> RunConfig:
    """A config from a TOML file, with `changes` (the command line's flags) on top."""
    return from_mapping({**read_toml(path), **changes})


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file, or one sentence about why not."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}; correct it there.") from error


def changed(config: RunConfig, **changes: Any) -> RunConfig:
    """The same run with some settings changed."""
    return replace(config, **changes)


_TUPLES = ("venues", "symbols")
_TIMES = ("since", "until")
_TEXTS = ("liquidation_slippage", "rebalance", "missing_funding")
_NUMBERS = ("cash", "exposure", "leverage", "slippage", "refill_below")


def _clean(name: str, value: Any) -> Any:
    if name in _TUPLES:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))
    if name in _TIMES:
        return None if value is None else parse_time(value)
    if name in _TEXTS:
        return str(value)
    if name in _NUMBERS:
        return number(name, value, "a number")
    if name in ("params", "rules") and not isinstance(value, Mapping):
        raise UsageError(f"{name} must be a table of names and values, not {value!r}.")
    if name in ("strategy", "orders", "data") and value is not None:
        return str(value)
    return value


def number(name: str, value: Any, what: str) -> float:
    """A finite float, or a sentence that says what the setting takes."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} is {value!r}; it takes {what}.") from None
    if result != result or result in (float("inf"), float("-inf")):
        raise UsageError(f"{name} is {value!r}; it takes {what}, and a finite one.")
    return result


def milliseconds(text: str) -> int:
    """`15m`, `1h`, `24h`, `7d` as milliseconds."""
    unit = UNITS.get(text[-1:])
    count = text[:-1]
    if unit is None or not count.isdecimal() or int(count) == 0:
        raise UsageError(f"{text!r} is not a length of time; write it like 15m, 1h, 24h or 7d.")
    return int(count) * unit


def parse_time(value: Any) -> int:
    """A date, `2022-05-01`, `20220501`, `2022-05-01 12:00` or milliseconds, as ms UTC."""
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1000)
    text = str(value).strip()
    try:
        if text.isdecimal() and len(text) > 8:
            return int(text)
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is not a time; write it like 2022-05-01, 20220501 or 2022-05-01T12:00."
        ) from None
    return parse_time(parsed)


def format_time(ms: int) -> str:
    """`2022-05-01 12:00` for milliseconds UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _check(name: str, value: Any, good: bool, what: str) -> None:
    if not good:
        raise UsageError(f"{name} is {value!r}; it must be {what}.")


def _one_of(name: str, value: str, known: list[str]) -> None:
    if value not in known:
        raise UnknownNameError(name, value, known)
