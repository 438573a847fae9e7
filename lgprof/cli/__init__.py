"""The command line: parse, call, render, exit code. Heavy imports happen inside the commands."""

from lgprof.cli.app import main

__all__ = ["main"]
