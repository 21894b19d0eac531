"""What is certain of a bar that was played as finer ones whose mark only the bar itself knows.

Such a mark may fall on any of the finer bars, and an account that has taken one way of the first of
them is in another state at the next. So certainty is not judged finer bar by finer bar: from the
state in which the ways first part, the other end is played to the end of the long bar as well, and
what both meet there is certain.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .core.engine import Engine
from .core.state import Certainty

JUDGED = ("liquidations", "fills", "trades")
"""Kinds of records that say how certain they are."""


@dataclass(frozen=True)
class Fate:
    """What the other end met in the bar of frame `depth`, from where the ways first part in it."""

    depth: int
    met: dict[str, set[Any]]

    def judge(self, engine: Engine) -> None:
        """Say of the records that an account holds whether they are certain."""
        for kind in JUDGED:
            here = [event in self.met[kind] for event in _events(engine, kind)]
            engine.judge(kind, np.where(here, Certainty.CERTAIN, Certainty.POSSIBLE))


def fate_of(other: Engine, depth: int) -> Fate:
    """The fate that the records tell which the other end's account holds."""
    return Fate(depth, {kind: set(_events(other, kind)) for kind in JUDGED})


def _events(engine: Engine, kind: str) -> list[Any]:
    """What tells one event from another: the bucket that fell, the order, the way out."""
    records = engine.held(kind)
    if kind == "liquidations":
        pools = engine.positions["pool"][records["symbol"]]
        return list((pools if engine.cross else records["symbol"]).tolist())
    names = ("symbol", "order_id", "reason") if kind == "fills" else ("symbol", "exit_reason")
    return list(zip(*(records[name].tolist() for name in names), strict=True))
