"""Where the bundled sample and the example strategies lie: in the checkout, or in the package."""

from pathlib import Path

from .errors import DataError

PLACES = (Path(__file__).parents[1], Path(__file__).parent / "bundled")


def sample_data() -> Path:
    """Folder of the bundled synthetic market."""
    return _find("datasets/sample")


def sample_strategy(name: str = "sma_cross") -> Path:
    """File of a bundled example strategy."""
    return _find(f"strategies/{name}.py")


def _find(relative: str) -> Path:
    for place in PLACES:
        if (place / relative).exists():
            return place / relative
    raise DataError(
        f"{relative} is not beside the program; run from a clone of the repository, "
        "or name your own data with --data and your own strategy file."
    )
