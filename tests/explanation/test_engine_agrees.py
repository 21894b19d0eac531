"""`explain` and a run give one position the same numbers, on every venue, in every mode."""

import numpy as np
import pytest

from backtest.core.engine import Engine, Settings
from backtest.core.tiers import tier_key
from backtest.core.types import MarginMode, TierKey
from backtest.explanation import explain, explain_pool
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


def level_of(m):
    """The liquidation price in a margin record; -1 where there is none."""
    level = float(m["liquidation_price"])
    return level if 0.0 < level < np.inf else -1.0


def key_of(rules, size, price):
    """What the tier table counts of a size bought at a price."""
    return float(tier_key(rules, size, price, price))


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
    assert (found.liquidation_price or -1.0) == pytest.approx(level_of(m), rel=1e-12)
    if mode == "isolated":
        kept = found.equity - found.unrealized_pnl
        assert kept == pytest.approx(float(m["isolated_margin"]), rel=1e-12)


def pools():
    """(venue, symbols) of two contracts that share a wallet, and of one whose two legs do."""
    for venue in known():
        by_settle = {}
        for _, symbol in (pair for pair in SYMBOLS if pair[0] == venue):
            by_settle.setdefault(load(venue).instrument(symbol).settle, []).append(symbol)
        yield from ((venue, tuple(group[:2]), False) for group in by_settle.values() if group[1:])
        if "hedge.legs" in load(venue).decisions:
            yield from ((venue, (group[0],), True) for group in by_settle.values())


def sampled_pool(rules, sizes, prices, cash):
    """(equity record, margin records) after positions were bought and every price rose by 1 %."""
    settings = Settings(MarginMode.CROSS, LEVERAGE, HOUR, HOUR)
    e = Engine(settings, rules, [0] * len(rules), [cash], legs=len(sizes) > len(rules))
    e.give(orders(*((0, i, "SIZE", size) for i, size in enumerate(sizes))))
    e.feed(*bars(*([(p,) * 4, (p,) * 4, (p, 1.01 * p, p, 1.01 * p)] for p in prices)))
    assert not len(e.take("rejections"))
    equity, margins = e.take("equity")[-1], e.take("margin")
    return equity, margins[margins["ts"] == equity["ts"]]


@pytest.mark.parametrize(("venue", "symbols", "hedged"), list(pools()))
def test_a_pool_explained_is_that_pool_in_a_run(venue, symbols, hedged):
    book = load(venue)
    ts = book.latest(symbols)
    instruments = [book.instrument(symbol) for symbol in symbols]
    rules = [
        resolve(book, symbol, ts, ts + 1, mode="cross", leverage=LEVERAGE) for symbol in symbols
    ]
    prices = [PRICES[one.base] for one in instruments]
    sizes = [size_of(one, r[0]) for one, r in zip(instruments, rules, strict=True)]
    cash = sum(
        s / p if i.contract == "inverse" else s * p * i.multiplier
        for s, p, i in zip(sizes, prices, instruments, strict=True)
    )
    held = [sizes[0], -sizes[-1] / (2.0 if hedged else 1.0)]
    if hedged and key_of(rules[0][0], sum(map(abs, held)), prices[0]) > rules[0][0]["cap"]:
        pytest.skip("the tiers that are known hold no two legs of whole lots")
    equity, margins = sampled_pool(rules, held, prices, cash)
    rows = [
        {
            "symbol": symbols[0 if hedged else i],
            "side": "long" if m["size"] > 0 else "short",
            "size": abs(float(m["size"])),
            "entry": float(m["entry_price"]),
            "mark": float(m["mark_price"]),
            "leverage": LEVERAGE,
        }
        for i, m in enumerate(margins)
    ]
    pool = explain_pool(venue, rows, cash=float(equity["cash"]))
    assert len(rows) == 2
    assert pool.initial_margin == pytest.approx(float(equity["initial_margin"]), rel=1e-12)
    assert pool.maintenance_margin == pytest.approx(float(equity["maintenance_margin"]), rel=1e-12)
    for found, m in zip(pool.positions, margins, strict=True):
        for name in MARGINS:
            assert getattr(found, name) == pytest.approx(float(m[name]), rel=1e-12), name
        assert (found.liquidation_price or -1.0) == pytest.approx(level_of(m), rel=1e-9)
