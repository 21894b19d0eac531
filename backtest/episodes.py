"""Which steps of a run belong to one liquidation, as a trader counts them.

Some venues close a share at a time, and each share is an event of its own. A trader counts what
fell: a position, or in cross mode an account.
"""

import polars as pl

_LIFE = ("bucket", "symbol", "position_side", "opened")


def with_episodes(steps: pl.DataFrame, timeframe_ms: int) -> pl.DataFrame:
    """One venue's liquidation steps in order of time, with a number `episode` from 1 on.

    An episode is all that befalls one isolated position between its opening and its end. In
    cross mode the steps of several positions of one settle asset are one where they overlap: from
    a position's first step to its last one.
    """
    opened = pl.col("ts") - pl.duration(milliseconds=pl.col("bars_held") * timeframe_ms)
    account = pl.col("symbol").str.extract(r":([^-]+)")
    # a step may close the other leg of a hedged position too: the bucket is that of the first
    own = pl.concat_str("symbol", "position_side", separator=" ").first().over("event")
    bucket = pl.when(pl.col("scope") == "account").then(account).otherwise(own)
    ordered = steps.sort("ts", "event", "step", maintain_order=True)
    marked = ordered.with_columns(opened=opened, bucket=bucket)
    found = marked.join(_numbers(marked), on=_LIFE, how="left", maintain_order="left")
    return found.drop("opened", "bucket")


def numbered(steps: pl.DataFrame, timeframe_ms: int) -> pl.DataFrame:
    """All venues' steps of one course with their `episode`, and a `number` over all venues.

    Numbers count from 1 by the time of an episode's first step, those of one bar by venue.
    """
    parts = steps.partition_by("venue", maintain_order=True) or [steps]
    every = pl.concat([with_episodes(part, timeframe_ms) for part in parts])
    first = pl.col("ts").min().over("venue", "episode")
    number = pl.struct(first, "venue", "episode").rank("dense").cast(pl.Int64)
    found = every.with_columns(number=number)
    return found.sort("ts", "venue", "event", "step", maintain_order=True)


def _numbers(marked: pl.DataFrame) -> pl.DataFrame:
    """The episode of each life of a position: those of a bucket that overlap share one."""
    lives = marked.group_by(_LIFE).agg(first=pl.col("ts").min(), last=pl.col("ts").max())
    lives = lives.sort("bucket", "first", *_LIFE)
    ended = pl.col("last").cum_max().shift(1).over("bucket")
    begins = (pl.col("first") > ended).fill_null(True)
    groups = lives.with_columns(group=begins.cum_sum())
    since = pl.col("first").min().over("group")
    return groups.select(*_LIFE, episode=pl.struct(since, "group").rank("dense").cast(pl.Int64))
