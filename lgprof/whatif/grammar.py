"""Changes as text: ``lgprof advise --what-if 'node.retrieve*0.5'``.

    what-if  = change {";" change}                              all of them together
    change   = node "*" number                                  node.retrieve*0.5
             | "output_tokens(" name ")" "*" number             output_tokens(draft)*0.5
             | "parallel(" name "," name {"," name} ")"         parallel(news, blogs)
             | "no_barrier(" name "," name ")"                  no_barrier(fast, next)
             | "cache(" name {"," ("ttl=" time | "keys=" keys)} ")"
             | "unblock(" name ")" | "batch(" name ")"
             | "retry(" name {"," ("attempts=" count | "interval=" time | "factor=" number)} ")"
             | "model(" name ["," model] {"," ("price=" number | "speed=" number)} ")"
             | "prompt_cache(" name ["," "reordered"] ")"
             | "durability(" ("exit" | "async" | "sync") ")"
             | "checkpointer(" ("memory" | "none") ")"
             | "max_concurrency=" (count | "none") | "pool=" count
    node     = "node." name | "node[" name "]"
    name     = plain word | quoted string                       retrieve, outer/inner, "web search"
    keys     = word {"+" word}                                  keys=question+user
    time     = number ("ms" | "s" | "m" | "h")                  60s
    number   = digits ["." digits] ["%"]                        0.5, 50%

A name is a node's path (``outer/inner`` for a node of a subgraph), or its last part where no other
node has it. ``price`` is a factor of what the calls cost; ``speed=2`` is twice as fast.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, get_args

from lgprof.errors import UsageError
from lgprof.whatif.changes import (
    BatchCalls,
    CacheNode,
    Change,
    CheckpointerKind,
    Durability,
    DurabilityMode,
    Faster,
    FewerOutputTokens,
    MaxConcurrency,
    Parallel,
    PoolSize,
    PromptCacheUsed,
    RemoveBarrier,
    Retry,
    SwapCheckpointer,
    SwapModel,
    Unblock,
)

EXAMPLES = (
    "node.retrieve*0.5",
    "parallel(a, b)",
    "cache(node, ttl=60s)",
    "retry(node, attempts=2, interval=50ms)",
    "model(node, gpt-4o-mini)",
    "durability(exit)",
    "max_concurrency=8",
)
_TOKEN = re.compile(
    r"""\s*(?: (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
             | (?P<number>\d+(?:\.\d+)?(?:%|ms|s|m|h)?(?![\w.]))
             | (?P<word>[^\W\d][\w./:@-]*)
             | (?P<sign>[()\[\],;=*+]) )""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"[^\W\d][\w./:@-]*")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse_what_if(text: str, nodes: Sequence[str]) -> tuple[Change, ...]:
    """Read one or several changes, to be made together.

    Args:
        text: As typed.
        nodes: Paths of the nodes that there are.

    Raises:
        UsageError: It is no change, or names no node; with the place, and what there is.
    """
    return _Parser(text, nodes).changes()


def check_what_if(text: str) -> None:
    """Check what can be checked before anything is measured: all but the names of nodes.

    Raises:
        UsageError: It is no change.
    """
    _Parser(text, None).changes()


class _Parser:
    def __init__(self, text: str, nodes: Sequence[str] | None) -> None:
        self._text = text
        self._nodes = nodes
        self._tokens = self._read()
        self._next = 0
        self._calls: dict[str, Callable[[], Change]] = {
            "batch": lambda: BatchCalls(self._name()),
            "cache": self._cache,
            "checkpointer": lambda: SwapCheckpointer(self._one_of(get_args(CheckpointerKind))),
            "durability": lambda: Durability(self._one_of(get_args(DurabilityMode))),
            "model": self._model,
            "no_barrier": self._no_barrier,
            "parallel": self._parallel,
            "prompt_cache": self._prompt_cache,
            "retry": self._retry,
            "unblock": lambda: Unblock(self._name()),
        }
        self._settings: dict[str, Callable[[], Change]] = {
            "max_concurrency": self._max_concurrency,
            "pool": lambda: PoolSize(self._count()),
        }

    def changes(self) -> tuple[Change, ...]:
        changes = [self._change()]
        while self._took(";"):
            changes.append(self._change())
        if self._peek().kind != "end":
            raise self._wrong("this is too much")
        return tuple(changes)

    # Words and signs

    def _read(self) -> list[_Token]:
        tokens: list[_Token] = []
        at = 0
        while self._text[at:].strip():
            match = _TOKEN.match(self._text, at)
            if match is None or match.lastgroup is None:
                at += len(self._text[at:]) - len(self._text[at:].lstrip())
                raise self._wrong_at(at, "this cannot be read")
            tokens.append(
                _Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))
            )
            at = match.end()
        return [*tokens, _Token("end", "", len(self._text))]

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, kind: str, what: str) -> str:
        token = self._peek()
        if token.kind != kind:
            raise self._wrong(f"{what} is missing here")
        self._next += 1
        return token.text

    def _took(self, sign: str) -> bool:
        token = self._peek()
        if token.kind == "sign" and token.text == sign:
            self._next += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._took(sign):
            raise self._wrong(f"{sign!r} is missing here")

    # Changes

    def _change(self) -> Change:
        word = self._take("word", "a change")
        if word == "node" or word.startswith("node."):
            return self._faster(word)
        if word == "output_tokens":
            return self._output_tokens()
        if word in self._settings:
            self._expect("=")
            return self._settings[word]()
        if word not in self._calls:
            self._next -= 1
            known = ["node", "output_tokens", *self._calls, *self._settings]
            raise self._wrong(
                f"there is no change {word!r}", f"use one of {', '.join(sorted(known))}"
            )
        self._expect("(")
        change = self._calls[word]()
        self._expect(")")
        return change

    def _faster(self, word: str) -> Change:
        if word == "node":
            self._expect("[")
            node = self._name()
            self._expect("]")
        else:
            self._next -= 1
            node = self._node_called(word.removeprefix("node."))
            self._next += 1
        self._expect("*")
        return Faster(node, self._number())

    def _output_tokens(self) -> Change:
        self._expect("(")
        node = self._name()
        self._expect(")")
        self._expect("*")
        return FewerOutputTokens(node, self._number())

    def _parallel(self) -> Change:
        nodes = [self._name()]
        while self._took(","):
            nodes.append(self._name())
        if len(set(nodes)) < 2:
            raise self._wrong(
                "two different nodes at least run side by side", "write parallel(a, b)"
            )
        return Parallel(tuple(nodes))

    def _no_barrier(self) -> Change:
        before = self._name()
        self._expect(",")
        return RemoveBarrier(before, self._name())

    def _cache(self) -> Change:
        node = self._name()
        given = self._options({"ttl": self._time_s, "keys": self._keys})
        return CacheNode(node, given.get("keys"), given.get("ttl"))

    def _retry(self) -> Change:
        node = self._name()
        readers = {"attempts": self._count, "interval": self._time_s, "factor": self._number}
        given = self._options(readers)
        if not given:
            raise self._wrong(
                "a policy is missing here", "write retry(node, attempts=2, interval=50ms)"
            )
        return Retry(node, given.get("attempts"), given.get("interval"), given.get("factor"))

    def _model(self) -> Change:
        node = self._name()
        model = None
        if not self._name_is_option() and self._took(","):
            model = self._word_or_string("the name of a model")
        given = self._options({"price": self._number, "speed": self._speed})
        if model is None and not given:
            raise self._wrong("another model is missing here", "write model(node, gpt-4o-mini)")
        return SwapModel(node, model, given.get("price"), given.get("speed"))

    def _prompt_cache(self) -> Change:
        node = self._name()
        if self._took(","):
            self._one_of(("reordered",))
            return PromptCacheUsed(node, reordered=True)
        return PromptCacheUsed(node)

    def _max_concurrency(self) -> Change:
        if self._peek().text == "none":
            self._next += 1
            return MaxConcurrency(None)
        return MaxConcurrency(self._count())

    # Parts of changes

    def _options(self, readers: dict[str, Callable[[], Any]]) -> dict[str, Any]:
        """What follows as ``name=value``, each at most once."""
        given: dict[str, Any] = {}
        while self._took(","):
            name = self._take("word", f"one of {', '.join(readers)}")
            if name not in readers or name in given:
                self._next -= 1
                wrong = "is there twice" if name in given else "is no option of it"
                raise self._wrong(
                    f"{name!r} {wrong}", f"use {', '.join(f'{one}=...' for one in readers)}"
                )
            self._expect("=")
            given[name] = readers[name]()
        return given

    def _name_is_option(self) -> bool:
        """Whether what follows a comma is an option, not another name."""
        following = self._tokens[self._next + 2 : self._next + 3]
        return bool(following) and following[0].text == "="

    def _name(self) -> str:
        token = self._peek()
        name = self._word_or_string("a node")
        self._next -= 1
        node = self._node_called(name if token.kind == "string" else name.removeprefix("node."))
        self._next += 1
        return node

    def _node_called(self, name: str) -> str:
        """The path of a node, given whole or by its last part; any where none is known yet."""
        if self._nodes is None or name in self._nodes:
            return name
        found = [path for path in self._nodes if path.endswith(f"/{name}")]
        if len(found) == 1:
            return found[0]
        if found:
            raise self._wrong(f"{name!r} is the name of several nodes", f"use {_listed(found)}")
        near = get_close_matches(name, self._nodes, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}? There are " if near else "there are "
        raise self._wrong(f"there is no node {name!r}", f"{hint}{_listed(self._nodes)}")

    def _word_or_string(self, what: str) -> str:
        token = self._peek()
        if token.kind not in ("word", "string"):
            raise self._wrong(f"{what} is missing here")
        self._next += 1
        return re.sub(r"\\(.)", r"\1", token.text[1:-1]) if token.kind == "string" else token.text

    def _one_of(self, words: Sequence[str]) -> Any:
        token = self._peek()
        if token.text not in words:
            raise self._wrong(f"one of {', '.join(words)} is missing here")
        self._next += 1
        return token.text

    def _keys(self) -> tuple[str, ...]:
        keys = [self._word_or_string("a key of the state")]
        while self._took("+"):
            keys.append(self._word_or_string("a key of the state"))
        return tuple(keys)

    def _number(self) -> float:
        text = self._take("number", "a number")
        if text[-1].isalpha():
            self._next -= 1
            raise self._wrong(f"{text!r} has a unit where none fits")
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)

    def _speed(self) -> float:
        speed = self._number()
        if not speed:
            self._next -= 1
            raise self._wrong("a speed of 0 never answers")
        return 1 / speed

    def _count(self) -> int:
        text = self._take("number", "a whole number")
        if not text.isdigit() or int(text) < 1:
            self._next -= 1
            raise self._wrong(f"{text!r} is no whole number from 1 on")
        return int(text)

    def _time_s(self) -> float:
        text = self._take("number", "a time such as 500ms, 30s or 2m")
        unit = text.lstrip("0123456789.")
        if unit not in _UNITS_S:
            self._next -= 1
            raise self._wrong(f"{text!r} is no time", "write 500ms, 30s or 2m")
        return float(text.removesuffix(unit)) * _UNITS_S[unit]

    # Errors

    def _wrong(self, why: str, hint: str | None = None) -> UsageError:
        return self._wrong_at(self._peek().at, why, hint)

    def _wrong_at(self, at: int, why: str, hint: str | None = None) -> UsageError:
        place = self._text[at : at + 20].strip()
        where = f"at {place!r}" if place else "at its end"
        return UsageError(
            f"--what-if {self._text!r}, {where}: {why}",
            hint=hint or f"write for example {', '.join(EXAMPLES)}",
        )


def _listed(nodes: Sequence[str]) -> str:
    return ", ".join(name if _PLAIN.fullmatch(name) else f'"{name}"' for name in nodes)
