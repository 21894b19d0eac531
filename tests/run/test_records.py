"""The record files: their columns, and what stands in them on a market made by hand."""

from datetime import UTC, datetime

import polars as pl
import pyarrow.parquet as pq
import pytest

import backtest as bt
from backtest.result import FRAMES

from .market import BTC, ETH, HOUR, START, flat, steps

TIME = pl.Datetime("ms", "UTC")
TEXTS = ("venue", "symbol", "side", "scope", "cause", "step_name", "reason", "exit_reason")
TEXTS = (*TEXTS, "asset", "kind", "position_side", "certainty", "path", "source")
TIMES = ("ts", "entry_time", "exit_time", "start", "stop")
FLAGS = ("mark_is_proxy", "rules_extrapolated", "is_assumed")
COUNTS = ("event", "step", "tier_before", "tier_after", "tier", "bars_held", "bars", "order_id")
COLUMNS = {
    "liquidations": "ts venue path symbol position_side event step step_name scope cause side "
    "size_before size_closed entry_price mark_price liquidation_price bankruptcy_price "
    "exit_price equity_before maintenance_margin margin_ratio slippage fee forfeited residual "
    "shortfall insurance leverage_effective tier_before tier_after bars_held mark_is_proxy "
    "rules_extrapolated usd_price certainty",
    "trades": "venue path symbol position_side side entry_time exit_time entry_price exit_price "
    "size exposure leverage pnl return_pct fees funding mae mfe bars_held exit_reason "
    "certainty",
    "fills": "ts venue path symbol position_side reason size price fee slippage realized_pnl "
    "shortfall position_after margin_after cash_after usd_price order_id certainty",
    "funding": "ts venue path symbol position_side size price funding_rate amount is_assumed "
    "mark_is_proxy usd_price",
    "equity": "ts venue path asset equity equity_low equity_usd cash unrealized_pnl notional "
    "initial_margin maintenance_margin margin_ratio available effective_leverage",
    "margin": "ts venue path symbol position_side size entry_price mark_price unrealized_pnl "
    "isolated_margin initial_margin maintenance_margin liquidation_price tier mark_is_proxy "
    "rules_extrapolated equity margin_ratio available effective_leverage distance_to_liquidation",
    "rejections": "ts venue path symbol position_side reason size price required "
    "available order_id",
    "deposits": "ts venue path asset source amount usd_price",
    "marks": "ts venue path symbol position_side event size entry_price mark_price "
    "unrealized_pnl maintenance_margin",
    "gaps": "ts venue symbol kind start stop bars",
}


def at(hour):
    return datetime.fromtimestamp((START + hour * HOUR) / 1000, UTC)


def expected_type(name):
    for names, kind in ((TEXTS, pl.String), (TIMES, TIME), (FLAGS, pl.Boolean), (COUNTS, pl.Int64)):
        if name in names:
            return kind
    return pl.Float64


@pytest.fixture
def lively(market):
    """A run in which every kind of record has rows but gaps, and marks, which pools leave."""
    market.add(steps(100, 100, 101, 88, 88, 88, 100, 100, 100, 100), funding=[0.0, 0.001])
    answers = iter([1.0, 500.0, 2.0, 1.0, 2.0, 1.0, 2.0])
    return market.run(
        lambda view: next(answers, None), leverage=10, on_liquidation="refill", refill_below=0.99,
        exposure=5,
    )  # fmt: skip


def test_every_kind_has_its_file_and_columns(lively):
    assert set(FRAMES) == set(COLUMNS)
    for kind, names in COLUMNS.items():
        frame = lively.frame(kind)
        assert set(frame.columns) == set(names.split()), kind
        for name, dtype in frame.schema.items():
            assert dtype == expected_type(name), (kind, name)


def test_every_kind_has_rows_where_something_happened(lively):
    rows = lively.manifest["rows"]
    assert rows == {kind: lively.frame(kind).height for kind in FRAMES}
    assert [kind for kind, count in rows.items() if count == 0] == ["marks", "gaps"]


def test_files_without_rows_have_the_same_columns(market):
    result = market.add(flat(100, 4)).run(lambda view: None)
    for kind, names in COLUMNS.items():
        assert set(result.frame(kind).columns) == set(names.split())
    assert result.liquidations.height == result.fills.height == 0


def test_files_say_whether_the_market_was_real(market):
    real = market.add(flat(100, 4)).run("strategies/hold.py")
    made = bt.run("strategies/hold.py", out=market.root.parent / "made", until="2023-01-08")
    for result, word in ((real, b"false"), (made, b"true")):
        for kind in FRAMES:
            schema = pq.read_schema(result.path / f"{kind}.parquet")
            assert schema.metadata[b"synthetic"] == word
    assert "synthetic" in str(made)
    assert "synthetic" not in str(real)


def test_one_position_by_hand(market):
    # 10 BTC bought at 100 with 1000: 20x maintenance of the first tier is 0.4 %
    mark = [(c, c, c, c) for c in (100, 100, 102, 102, 102, 102, 102, 102, 102, 102)]
    market.add(flat(100, 10), mark=mark, funding=[0.0005, 0.001])
    result = market.run("strategies/hold.py", cash=1000, leverage=5)

    fill = result.fills.row(0, named=True)
    assert (fill["ts"], fill["size"], fill["price"], fill["reason"]) == (at(1), 10, 100, "signal")
    assert fill["fee"] == pytest.approx(10 * 100 * 0.0005)

    paid = result.funding.row(0, named=True)
    assert result.funding.height == 1  # the one at hour 0 came before the position
    assert (paid["ts"], paid["size"], paid["price"]) == (at(8), 10, 102)
    assert paid["amount"] == pytest.approx(10 * 102 * 0.001)

    row = result.margin.filter(ts=at(9)).row(0, named=True)
    bucket = 1000 / 5 - 0.5 - 1.02  # margin less the opening fee and the funding
    assert row["isolated_margin"] == pytest.approx(bucket)
    assert row["unrealized_pnl"] == pytest.approx(10 * 2)
    assert row["equity"] == pytest.approx(bucket + 20)
    assert row["maintenance_margin"] == pytest.approx(10 * 102 * 0.004)
    assert row["margin_ratio"] == pytest.approx(4.08 / (bucket + 20))
    assert row["initial_margin"] == pytest.approx(1020 / 5)
    assert row["available"] == pytest.approx(bucket + 20 - 204)
    assert row["effective_leverage"] == pytest.approx(1020 / (bucket + 20))
    level = (1000 - bucket) / (10 * (1 - 0.004))
    assert row["liquidation_price"] == pytest.approx(level)
    assert row["distance_to_liquidation"] == pytest.approx((102 - level) / 102)

    end = result.equity.filter(ts=at(9)).row(0, named=True)
    assert end["equity"] == pytest.approx(1000 - 0.5 - 1.02 + 20)
    assert end["available"] == end["cash"] == pytest.approx(800)
    assert end["margin_ratio"] == row["margin_ratio"]
    assert end["notional"] == pytest.approx(1020)

    trade = result.trades.row(0, named=True)
    assert (trade["entry_time"], trade["exit_time"], trade["side"]) == (at(1), at(9), "long")
    assert trade["pnl"] == pytest.approx(20 - 0.5 - 1.02)
    assert (trade["bars_held"], trade["exit_reason"]) == (8, "end")
    assert trade["mfe"] == pytest.approx(0.02)
    assert trade["return_pct"] == pytest.approx(100 * (20 - 0.5 - 1.02) / 1000)


def test_margin_of_a_cross_account_is_that_of_the_pool(market):
    market.add(flat(100, 4)).add(flat(50, 4), ETH)
    result = market.run(
        lambda view: {BTC: 1.0, ETH: -0.5}, symbols=[BTC, ETH], margin="cross", cash=1000
    )
    pool = result.equity.filter(ts=at(3)).row(0, named=True)
    needed = 1000 * 0.004 + 500 * 0.004
    assert pool["maintenance_margin"] == pytest.approx(needed, rel=0.3)  # ETH has its own rate
    for row in result.margin.filter(ts=at(3)).iter_rows(named=True):
        assert row["equity"] == pool["equity"]
        assert row["margin_ratio"] == pool["maintenance_margin"] / pool["equity"]
        assert row["available"] == pytest.approx(pool["equity"] - 1500 / 10)
        assert row["effective_leverage"] == pytest.approx(1500 / pool["equity"])


def test_holes_are_recorded_with_the_symbols_of_the_venue(market):
    market.write(flat(100, 4), "trade", name="1h_a")
    market.write(flat(100, 4), "trade", name="1h_b", first=7)
    market.write(flat(100, 11), "mark")
    result = market.run("strategies/hold.py", venues="hyperliquid", prices="binanceusdm")
    hole = result.gaps.filter(kind="trade").row(0, named=True)
    assert (hole["start"], hole["stop"], hole["bars"]) == (at(4), at(7), 3)
    assert hole["symbol"] == "BTC/USDC:USDC"


def test_frames_are_sorted_by_venue_and_time(market):
    closes = [100 + (n * 7) % 13 for n in range(300)]
    market.add(steps(*closes))
    result = market.run(
        lambda view: 9.0 if view.close() > 106 else -9.0, venues="okx,bybit,binanceusdm",
        prices="binanceusdm", leverage=50, on_liquidation="refill",
    )  # fmt: skip
    for kind in ("liquidations", "fills", "funding", "equity", "margin"):
        frame = result.frame(kind)
        assert frame["venue"].n_unique() >= 2, kind
        assert frame.select("venue", "ts").equals(frame.sort("venue", "ts").select("venue", "ts"))
    assert result.summary["venue"].to_list() == ["okx", "bybit", "binanceusdm"]


def test_the_same_run_twice_gives_the_same_bytes_and_hash(lively, market):
    again = market.run("strategies/hold.py"), market.run("strategies/hold.py")
    assert again[0].hash == again[1].hash
    assert again[0].hash != lively.hash
    for kind in FRAMES:
        one, other = ((r.path / f"{kind}.parquet").read_bytes() for r in again)
        assert one == other


def test_the_same_numbers_of_another_symbol_have_another_hash(market):
    market.add(flat(100, 12)).add(flat(100, 12), ETH)
    one, other = (market.run(lambda view: None, symbols=s) for s in (BTC, ETH))
    assert one.equity.equals(other.equity)
    assert one.hash != other.hash


def test_the_hash_does_not_depend_on_how_records_were_gathered(market, monkeypatch):
    from backtest import records

    market.add(steps(*[100 + n % 7 for n in range(60)]))
    whole = market.run("strategies/hold.py")
    monkeypatch.setattr(records, "GATHERED_BYTES", 1)
    parts = market.run("strategies/hold.py")
    assert whole.hash == parts.hash
    for kind in FRAMES:
        assert whole.frame(kind).equals(parts.frame(kind))


# --- a result that is damaged --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no run at"),
        ("{", "is damaged: .*; run it again"),
        ("[]", "is damaged: it is not a table"),
        ("{}", "has format None, this program reads 1"),
        ('{"format": 1}', "has no 'accounts'"),
    ],
)
def test_a_broken_manifest_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(bt.ResultError, match=message):
        bt.open_result(tmp_path)


def test_a_broken_record_file_is_refused(lively):
    (lively.path / "trades.parquet").write_bytes(b"not a table")
    (lively.path / "fills.parquet").unlink()
    opened = bt.open_result(lively.path)
    for kind in ("trades", "fills"):
        with pytest.raises(bt.ResultError, match=f"{kind}.parquet cannot be read: .*; run it"):
            opened.frame(kind)


def test_an_unknown_kind_of_record_gets_a_hint(lively):
    with pytest.raises(bt.UsageError, match="'liquidation'; did you mean 'liquidations'"):
        lively.frame("liquidation")
