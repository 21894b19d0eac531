"""`explain` and a run give one position the same numbers, on every venue, in every mode."""

import numpy as np
import pytest

from backtest.core.engine import Engine, Settings
from backtest.core.types import MarginMode, TierKey
from backtest.explanation import explain
from backtest.venues import known, load, resolve
from tests.core.accounts import HOUR, bars, orders

PRICES = {"BTC": 50_000.0, "ETH": 2_000.0}
LEVERAGE = 8.0
SYMBOLS = [
    (venue, symbol)
    for venue in known()
    for symbol in load(venue).symbols()
    if symbol.partition("/")[0] in PRICES and not symbol.endswith("*")
]
MARGINS = ("maintenance_margin", "initial_margin", "unrealized_pnl", "tier")


def size_of(instrument, rules):
    """A size of whole lots on every venue, within the tiers that are known."""
    size = {"linear": 0.1, "inverse": 200.0, "quanto": 10.0}[instrument.contract]
    return min(size, float(rules["cap"])) if rules["tier_key"] == TierKey.SIZE else size


def sampled(records, mode, signed, cash, price):
    """(cash, margin record) after a position was bought at a price that then rose by 1 %."""
    settings = Settings(MarginMode[mode.upper()], LEVERAGE, HOUR, HOUR)
    e = Engine(settings, [records], [0], [cash])
    e.give(orders((0, 0, "SIZE", signed)))
    up = price * 1.01
    e.feed(*bars([(price,) * 4, (price,) * 4, (price, up, price, up)]))
    assert not len(e.take("rejections"))
    return float(e.take("equity")["cash"][-1]), e.take("margin")[-1]


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("mode", ["isolated", "cross"])
@pytest.mark.parametrize(("venue", "symbol"), SYMBOLS)
def test_a_position_explained_is_that_position_in_a_run(venue, symbol, mode, side):
    book = load(venue)
    instrument, ts = book.instrument(symbol), book.latest([symbol])
    records = resolve(book, symbol, ts, ts + 1, mode=mode, leverage=LEVERAGE)
    price, size = PRICES[instrument.base], size_of(instrument, records[0])
    worth = {"linear": size * price, "inverse": size / price}.get(
        instrument.contract, size * price * instrument.multiplier
    )
    cash, m = sampled(records, mode, size if side == "long" else -size, 0.3 * worth, price)
    asked = {"side": side, "entry": price, "mark": float(m["mark_price"]), "size": size}
    money = {"cash": cash} if mode == "cross" else {}
    found = explain(venue, symbol, leverage=LEVERAGE, margin=mode, **asked, **money)
    assert float(m["mark_price"]) == pytest.approx(1.01 * price)
    for name in MARGINS:
        assert getattr(found, name) == pytest.approx(float(m[name]), rel=1e-12), name
    level = found.liquidation_price or (0.0 if side == "long" else np.inf)
    assert level == pytest.approx(float(m["liquidation_price"]), rel=1e-12)
    if mode == "isolated":
        kept = found.equity - found.unrealized_pnl
        assert kept == pytest.approx(float(m["isolated_margin"]), rel=1e-12)
