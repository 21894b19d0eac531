"""One row per venue: what a run did there, in numbers."""

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import polars as pl

from .episodes import with_episodes
from .market.layout import timeframe_ms
from .paths import OPTIMISTIC, history, worst_path
from .rejected import hint, most_frequent
from .values import parse_time


def summarise(manifest: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """A frame with a row per account of the manifest.

    `frames` holds all kinds of records but fills, funding and margin. `liquidations` counts the
    positions, in cross mode accounts, that fell (`episodes`), `steps` what was done to them: `full`
    those that closed a position, `partial` those that left some of it. Money is in USD, of an
    account that settles in coin at the mark of each record and at the end at the last mark:
    `liquidation_loss` is what liquidations cost against the mark (`liquidation_fees`,
    `forfeited` to a takeover, slippage), `residual` what each left in its bucket. `fees` are
    those of trading. `return_pct` counts deposits after the start as money put in;
    `max_drawdown_pct` is the largest fall of sampled equity from its peak. `equity_settle` is the
    final equity in the settle asset, where there is one only.

    Where bars leave several ways open all this is of the pessimistic account (of the optimistic
    one where a run has no other); `best_…` is of the optimistic one, and `certain` counts
    liquidations that happen on every way of their bar.
    """
    rows, bar_ms = [], timeframe_ms(manifest["config"]["timeframe"])
    worst = worst_path(manifest["config"])
    for account in manifest["accounts"]:
        mine = pl.col("venue") == account["venue"]
        own = {kind: frame.filter(mine) for kind, frame in frames.items()}
        lives = [_of_life(own, path, bar_ms) for path in (worst, OPTIMISTIC)]
        rows.append(_row(account, lives[0]) | _best(account, lives))
    return pl.DataFrame(rows, schema_overrides=_SCHEMA, infer_schema_length=None)


USED = ("equity", "deposits")
INSIDE = ("unsure_bars", "drilled_bars", "resolved_bars")
_SCHEMA = {"first_liquidation": pl.Datetime("ms", "UTC"), "equity_settle": pl.Float64()}
_COSTS = ("fee", "forfeited", "slippage")


def _of_life(frames: Mapping[str, pl.DataFrame], path: str, bar_ms: int) -> dict[str, pl.DataFrame]:
    found = {kind: history(frame, path) for kind, frame in frames.items()}
    found["liquidations"] = with_episodes(found["liquidations"], bar_ms)
    return found


def _best(
    account: Mapping[str, Any], lives: Sequence[Mapping[str, pl.DataFrame]]
) -> dict[str, Any]:
    """The better end of an account, which is its only one while it has not parted."""
    end = account["optimistic"] or account
    steps = lives[1 if account["optimistic"] else 0]["liquidations"]
    totals = {k: nan if end["totals"][k] is None else end["totals"][k] for k in USED}
    return {
        "best_liquidations": steps["episode"].n_unique(),
        "best_equity_final": totals["equity"],
        "best_return_pct": 100.0 * (totals["equity"] / totals["deposits"] - 1.0),
        **{name: account["inside"][name] for name in INSIDE},
        "detail": ",".join(account["inside"]["timeframes"]),
    }


def _row(account: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    totals = account["totals"]
    usd = {name: nan if value is None else value for name, value in totals.items()}
    paid_in, final = usd["deposits"], usd["equity"]
    return {
        "venue": account["venue"],
        "symbols": ",".join(account["symbols"]),
        "prices": account["price_venue"],
        "since": account["since"],
        "until": account["until"],
        "stopped": account["stopped"],
        "bars": account["bars"],
        "proxy_share": account["proxy_share"],
        "extrapolated_share": account["extrapolated_share"],
        "rules_begin": account["rules_begin"],
        "funding_events": account["funding_events"],
        "assumed_funding_events": account["assumed_funding_events"],
        **_missing_bars(account, frames["gaps"]),
        **_liquidations(frames["liquidations"]),
        "trades": frames["trades"].height,
        **_settled(totals),
        **_rejections(frames["rejections"]),
        "fees": usd["fees"],
        "funding": usd["funding"],
        "refills": frames["deposits"].filter(source="refill").height,
        "transfers": frames["deposits"].filter(source="reserve").height,
        "deposits": paid_in,
        "equity_final": final,
        "return_pct": 100.0 * (final / paid_in - 1.0),
        "max_drawdown_pct": _max_drawdown(frames["equity"]),
    }


def _liquidations(steps: pl.DataFrame) -> dict[str, Any]:
    full = steps.filter(pl.col("tier_after") == 0).height
    usd = steps.with_columns(pl.col(*_COSTS, "residual") * pl.col("usd_price"))
    fee, forfeited, slippage = (float(usd[name].sum()) for name in _COSTS)
    # what a process leaves of a bucket that it empties; one that goes on keeps its own money
    ended = usd.sort("event", "step").group_by("event", maintain_order=True).last()
    left = ended.filter(pl.col("tier_after") == 0)
    return {
        "liquidations": steps["episode"].n_unique(),
        "certain": steps.filter(pl.col("certainty") == "certain")["episode"].n_unique(),
        "steps": steps.height,
        "full": full,
        "partial": steps.height - full,
        "first_liquidation": steps["ts"].min(),
        "liquidation_loss": fee + forfeited + slippage,
        "liquidation_fees": fee,
        "forfeited": forfeited,
        "residual": float(left["residual"].sum()),
    }


def _settled(totals: Mapping[str, Any]) -> dict[str, Any]:
    """The settle assets, and the final equity in one of them."""
    assets = totals["assets"]
    equity = [own["equity"] for own in assets.values()]
    return {"settle": ",".join(assets), "equity_settle": equity[0] if len(equity) == 1 else None}


def _rejections(rejected: pl.DataFrame) -> dict[str, Any]:
    """How many orders were refused, why most of them were, and what would have helped."""
    reason = most_frequent(rejected)
    return {
        "rejections": rejected.height,
        "rejection_reason": reason,
        "rejection_hint": hint(rejected, reason),
    }


def _missing_bars(account: Mapping[str, Any], gaps: pl.DataFrame) -> dict[str, int]:
    """Bars of all symbols without a trade candle, where nothing could fill, and all expected ones.

    Counted until the account's end, each symbol from its first candle to its last one; a bar
    with a mark alone is among the account's bars, one in a hole is not.
    """
    since, until = (
        pl.lit(parse_time(account[end]), pl.Int64).cast(gaps.schema["start"])
        for end in ("since", "until")
    )
    length = (pl.col("stop") - pl.col("start")).dt.total_milliseconds()
    kept = pl.min_horizontal("stop", until) - pl.max_horizontal("start", since)
    share = (kept.dt.total_milliseconds() / length).clip(lower_bound=0.0)
    inside = gaps.select("kind", bars=(pl.col("bars") * share).round().cast(pl.Int64))
    count = {kind: int(inside.filter(kind=kind)["bars"].sum()) for kind in ("trade", "both")}
    return {
        "missing_bars": count["trade"] + count["both"],
        "expected_bars": account["bars"] + count["both"],
    }


def _max_drawdown(equity: pl.DataFrame) -> float:
    """Largest fall of total sampled equity in USD from its peak, percent, at most 0."""
    price = pl.col("equity_usd") / pl.col("equity")
    low = pl.when(pl.col("equity") != 0.0).then(pl.col("equity_low") * price).otherwise(0.0)
    usd = equity.select("ts", "equity_usd", low=low)
    total = usd.group_by("ts").agg(pl.col("equity_usd", "low").sum()).sort("ts")
    lowest = (total["low"] / total["equity_usd"].cum_max() - 1.0).min()
    return 100.0 * min(float(lowest), 0.0) if isinstance(lowest, int | float) else 0.0
