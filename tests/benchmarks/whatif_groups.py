"""All changes that are predicted and made, by group. Each group takes less than three minutes."""

from __future__ import annotations

from collections.abc import Callable

from whatif_arms import Case
from whatif_cases import caches, readers, retries, speeds, structures
from whatif_heldout import agents, maps, savers, shapes, tasks
from whatif_shared import blocking, checkpoints, in_threads, limits, models

GROUPS: dict[str, Callable[[], list[Case]]] = {
    "readers": readers,
    "speeds": speeds,
    "structures": structures,
    "caches": caches,
    "retries": retries,
    "blocking": blocking,
    "limits": limits,
    "checkpoints": checkpoints,
    "models": models,
    "threads": in_threads,
    **{held.__name__: held for held in (agents, maps, shapes, tasks, savers)},
}
