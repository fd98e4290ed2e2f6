"""Archives as corpora are distributed, unpacked without trusting them."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

from audio_rnn.errors import InputError

SUFFIXES = (".tar.gz", ".tgz", ".tar")


def is_archive(path: Path) -> bool:
    """Whether the name is that of a tar archive."""
    return path.is_file() and path.name.endswith(SUFFIXES)


def extract(archive: Path, below: Path) -> Path:
    """Unpack `archive` into its own folder below `below`; a later run finds it there.

    Paths cannot leave the folder; links and devices are refused.

    Raises: InputError for a broken or unsafe archive, after which nothing is left behind.
    """
    folder = below / archive.name.split(".tar")[0].removesuffix(".tgz")
    stamp, part = folder.with_name(f"{folder.name}.json"), folder.with_name(f"{folder.name}.part")
    status = archive.stat()
    identity = json.dumps({"bytes": status.st_size, "modified": status.st_mtime_ns})
    if folder.is_dir() and stamp.is_file() and stamp.read_text() == identity:
        return folder
    for old in (folder, part):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(part, filter=_no_links)
    except (tarfile.TarError, EOFError, OSError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise InputError(f"{archive}: cannot be unpacked: {error}") from error
    part.rename(folder)
    stamp.write_text(identity)
    return folder


def _no_links(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    if member.issym() or member.islnk():
        raise tarfile.TarError(f"{member.name!r} is a link; expected files and folders only")
    return tarfile.data_filter(member, folder)
