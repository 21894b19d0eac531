"""A row of the summary in words: the verdict, and what the data lacked."""

from collections.abc import Mapping
from math import isnan
from typing import Any

import polars as pl

SYNTHETIC = "synthetic data: made by a generator, no market had these prices"


def lacks(row: Mapping[str, Any], missing_funding: str) -> list[str]:
    """What the data of a row of the summary lacked, in words; empty when they are whole."""
    found = []
    if row["rules_begin"] > row["since"]:
        found.append(f"rules begin on {row['rules_begin'][:10]}; the first are held before that")
    if row["missing_bars"]:
        share = row["missing_bars"] / row["expected_bars"]
        found.append(f"{row['missing_bars']:,} bars missing ({share:.1%})")
    if row["assumed_funding_events"]:
        found.append(
            f"{row['assumed_funding_events']:,} of {row['funding_events']:,} funding settlements "
            f"missing, charged at {missing_funding}"
        )
    return found


def verdict(row: Mapping[str, Any]) -> str:
    """`survives` and its return, how often and when first liquidated, or that it never traded."""
    if row["trades"] == 0:
        if row["rejections"] == 0:
            return "never traded: no order came up"
        why = row["rejection_hint"] or row["rejection_reason"]
        return f"never traded: {orders(row['rejections'])} rejected ({why})"
    if row["liquidations"] == 0:
        return f"survives{_gained(row['return_pct'])}{_refilled(row)}{_at_best(row)}"
    times = _times(row["liquidations"])
    part = " in part" if row["full"] == 0 else ""
    steps = f" ({row['steps']:,} steps)" if row["steps"] != row["liquidations"] else ""
    end = "; stopped there" if row["stopped"] else ""
    first = f"{row['first_liquidation']:%Y-%m-%d %H:%M}"
    return f"liquidated {times}{part}{steps}, first on {first}{end}{_at_best(row)}"


def _at_best(row: Mapping[str, Any]) -> str:
    """What differs in the better end of an account whose bars leave several ways open."""
    count, gained = row["best_liquidations"], _gained(row["best_return_pct"])
    if count != row["liquidations"]:
        return f"; at best {_times(count)}" if count else f"; at best it survives{gained}"
    parted = row["best_return_pct"] != row["return_pct"]
    if not parted or gained == _gained(row["return_pct"]):
        return ""
    return f"; at best{' as often' if count else ''}{gained}"


def inside(row: Mapping[str, Any]) -> list[str]:
    """What the bars whose order of events mattered came to, in words; empty if there were none."""
    count, drilled, resolved = (row[f"{name}_bars"] for name in ("unsure", "drilled", "resolved"))
    if count == 0:
        return []
    bars = "1 bar leaves" if count == 1 else f"{count:,} bars leave"
    looked = f"; {resolved:,} of {drilled:,} settled by {row['detail'].replace(',', ', ')} candles"
    lines = [f"{bars} several ways open{looked if drilled else ', no finer candles tell'}"]
    if row["liquidations"]:
        lines.append(f"{row['certain']:,} of {row['liquidations']:,} liquidations are certain")
    return lines


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _gained(percent: float) -> str:
    """` (+1.2%)`; nothing where the worth in USD is not known."""
    return "" if isnan(percent) else f" ({percent:+.1f}%)"


def _refilled(row: Mapping[str, Any]) -> str:
    """Surviving on fresh money is said: `, refilled 3 times, 1 transfer with the reserve`."""
    found = f", refilled {_times(row['refills'])}" if row["refills"] else ""
    if row["transfers"]:
        count = "1 transfer" if row["transfers"] == 1 else f"{row['transfers']:,} transfers"
        found += f", {count} with the reserve"
    return found


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
        lines += [f"  {line}" for line in (*inside(row), *lacks(row, policy))]
    return "\n".join([*lines, f"({SYNTHETIC})"] if manifest.get("synthetic") else lines)
