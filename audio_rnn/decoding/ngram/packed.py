"""Files that may be gzip."""

from __future__ import annotations

import gzip
import zlib
from io import BufferedReader

GZIP_MAGIC = b"\x1f\x8b"
READ_ERRORS = (OSError, EOFError, zlib.error)  # what reading such a file can raise


def unpack(file: BufferedReader) -> BufferedReader | gzip.GzipFile:
    """The bytes of a file, unpacked if its first ones say that it is gzip."""
    packed = file.peek(2)[:2] == GZIP_MAGIC
    return gzip.GzipFile(fileobj=file) if packed else file
