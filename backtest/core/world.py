"""Everything one run touches, under one name: `w`.

In plain Python `w` is a `World` of arrays. Compiled code sees the same attributes on a single
address: a table of pointers and shapes. Passing twenty arrays to every function would make the
compiler's work, and each call, many times larger.
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload_attribute, register_model
from numba.np.numpy_support import carray

from .jit import config
from .state import BOOK, CONFIG, DTYPES, KINDS, ORDER, POOL, POSITION, RESTING, STATE
from .types import RULES


class World(NamedTuple):
    """All arrays of a run; a fixed order that compiled code relies on."""

    config: Any
    state: Any
    pools: Any
    positions: Any
    resting: Any
    carried: Any
    kept: Any
    kept_resting: Any
    kept_pools: Any
    kept_positions: Any
    rules: Any
    orders: Any
    book: Any
    ts: Any
    prices: Any
    flags: Any
    counts: Any
    liquidations: Any
    fills: Any
    funding: Any
    trades: Any
    rejections: Any
    equity: Any
    margin: Any
    deposits: Any
    marks: Any


_RECORDS = dict(zip(KINDS, DTYPES, strict=True))
_LAYOUT: dict[str, tuple[Any, int]] = {
    "config": (CONFIG, 1),
    "state": (STATE, 1),
    "pools": (POOL, 1),
    "positions": (POSITION, 1),
    "resting": (RESTING, 1),
    "carried": (np.int64, 1),
    "kept": (np.int64, 2),
    "kept_resting": (RESTING, 2),
    "kept_pools": (POOL, 1),
    "kept_positions": (POSITION, 1),
    "rules": (RULES, 1),
    "orders": (ORDER, 1),
    "book": (BOOK, 1),
    "ts": (np.int64, 1),
    "prices": (np.float64, 3),
    "flags": (np.uint8, 2),
    "counts": (np.int64, 1),
    **{kind: (dtype, 1) for kind, dtype in _RECORDS.items()},
}
WORDS_PER_ARRAY = 4
WORDS = WORDS_PER_ARRAY * len(World._fields)


class _Handle(types.Type):
    def __init__(self) -> None:
        super().__init__(name="backtest.World")


HANDLE = _Handle()


@register_model(_Handle)
class _HandleModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, ir.IntType(64))  # type: ignore[no-untyped-call]


def _make_pointer(typing_context: Any, address: Any) -> Any:
    """The memory at an integer address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(address), generate


def _make_word(typing_context: Any, w: Any, index: Any) -> Any:
    """The index-th word of the table behind a handle."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.load(builder.gep(words, [args[1]]))

    return types.int64(HANDLE, types.int64), generate


def _make_world(typing_context: Any, address: Any) -> Any:
    """The handle of the table at an integer address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return args[0]

    return HANDLE(types.int64), generate


# An intrinsic is written with the typing context as its first argument and called without it;
# numba's own annotations know the written form only.
_pointer: Any = intrinsic(_make_pointer)
_word: Any = intrinsic(_make_word)
as_world: Any = intrinsic(_make_world)
"""The handle of the table at an integer address."""


def _attribute(name: str) -> None:
    dtype, dimensions = _LAYOUT[name]
    at = WORDS_PER_ARRAY * World._fields.index(name)

    def one(w: Any) -> Any:
        return carray(_pointer(_word(w, at)), (_word(w, at + 1),), dtype)

    def two(w: Any) -> Any:
        shape = (_word(w, at + 1), _word(w, at + 2))
        return carray(_pointer(_word(w, at)), shape, dtype)

    def three(w: Any) -> Any:
        shape = (_word(w, at + 1), _word(w, at + 2), _word(w, at + 3))
        return carray(_pointer(_word(w, at)), shape, dtype)

    getter = {1: one, 2: two, 3: three}[dimensions]

    def choose(w: Any) -> Any:
        return getter

    overload_attribute(_Handle, name)(choose)


if not config.DISABLE_JIT:
    for _name in World._fields:
        _attribute(_name)
