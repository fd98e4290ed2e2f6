"""Talks to benchmarks/_peer_process.py, which decodes in the peers' own environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._corpus import Corpus, Spoken

SCRIPT = Path(__file__).with_name("_peer_process.py")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Peers:
    """A process with the decoders of an environment; `folder` is where both sides meet."""

    def __init__(
        self, environment: Path, folder: Path, corpus: Corpus, sets: Mapping[str, Sequence[Spoken]]
    ) -> None:
        _write(folder, corpus, sets)
        command = [str(environment / "bin" / "python"), str(SCRIPT), str(folder)]
        self.log = (folder / "log.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env={**os.environ, **ONE_THREAD},
        )
        self.names: list[str] = self._answer()

    def run(self, name: str, split: str, settings: Mapping[str, Any]) -> tuple[float, list[str]]:
        """Processor seconds that a decoder takes for a set, and its texts."""
        assert self.process.stdin
        request = {"decoder": name, "set": split, "settings": settings}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        seconds, texts = self._answer()
        return seconds, texts

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.log.close()

    def _answer(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise SystemExit(f"the peers' process has ended:\n{self.log.read()[-2000:]}")
        return json.loads(line)


def _write(folder: Path, corpus: Corpus, sets: Mapping[str, Sequence[Spoken]]) -> None:
    model = {"symbols": corpus.vocabulary.symbols, "words": corpus.words}
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    corpus.lm.save(folder / "lm.arpa")
    for name, spoken in sets.items():
        arrays = {str(number): one.log_probs for number, one in enumerate(spoken)}
        np.savez(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]
