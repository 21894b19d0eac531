"""What one position is worth, earns and must have behind it, as the venues' documents state it.

`r` is one `rules.Rules`; sizes are signed (long > 0), in coin, of inverse contracts in USD; amounts
are in the settle asset.
"""

from bisect import bisect_left
from math import inf


def unit(r, price):
    """Settle value of one unit of size: 1/price of an inverse contract, else price."""
    return 1.0 / price if r.inverse else price * r.multiplier


def price_at(r, value):
    """The price at which a unit of size has a value; the value never gets under zero."""
    value = max(value, 0.0)
    if r.inverse:
        return 1.0 / value if value else inf
    return value / r.multiplier


def profit(r, size, entry, price):
    """s·q·(P − E), of an inverse contract s·V·(1/E − 1/P)."""
    if r.inverse:
        return size / entry - size / price
    return size * (price - entry) * r.multiplier


def sign(size):
    """+1 for a long, −1 for a short."""
    return 1.0 if size > 0.0 else -1.0


def turned(r, size):
    """+1 where the position gains as a unit of size becomes worth more, else −1."""
    return -sign(size) if r.inverse else sign(size)


def row_of(r, size, entry, mark):
    """Row of the table (from 0) of a size that is counted in its own key: floor < key <= next."""
    if r.key == "size":
        return bisect_left(r.edges, size)
    return bisect_left(r.edges, size * unit(r, entry if r.key == "notional_at_entry" else mark))


def by_row(r, row, size, share, entry, mark):
    """Maintenance by a row of the table, and the closing fee at the mark.

    `size` without sign, `share` the part of the row's deduction that belongs to it.
    """
    worth = size * unit(r, mark)
    if r.grows:
        coins = size / mark if r.inverse else size
        # no venue states a cap of a rate that grows with the coins of an inverse contract
        need = worth * min(r.rates[row] + r.slope * coins, inf if r.inverse else r.rate_cap)
    else:
        base = size * unit(r, entry) if r.at_entry else worth
        need = base * r.rates[row] - r.deductions[row] * share
    return need + worth * r.closing if r.fee_at_mark else need


def rate_at_open(r, size, entry, mark, leverage):
    """Initial margin per value: 1/leverage, the table's, or the larger of both."""
    kind = r.words["initial.rate"]
    if kind == "leverage":
        return 1.0 / leverage
    coins = size / mark if r.inverse else size
    table = 1.0 / r.leverages[row_of(r, size, entry, mark)] + r.initial_slope * coins
    return table if kind == "table" or leverage is None else max(table, 1.0 / leverage)


def fee_reserve(r, size, price, rate):
    """The fee of closing where rate·value is lost; on cost plus margin where the venue says so."""
    value = abs(size) * unit(r, price)
    away = 1.0 if r.fee_on_cost else -turned(r, size)
    return value * (1.0 + away * rate) * r.closing


def initial(r, size, entry, mark, leverage):
    """Initial margin of a position, with the reserve for closing where the venue counts it."""
    rate = rate_at_open(r, abs(size), entry, mark, leverage)
    need = abs(size) * unit(r, entry if r.words["initial.valued_at"] == "entry" else mark) * rate
    if r.words["initial.isolated_open"] == "plus_closing_fee":
        need += fee_reserve(r, size, mark if r.fee_at_mark else entry, rate)
    return need


def fee_of_margin(r, size, entry, margin):
    """The fee of closing where a margin that holds it is used up."""
    cost = abs(size) * unit(r, entry)
    if r.fee_on_cost:
        # posComm = f·(cost + margin − posComm)
        return (cost + margin) * r.closing / (1.0 + r.closing)
    if turned(r, size) > 0.0:
        # margin = cost − value + f·value
        return max(cost - margin, 0.0) / (1.0 - r.closing) * r.closing
    return (cost + margin) / (1.0 + r.closing) * r.closing


def bankruptcy(r, size, mark, equity, reserve=None):
    """The price at which equity at the mark is used up.

    The closing fee is paid out of it where the venue says so: at its rate, or as the `reserve`
    that was put aside.
    """
    s, q = turned(r, size), abs(size)
    if reserve is not None:
        return price_at(r, unit(r, mark) - s * (equity - reserve) / q)
    fee = r.closing if r.fee_inside else 0.0
    # equity + s·q·(value − value now) = fee·q·value
    return price_at(r, (unit(r, mark) - s * equity / q) / (1.0 - s * fee))


def down_to_lots(size, lot):
    """Whole lots in |size|, with its sign; what rounding took from the last lot is given back."""
    return sign(size) * tidy(int(abs(size) / lot * (1 + 1e-14) + 1e-9), lot)


def up_to_lots(size, lot):
    """The fewest whole lots that hold a size without sign; 0 for what is not over 0."""
    if size <= 0.0:
        return 0.0
    count = size / lot
    whole = int(count)
    return tidy(whole if count - whole <= 1e-9 + 1e-14 * count else whole + 1, lot)


def tidy(count, lot):
    """So many lots as a size, free of binary noise."""
    return float(f"{count * lot:.15g}")


def nearest(size, lot):
    """A size that is whole lots but for noise, without the noise."""
    whole = sign(size) * tidy(round(abs(size) / lot), lot)
    return whole if abs(size - whole) < 1e-6 * lot else size
