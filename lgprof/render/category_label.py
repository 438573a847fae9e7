"""What the parts of a latency are called."""

from __future__ import annotations

from lgprof.model import CATEGORY_LABELS, Profile


def category_label(profile: Profile, category: str) -> str:
    """A part's name; under load LangGraph's holds the waits for other requests on the loop too."""
    label = CATEGORY_LABELS[category]
    shares_loop = profile.load is not None and profile.target.mode == "async"
    return f"{label}, loop waits" if category == "framework" and shares_loop else label
