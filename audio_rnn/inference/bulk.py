"""A folder of results that several processes fill together: each part once, by whoever is free.

`000017.jsonl` holds the results of part 17, and `000017.failed.jsonl` what has failed in it, if
anything has. Both appear whole, the results last, so a part with results is done. Who works on a
part holds a lock on the byte of its number in `.lock`, which the system lets go of when the process
ends in whatever way: what a killed process had begun, another one does.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from audio_rnn.audio import Source
from audio_rnn.config import differences
from audio_rnn.data.parts import Part
from audio_rnn.errors import InputError
from audio_rnn.inference.batched import Outcome
from audio_rnn.inference.failure import Failure
from audio_rnn.storage import write_text

T = TypeVar("T", bound=Outcome)
Work = Callable[[Iterable[Source]], Iterable[T | Failure]]  # a result for each source, in order


class BulkFolder:
    """The results of parts, done or to be done."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        """`facts` are JSON values that all results hang on: model, manifest, options.

        Raises: InputError for a folder of other facts. Raises OSError.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        _write_once(folder / "bulk.json", json.dumps(facts, indent=1))
        found = json.loads((folder / "bulk.json").read_text(encoding="utf-8"))
        other = differences(found, json.loads(json.dumps(facts)))
        if other:
            listed = ", ".join(f"{name}: {a!r} there, {b!r} now" for name, (a, b) in other.items())
            raise InputError(
                f"--output: {folder} holds results of another run ({listed}); choose another folder"
            )

    def done(self, part: Part) -> bool:
        """Whether the results of a part are there."""
        return (self.folder / f"{part.name}.jsonl").exists()

    def claimed(self, parts: Sequence[Part]) -> Iterator[Part]:
        """Parts that this process is to do, one after the other; at the end all are done, or each
        of those that are not was given here.

        First what is free, then what others leave when they end. Raises: InputError where the file
        system has no locks.
        """
        given: set[str] = set()
        with (self.folder / ".lock").open("a") as lock:
            for mode in (fcntl.LOCK_NB, 0):
                for number, part in enumerate(parts):
                    if self.done(part) or part.name in given:
                        continue
                    if _lock(lock.fileno(), number, mode):
                        if not self.done(part):
                            given.add(part.name)
                            yield part
                        fcntl.lockf(lock, fcntl.LOCK_UN, 1, number)

    def fill(self, part: Part, work: Work[T]) -> tuple[int, float]:
        """Do the work of a part; how many results there are, and seconds of sound.

        Raises: InputError when the part cannot be read to its end; nothing is written then.
        """
        names, results, failures, seconds = list[str](), list[str](), list[str](), 0.0

        def sources() -> Iterator[Source]:
            for item in part.items():
                if item.source is None:
                    failures.append(_line({"id": item.id, "reason": item.problem}))
                else:
                    names.append(item.id)
                    yield item.source

        for number, outcome in enumerate(work(sources())):
            if isinstance(outcome, Failure):
                failures.append(_line({"id": names[number], **asdict(outcome)}))
            else:
                results.append(_line({"id": names[number], **asdict(outcome)}))  # type: ignore[call-overload]
                seconds += outcome.duration
        if failures:
            write_text(self.folder / f"{part.name}.failed.jsonl", "".join(failures))
        write_text(self.folder / f"{part.name}.jsonl", "".join(results))
        return len(results), seconds

    def failures(self, part: Part) -> list[dict[str, str]]:
        """What has failed in a part that is done: id and reason."""
        path = self.folder / f"{part.name}.failed.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]


def _write_once(path: Path, text: str) -> None:
    """Write a file, whole, unless there is one."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    write_text(draft, text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was faster
    finally:
        draft.unlink()


def _lock(file: int, number: int, mode: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | mode, 1, number)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise InputError(
            f"--output: this file system has no locks ({error.strerror}); give each process a part "
            "of the work, such as --share 1/4 to --share 4/4"
        ) from error
    return True


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"
