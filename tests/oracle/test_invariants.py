"""What holds for every account of every venue, resting orders, transfers and coin among it."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.core.state import KINDS, Path
from backtest.core.types import FUNDING, FUNDING_INSIDE, MARK_CLOSE, OPEN
from tests.core.accounts import money_is_conserved, steps_balance
from tests.properties.scenarios import as_bytes

from .scenarios import BARS, plan_of

FAST = settings(deadline=None, derandomize=True, max_examples=50)
SEEDS = st.integers(0, 2**31 - 1)


def played(plan, engine, sizes):
    """The engine and its records after blocks of the given sizes."""
    kept, done = {kind: [] for kind in KINDS}, 0
    for size in sizes:
        if not engine.stopped:
            engine.feed(*plan.block(done, done + size))
        done += size
        for kind in KINDS:
            kept[kind].append(engine.take(kind))
    engine.finish()
    for kind in KINDS:
        kept[kind].append(engine.take(kind))
    return engine, {kind: np.concatenate(parts) for kind, parts in kept.items()}


@FAST
@given(SEEDS, st.integers(1, 30))
def test_blocks_of_any_size_give_the_same_bytes(seed, size):
    plan = plan_of(seed)
    sizes = [size] * (BARS // size)
    split = played(plan, plan.ready_engine(), [*sizes, BARS - sum(sizes)])
    assert as_bytes(*split) == as_bytes(*plan.engine())


@FAST
@given(SEEDS, st.integers(1, BARS - 1))
def test_an_account_saved_and_resumed_gives_the_same_bytes(seed, cut):
    plan = plan_of(seed)
    first, second = plan.ready_engine(), plan.ready_engine()
    first.feed(*plan.block(0, cut))
    kept = {kind: [first.take(kind)] for kind in KINDS}
    second.resume(first.save())
    if not second.stopped:
        second.feed(*plan.block(cut, BARS))
    second.finish()
    for kind in KINDS:
        kept[kind].append(second.take(kind))
    records = {kind: np.concatenate(parts) for kind, parts in kept.items()}
    assert as_bytes(second, records) == as_bytes(*plan.engine())


@FAST
@given(SEEDS, st.integers(0, BARS - 2))
def test_nothing_uses_a_price_that_comes_later(seed, known):
    plan = plan_of(seed)
    rng = np.random.default_rng(seed)
    noise, flags = plan.prices.copy(), plan.flags.copy()
    noise[OPEN : MARK_CLOSE + 1, :, known + 1 :] *= np.exp(rng.normal(0, 0.3, BARS - known - 1))
    noise[FUNDING : FUNDING_INSIDE + 1, :, known + 1 :] *= -3.0
    flags[:, known + 1 :][rng.random(flags[:, known + 1 :].shape) < 0.3] = 0
    now, other = plan.times[known], replace(plan, prices=noise, flags=flags)
    (_, one), (_, two) = plan.engine(), other.engine()
    for kind in KINDS:
        name = "exit_time" if kind == "trades" else "ts"
        before = [records[kind][records[kind][name] <= now].tobytes() for records in (one, two)]
        assert before[0] == before[1], kind


@FAST
@given(SEEDS)
def test_money_is_conserved_at_every_close_and_in_every_step(seed):
    plan = plan_of(seed)
    engine = plan.ready_engine()
    for bar in range(BARS):
        if engine.stopped:
            break
        engine.feed(*plan.block(bar, bar + 1))
        assert money_is_conserved(engine), f"after bar {bar}"
        steps = engine.take("liquidations")
        for one in steps:
            inverse = plan.dated[one["symbol"] % len(plan.symbols)].at(int(one["ts"])).inverse
            assert steps_balance(steps[steps["symbol"] == one["symbol"]], inverse=inverse)


def gain(engine):
    """What the pools gained so far: refills and transfers are none."""
    return engine.pools["equity"] - engine.pools["deposits"]


@FAST
@given(SEEDS, st.booleans())
def test_of_one_account_the_pessimist_ends_no_bar_with_more(seed, fearful):
    plan = plan_of(seed)
    engine = plan.ready_engine()
    for bar in range(BARS):
        for kind in KINDS:
            engine.take(kind)
        if engine.stopped:
            break
        worst, best = engine.copy(), engine.copy()
        for one, path in ((worst, Path.PESSIMISTIC), (best, Path.OPTIMISTIC)):
            one._config["path"] = path
            one.feed(*plan.block(bar, bar + 1))
        scale = np.maximum(best.pools["deposits"], np.abs(best.pools["realized"]))
        assert (gain(worst) <= gain(best) + 1e-9 * scale).all(), f"in bar {bar}"
        engine = worst if fearful else best
