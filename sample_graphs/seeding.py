"""Chance that is a function of the input, so that a request behaves the same in every process."""

from __future__ import annotations

import random
import zlib


def seeded(*parts: object) -> random.Random:
    """A generator seeded by `parts`; unlike `hash()`, the seed is the same in every process."""
    return random.Random(zlib.crc32(repr(parts).encode()))
