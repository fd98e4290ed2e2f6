"""How inner loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

from audio_rnn.compiling import tell_of_compiling

tell_of_compiling()
Function = TypeVar("Function", bound=Callable[..., Any])


def lean(function: Function) -> Function:
    """Compile a function that allocates nothing, into every function that calls it.

    Without nrt, numba's run time, which counts the references to each array that a function takes
    in or takes out of a tuple. Either costs more than a step of a search.
    """
    options = {"cache": True, "nogil": True, "forceinline": True, "_nrt": False}
    compiled: Function = numba.njit(**options)(function)  # type: ignore[call-overload]
    return compiled
