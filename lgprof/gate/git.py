"""Asks git about the user's repository, and leaves the repository as it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lgprof.gate.process_group import kill_group

_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
"""Variables that git sets for its hooks, and that would point it elsewhere."""
_SUBMODULE = "160000"
"""The mode of an entry that is a commit of another repository."""


class Submodule(NamedTuple):
    """Another repository inside one."""

    path: str
    commit: str


def git(folder: Path, *arguments: str, **variables: str) -> str:
    """What git prints, asked in a folder.

    Args:
        folder: In a repository.
        arguments: Of the command line.
        variables: Of the environment, besides the user's own.

    Raises:
        FileNotFoundError: There is no git.
        subprocess.CalledProcessError: It failed.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    command = ["git", "-C", str(folder), *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | variables,
        start_new_session=True,  # Ctrl-C is for us, who know what has to be cleared up
    ) as process:
        try:
            printed, complaint = process.communicate()
        except BaseException:
            kill_group(process)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, printed, complaint)
    return printed.strip()


def succeeds(folder: Path, *arguments: str) -> bool:
    """Whether git does what it is asked for."""
    try:
        git(folder, *arguments)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def has_commit(folder: Path, revision: str) -> bool:
    """Whether a repository holds a commit."""
    return succeeds(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")


def file_names(folder: Path, *which: str) -> list[str]:
    """Names that ``git ls-files`` lists, relative to the folder."""
    listed = git(folder, "ls-files", "-z", *which).split("\0")
    return list(dict.fromkeys(filter(None, listed)))


def submodules(folder: Path, commit: str) -> Iterator[Submodule]:
    """Those that a commit has, with the commits that it has them at."""
    for line in git(folder, "ls-tree", "-r", "-z", commit).split("\0"):
        entry, _, path = line.partition("\t")
        if entry.startswith(_SUBMODULE):
            yield Submodule(path, entry.split()[2])


def last_line(error: subprocess.CalledProcessError) -> str:
    """What git said in the end."""
    return str(error.stderr).strip().splitlines()[-1].strip() if error.stderr else "git failed"
