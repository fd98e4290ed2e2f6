"""The words that a recogniser was trained on, in its run folder as a language model.

Hotwords by themselves compete with letters, of which a misspelt word and a known one have like many;
with words, they take the place of what is no word.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.models.folder import NAME

log = logging.getLogger(__name__)

WORDS = "words.arpa"


def with_known_words(config: DecodingConfig, folder: Path) -> DecodingConfig:
    """The same, where there are hotwords and nothing else that knows words, with those of training
    as `lm`; a warning when `folder`, of the run or the model in it, has none."""
    if not config.has_hotwords or config.models or config.lexicon is not None:
        return config
    path = (folder if (folder / NAME).is_dir() else folder.resolve().parent) / WORDS
    if path.is_file():
        return replace(config, lm=path)
    log.warning(
        "hotwords: found no %s, which tells known words, so they compete with any letters; give --lm "
        "or --lexicon, or lower --hotword-boost where too many are found",
        path,
    )
    return config
