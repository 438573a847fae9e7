"""What the runs of a proof showed: counts and times, no judgement yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lgprof.stats import mean
from lgprof.whatif.proof.audit import Repeats
from lgprof.whatif.proof.stage import Outcome
from lgprof.whatif.saving import mean_interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outputs of a copy beside those of the original for the same inputs."""

    runs: int
    differing: int

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(self.runs + other.runs, self.differing + other.differing)


@dataclass(frozen=True, slots=True)
class Timing:
    """Paired latencies, in seconds."""

    pairs: int
    baseline_s: float
    """Mean of the original's."""
    saved_s: float
    saved_ci_s: tuple[float, float]
    control_s: float
    """Mean difference between two runs of the original: nothing but noise."""


@dataclass(frozen=True, slots=True)
class Crowded:
    """What each request saved while others ran."""

    at_once: int
    timing: Timing
    """A pair is the mean of requests that started together: they are not independent."""

    @property
    def is_gain(self) -> bool:
        """Whether the interval excludes zero, and the saving exceeds the noise."""
        timing = self.timing
        return timing.saved_ci_s[0] > 0 and timing.saved_s > abs(timing.control_s)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a proof has to go by."""

    inputs: int
    distinct: int
    """Different ones among the user's own; lgprof's repeats of them do not count."""
    control: Comparison
    """The original against itself (A/A)."""
    natural: Comparison
    """The changed copy against the original (A/B)."""
    delayed: Mapping[str, Comparison]
    """The same with one node started late, by its path."""
    untold: int
    """Outputs whose content could not be told."""
    is_normalised: bool
    """UUIDs and times were left out, since they differ from run to run by themselves."""
    timing: Timing | None
    """None where no input succeeded in all copies."""
    failed: int
    """Requests of the original that failed."""
    repeats: Repeats | None = None
    """Of a cached node."""
    overlap: tuple[str, ...] = ()
    """Reads and writes that forbid to run nodes side by side."""
    shared: tuple[str, ...] = ()
    """State that nodes share besides the graph's, and that changed or cannot be looked into."""
    still: tuple[str, ...] = ()
    """State that nodes share and that never changed."""
    impure: tuple[str, ...] = ()
    """Why a node's answer may depend on more than its key."""
    effects: tuple[str, ...] = ()
    """What nodes were seen to do to the world."""
    loop_bound: bool = False
    """A client of the original's event loop refused to work on another."""
    crowded: Crowded | None = None
    """Several requests at once, where the gain shows only then."""
    unmeasured: tuple[str, ...] = ()
    """Why the prediction alone could not be relied on."""
    notes: tuple[str, ...] = field(default=())
    """How the copies differed from the original besides."""

    @property
    def all_delayed(self) -> Comparison:
        """The runs with delays together."""
        return sum(self.delayed.values(), Comparison(0, 0))


Outcomes = Mapping[int, Outcome]


def compared(base: Outcomes, other: Outcomes, *, normalised: bool) -> Comparison:
    """How often two copies gave different outputs to the same input."""
    shared = [index for index in base if index in other]
    texts = [
        (a.normalised, b.normalised) if normalised else (a.exact, b.exact)
        for a, b in ((base[index], other[index]) for index in shared)
    ]
    return Comparison(len(shared), sum(a != b for a, b in texts))


def timed(base: Outcomes, control: Outcomes, changed: Outcomes) -> Timing | None:
    """What was saved, over the inputs that succeeded in all three."""
    indices = [
        index
        for index in base
        if all(index in arm and arm[index].ok for arm in (base, control, changed))
    ]
    both = [(base[i].latency_s, control[i].latency_s) for i in indices]
    if not any(a + b for a, b in both):
        return None
    saved: Sequence[float] = [
        (a + b) / 2 - changed[i].latency_s for (a, b), i in zip(both, indices, strict=True)
    ]
    return Timing(
        pairs=len(indices),
        baseline_s=mean([(a + b) / 2 for a, b in both]),
        saved_s=mean(saved),
        saved_ci_s=mean_interval(saved),
        control_s=mean([a - b for a, b in both]),
    )
