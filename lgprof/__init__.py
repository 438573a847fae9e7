"""lgprof: a profiler and load tester for LangGraph applications."""

__version__ = "0.1.0"
