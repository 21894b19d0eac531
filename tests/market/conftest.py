"""A small store that a test fills row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtest.market.funding import Schedule
from backtest.market.layout import timeframe_ms
from backtest.market.store import Store
from backtest.market.stream import Stream, SymbolData

HOUR = 3_600_000
START = 1_700_006_400_000  # 2023-11-15 00:00 UTC
SYMBOL = "BTC/USDT:USDT"


def hours(*numbers: float) -> list[int]:
    """Times in ms, counted in hours from the start of the test market."""
    return [START + round(n * HOUR) for n in numbers]


@dataclass
class Builder:
    """Writes series into a store under `root`; all times are hours from START."""

    root: Path

    def candles(
        self,
        at: Sequence[float],
        kind: str = "trade",
        *,
        symbol: str = SYMBOL,
        name: str = "1h",
        base: float = 100.0,
        **changed: object,
    ) -> Path:
        """Candles at these hours; the close is base + hour. `changed` replaces whole columns."""
        close = base + np.asarray(at, float)
        frame = pl.DataFrame(
            {"open": close - 0.5, "high": close + 1.0, "low": close - 1.0, "close": close}
        )
        if kind == "trade":
            frame = frame.with_columns(volume=pl.lit(10.0))
        return self.write(at, frame.with_columns(**changed), kind, symbol, name)

    def funding(
        self, at: Sequence[float], rates: Sequence[float] | None = None, *, symbol: str = SYMBOL
    ) -> Path:
        """Settlements at these hours; the rate is hour × 1e-6 unless given."""
        values = [h * 1e-6 for h in at] if rates is None else list(rates)
        frame = pl.DataFrame({"funding_rate": values})
        return self.write(at, frame, "funding", symbol, "funding")

    def write(
        self, at: Sequence[float], frame: pl.DataFrame, kind: str, symbol: str, name: str
    ) -> Path:
        folder = symbol.replace("/", "_").replace(":", "_")
        path = self.root / "testvenue" / folder / kind / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        ts = pl.Series("ts", hours(*at), dtype=pl.Int64).cast(pl.Datetime("ms", "UTC"))
        frame.insert_column(0, ts).write_parquet(path)
        return path

    def store(self) -> Store:
        return Store(self.root)

    def data(self, symbol: str = SYMBOL, *, name: str = "1h", funding_hours: int = 8) -> SymbolData:
        store = self.store()
        return SymbolData(
            store.series("testvenue", symbol, "trade", name),
            store.find("testvenue", symbol, "mark", name),
            store.find("testvenue", symbol, "funding"),
            (Schedule(0, funding_hours * HOUR),),
        )

    def stream(self, *symbols: str, name: str = "1h", **options: object) -> Stream:
        data = [self.data(s, name=name) for s in symbols or (SYMBOL,)]
        return Stream(data, timeframe_ms(name), **options)


@pytest.fixture
def market(tmp_path: Path) -> Builder:
    return Builder(tmp_path / "store")
