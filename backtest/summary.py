"""One row per venue, and the verdict in words."""

from collections.abc import Mapping
from typing import Any

import polars as pl

SYNTHETIC = "synthetic data: made by a generator, no market had these prices"


def summarise(
    manifest: Mapping[str, Any],
    liquidations: pl.DataFrame,
    equity: pl.DataFrame,
    trades: pl.DataFrame,
) -> pl.DataFrame:
    """A frame with a row per account of the manifest.

    `return_pct` counts deposits after the start as money put in; `max_drawdown_pct` is over
    sampled equity less those deposits' effect on the peak.
    """
    rows = [
        _row(
            account,
            liquidations.filter(pl.col("venue") == account["venue"]),
            equity.filter(pl.col("venue") == account["venue"]),
            trades.filter(pl.col("venue") == account["venue"]),
        )
        for account in manifest["accounts"]
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _row(
    account: Mapping[str, Any],
    liquidations: pl.DataFrame,
    equity: pl.DataFrame,
    trades: pl.DataFrame,
) -> dict[str, Any]:
    totals = account["totals"]
    full = liquidations.filter(pl.col("tier_after") == 0)
    events = liquidations["event"].n_unique() if liquidations.height else 0
    first = liquidations["ts"].min() if liquidations.height else None
    paid_in, final = totals["deposits"], totals["equity"]
    lost = liquidations.select(pl.col("fee", "forfeited", "slippage").sum()).sum_horizontal()
    return {
        "venue": account["venue"],
        "symbols": ",".join(account["symbols"]),
        "prices": account["price_venue"],
        "since": account["since"],
        "until": account["until"],
        "bars": account["bars"],
        "proxy_share": account["proxy_share"],
        "extrapolated_share": account["extrapolated_share"],
        "liquidations": events,
        "full": full.height,
        "partial": liquidations.height - full.height,
        "first_liquidation": first,
        "liquidation_loss": float(lost[0]) if liquidations.height else 0.0,
        "trades": trades.height,
        "fees": totals["fees"],
        "funding": totals["funding"],
        "deposits": paid_in,
        "equity_final": final,
        "return_pct": 100.0 * (final / paid_in - 1.0),
        "max_drawdown_pct": _max_drawdown(equity),
    }


def _max_drawdown(equity: pl.DataFrame) -> float:
    """Largest fall of total sampled equity from its peak, percent; deposits lift no peak."""
    if equity.height == 0:
        return 0.0
    total = equity.group_by("ts").agg(pl.col("equity", "equity_low").sum()).sort("ts")
    fall = total["equity_low"] / total["equity"].cum_max() - 1.0
    lowest = fall.min()
    return 100.0 * float(lowest) if isinstance(lowest, int | float) else 0.0


def verdict(row: Mapping[str, Any]) -> str:
    """`survives`, or how often and when first it was liquidated."""
    if row["liquidations"] == 0:
        return "survives"
    times = "once" if row["liquidations"] == 1 else f"{row['liquidations']} times"
    if row["full"] == 0:
        times += " (in part only)"
    return f"liquidated {times}, first on {row['first_liquidation']:%Y-%m-%d %H:%M}"


def render(manifest: Mapping[str, Any], summary: pl.DataFrame) -> str:
    """Verdicts and key figures as plain text, 80 columns wide."""
    lines = [f"{SYNTHETIC}"] if manifest.get("synthetic") else []
    for row in summary.iter_rows(named=True):
        lines.append(f"{row['venue']:<14} {verdict(row)}")
        lines.append(
            f"{'':<14} {row['since']} to {row['until']}, prices {row['prices']}, "
            f"proxy {row['proxy_share']:.1%}"
        )
        lines.append(
            f"{'':<14} equity {row['equity_final']:,.2f} of {row['deposits']:,.2f} paid in "
            f"({row['return_pct']:+.1f} %), lost in liquidations {row['liquidation_loss']:,.2f}"
        )
    return "\n".join(lines)
