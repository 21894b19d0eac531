"""A small market that a test writes bar by bar, and the command line called in this process."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

import backtest as bt
from backtest.cli.main import main

HOUR = 3_600_000
START = 1_704_067_200_000  # 2024-01-01 00:00 UTC
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
Candle = tuple[float, float, float, float]


def flat(price: float, count: int) -> list[Candle]:
    """Bars in which nothing moves."""
    return [(price, price, price, price)] * count


def steps(*closes: float) -> list[Candle]:
    """Bars that go from the last close straight to the next one."""
    opens = (closes[0], *closes[:-1])
    return [(a, max(a, b), min(a, b), b) for a, b in zip(opens, closes, strict=True)]


def stamps(count: int, first: int = 0, hours: float = 1) -> pl.Series:
    """Opens of `count` bars from bar `first` of the test market on."""
    values = [START + round((first + n) * hours * HOUR) for n in range(count)]
    return pl.Series("ts", values, dtype=pl.Int64).cast(pl.Datetime("ms", "UTC"))


@dataclass
class Market:
    """A store under `root` with one venue unless another is named; bars are hours from START."""

    root: Path

    def add(
        self,
        candles: Sequence[Candle],
        symbol: str = BTC,
        *,
        venue: str = "binanceusdm",
        mark: Sequence[Candle] | None = None,
        funding: Sequence[float] | None = None,
        first: int = 0,
    ) -> "Market":
        """Write a symbol's bars; mark is trade unless given, funding is every eight hours."""
        self.write(candles, "trade", symbol, venue, first)
        self.write(candles if mark is None else mark, "mark", symbol, venue, first)
        rates = [0.0] * (1 + (len(candles) - 1) // 8) if funding is None else list(funding)
        frame = pl.DataFrame({"ts": stamps(len(rates), hours=8), "funding_rate": rates})
        self._put(frame, venue, symbol, "funding", "funding")
        return self

    def write(
        self, candles: Sequence[Candle], kind: str, symbol: str = BTC,
        venue: str = "binanceusdm", first: int = 0, name: str = "1h", hours: float = 1,
    ) -> Path:  # fmt: skip
        """Write one file of candles, each so many hours long."""
        columns = ("open", "high", "low", "close")
        frame = pl.DataFrame(candles, schema=dict.fromkeys(columns, pl.Float64), orient="row")
        frame = frame.insert_column(0, stamps(len(candles), first, hours))
        if kind == "trade":
            frame = frame.with_columns(volume=pl.lit(1.0))
        return self._put(frame, venue, symbol, kind, name)

    def _put(self, frame: pl.DataFrame, venue: str, symbol: str, kind: str, name: str) -> Path:
        path = self.path(kind, name, symbol, venue)
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
        return path

    def path(
        self, kind: str, name: str = "1h", symbol: str = BTC, venue: str = "binanceusdm"
    ) -> Path:
        """Where a file lies."""
        folder = symbol.replace("/", "_").replace(":", "_")
        return self.root / venue / folder / kind / f"{name}.parquet"

    def run(self, strategy: object = None, **settings: object) -> bt.Result:
        """Run on this market; results lie beside it, one after the other."""
        out = self.root.parent / "runs" / str(len(list(self.root.parent.glob("runs/*"))))
        return bt.run(strategy, out=out, data=str(self.root), **settings)


class Cli:
    """`backtest` called with arguments in this process; keeps what it said."""

    def __init__(self, monkeypatch, capsys) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: object) -> int:
        """The exit code."""
        self._monkeypatch.setattr(sys, "argv", ["backtest", *map(str, arguments)])
        code: object = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        self.out, self.err = self._capsys.readouterr()
        return int(str(code or 0))

    @property
    def sentence(self) -> str:
        """What an error said: exactly one line that begins with `error:`, and no traceback."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("error: ")
        assert lines[0].endswith((".", "?"))
        return lines[0].removeprefix("error: ")
