"""Opens a target on an event loop of its own, with what its host would supply."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass

from lgprof.run.async_driver import LoopFactory, LoopThread
from lgprof.run.host import chosen_mode, hosted
from lgprof.run.options import RunOptions
from lgprof.target import OpenTarget, TargetSource, substitute


@dataclass(frozen=True, slots=True)
class Opened:
    """A target that is ready to run, and where."""

    target: OpenTarget
    """A copy with what its host would supply."""
    mode: str
    """``async`` or ``sync``."""
    thread: LoopThread
    stack: AsyncExitStack
    """Closed, on the loop, when the target is."""


@contextmanager
def opened(
    source: TargetSource, options: RunOptions, loop_factory: LoopFactory | None = None
) -> Iterator[Opened]:
    """Open a target until the context ends.

    Args:
        source: The loaded target.
        options: How it will be run.
        loop_factory: Makes the event loop; None for asyncio's own.

    Raises:
        LgprofError: The target cannot be built, or an option does not fit it.
    """
    with ExitStack() as cleanup:
        thread = LoopThread(loop_factory) if loop_factory else LoopThread()
        cleanup.callback(thread.close)
        stack = AsyncExitStack()
        cleanup.callback(lambda: thread.finish(stack.aclose()))
        config = {"configurable": {}, **substitute(options.config, 0)}
        made = thread.call(source.open(config, stack))
        mode = chosen_mode(made, options)
        target = thread.call(hosted(made, options, mode, stack))
        yield Opened(target, mode, thread, stack)
