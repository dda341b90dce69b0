"""Arrays of NumPy's that a caller gives twice, to a function that changes one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import StagingError


def check_overlap(arrays: Sequence[Any], changed: Sequence[int]) -> None:
    """To be called before those of the arguments ``arrays`` that a function has changed are given their new values.

    Raises:
        StagingError: another argument is the same array, or a part of it, which the graph took for another one.
    """
    numpys = {number: array for number, array in enumerate(arrays) if isinstance(array, np.ndarray)}
    for number in changed:
        others = [array for other, array in numpys.items() if other != number]
        if number in numpys and any(np.shares_memory(numpys[number], array) for array in others):
            raise StagingError(
                "the function changes an array in place that is given to it twice, as a whole or in part, and a graph "
                "takes each argument for an array of its own. Give it a copy, or the whole array once"
            )
