"""The liquidation price is where the requirement is met, for every tier rule, key and fee."""

from math import inf, isclose

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backtest.core.price import crosses, liquidation_price
from backtest.core.requirement import constant_part, maintenance_margin
from backtest.core.risk import is_liquidated
from backtest.core.types import CloseFee, TierKey, Trigger
from tests.core.accounts import make_rules

from .scenarios import BY_SIZE, BY_VALUE, REQUIREMENTS

FAST = settings(deadline=None, derandomize=True, max_examples=1000)
LEVERAGE = 10.0
SIDES = st.sampled_from((1.0, -1.0))
SIZES = st.floats(0.01, 2_500.0)
ENTRIES = st.floats(50.0, 150.0)
SHARES = st.floats(0.02, 1.5)
"""Money behind the position as a share of its value at entry."""


@st.composite
def rule_sets(draw):
    """RULES of every form whose requirement has no jumps along the mark."""
    key, rule, valued_at = draw(st.sampled_from(REQUIREMENTS))
    return make_rules(
        tiers=BY_SIZE if key == TierKey.SIZE else BY_VALUE,
        tier_key=key,
        tier_rule=rule,
        maintenance_at=valued_at,
        close_fee=draw(st.sampled_from(CloseFee)),
        trigger=draw(st.sampled_from(Trigger)),
    )[0]


class Position:
    """One position with a margin of its own, or with a wallet of a pool."""

    def __init__(self, rules, side, size, entry, share, isolated):
        self.rules, self.size, self.entry = rules, side * size, entry
        self.wallet = share * size * entry
        margin = self.wallet if isolated else float("nan")
        self.fee = constant_part(rules, self.size, entry, LEVERAGE, margin, 0.0)
        self.level = liquidation_price(rules, self.size, entry, self.wallet - self.fee, entry)

    def equity(self, mark):
        return self.wallet + self.size * (mark - self.entry)

    def maintenance(self, mark):
        return maintenance_margin(self.rules, self.size, self.entry, mark, self.fee)

    def is_liquidated(self, mark):
        return is_liquidated(self.rules, self.equity(mark), self.maintenance(mark))


POSITIONS = st.builds(Position, rule_sets(), SIDES, SIZES, ENTRIES, SHARES, st.booleans())


@FAST
@given(POSITIONS)
def test_margin_ratio_is_one_at_the_level(position):
    assume(0.0 < position.level < inf)
    value = abs(position.size) * (position.level + position.entry)
    apart = position.equity(position.level) - position.maintenance(position.level)
    assert isclose(apart, 0.0, abs_tol=1e-12 * value)


@FAST
@given(POSITIONS, st.floats(1e-9, 0.5))
def test_healthy_before_the_level_and_not_beyond_it(position, away):
    assume(0.0 < position.level < inf)
    step = away if position.size > 0 else -away
    assert not position.is_liquidated(position.level * (1 + step))
    assert position.is_liquidated(position.level * (1 - step))
    crossed = crosses(position.rules, position.size, position.level, position.level * (1 - step))
    assert crossed


@FAST
@given(
    st.builds(
        Position, rule_sets(), st.just(1.0), SIZES, ENTRIES, st.floats(1.0, 3.0), st.booleans()
    )
)
def test_long_without_a_level_is_healthy_at_every_mark(position):
    assume(position.level == 0.0)
    for mark in (1e-9, 1e-3, 1.0, 50.0, 200.0):
        assert not position.is_liquidated(mark)


@FAST
@given(rule_sets(), SIDES, SIZES, ENTRIES, SHARES, st.floats(1.0001, 3.0), st.booleans())
def test_more_money_moves_the_level_away(rules, side, size, entry, share, more, isolated):
    near = Position(rules, side, size, entry, share, isolated)
    far = Position(rules, side, size, entry, share * more, isolated)
    assert side * far.level <= side * near.level
