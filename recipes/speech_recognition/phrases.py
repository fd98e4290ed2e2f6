"""A small grammar of commands, numbers, names and times: sentences of 2 to 7 words."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping

from recipes.speech_recognition.text import spell_number

# A slot in braces is replaced by one of its options, which may hold slots again.
RULES: Mapping[str, tuple[str, ...]] = {
    "sentence": (
        "set a timer for {amount}",
        "set an alarm for {time}",
        "wake me at {time}",
        "wake me on {day} at {hour}",
        "call {name}",
        "call {name} at {time}",
        "meet {name} on {day}",
        "remind {name} on {day}",
        "meet {name} and {name}",
        "send {name} a message",
        "remind {name} in {amount}",
        "turn {switch} the {device}",
        "turn {switch} the {room} {device}",
        "{move} the {room} {opening}",
        "set the volume to {number}",
        "play song number {number}",
        "add {number} and {number}",
        "what is {number} times {digit}",
    ),
    "amount": ("{number} minutes", "{number} seconds", "{digit} hours"),
    "time": (
        "{hour}",
        "{minute} past {hour}",
        "{minute} to {hour}",
        "half past {hour}",
        "quarter past {hour}",
        "{hour} thirty",
    ),
    "minute": ("five", "ten", "twenty"),
    "hour": tuple(spell_number(n) for n in range(1, 13)),
    "digit": tuple(spell_number(n) for n in range(2, 10)),
    "number": ("{digit}", "{teen}", "{teen}", "{tens}", "{tens} {digit}"),
    "teen": tuple(spell_number(n) for n in range(10, 20)),
    "tens": ("twenty", "thirty", "forty", "fifty"),
    "name": ("anna", "ben", "clara", "david", "emma", "frank", "grace", "henry"),
    "day": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    "switch": ("on", "off"),
    "device": ("light", "radio", "heating", "music"),
    "room": ("kitchen", "bedroom", "office"),
    "move": ("open", "close"),
    "opening": ("door", "window"),
}
PATIENCE = 200  # sentences drawn for each one wanted before repeats are taken
SLOT = re.compile(r"{(\w+)}")


def sentence(random_: random.Random, rule: str = "sentence") -> str:
    """One sentence of the grammar."""
    return SLOT.sub(lambda slot: sentence(random_, slot[1]), random_.choice(RULES[rule]))


def words() -> set[str]:
    """Every word of the grammar."""
    return {
        word for rule in RULES.values() for text in rule for word in SLOT.sub(" ", text).split()
    }


def draw(split: str, size: int, seed: int) -> list[str]:
    """Sentences of a split; no split says one of another's.

    Training says many of them more than once, in other voices. Held-out sentences are all
    different, so that a short rule of the grammar does not count more than a rich one; only a
    larger split than the grammar can fill repeats itself.
    """
    random_ = random.Random(f"{seed} {split} sentences")
    drawn: list[str] = []
    attempts = 0
    while len(drawn) < size:
        text = sentence(random_)
        attempts += 1
        repeats = split == "train" or attempts > PATIENCE * size
        if split_of(text, seed) == split and (repeats or text not in drawn):
            drawn.append(text)
    return drawn


def split_of(text: str, seed: int) -> str:
    """The split a sentence belongs to, by its hash: 80 % train, 8 % valid, 12 % test."""
    place = hashlib.sha256(f"{seed} {text}".encode()).digest()[0] / 256
    return "train" if place < 0.8 else "valid" if place < 0.88 else "test"
