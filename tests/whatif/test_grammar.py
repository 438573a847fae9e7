"""What-ifs as they are typed."""

from __future__ import annotations

import pytest

from lgprof.errors import UsageError
from lgprof.whatif import (
    BatchCalls,
    CacheNode,
    Durability,
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
    parse_what_if,
)

NODES = ["retrieve", "a", "b", "outer/inner", "gather/web search", "x/twice", "y/twice"]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("node.retrieve*0.5", [Faster("retrieve", 0.5)]),
        ('node["outer/inner"] * 50%', [Faster("outer/inner", 0.5)]),
        ("node.inner*2", [Faster("outer/inner", 2.0)]),
        ("parallel(a,b)", [Parallel(("a", "b"))]),
        ("parallel(a, 'web search', b)", [Parallel(("a", "gather/web search", "b"))]),
        ("cache(a)", [CacheNode("a")]),
        ("cache(a, keys=q+user, ttl=2m)", [CacheNode("a", ("q", "user"), 120.0)]),
        ("unblock(a)", [Unblock("a")]),
        ("retry(a, attempts=2, interval=50ms)", [Retry("a", 2, 0.05)]),
        ("retry(a, factor=1.5)", [Retry("a", backoff_factor=1.5)]),
        ("durability(exit)", [Durability("exit")]),
        ("checkpointer(none)", [SwapCheckpointer("none")]),
        ("no_barrier(a, b)", [RemoveBarrier("a", "b")]),
        ("max_concurrency=8", [MaxConcurrency(8)]),
        ("max_concurrency = none", [MaxConcurrency(None)]),
        ("pool=32", [PoolSize(32)]),
        ("model(a, gpt-4o-mini)", [SwapModel("a", "gpt-4o-mini")]),
        ("model(a, gpt-4o, price=10%, speed=2)", [SwapModel("a", "gpt-4o", 0.1, 0.5)]),
        ("model(a, speed=4)", [SwapModel("a", duration_factor=0.25)]),
        ("output_tokens(a)*0.5", [FewerOutputTokens("a", 0.5)]),
        ("prompt_cache(a)", [PromptCacheUsed("a")]),
        ("prompt_cache(a, reordered)", [PromptCacheUsed("a", reordered=True)]),
        ("batch(a)", [BatchCalls("a")]),
        ("parallel(a,b); node.a*0.5", [Parallel(("a", "b")), Faster("a", 0.5)]),
    ],
)
def test_changes(text: str, changes: list[object]) -> None:
    assert list(parse_what_if(text, NODES)) == changes


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "at its end: a change is missing here", "node.retrieve*0.5"),
        ("node.retreive*0.5", "there is no node 'retreive'", "did you mean 'retrieve'?"),
        ("node.nothing*0.5", "there is no node 'nothing'", '"gather/web search"'),
        ("node.twice*0.5", "'twice' is the name of several nodes", "x/twice, y/twice"),
        ("faster(a)", "there is no change 'faster'", "use one of batch, cache"),
        ("parallel(a, a)", "two different nodes", "parallel(a, b)"),
        ("cache(a, tl=3s)", "at 'tl=3s)': 'tl' is no option", "use ttl=..., keys=..."),
        ("cache(a, ttl=60)", "at '60)': '60' is no time", "500ms"),
        ("retry(a)", "a policy is missing", "attempts=2"),
        ("retry(a, attempts=2, attempts=3)", "'attempts' is there twice", "attempts="),
        ("durability(later)", "one of sync, async, exit is missing", ""),
        ("node.a*", "at its end: a number is missing", ""),
        ("node.a*5s", "'5s' has a unit", ""),
        ("node.a*0.5 x", "at 'x': this is too much", ""),
        ("pool=0", "'0' is no whole number", ""),
        ("pool=2.5", "'2.5' is no whole number", ""),
        ("cache(a", "at its end: ')' is missing", ""),
        ("parallel(a,b);", "at its end: a change is missing", ""),
        ("model(a)", "another model is missing", "gpt-4o-mini"),
        ("model(a, speed=0)", "a speed of 0", ""),
        ("node.a § 2", "at '§ 2': this cannot be read", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_what_if(text, NODES)
    assert f"--what-if {text!r}" in error.value.message
    assert message in error.value.message
    assert hint in (error.value.hint or "")
