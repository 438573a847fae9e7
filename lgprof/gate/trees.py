"""Two folders to compare: the files of the base, and a copy of the working tree.

They are siblings with names of equal length, since the length of a path moves what Python and the
system lay out in memory, and with it timings. What git ignores, such as ``.env`` and data, is in no
commit: both folders get links to it. The base is checked out with an index of its own, so that the
user's repository does not know of it, and nothing of it can be left there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

from lgprof.errors import UsageError
from lgprof.gate.git import file_names, git, has_commit, last_line, submodules

_PREFIX = "lgprof-gate"
_OF_NO_VERSION = {"__pycache__", ".lgprof", ".venv", "venv", "node_modules"}
"""Folders that are made by tools, and belong to no version."""
_COMPILED = re.compile(r"\.(pyc|pyo)$")
_ENVIRONMENT = "pyvenv.cfg"
"""A folder with this file is a virtual environment."""


@dataclass(frozen=True, slots=True)
class Trees:
    """The two folders, as long as the context is open."""

    root: Path
    """The working tree itself."""
    base: Path
    candidate: Path
    revision: str
    """The base, as the user named it."""
    commit: str
    """The same, as an abbreviated commit."""
    head: str
    """What the working tree is at, as an abbreviated commit."""
    changes: int
    """Files of the working tree that are not as in ``head``."""

    @property
    def is_same(self) -> bool:
        """No file differs between the two, as far as git knows them."""
        return self.commit == self.head and not self.changes


@contextmanager
def two_trees(cwd: Path, revision: str) -> Iterator[Trees]:
    """Lay out the base and the candidate in a temporary folder, and take them away afterwards.

    Args:
        cwd: Anywhere in the working tree.
        revision: Names the base.

    Raises:
        UsageError: No git repository, no such revision, or a submodule lacks its commit.
    """
    root = _root(cwd)
    commit = _commit(root, revision)
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{os.getpid()}-")).resolve()
    base, candidate = folder / "base", folder / "work"
    try:
        _check_out(root, commit, base)
        _copy(root, candidate)
        for tree in (base, candidate):
            _link_ignored(root, tree)
        head = git(root, "rev-parse", "HEAD")
        yield Trees(root, base, candidate, revision, commit[:10], head[:10], _changes(root))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _root(cwd: Path) -> Path:
    try:
        return Path(git(cwd, "rev-parse", "--show-toplevel")).resolve()
    except FileNotFoundError:
        raise UsageError(
            "--against needs git, and there is none", hint="install git, or use --baseline PROFILE"
        ) from None
    except subprocess.CalledProcessError as error:
        if "safe.directory" in error.stderr:
            raise UsageError(
                f"--against: git does not read {cwd}, since it belongs to another user",
                hint=f"if that is fine: {last_line(error)}",
            ) from None
        raise UsageError(
            f"--against: {cwd} is in no git repository ({last_line(error)})",
            hint="run lgprof in the project's repository, or use --baseline PROFILE",
        ) from None


def _commit(root: Path, revision: str) -> str:
    try:
        return git(
            root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
    except subprocess.CalledProcessError:
        raise UsageError(
            f"--against {revision}: there is no such revision in {root}",
            hint=_revision_hint(root, revision),
        ) from None


def _revision_hint(root: Path, revision: str) -> str:
    for remote in git(root, "remote").splitlines():
        name = f"{remote}/{revision}"
        if has_commit(root, name):
            return f"did you mean --against {name}?"
    if git(root, "rev-parse", "--is-shallow-repository") == "true":
        return (
            "this clone is shallow: set fetch-depth: 0 for actions/checkout, or git fetch "
            "--unshallow; branches are then named as in --against origin/main"
        )
    return "name a branch, a tag or a commit; git fetch may be missing"


# --- the base ------------------------------------------------------------------------------------


def _check_out(repository: Path, commit: str, to: Path) -> None:
    """Write the files of a commit, and of its submodules, into a folder."""
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}-index-") as index:
        git(
            repository,
            # Hooks and a monitor of files are for the user's own checkouts.
            *("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false"),
            *(f"--work-tree={to}", "read-tree", "--reset", "-u", commit),
            GIT_INDEX_FILE=str(Path(index) / "index"),
        )
    for path, pinned in submodules(repository, commit):
        inner = repository / path
        if not (inner / ".git").exists():  # not initialised: the working tree lacks it too
            continue
        if not has_commit(inner, pinned):
            raise UsageError(
                f"--against: the base has submodule {path} at {pinned[:10]}, which is not here",
                hint=f"git -C {inner} fetch",
            )
        _check_out(inner, pinned, to / path)


# --- the candidate -------------------------------------------------------------------------------


def _copy(repository: Path, to: Path) -> None:
    """The files of the working tree that git knows or would add, with uncommitted changes."""
    to.mkdir(parents=True, exist_ok=True)
    for name in [*file_names(repository, "--cached"), *_untracked(repository)]:
        source, target = repository / name, to / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
        elif (source / ".git").exists():  # a submodule, or a repository inside this one
            _copy(source, target)


def _untracked(repository: Path) -> list[str]:
    """Files that git would add, but those that belong to no version."""
    names = file_names(repository, "--others", "--exclude-standard")
    paths = [PurePosixPath(name) for name in names]
    environments = {path.parent for path in paths if path.name == _ENVIRONMENT}
    return [
        name
        for name, path in zip(names, paths, strict=True)
        if not _OF_NO_VERSION.intersection(path.parts)
        and not _COMPILED.search(name)
        and not environments.intersection(path.parents)
    ]


def _changes(root: Path) -> int:
    """How many files of the working tree are not as in the commit that it is at."""
    changed = git(root, "diff", "--name-only", "-z", "HEAD").split("\0")
    return len(list(filter(None, changed))) + len(_untracked(root))


# --- both ----------------------------------------------------------------------------------------


def _link_ignored(repository: Path, tree: Path) -> None:
    ignored = file_names(repository, "--others", "--ignored", "--exclude-standard", "--directory")
    for name in ignored:
        source, link = repository / name, tree / name.rstrip("/")
        if _is_linked(source) and link.parent.is_dir() and not link.exists():
            link.symlink_to(source, target_is_directory=source.is_dir())
    for path, _ in submodules(repository, "HEAD"):
        if (repository / path / ".git").exists() and (tree / path).is_dir():
            _link_ignored(repository / path, tree / path)


def _is_linked(source: Path) -> bool:
    return not (
        source.name in _OF_NO_VERSION
        or _COMPILED.search(source.name)
        or (source / _ENVIRONMENT).exists()
    )


def _sweep() -> None:
    """Remove what a gate left that was killed before it could clear up."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}-*"):
        left = re.fullmatch(rf"{_PREFIX}-(\d+)-\w+", folder.name)
        if left and not psutil.pid_exists(int(left[1])):
            shutil.rmtree(folder, ignore_errors=True)
