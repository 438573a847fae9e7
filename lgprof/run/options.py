"""The options of a run, and of its bill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from lgprof.llm.price_table import PriceTable
from lgprof.predicate import Predicate

Mode = Literal["auto", "async", "sync"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run a graph. The defaults are those of the command line."""

    requests: int = 10
    warmup: int = 1
    """Requests before the measured ones; the first of them is the cold run."""
    timeout_s: float = 120.0
    """Per request."""
    concurrency: int = 1
    recursion_limit: int | None = None
    """None leaves LangGraph's own."""
    mode: Mode = "auto"
    probes: bool = True
    checkpointer: str = "auto"
    """``auto``, ``memory``, ``none`` or ``sqlite:FILE``."""
    store: str = "auto"
    """``auto``, ``memory`` or ``none``."""
    context: Any = None
    """A template: ``{{i}}`` and ``{{uuid}}`` are replaced for each request."""
    config: dict[str, Any] = field(default_factory=dict)
    """A template, like ``context``."""
    resumes: list[Any] = field(default_factory=list)
    failed_when: Predicate | None = None
    capture_content: bool = False
    """Keep prompts, completions and messages of errors in the Profile, redacted."""


@dataclass(frozen=True, slots=True)
class Billing:
    """How a run is billed. It changes no request."""

    prices: PriceTable = field(default_factory=PriceTable)
    """The user's own."""
    monthly_requests: float | None = None
    """Traffic to project the cost to."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a run does besides measuring. It changes no figure of the measured requests."""

    sample: bool | None = None
    """A sampled pass for Python frames; None for one unless the graph connects to other machines,
    where its calls may cost money."""
    memory: bool = False
    """A pass for the memory of each node."""
