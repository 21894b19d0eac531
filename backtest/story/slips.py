"""What is done to an account that is played again: money paid in, a stop set, smaller orders."""

from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..core.state import ORDER, OrderKind, OrderType, TriggerBy
from ..instructions import Order
from ..legs import Positions
from ..order_file import read_orders
from ..session import Session
from ..strategy import Strategy
from .pick import Key
from .replay import Slip

STOP_ID = 2**62
"""Identifier of the stop that a story sets; strategies count from 1."""


def _order(session: Session, key: Key, ts: int, kind: OrderKind, value: float) -> Any:
    """One order event for a position."""
    account = session.account
    positions = Positions(account.symbols, session.worst.names.hedge)
    event = np.zeros(1, ORDER)
    event["ts"], event["kind"], event["value"], event["price"] = ts, kind, value, np.nan
    event["symbol"] = positions.leg(account.symbols.index(key[0]), key[1])
    return event


def more_margin(key: Key, ts: int, amount: float, cross: bool) -> Slip:
    """Money from outside, at the first open from `ts` on: for a pool, or for one position."""

    def slip(session: Session) -> None:
        engine = session.worst.engine
        pool = session.account.pools[session.account.symbols.index(key[0])]
        engine.pools["reserve"][pool] += amount
        engine.give(_order(session, key, ts, OrderKind.TRANSFER, amount))
        if not cross:
            engine.give(_order(session, key, ts, OrderKind.ADD_MARGIN, amount))

    return slip


def stop_at(key: Key, ts: int, price: float, sign: float, by: TriggerBy) -> Slip:
    """A stop for all of a position of side `sign`, set at the first open from `ts` on."""

    def slip(session: Session) -> None:
        event = _order(session, key, ts, OrderKind.SIZE, -sign * np.inf)
        event["type"], event["by"], event["price"] = OrderType.STOP, by, price
        event["reduce_only"], event["id"] = 1, STOP_ID
        session.worst.engine.give(event)

    return slip


def smaller_answers(strategy: Strategy, factor: float, seen: list[bool]) -> Strategy:
    """An `on_bar` strategy whose orders of a size are `factor` times as large.

    Its exposures are left to the config. `seen` gets an entry once there is such an order.
    """

    @wraps(strategy.function)
    def on_bar(view: Any, **params: Any) -> Any:
        answer = strategy.function(view, **params)
        if isinstance(answer, list | tuple):
            return type(answer)(map(smaller, answer)) if _plain(answer) else answer
        return smaller(answer)

    def smaller(one: Any) -> Any:
        if not isinstance(one, Order) or one.size is None:
            return one
        seen[:] = [True]
        return replace(one, size=one.size * factor)

    return replace(strategy, function=on_bar)


def _plain(answer: Any) -> bool:
    return type(answer) in (list, tuple)


def smaller_orders(path: Path, factor: float, folder: Path) -> Path:
    """A copy of an order file of sizes with all of them `factor` times as large."""
    frame = read_orders(path)
    scaled = folder / f"{path.stem}.parquet"
    frame.with_columns(pl.col("size").cast(pl.Float64) * factor).write_parquet(scaled)
    return scaled


def has_sizes(path: Path) -> bool:
    """Whether the rows of an order file are sizes, and not exposures."""
    return "size" in read_orders(path).columns
