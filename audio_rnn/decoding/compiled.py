"""How inner loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def lean(function: Function) -> Function:
    """Compile a function that allocates nothing, without numba's run time, nrt.

    That counts the references to every array that a function takes in or takes out of a tuple,
    which would cost more than a step of a search.
    """
    compiled: Function = numba.njit(cache=True, nogil=True, _nrt=False)(function)  # type: ignore[call-overload]
    return compiled
