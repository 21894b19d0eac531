"""One row per venue, and the verdict in words."""

from collections.abc import Mapping
from math import isnan, nan
from typing import Any

import polars as pl

SYNTHETIC = "synthetic data: made by a generator, no market had these prices"


def summarise(manifest: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """A frame with a row per account of the manifest.

    `frames` holds all kinds of records but fills, funding and margin. `liquidations` counts events,
    `full` and `partial` the steps that closed a position or left some of it. Money is in USD, of an
    account that settles in coin at the mark of each record and at the end at the last mark:
    `liquidation_loss` is what liquidations cost against the mark (`liquidation_fees`,
    `forfeited` to a takeover, slippage), `residual` what each left in its bucket. `fees` are
    those of trading. `return_pct` counts deposits after the start as money put in;
    `max_drawdown_pct` is the largest fall of sampled equity from its peak. `equity_settle` is the
    final equity in the settle asset, where there is one only.
    """
    rows = []
    for account in manifest["accounts"]:
        mine = pl.col("venue") == account["venue"]
        rows.append(_row(account, {kind: frame.filter(mine) for kind, frame in frames.items()}))
    return pl.DataFrame(rows, schema_overrides=_SCHEMA, infer_schema_length=None)


_SCHEMA = {"first_liquidation": pl.Datetime("ms", "UTC"), "equity_settle": pl.Float64()}
_COSTS = ("fee", "forfeited", "slippage")


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
        "missing_bars": _missing_bars(frames["gaps"]),
        **_liquidations(frames["liquidations"]),
        "trades": frames["trades"].height,
        **_settled(totals),
        **_rejections(frames["rejections"]),
        "fees": usd["fees"],
        "funding": usd["funding"],
        "refills": frames["deposits"].height,
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
        "liquidations": steps["event"].n_unique(),
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
    """How many orders were refused, and why most of them were."""
    counts = rejected.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    most = counts["reason"][0] if counts.height else ""
    return {"rejections": rejected.height, "rejection_reason": most}


def _missing_bars(gaps: pl.DataFrame) -> int:
    """Bars of all symbols without a trade candle: nothing could fill there."""
    return int(gaps.filter(pl.col("kind").is_in(["both", "trade"]))["bars"].sum())


def lacks(row: Mapping[str, Any], missing_funding: str) -> list[str]:
    """What the data of a row of the summary lacked, in words; empty when they are whole."""
    found = []
    if row["rules_begin"] > row["since"]:
        found.append(f"rules begin on {row['rules_begin'][:10]}; the first are held before that")
    if row["missing_bars"]:
        share = row["missing_bars"] / (row["bars"] + row["missing_bars"])
        found.append(f"{row['missing_bars']:,} bars missing ({share:.1%})")
    if row["assumed_funding_events"]:
        found.append(
            f"{row['assumed_funding_events']:,} of {row['funding_events']:,} funding settlements "
            f"missing, charged at {missing_funding}"
        )
    return found


def _max_drawdown(equity: pl.DataFrame) -> float:
    """Largest fall of total sampled equity in USD from its peak, percent, at most 0."""
    price = pl.col("equity_usd") / pl.col("equity")
    low = pl.when(pl.col("equity") != 0.0).then(pl.col("equity_low") * price).otherwise(0.0)
    usd = equity.select("ts", "equity_usd", low=low)
    total = usd.group_by("ts").agg(pl.col("equity_usd", "low").sum()).sort("ts")
    lowest = (total["low"] / total["equity_usd"].cum_max() - 1.0).min()
    return 100.0 * min(float(lowest), 0.0) if isinstance(lowest, int | float) else 0.0


def verdict(row: Mapping[str, Any]) -> str:
    """`survives` and its return, how often and when first liquidated, or that it never traded."""
    if row["trades"] == 0:
        if row["rejections"] == 0:
            return "never traded: no order came up"
        return f"never traded: {orders(row['rejections'])} rejected ({row['rejection_reason']})"
    if row["liquidations"] == 0:
        return f"survives{_gained(row['return_pct'])}{_refilled(row['refills'])}"
    times = "once" if row["liquidations"] == 1 else f"{row['liquidations']} times"
    times += " (in part only)" if row["full"] == 0 else ""
    end = "; stopped there" if row["stopped"] else ""
    return f"liquidated {times}, first on {row['first_liquidation']:%Y-%m-%d %H:%M}{end}"


def _gained(percent: float) -> str:
    """` (+1.2%)`; nothing where the worth in USD is not known."""
    return "" if isnan(percent) else f" ({percent:+.1f}%)"


def _refilled(count: int) -> str:
    """Surviving on fresh money is said: `, refilled 3 times`."""
    if count == 0:
        return ""
    return ", refilled once" if count == 1 else f", refilled {count} times"


def orders(count: int) -> str:
    """`1 order`, `12 orders`."""
    return "1 order" if count == 1 else f"{count:,} orders"


def render(manifest: Mapping[str, Any], summary: pl.DataFrame) -> str:
    """Verdicts and key figures as plain text, 80 columns wide."""
    lines = []
    for row in summary.iter_rows(named=True):
        lines.append(f"{row['venue']}: {verdict(row)}")
        lines.append(
            f"  {row['since']} to {row['until']}, prices of {row['prices']}, "
            f"proxy mark {row['proxy_share']:.1%}"
        )
        lines.append(
            f"  equity {row['equity_final']:,.2f} of {row['deposits']:,.2f} paid in "
            f"({row['return_pct']:+.1f} %), lost in liquidations {row['liquidation_loss']:,.2f}"
        )
        policy = manifest["config"]["missing_funding"]
        lines += [f"  {lack}" for lack in lacks(row, policy)]
    return "\n".join([*lines, f"({SYNTHETIC})"] if manifest.get("synthetic") else lines)
