"""The other side of benchmarks.decoding: flashlight-text, torchaudio's ctc_decoder, pyctcdecode.

Runs by path in the peers' own environment and imports nothing of this project. The folder that is
named on the command line holds `model.json` (symbols, blank first), `lm.arpa` and, for every set,
NAME.npz with the log-probabilities of its recordings. First it prints the decoders that it has;
then a request a line comes in as JSON, and a line goes out: processor seconds, and the texts.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BLANK, SPACE = 0, " "
IMPOSSIBLE = -100.0  # log-probability

Decode = Callable[[np.ndarray], str]
Settings = dict[str, Any]


class Folder:
    """What there is to decode, and with what."""

    def __init__(self, path: Path) -> None:
        model = json.loads((path / "model.json").read_text(encoding="utf-8"))
        self.symbols: list[str] = model["symbols"]
        self.words: list[str] = model["words"]
        self.arpa = str(path / "lm.arpa")
        self.path = path

    def recordings(self, name: str) -> list[np.ndarray]:
        """Log-probabilities (steps, symbols) of each recording of a set."""
        with np.load(self.path / f"{name}.npz") as arrays:
            return [arrays[key] for key in sorted(arrays, key=int)]


def flashlight(folder: Folder, settings: Settings) -> Decode:
    """Without the LM letter by letter, with it by its lexicon of all words of the LM."""
    return _flashlight_words(folder, settings) if settings["lm"] else _flashlight(folder, settings)


def _flashlight(folder: Folder, settings: Settings) -> Decode:
    from flashlight.lib.text import decoder as fl

    options = fl.LexiconFreeDecoderOptions(
        settings["beam_width"], settings["beam_size_token"], settings["beam_threshold"],
        0.0, 0.0, settings["log_add"], fl.CriterionType.CTC,
    )  # fmt: skip
    silence = folder.symbols.index(SPACE)
    decoder = fl.LexiconFreeDecoder(options, fl.ZeroLM(), silence, BLANK, [])

    def decode(log_probs: np.ndarray) -> str:
        best = decoder.decode(log_probs.ctypes.data, *log_probs.shape)[0]
        return "".join(folder.symbols[s] for s in _collapsed(best.tokens))

    return decode


def _flashlight_words(folder: Folder, settings: Settings) -> Decode:
    from flashlight.lib.text import decoder as fl
    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary

    lexicon = Dictionary()
    for word in [*folder.words, "<unk>"]:
        lexicon.add_entry(word)
    lm = KenLM(folder.arpa, lexicon)
    silence = folder.symbols.index(SPACE)
    trie, start = fl.Trie(len(folder.symbols), silence), lm.start(False)
    for word in folder.words:
        index = lexicon.get_index(word)
        letters = [folder.symbols.index(letter) for letter in word]
        trie.insert([*letters, silence], index, lm.score(start, index)[1])
    trie.smear(fl.SmearingMode.MAX)
    options = fl.LexiconDecoderOptions(
        settings["beam_width"], settings["beam_size_token"], settings["beam_threshold"],
        settings["lm_weight"], settings["word_bonus"], float("-inf"), 0.0, settings["log_add"],
        fl.CriterionType.CTC,
    )  # fmt: skip
    unknown = lexicon.get_index("<unk>")
    decoder = fl.LexiconDecoder(options, trie, lm, silence, BLANK, unknown, [], False)

    def decode(log_probs: np.ndarray) -> str:
        closed = with_space(log_probs, silence)
        best = decoder.decode(closed.ctypes.data, *closed.shape)[0]
        return SPACE.join(lexicon.get_entry(word) for word in best.words if word >= 0)

    return decode


def with_space(log_probs: np.ndarray, space: int) -> np.ndarray:
    """The same with a step that is surely a space at the end, without which the last word of a
    lexicon would have to be heard with one."""
    last = np.full((1, log_probs.shape[1]), IMPOSSIBLE, np.float32)
    last[0, space] = 0.0
    return np.concatenate([log_probs, last])


def _collapsed(tokens: list[int]) -> list[int]:
    kept = [s for i, s in enumerate(tokens) if i == 0 or s != tokens[i - 1]]
    return [s for s in kept if s != BLANK]


def torchaudio(folder: Folder, settings: Settings) -> Decode:
    """The same library the way torchaudio calls it, which also collects times and scores."""
    import torch
    from torchaudio.models.decoder import ctc_decoder

    torch.set_num_threads(1)
    options = {"beam_size": settings["beam_width"]}
    options |= {name: settings[name] for name in ("beam_size_token", "beam_threshold", "log_add")}
    lexicon = None
    if settings["lm"]:
        lexicon = str(folder.path / "lexicon.txt")
        rows = [f"{word} {' '.join(word)} |\n" for word in folder.words]
        Path(lexicon).write_text("".join(rows), encoding="utf-8")
        options |= {"lm": folder.arpa, "lm_weight": settings["lm_weight"]}
        options |= {"word_score": settings["word_bonus"]}
    tokens = [symbol.replace(SPACE, "|") for symbol in folder.symbols]
    decoder = ctc_decoder(lexicon, tokens, blank_token=tokens[BLANK], **options)
    silence = tokens.index("|")

    def decode(log_probs: np.ndarray) -> str:
        emissions = with_space(log_probs, silence) if settings["lm"] else log_probs
        best = decoder(torch.from_numpy(emissions)[None])[0][0]
        if settings["lm"]:
            return SPACE.join(best.words)
        return "".join(folder.symbols[s] for s in best.tokens[1:-1])

    return decode


def pyctcdecode(folder: Folder, settings: Settings) -> Decode:
    """Open vocabulary, with the LM's words as its known ones."""
    from pyctcdecode import build_ctcdecoder

    labels = ["", *folder.symbols[1:]]
    options: Settings = {}
    if settings["lm"]:
        options = {"kenlm_model_path": folder.arpa, "unigrams": folder.words}
        options |= {"alpha": settings["lm_weight"], "beta": settings["word_bonus"]}
        options |= {"unk_score_offset": settings["unknown_offset"]}
    decoder = build_ctcdecoder(labels, **options)
    search = {name: settings[name] for name in ("beam_prune_logp", "token_min_logp")}
    search["beam_width"] = settings["beam_width"]
    return lambda log_probs: str(decoder.decode(log_probs, **search))


DECODERS: dict[str, Callable[[Folder, Settings], Decode]] = {
    "flashlight": flashlight,
    "torchaudio": torchaudio,
    "pyctcdecode": pyctcdecode,
}


def available() -> list[str]:
    """The decoders whose packages are installed here."""
    packages = {
        "flashlight": ("flashlight.lib.text",),
        "torchaudio": ("flashlight.lib.text", "torchaudio"),
        "pyctcdecode": ("pyctcdecode", "kenlm"),
    }
    return [name for name, needed in packages.items() if all(map(_installed, needed))]


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def main() -> None:
    """Answer requests until the input ends."""
    logging.disable(logging.WARNING)
    folder = Folder(Path(sys.argv[1]))
    made: dict[str, Decode] = {}
    sets: dict[str, list[np.ndarray]] = {}
    print(json.dumps(available()), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        name, split = request["decoder"], request["set"]
        if line not in made:
            made.clear()
            made[line] = DECODERS[name](folder, request["settings"])
        if split not in sets:
            sets[split] = folder.recordings(split)
        began = time.process_time()
        texts = [made[line](recording) for recording in sets[split]]
        seconds = time.process_time() - began
        print(json.dumps([seconds, texts]), flush=True)


if __name__ == "__main__":
    main()
