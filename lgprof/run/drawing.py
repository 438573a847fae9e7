"""A Profile without requests: what is known of a graph before it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import lgprof
from lgprof.analysis.build import Process, figures
from lgprof.model import Profile
from lgprof.run.described import described
from lgprof.run.environment import describe_environment
from lgprof.run.opening import opened
from lgprof.run.options import RunOptions
from lgprof.target import Inputs, TargetSource


def profile_of_graph(source: TargetSource, options: RunOptions, folder: Path) -> Profile:
    """Describe a target; nothing of it runs but what builds it.

    Args:
        source: The loaded target.
        options: Of which the config goes to what builds it.
        folder: The project's folder, whose git commit is noted.

    Raises:
        LgprofError: The target cannot be built.
    """
    nothing = Inputs(items=[], source="none", synthesized=False)
    with opened(source, options) as site:
        target = described(source.spec, site.target, nothing, site.mode)
    unseen = Process(
        cold_s=None, warmup=0, concurrency=1, peak_rss_bytes=None, rss_growth_bytes=None
    )
    made = figures([], unseen)
    return Profile(
        kind="run",
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        lgprof=lgprof.__version__,
        target=target,
        environment=describe_environment(folder),
        summary=made.summary,
        attribution_s=made.attribution_s,
        nodes=[],
        models=[],
        tools=[],
        errors=[],
        critical_path=[],
        requests=[],
    )
