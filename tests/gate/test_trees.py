from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from lgprof.errors import UsageError
from lgprof.gate.trees import two_trees
from tests.gate.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "project")
    made.commit(app__py="version = 1\n", gone__py="x = 1\n", gitignore="")
    return made


def test_the_base_is_the_revision_and_the_candidate_is_the_working_tree(
    repository: Repository,
) -> None:
    repository.write("app.py", "version = 2\n")
    repository.write("new/untracked.py", "y = 1\n")
    (repository.folder / "gone.py").unlink()
    before = repository.git("status", "--porcelain")
    with two_trees(repository.folder, "HEAD") as trees:
        assert (trees.base / "app.py").read_text() == "version = 1\n"
        assert (trees.candidate / "app.py").read_text() == "version = 2\n"
        assert (trees.base / "gone.py").exists()
        assert not (trees.candidate / "gone.py").exists()
        assert (trees.candidate / "new" / "untracked.py").exists()
        assert not (trees.base / "new").exists()
        assert not trees.is_same
        assert trees.base.parent == trees.candidate.parent
        assert len(str(trees.base)) == len(str(trees.candidate))
        folder = trees.base.parent
    assert not folder.exists()
    assert repository.worktrees == 1
    assert repository.git("status", "--porcelain") == before


def test_an_unchanged_working_tree_is_the_same(repository: Repository) -> None:
    with two_trees(repository.folder, "main") as trees:
        assert trees.is_same
        assert trees.commit == repository.git("rev-parse", "HEAD")[:10]
    repository.commit(app__py="version = 3\n")
    with two_trees(repository.folder, "HEAD~1") as trees:
        assert not trees.is_same


def test_what_git_ignores_is_linked_into_both(repository: Repository) -> None:
    repository.commit(**{".gitignore": ".env\ndata/\n__pycache__/\n.venv/\n"})
    repository.write(".env", "KEY=1\n")
    repository.write("data/big.txt", "data\n")
    repository.write("__pycache__/app.pyc", "")
    repository.write(".venv/pyvenv.cfg", "")
    with two_trees(repository.folder, "HEAD") as trees:
        for tree in (trees.base, trees.candidate):
            assert (tree / ".env").read_text() == "KEY=1\n"
            assert (tree / "data" / "big.txt").read_text() == "data\n"
            assert not (tree / "__pycache__").exists()
            assert not (tree / ".venv").exists()
    assert (repository.folder / ".env").read_text() == "KEY=1\n"
    assert (repository.folder / "data" / "big.txt").exists()


def test_from_a_folder_inside_and_within_a_hook_of_git(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit(**{"inner/app.py": "x = 1\n"})
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    with two_trees(repository.folder / "inner", "HEAD") as trees:
        assert trees.root == repository.folder.resolve()
        assert (trees.base / "inner" / "app.py").exists()


def test_hooks_of_the_user_do_not_run(repository: Repository, tmp_path: Path) -> None:
    hook = repository.folder / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)
    with two_trees(repository.folder, "HEAD"):
        pass
    assert not (tmp_path / "ran").exists()


def test_everything_is_gone_after_an_interrupt(repository: Repository) -> None:
    folders: list[Path] = []

    def interrupted() -> None:
        with two_trees(repository.folder, "HEAD") as trees:
            folders.append(trees.base.parent)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not folders[0].exists()
    assert repository.worktrees == 1


def test_what_a_killed_gate_left_is_swept_up(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = tmp_path / f"lgprof-gate-{ended.pid}-abc"
    mine = tmp_path / f"lgprof-gate-{os.getpid()}-abc"
    for folder in (left, mine):
        (folder / "base").mkdir(parents=True)
    with two_trees(repository.folder, "HEAD"):
        assert not left.exists()
        assert mine.exists()  # its gate still runs


def test_an_environment_that_git_does_not_ignore_is_no_change(repository: Repository) -> None:
    repository.write("env/pyvenv.cfg", "")
    repository.write("env/lib/site-packages/big.py", "")
    repository.write("__pycache__/app.pyc", "")
    repository.write(".lgprof/run.json", "")
    with two_trees(repository.folder, "HEAD") as trees:
        assert trees.is_same
        assert not (trees.candidate / "env").exists()
    repository.write("more.py", "")
    with two_trees(repository.folder, "HEAD") as trees:
        assert trees.changes == 1


@pytest.fixture
def with_submodule(repository: Repository, tmp_path: Path) -> Repository:
    """A repository with another one inside."""
    inner = Repository(tmp_path / "inner")
    inner.commit(shared__py="version = 1\n", **{".gitignore": "built\n"})
    repository.git(
        "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.folder), "sub"
    )
    repository.commit()
    return repository


def test_each_side_has_its_own_version_of_a_submodule(with_submodule: Repository) -> None:
    with_submodule.write("sub/shared.py", "version = 2\n")
    with_submodule.write("sub/built", "by hand\n")
    with two_trees(with_submodule.folder, "HEAD") as trees:
        assert (trees.base / "sub" / "shared.py").read_text() == "version = 1\n"
        assert (trees.candidate / "sub" / "shared.py").read_text() == "version = 2\n"
        assert (trees.base / "sub" / "built").read_text() == "by hand\n"
        assert (trees.candidate / "sub" / "built").read_text() == "by hand\n"
        assert not trees.is_same


def test_a_commit_of_a_submodule_that_is_not_here(with_submodule: Repository) -> None:
    with_submodule.git("update-index", "--cacheinfo", f"160000,{'1' * 40},sub")
    with_submodule.git("commit", "-q", "-m", "a submodule that nobody has")
    with (
        pytest.raises(
            UsageError, match="submodule sub at 1111111111, which is not here"
        ) as refused,
        two_trees(with_submodule.folder, "HEAD"),
    ):
        pass
    assert refused.value.hint == f"git -C {with_submodule.folder / 'sub'} fetch"


def test_no_repository(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="is in no git repository"),
        two_trees(tmp_path, "main"),
    ):
        pass


def test_a_repository_of_another_user(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container of a CI system."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(UsageError) as refused, two_trees(repository.folder, "HEAD"):
        pass
    assert refused.value.message.endswith("since it belongs to another user")
    assert "git config --global --add safe.directory" in str(refused.value.hint)


@pytest.mark.parametrize("revision", ["nothing", "--all", ""])
def test_no_such_revision(repository: Repository, revision: str) -> None:
    with (
        pytest.raises(UsageError, match="there is no such revision") as refused,
        two_trees(repository.folder, revision),
    ):
        pass
    assert refused.value.hint == "name a branch, a tag or a commit; git fetch may be missing"
    assert repository.worktrees == 1


def test_a_branch_that_only_the_remote_has(repository: Repository, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", repository.folder, clone], check=True)
    subprocess.run(["git", "checkout", "-q", "--detach"], cwd=clone, check=True)
    subprocess.run(["git", "branch", "-q", "-D", "main"], cwd=clone, check=True)
    with pytest.raises(UsageError) as refused, two_trees(clone, "main"):
        pass
    assert refused.value.hint == "did you mean --against origin/main?"


def test_a_shallow_clone(repository: Repository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.commit(app__py="version = 4\n")
    clone = tmp_path / "clone"
    url = repository.folder.as_uri()
    subprocess.run(["git", "clone", "-q", "--depth", "1", url, clone], check=True)
    with pytest.raises(UsageError) as refused, two_trees(clone, first):
        pass
    assert refused.value.hint is not None
    assert "this clone is shallow" in refused.value.hint
