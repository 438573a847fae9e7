"""What a provider's prompt cache could save, and which calls repeat one another.

Prompts are compared by the hashes of their prefixes, block by block, as vLLM's automatic prefix
caching does: a dictionary of blocks with the time of their last use tells how much of a prompt was
sent before, in time that grows with the number of blocks.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

import msgspec

from lgprof.llm.prices import Prices
from lgprof.llm.prompt_caches import CacheRule, cache_rule
from lgprof.model import (
    PROMPT_BLOCK_CHARS,
    Divergence,
    ModelCall,
    ModelRow,
    Prompt,
    PromptCache,
    Request,
    Span,
    Tokens,
)


@dataclass(slots=True)
class SentPrompt:
    """One call of a model, its prompt and what was found of it."""

    span: Span
    call: ModelCall
    prompt: Prompt
    request: int
    input_hash: str | None
    """Equal for requests of one input."""
    rule: CacheRule
    input_tokens: int
    tokens_per_char: float
    sent_before_chars: int = 0
    """Length of the prefix that an earlier call had sent and the cache still holds."""
    reused_chars: int = 0
    """How much it was the first to send, of what later calls send again."""

    @property
    def cacheable_tokens(self) -> int:
        """Input tokens that the provider could have read from its cache."""
        return self._in_steps(self.sent_before_chars)

    @property
    def reordered_tokens(self) -> int:
        """The same if what is sent again and again came first."""
        return max(self.cacheable_tokens, self._in_steps(self.prompt.repeated_chars))

    @property
    def written_tokens(self) -> int:
        """Input tokens that are worth writing to the cache."""
        return round(self.reused_chars * self.tokens_per_char)

    def with_cache(self, readable: int) -> Tokens | None:
        """The call's tokens if all that is readable had been read from the cache."""
        tokens = self.call.tokens
        if tokens is None:
            return None
        read = min(max(tokens.cache_read or 0, readable), self.input_tokens)
        write = tokens.cache_write or 0
        if self.rule.must_be_asked and self.written_tokens >= self.rule.minimum_tokens:
            write = max(write, self.written_tokens)
        write = min(write, self.input_tokens - read)
        hour = None if tokens.cache_write_1h is None else min(tokens.cache_write_1h, write)
        if read == (tokens.cache_read or 0) and write == (tokens.cache_write or 0):
            return tokens
        return msgspec.structs.replace(
            tokens, cache_read=read, cache_write=write or None, cache_write_1h=hour
        )

    def _in_steps(self, chars: int) -> int:
        step = self.rule.step_tokens
        tokens = math.floor(chars * self.tokens_per_char / step + 1e-9) * step
        return tokens if tokens >= self.rule.minimum_tokens else 0


def note_prompt_caches(
    rows: Iterable[ModelRow], requests: Sequence[Request], prices: Prices
) -> None:
    """Note with each row what its prompts have in common.

    Args:
        rows: Of `requests`.
        requests: All that were measured, with spans.
        prices: To work out what could be saved.
    """
    by_row: dict[tuple[str, str], list[SentPrompt]] = defaultdict(list)
    for sent in sent_prompts(requests):
        by_row[sent.span.path, sent.call.name].append(sent)
    for row in rows:
        group = by_row.get((row.node, row.model))
        if group:
            row.prompt_cache = _prompt_cache(group, prices)
            row.duplicate_calls, row.near_duplicate_calls = _duplicates(group)
            row.input_growth_tokens = _growth(group)


def sent_prompts(requests: Sequence[Request]) -> list[SentPrompt]:
    """Prompts whose number of tokens is known, in order of time, compared with those before.

    Answers of LangChain's own cache reached no provider and are left out.
    """
    sent = sorted(_sent(requests), key=lambda one: one.span.start_s)
    by_model: dict[str, list[SentPrompt]] = defaultdict(list)
    for one in sent:
        by_model[one.call.name].append(one)
    for group in by_model.values():
        _compare(group)
    return sent


def _sent(requests: Sequence[Request]) -> Iterator[SentPrompt]:
    for request in requests:
        for span in request.spans:
            call = span.model
            if call is None or call.prompt is None or call.llm_cache_hit or not call.tokens:
                continue
            chars = sum(part.chars for part in call.prompt.parts)
            if call.tokens.input and chars:
                yield SentPrompt(
                    span=span,
                    call=call,
                    prompt=call.prompt,
                    request=request.index,
                    input_hash=request.input_hash,
                    rule=cache_rule(call.provider, call.name),
                    input_tokens=call.tokens.input,
                    tokens_per_char=call.tokens.input / chars,
                )


@dataclass(slots=True)
class _Block:
    """A prefix in the cache."""

    used_s: float
    writer: SentPrompt
    reused: bool = False


def _compare(sent: Sequence[SentPrompt]) -> None:
    """Find how much of each prompt was sent before, and was still in the cache."""
    cache: dict[str, _Block] = {}
    under_way: list[tuple[float, int]] = []
    for index, one in enumerate(sent):
        now_s = one.span.start_s
        while under_way and under_way[0][0] <= now_s:
            ready_s, other = heappop(under_way)
            _write(cache, sent[other], ready_s)
        for block, chars in _blocks(one.prompt):
            found = cache.get(block)
            if found is None or now_s - found.used_s > one.rule.lifetime_s:
                break
            found.used_s = now_s
            one.sent_before_chars += chars
            if not found.reused:
                found.reused = True
                found.writer.reused_chars += chars
        first_token_s = one.call.first_token_s
        ready_s = one.span.end_s if first_token_s is None else now_s + first_token_s
        heappush(under_way, (ready_s, index))


def _write(cache: dict[str, _Block], sent: SentPrompt, ready_s: float) -> None:
    """A provider has read a prompt, and may answer the next from its cache."""
    lifetime_s = sent.rule.lifetime_s
    for block, _ in _blocks(sent.prompt):
        found = cache.get(block)
        if found is None or ready_s - found.used_s > lifetime_s:
            cache[block] = _Block(ready_s, sent)
        else:
            found.used_s = max(found.used_s, ready_s)


def _blocks(prompt: Prompt) -> Iterator[tuple[str, int]]:
    """Each prefix's hash, and by how many characters it is longer than the one before."""
    for part in prompt.parts:
        left = part.chars
        for block in part.blocks:
            yield block, min(left, PROMPT_BLOCK_CHARS)
            left -= PROMPT_BLOCK_CHARS


def _prompt_cache(sent: Sequence[SentPrompt], prices: Prices) -> PromptCache:
    tokens = sum(one.input_tokens for one in sent)
    read = [one.call.tokens.cache_read for one in sent if one.call.tokens]
    known = [count for count in read if count is not None]
    saving_usd = _saving_usd(sent, [one.cacheable_tokens for one in sent], prices)
    reordered_usd = _saving_usd(sent, [one.reordered_tokens for one in sent], prices)
    place, count = _costliest_divergence(sent)
    return PromptCache(
        cacheable_share=sum(one.cacheable_tokens for one in sent) / tokens,
        actual_share=sum(known) / tokens if known else None,
        saving_usd=saving_usd,
        reordered_share=sum(one.reordered_tokens for one in sent) / tokens,
        reordered_saving_usd=None
        if saving_usd is None or reordered_usd is None
        else max(saving_usd, reordered_usd),
        divergence=place,
        diverging_calls=count,
    )


def _saving_usd(
    sent: Sequence[SentPrompt], cacheable: Sequence[int], prices: Prices
) -> float | None:
    """What the calls cost less what they would if so many tokens came from the cache."""
    priced = [
        (one, readable)
        for one, readable in zip(sent, cacheable, strict=True)
        if one.call.cost_usd is not None
    ]
    if not priced:
        return None
    saved = []
    for one, readable in priced:
        tokens = one.with_cache(readable)
        if tokens != one.call.tokens:
            cost_usd = prices.cost_usd(
                msgspec.structs.replace(one.call, tokens=tokens), one.span.name
            )
            saved.append((one.call.cost_usd or 0.0) - (cost_usd or 0.0))
    return max(0.0, math.fsum(saved))


@dataclass(slots=True)
class _Place:
    """A place where prompts depart from the ones before."""

    first: Divergence
    calls: int = 0
    lost_tokens: int = 0


def _costliest_divergence(sent: Sequence[SentPrompt]) -> tuple[Divergence | None, int]:
    """The place behind which most of what was sent before had to be read anew."""
    places: dict[tuple[int, str, str | None], _Place] = {}
    for one in sent:
        at = one.prompt.divergence
        if at is None:
            continue
        place = places.setdefault((at.message, at.role, at.hint), _Place(at))
        place.calls += 1
        place.lost_tokens += one.reordered_tokens - one.cacheable_tokens
    if not places:
        return None, 0
    worst = max(places.values(), key=lambda place: (place.lost_tokens, place.calls))
    return worst.first, worst.calls


@dataclass(slots=True)
class _Senders:
    """Who sent a prompt before."""

    requests: set[int] = field(default_factory=set)
    inputs: set[str] = field(default_factory=set)

    def add(self, sent: SentPrompt) -> bool:
        """Whether it repeats another; a request made again for the same input does not."""
        own = sent.input_hash or f"request {sent.request}"
        repeats = sent.request in self.requests or bool(self.inputs - {own})
        self.requests.add(sent.request)
        self.inputs.add(own)
        return repeats


def _duplicates(sent: Sequence[SentPrompt]) -> tuple[int, int]:
    """Calls that repeat one exactly, and those that do so but for dates, ids and numbers."""
    exact: dict[str, _Senders] = defaultdict(_Senders)
    scrubbed: dict[str, _Senders] = defaultdict(_Senders)
    duplicates = near = 0
    for one in sent:
        is_exact = exact[one.prompt.parts[-1].blocks[-1]].add(one)
        is_near = scrubbed[one.prompt.scrubbed_hash].add(one)
        duplicates += is_exact
        near += is_near and not is_exact
    return duplicates, near


def _growth(sent: Sequence[SentPrompt]) -> float | None:
    """Mean growth of the input from one call to the next, of calls that follow one another."""
    last: dict[int, SentPrompt] = {}
    steps: list[int] = []
    for one in sent:
        before = last.get(one.request)
        if before is not None and one.span.start_s >= before.span.end_s:
            steps.append(one.input_tokens - before.input_tokens)
        last[one.request] = one
    return sum(steps) / len(steps) if steps else None
