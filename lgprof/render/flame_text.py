"""What a frame of a flame graph is called, and how wide it is, in every format alike."""

from __future__ import annotations

from collections.abc import Callable

from lgprof.analysis.flame import By, FlameOptions, flame_graph
from lgprof.analysis.flame_tree import Flame
from lgprof.errors import UsageError
from lgprof.model import CATEGORY_LABELS, Profile
from lgprof.readable import count, duration, plural, usd

KIND_PREFIX = {"model": "llm", "tool": "tool", "retriever": "retriever"}
_AWAIT = "[await]"
_OF_THE_REST = {"input": "input tokens", "output": "output tokens"}
_FASTER = 0.7
"""Sampling slows a graph: one that was faster than this met something that it had kept."""
_WHAT = {"cpu": "CPU time of nodes", "cost": "cost of model calls", "tokens": "tokens"}

NOTHING: dict[By, str] = {
    "time": "no node was recorded",
    "cpu": "no node was seen to use the CPU",
    "cost": "the cost of no model call is known",
    "tokens": "the tokens of no model call are known",
}
"""Why there is no flame graph."""


def flame_name(flame: Flame, clean: Callable[[str], str] = str) -> str:
    """What it is called: ``draft``, ``llm gpt-4o``, ``helper``, ``httpx.get``.

    Args:
        flame: The frame.
        clean: Makes a name that the user's program chose fit to be shown.
    """
    if flame.kind in KIND_PREFIX:
        return f"{KIND_PREFIX[flame.kind]} {clean(flame.name)}"
    if flame.name == _AWAIT:
        return "awaiting"
    return _OF_THE_REST.get(flame.kind) or CATEGORY_LABELS.get(flame.kind) or clean(flame.name)


def drawn_flame(profile: Profile, options: FlameOptions) -> Flame:
    """The tree, which has something to draw.

    Raises:
        UsageError: It has nothing.
    """
    flame = flame_graph(profile, options)
    if flame.value <= 0:
        raise UsageError(f"no flame graph: {NOTHING[options.by]}")
    return flame


def flame_place(flame: Flame) -> str:
    """Where it is in the user's code: ``app.py:12``; empty for anything else."""
    return f"{flame.file}:{flame.line}" if flame.kind == "python" and flame.line else ""


def flame_amount(value: float, by: By, *, ascii_only: bool = False) -> str:
    """A width in its unit: seconds, USD or tokens."""
    if by == "cost":
        return usd(value)
    return count(round(value)) if by == "tokens" else duration(value, ascii_only=ascii_only)


def flame_widths(options: FlameOptions) -> str:
    """What makes a frame wide."""
    if options.view == "elapsed":
        return "elapsed time, on the critical path alone"
    return _WHAT.get(options.by, options.view)


def flame_note(flame: Flame, options: FlameOptions, *, ascii_only: bool = False) -> str:
    """What the widths are, and of how much: ``node-seconds, 5.36 s in 10 requests``."""
    amount = flame_amount(flame.value, options.by, ascii_only=ascii_only)
    return f"{flame_widths(options)}, {amount} in {plural(flame.calls, 'request')}"


def sampling_note(profile: Profile, options: FlameOptions, *, times: str) -> str:
    """Where the Python frames come from; empty where there are none."""
    sampling = profile.sampling
    if sampling is None or options.by not in ("time", "cpu"):
        return ""
    told = f"Python frames: {plural(sampling.requests, 'sampled request')}"
    if sampling.slowdown is None:
        return told
    told += f", at {sampling.slowdown:.2f}{times} latency"
    if sampling.slowdown < _FASTER:
        told += " (the graph's own caches were probably warm by then)"
    return told
