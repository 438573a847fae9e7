"""The workers that take part: what the master sends to each, and what they tell it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent
import msgspec

import lgprof
from lgprof import errors
from lgprof.errors import LgprofError, UsageError
from lgprof.load import messages as wire
from lgprof.load.book import Book
from lgprof.load.locust_api import MasterRunner
from lgprof.readable import plural

_LAST_WORDS_S = 0.05
"""From the last message to a worker until the connection may be closed."""


@dataclass(slots=True)
class Member:
    """One worker as the master sees it."""

    client: str
    """Its name among Locust's clients."""
    hello: wire.Hello
    slot: int
    ready: wire.Ready | None = None
    done: wire.Done | None = None
    lost: bool = False


class Roster:
    """Takes workers in until there are enough, and writes what they count into the book.

    Args:
        runner: Carries the messages.
        wanted: How many workers take part.
    """

    def __init__(self, runner: MasterRunner, wanted: int) -> None:
        self._runner, self._wanted = runner, wanted
        self._members: dict[str, Member] = {}
        self._refusal: wire.Refusal | None = None
        self.baseline: wire.Baselined | None = None
        self.book = Book()
        handlers: dict[str, Callable[[str, bytes], None]] = {
            wire.HELLO: self._on_hello,
            wire.READY: self._on_ready,
            wire.REFUSED: self._on_refused,
            wire.BASELINED: self._on_baselined,
            wire.BATCH: self._on_batch,
            wire.DONE: self._on_done,
        }
        for name, handler in handlers.items():
            runner.register_message(name, partial(self._receive, handler))

    @property
    def members(self) -> list[Member]:
        """All that were taken in."""
        return list(self._members.values())

    @property
    def is_complete(self) -> bool:
        """Whether there are enough."""
        return len(self._members) >= self._wanted

    @property
    def working(self) -> list[Member]:
        """Those of which there is more to come."""
        return [found for found in self.members if found.done is None and not found.lost]

    @property
    def silent(self) -> set[str]:
        """Clients that Locust has not heard of for too long."""
        clients = self._runner.clients
        missing = {client.id for client in clients.missing}
        return {name for name in self._members if name in missing or name not in clients}

    def raise_refusal(self) -> None:
        """Raise the first error that a worker sent, or is the cause of."""
        found = self._refusal
        if found is not None:
            kind: type[LgprofError] = getattr(errors, found.kind, UsageError)
            raise kind(found.message, hint=found.hint, user_traceback=found.user_traceback)

    # --- to workers ----------------------------------------------------------------------------

    def send(self, member: Member, name: str, message: msgspec.Struct | None = None) -> None:
        """Send a message to one."""
        self._send(member.client, name, message)

    def send_all(self, name: str) -> None:
        """Tell all that have not been lost."""
        for member in self.members:
            if not member.lost:
                self.send(member, name)

    def dismiss(self, error: LgprofError | None = None) -> None:
        """Let all go, also those that were not taken in.

        Args:
            error: Why, where it is not that the test is over.
        """
        quit_ = wire.Quit(error.message, error.exit_code) if error else wire.Quit()
        for client in list(self._runner.clients):
            self._send(client, wire.QUIT, quit_)
        gevent.sleep(_LAST_WORDS_S)

    def _send(self, client: str, name: str, message: msgspec.Struct | None) -> None:
        self._runner.send_message(name, wire.envelope(message), client_id=client)

    # --- from workers --------------------------------------------------------------------------

    def _receive(
        self, handler: Callable[[str, bytes], None], environment: Any, msg: Any, **_: Any
    ) -> None:
        try:
            handler(msg.node_id, wire.body_of(msg.data))
        except msgspec.DecodeError as error:
            self._refusal = self._refusal or wire.Refusal(
                "UsageError",
                f"a worker sent what this lgprof {lgprof.__version__} cannot read: {error}",
                "install the same version on all machines",
            )

    def _on_hello(self, client: str, data: bytes) -> None:
        hello = wire.decode(data, wire.Hello)
        if self.is_complete:
            workers = plural(self._wanted, "worker")
            full = wire.Quit(f"the test has its {workers} already", errors.ExitCode.USAGE)
            self._send(client, wire.QUIT, full)
            return
        self._members[client] = Member(client, hello, slot=len(self._members))
        self._refusal = self._refusal or hello.refusal or self._mismatch(hello)

    def _mismatch(self, hello: wire.Hello) -> wire.Refusal | None:
        if hello.version != lgprof.__version__:
            return wire.Refusal(
                "UsageError",
                f"the worker on {hello.host} runs lgprof {hello.version}, "
                f"the master {lgprof.__version__}",
                "install the same version on both",
            )
        first = self.members[0].hello
        if hello.target_hash != first.target_hash:
            return wire.Refusal(
                "UsageError",
                f"the workers on {first.host} and {hello.host} load different targets or "
                f"different code: {first.spec} and {hello.spec}",
                "bring both to the same commit and name the same target",
            )
        return None

    def _on_ready(self, client: str, data: bytes) -> None:
        member = self._members.get(client)
        if member is not None:
            member.ready = wire.decode(data, wire.Ready)

    def _on_refused(self, client: str, data: bytes) -> None:
        self._refusal = self._refusal or wire.decode(data, wire.Refusal)

    def _on_baselined(self, client: str, data: bytes) -> None:
        self.baseline = wire.decode(data, wire.Baselined)

    def _on_batch(self, client: str, data: bytes) -> None:
        member = self._members.get(client)
        if member is None or member.lost:
            late = wire.Quit(
                "the master had not heard of this worker for too long: what it had delivered "
                "counts, and others did the rest",
                errors.ExitCode.INVALID,
            )
            self._send(client, wire.QUIT, late)
            return
        self.book.add(client, wire.decode(data, wire.Batch))

    def _on_done(self, client: str, data: bytes) -> None:
        member = self._members.get(client)
        if member is not None and not member.lost:
            member.done = wire.decode(data, wire.Done)
            self.book.add(client, member.done.batch)
