"""Every mistake a user can make is one of these: value found, value expected, what to do.

The command line turns them into one line and exit status 1; a library caller catches `InputError`.
"""


class InputError(Exception):
    """Something handed to the toolkit cannot be used."""


class AudioError(InputError):
    """An audio file or waveform that cannot be read or used."""


class ConfigError(InputError):
    """A configuration with an unknown field, a wrong type or an impossible combination."""


class ManifestError(InputError):
    """A manifest whose line, key or path is wrong."""


class ShardError(InputError):
    """A shard that is missing, truncated or no tar archive, or that its index does not describe."""


class VocabularyError(InputError):
    """A symbol outside the vocabulary, or a vocabulary file that is broken."""


class ModelError(InputError):
    """A model folder or checkpoint that is incomplete, of another version or tampered with."""


class TrainingError(InputError):
    """Training cannot go on: losses that are not finite, a run folder in use, a full disk."""


class DecodingError(InputError):
    """Log-probabilities, or a setting of a decoder, that nothing can be decoded with."""


class LexiconError(DecodingError):
    """A lexicon without words, or with one that the model cannot write."""


class AlignmentError(InputError):
    """A text that its recording cannot hold."""


class StorageError(InputError):
    """A disk that cannot hold what does not fit into memory."""


class LanguageModelError(InputError):
    """A language model or its training text that is broken, or fits no use it is put to."""


class MusicError(InputError):
    """Music that cannot be read, written as symbols, or asked for."""


def reason(error: Exception) -> str:
    """Why a file cannot be read: what the system says, without the name that a message has already."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
