"""Long arrays on disk instead of in memory: rows of float32 in temporary files without a name.

Such a file is gone as soon as it is closed or its process ends, in whatever way. It is read and
written by plain calls, not mapped: a full disk is then an error instead of a signal that kills the
process, and what was read does not count as the process's memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from audio_rnn.errors import StorageError

Rows = NDArray[np.float32]


class Spill:
    """(rows, width) float32 on disk, read and written by slices of rows."""

    def __init__(self, width: int) -> None:
        """An empty array. Raises StorageError."""
        self.width = width
        self._rows = 0
        with _named_errors(0):
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`

    def __len__(self) -> int:
        """Number of rows: one past the last that was written."""
        return self._rows

    def append(self, rows: Rows) -> None:
        """Write (n, width) behind the last row. Raises StorageError."""
        self.write(self._rows, rows)

    def write(self, start: int, rows: Rows) -> None:
        """Write (n, width) from row `start` on. Raises StorageError when the disk is full."""
        data = np.ascontiguousarray(rows, np.float32).reshape(-1).view(np.uint8).data
        with _named_errors(len(self) * self.width * 4):
            self._file.seek(start * self.width * 4)
            while data:
                data = data[self._file.write(data) :]
        self._rows = max(self._rows, start + len(rows))

    def read(self, start: int, stop: int) -> Rows:
        """Rows [start, stop), fewer at the end: (n, width). Raises StorageError."""
        rows = np.empty((max(0, min(stop, len(self)) - start), self.width), np.float32)
        data = rows.reshape(-1).view(np.uint8).data
        with _named_errors(len(self) * self.width * 4):
            self._file.seek(start * self.width * 4)
            while data:
                data = data[self._file.readinto(data) :]
        return rows

    def pieces(self, size: int) -> Iterator[Rows]:
        """All rows in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.read(start, start + size)

    def close(self) -> None:
        """Free the disk space."""
        self._file.close()

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def _named_errors(size: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"temporary file: {error.strerror or error} after {size / 1e6:.0f} MB in "
            f"{tempfile.gettempdir()}; free space there, or set TMPDIR to a folder on a larger disk"
        ) from error
