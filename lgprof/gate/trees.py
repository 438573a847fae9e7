"""Two folders to compare: a git worktree of the base, and a copy of the working tree.

They are siblings with names of equal length, since the length of a path moves what Python and the
system lay out in memory, and with it timings. What git ignores, such as ``.env`` and data, is in no
commit: both folders get links to it.
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
from pathlib import Path

import psutil

from lgprof.errors import UsageError

_PREFIX = "lgprof-gate"
_NOT_LINKED = {"__pycache__", ".lgprof", ".venv", "venv", "node_modules"}
_NOT_COPIED = re.compile(r"\.(pyc|pyo)$")
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
"""Variables that git sets for its hooks, and that would point it elsewhere."""


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
    is_same: bool
    """No file differs between the two, as far as git knows them."""


@contextmanager
def two_trees(cwd: Path, revision: str) -> Iterator[Trees]:
    """Lay out the base and the candidate in a temporary folder, and take them away afterwards.

    Args:
        cwd: Anywhere in the working tree.
        revision: Names the base.

    Raises:
        UsageError: No git repository, or no such revision.
    """
    root = _root(cwd)
    commit = _commit(root, revision)
    _sweep(root)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{os.getpid()}-")).resolve()
    base, candidate = folder / "base", folder / "work"
    try:
        # Hooks are the user's, for the user's own checkouts.
        _git(
            root,
            "-c",
            f"core.hooksPath={os.devnull}",
            "worktree",
            "add",
            "--detach",
            str(base),
            commit,
        )
        _copy(root, candidate)
        for tree in (base, candidate):
            _link_ignored(root, tree)
        is_same = not _git(root, "status", "--porcelain") and commit == _commit(root, "HEAD")
        yield Trees(root, base, candidate, revision, commit[:10], is_same)
    finally:
        _remove(root, folder)


def _root(cwd: Path) -> Path:
    try:
        return Path(_git(cwd, "rev-parse", "--show-toplevel")).resolve()
    except FileNotFoundError:
        raise UsageError(
            "--against needs git, and there is none", hint="install git, or use --baseline PROFILE"
        ) from None
    except subprocess.CalledProcessError as error:
        raise UsageError(
            f"--against: {cwd} is in no git repository ({_last_line(error)})",
            hint="run lgprof in the project's repository, or use --baseline PROFILE",
        ) from None


def _commit(root: Path, revision: str) -> str:
    try:
        return _git(
            root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
    except subprocess.CalledProcessError:
        raise UsageError(
            f"--against {revision}: there is no such revision in {root}",
            hint=_revision_hint(root, revision),
        ) from None


def _revision_hint(root: Path, revision: str) -> str:
    remotes = _git(root, "remote").splitlines()
    for remote in remotes:
        name = f"{remote}/{revision}"
        if _succeeds(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
            return f"did you mean --against {name}?"
    if _git(root, "rev-parse", "--is-shallow-repository") == "true":
        return (
            "this clone is shallow: git fetch --unshallow, or fetch-depth: 0 for actions/checkout"
        )
    return "name a branch, a tag or a commit; git fetch may be missing"


def _copy(root: Path, to: Path) -> None:
    """The files of the working tree that git knows or would add, with uncommitted changes."""
    names = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, dict.fromkeys(names)):
        source, target = root / name, to / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
        elif source.is_dir():  # a submodule
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source, target_is_directory=True)
    to.mkdir(exist_ok=True)


def _link_ignored(root: Path, tree: Path) -> None:
    listed = _git(
        root, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"
    )
    for name in filter(None, listed.split("\0")):
        source, link = root / name, tree / name.rstrip("/")
        if _is_linked(source) and link.parent.is_dir() and not link.exists():
            link.symlink_to(source, target_is_directory=source.is_dir())


def _is_linked(source: Path) -> bool:
    return not (
        source.name in _NOT_LINKED
        or _NOT_COPIED.search(source.name)
        or (source / "pyvenv.cfg").exists()
    )


def _remove(root: Path, folder: Path) -> None:
    _succeeds(root, "worktree", "remove", "--force", str(folder / "base"))
    shutil.rmtree(folder, ignore_errors=True)


def _worktrees(root: Path) -> list[Path]:
    lines = _git(root, "worktree", "list", "--porcelain").splitlines()
    return [Path(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree ")]


def _sweep(root: Path) -> None:
    """Remove what a gate left that was killed before it could clear up."""
    for path in _worktrees(root):
        left = re.fullmatch(rf"{_PREFIX}-(\d+)-\w+", path.parent.name)
        if left and not psutil.pid_exists(int(left[1])):
            _remove(root, path.parent)


def _git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us: a checkout cut short would be hard to remove
    )
    return done.stdout.strip()


def _succeeds(folder: Path, *arguments: str) -> bool:
    try:
        _git(folder, *arguments)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _last_line(error: subprocess.CalledProcessError) -> str:
    return str(error.stderr).strip().splitlines()[-1] if error.stderr else "git failed"
