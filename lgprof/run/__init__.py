"""Drives requests through a graph and profiles them."""

from lgprof.run.options import RunOptions
from lgprof.run.profile_run import Progress, RunResult, profile_run

__all__ = ["Progress", "RunOptions", "RunResult", "profile_run"]
