"""A small grammar of commands, numbers, names and times: sentences of 2 to 7 words."""

from __future__ import annotations

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
    "number": ("{digit}", "{teen}", "{tens}", "{tens} {digit}"),
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
SLOT = re.compile(r"{(\w+)}")


def sentence(random_: random.Random, rule: str = "sentence") -> str:
    """One sentence of the grammar."""
    return SLOT.sub(lambda slot: sentence(random_, slot[1]), random_.choice(RULES[rule]))


def words() -> set[str]:
    """Every word of the grammar."""
    return {
        word for rule in RULES.values() for text in rule for word in SLOT.sub(" ", text).split()
    }


def splits(sizes: Mapping[str, int], seed: int) -> dict[str, list[str]]:
    """Sentences for each split, drawn in the order given; no split repeats one of an earlier split.

    Only the last may say a sentence twice (in other voices), so name the training set last.
    """
    random_ = random.Random(seed)
    drawn: dict[str, list[str]] = {}
    last = list(sizes)[-1]
    for split, size in sizes.items():
        taken = {text for texts in drawn.values() for text in texts}
        texts: list[str] = []
        while len(texts) < size:
            text = sentence(random_)
            if text not in taken:
                texts.append(text)
                if split != last:
                    taken.add(text)
        drawn[split] = texts
    return drawn
