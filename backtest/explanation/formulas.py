"""Formulas of venues that a run does not need but its users look up."""


def funding_rate(
    premium: float, interest: float, band: float, *, share: float = 1.0, cap: float = 1.0
) -> float:
    """Funding rate from an average premium, as a fraction of the position's value.

    (premium + clamp(interest − premium, ±band)) · share, at most ±cap. `premium`, `interest`
    and `band` are per the formula's own period, `share` is the part of it that is settled.
    Source: funding sections of the venues' documentation.
    """
    pulled = premium + min(max(interest - premium, -band), band)
    return min(max(pulled * share, -cap), cap)
