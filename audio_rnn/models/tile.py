"""A tile of a product of matrices: a few rows by three vectors, whose sums stay in registers.

numba gives loops to LLVM, which keeps sums that it cannot count in memory; so this one loop is written
in LLVM's own language. It is the inner loop of Goto & van de Geijn 2008, "Anatomy of high-performance
matrix multiplication".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

# Numbers of a vector, and rows of a tile: three sums a row, three vectors of the matrix and one of the row
# fit into 32 registers of AVX-512, or 16 of others.
LANES, ROWS = (16, 8) if get_host_cpu_features().get("avx512f") else (8, 4)
VECTORS = 3
PANEL = VECTORS * LANES  # outputs of a tile
LINE = 16  # numbers that come from memory at once

NUMBER, PLACE, FLAG = ir.FloatType(), ir.IntType(64), ir.IntType(32)
VECTOR = ir.VectorType(NUMBER, LANES)
SAME_LANE = ir.Constant(ir.VectorType(FLAG, LANES), [0] * LANES)


def tile(rows: int) -> Callable[..., None]:
    """A compiled function of x (n, width), row, panels (count, width, PANEL), panel, and
    sums (n, count * PANEL), all float32 and contiguous.

    To `sums` of this panel, from this row on, it adds the product of so many rows: one column after
    the other, from the first to the last. A number has the same digits in a tile of any size.
    A tile of all ROWS has time to fetch a part of the next panel meanwhile.
    """

    def typed(context: Any, x: Any, row: Any, panels: Any, panel: Any, sums: Any) -> Any:
        signature = types.void(x, types.intp, panels, types.intp, sums)
        return signature, lambda *args: _write(rows, *args)

    return intrinsic(typed)


def _write(rows: int, context: Any, build: Any, signature: Any, args: Any) -> Any:
    """LLVM's code of the loop over columns."""
    arrays = {0: args[0], 2: args[2], 4: args[4]}
    x, panels, sums = (
        context.make_array(signature.args[n])(context, build, a) for n, a in arrays.items()
    )
    width = cgutils.unpack_tuple(build, x.shape)[1]
    outputs = cgutils.unpack_tuple(build, sums.shape)[1]
    row, panel = args[1], args[3]
    row_of = [build.add(row, PLACE(r)) for r in range(rows)]
    xs = [build.gep(x.data, [build.mul(r, width)]) for r in row_of]
    first = build.mul(panel, PLACE(PANEL))
    outs = [build.gep(sums.data, [build.add(build.mul(r, outputs), first)]) for r in row_of]
    weights = build.gep(panels.data, [build.mul(first, width)])
    ahead = build.mul(width, build.add(PLACE(PANEL), build.mul(row, PLACE(LINE // ROWS))))
    places = [_vector(build, out, lane) for out in outs for lane in range(0, PANEL, LANES)]
    totals = [cgutils.alloca_once_value(build, _load(build, place)) for place in places]
    with cgutils.for_range(build, width, intp=PLACE) as loop:
        here = build.gep(weights, [build.mul(loop.index, PLACE(PANEL))])
        columns = [_load(build, _vector(build, here, lane)) for lane in range(0, PANEL, LANES)]
        if rows == ROWS:
            line = build.add(ahead, build.mul(loop.index, PLACE(LINE)))
            _fetch(build, build.gep(weights, [line]))
        for r, values in enumerate(xs):
            value = _spread(build, build.load(build.gep(values, [loop.index])))
            for total, column in zip(totals[VECTORS * r :], columns):
                build.store(_add_product(build, value, column, build.load(total)), total)
    for place, total in zip(places, totals):
        build.store(build.load(total), place).align = 4
    return context.get_dummy_value()


def _vector(build: Any, numbers: Any, lane: int) -> Any:
    """The address of the vector that begins at a number."""
    return build.bitcast(build.gep(numbers, [PLACE(lane)]), VECTOR.as_pointer())


def _load(build: Any, place: Any) -> Any:
    vector = build.load(place)
    vector.align = 4  # a number begins anywhere
    return vector


def _fetch(build: Any, place: Any) -> None:
    """Bring the line of memory here closer; a place that is beyond the end does no harm."""
    address = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [address, FLAG, FLAG, FLAG])
    function = cgutils.get_or_insert_function(build.module, kind, "llvm.prefetch.p0")
    build.call(function, [build.bitcast(place, address), FLAG(0), FLAG(3), FLAG(1)])


def _spread(build: Any, value: Any) -> Any:
    """A vector of this number."""
    nothing = ir.Constant(VECTOR, ir.Undefined)
    alone = build.insert_element(nothing, value, FLAG(0))
    return build.shuffle_vector(alone, nothing, SAME_LANE)


def _add_product(build: Any, a: Any, b: Any, total: Any) -> Any:
    """a * b + total, in one operation where the processor has one."""
    kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
    function = cgutils.get_or_insert_function(build.module, kind, f"llvm.fmuladd.v{LANES}f32")
    return build.call(function, [a, b, total])
