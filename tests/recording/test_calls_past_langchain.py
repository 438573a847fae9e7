"""Calls that go past LangChain: a provider's own SDK in a node, embeddings, rate limiters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, TypedDict

import anthropic
import openai
import pytest
from google import genai
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import FakeListChatModel
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langgraph.graph import START, StateGraph

from lgprof.model import ATTRIBUTION_CATEGORIES, ModelRow, Profile
from lgprof.run import Extras
from tests.profiling import profile_graph
from tests.provider import PIECES, Provider, provider

KEY = "sk-of-nobody"
MESSAGES: Any = [{"role": "user", "content": "Which colour?"}]


class State(TypedDict, total=False):
    text: str


class LocalEmbeddings(Embeddings):
    """A model without a provider."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [float(len(text))]


@pytest.fixture
def server() -> Iterator[Provider]:
    with provider() as made:
        yield made


def graph(**nodes: Any) -> Any:
    builder = StateGraph(State).add_sequence(list(nodes.items()))
    return builder.add_edge(START, next(iter(nodes))).compile()


def profiled(node: Any, **options: Any) -> Profile:
    profile = profile_graph(graph(ask=node), {"text": "x"}, **options).profile
    parts = [getattr(profile.attribution_s, name) or 0.0 for name in ATTRIBUTION_CATEGORIES]
    if profile.summary.latency_s:
        assert sum(parts) == pytest.approx(profile.summary.latency_s.mean, rel=1e-6)
    return profile


def only_row(node: Any) -> ModelRow:
    [row] = profiled(node).models
    assert row.node == "ask"
    return row


def client(server: Provider, **settings: Any) -> Any:
    return openai.OpenAI(api_key=KEY, base_url=f"{server.url}/v1", **settings)


def async_client(server: Provider, **settings: Any) -> Any:
    return openai.AsyncOpenAI(api_key=KEY, base_url=f"{server.url}/v1", **settings)


def check_openai(row: ModelRow) -> None:
    assert (row.model, row.provider, row.calls, row.kind) == ("gpt-4o", "openai", 1, "chat")
    tokens = row.tokens
    assert (tokens.input, tokens.cache_read, tokens.output) == (2000, 1024, 50)
    assert (tokens.reasoning, tokens.estimated_share) == (20, 0.0)
    dollars = ((2000 - 1024) * 2.5 + 1024 * 1.25 + 50 * 10) / 1e6
    assert row.cost_usd == pytest.approx(dollars, abs=1e-12)


def test_frames_of_an_sdk_stand_below_its_call(server: Provider) -> None:
    def ask(state: State) -> None:
        client(server).chat.completions.create(model="gpt-4o", messages=MESSAGES)

    profile = profile_graph(graph(ask=ask), {}, extras=Extras(sample=True)).profile
    assert profile.sampling is not None, profile.warnings
    assert ("model", "gpt-4o") in [
        call for place in profile.sampling.places for call in place.calls
    ]


class TestOpenAI:
    def test_a_call_is_found_and_belongs_to_its_node(self, server: Provider) -> None:
        def ask(state: State) -> None:
            client(server).chat.completions.create(model="gpt-4o", messages=MESSAGES)

        profile = profiled(ask)
        check_openai(profile.models[0])
        assert profile.summary.llm_calls == profile.nodes[0].llm_calls == 1
        assert profile.attribution_s.model > 0
        assert profile.attribution_s.rate_limit == 0.0

    def test_an_async_call(self, server: Provider) -> None:
        async def ask(state: State) -> None:
            await async_client(server).chat.completions.create(model="gpt-4o", messages=MESSAGES)

        check_openai(only_row(ask))

    def test_the_responses_endpoint(self, server: Provider) -> None:
        def ask(state: State) -> None:
            client(server).responses.create(model="gpt-4o", input="Which colour?")

        check_openai(only_row(ask))

    @pytest.mark.parametrize("endpoint", ["chat", "responses"])
    def test_a_stream(self, server: Provider, endpoint: str) -> None:
        def ask(state: State) -> None:
            own = client(server)
            if endpoint == "chat":
                options: Any = {"include_usage": True}
                events = own.chat.completions.create(
                    model="gpt-4o", messages=MESSAGES, stream=True, stream_options=options
                )
            else:
                events = own.responses.create(model="gpt-4o", input="Which?", stream=True)
            assert len(list(events)) >= len(PIECES)

        profile = profiled(ask)
        [row] = profile.models
        check_openai(row)
        assert row.time_to_first_token_s.max <= row.latency_s.max
        assert row.inter_token_s is not None
        call = profile.requests[0].spans[-1].model
        assert call.chunks == len(PIECES)
        assert sum(times for _, times in call.token_gaps_us) == len(PIECES) - 1

    def test_an_async_stream_without_usage(self, server: Provider) -> None:
        async def ask(state: State) -> None:
            events = await async_client(server).chat.completions.create(
                model="gpt-4o", messages=MESSAGES, stream=True
            )
            async for _ in events:
                pass

        row = only_row(ask)
        assert row.tokens.input is None
        assert row.unpriced_calls == 1
        assert row.time_to_first_token_s is not None

    def test_embeddings(self, server: Provider) -> None:
        def ask(state: State) -> None:
            client(server).embeddings.create(
                model="text-embedding-3-small", input=["a", "b"], encoding_format="float"
            )

        profile = profiled(ask)
        [row] = profile.models
        assert (row.model, row.kind) == ("text-embedding-3-small", "embedding")
        assert (row.tokens.input, row.tokens.output) == (14, 0)
        assert row.cost_usd == pytest.approx(14 * 0.02 / 1e6)
        assert profile.summary.llm_calls == profile.nodes[0].llm_calls == 0

    def test_calls_in_threads_tools_and_gathered(self, server: Provider) -> None:
        @tool
        def look(query: str) -> str:
            """Look it up."""
            client(server).chat.completions.create(model="gpt-4o", messages=MESSAGES)
            return query

        async def ask(state: State) -> None:
            own = async_client(server)
            calls = [
                own.chat.completions.create(model="gpt-4o", messages=MESSAGES) for _ in range(3)
            ]
            await asyncio.gather(*calls, look.ainvoke({"query": "x"}))

        row = only_row(ask)
        assert row.calls == 4

    def test_a_call_outside_any_graph_is_nobodys(self, server: Provider) -> None:
        own = client(server)

        def ask(state: State) -> None:
            pass

        own.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        assert profiled(ask).models == []

    def test_without_probes_nothing_is_looked_at(self, server: Provider) -> None:
        def ask(state: State) -> None:
            client(server).chat.completions.create(model="gpt-4o", messages=MESSAGES)

        profile = profiled(ask, probes=False)
        assert profile.models == []
        assert profile.attribution_s.rate_limit is None


class TestRefusals:
    @pytest.mark.parametrize("statuses", [(429,), (500, 429)])
    def test_an_sdk_that_tries_again_makes_one_call(
        self, server: Provider, statuses: tuple[int, ...]
    ) -> None:
        server.refusals.extend(statuses)

        def ask(state: State) -> None:
            client(server).chat.completions.create(model="gpt-4o", messages=MESSAGES)

        profile = profiled(ask)
        [row] = profile.models
        check_openai(row)
        assert (row.errors, row.retries) == (0, len(statuses))
        # The SDK waits for 5 ms at least before it tries again.
        assert profile.attribution_s.rate_limit >= 0.005 * len(statuses)
        assert row.rate_limit_s == pytest.approx(profile.attribution_s.rate_limit)
        assert profile.attribution_s.model < row.latency_s.mean

    def test_one_that_gives_up_has_failed(self, server: Provider) -> None:
        server.refusals.append(429)

        async def ask(state: State) -> None:
            with pytest.raises(openai.RateLimitError):
                await async_client(server, max_retries=0).chat.completions.create(
                    model="gpt-4o", messages=MESSAGES
                )

        profile = profiled(ask)
        [row] = profile.models
        assert (row.calls, row.errors, row.retries) == (1, 1, 0)
        assert row.unpriced_calls == 0
        assert profile.requests[0].spans[-1].error_type == "HTTP 429"

    def test_a_server_that_is_not_there(self) -> None:
        def ask(state: State) -> None:
            own = openai.OpenAI(api_key=KEY, base_url="http://127.0.0.1:9/v1", max_retries=0)
            with pytest.raises(openai.APIConnectionError):
                own.chat.completions.create(model="gpt-4o", messages=MESSAGES)

        row = only_row(ask)
        assert (row.calls, row.errors) == (1, 1)

    def test_two_calls_of_one_text_are_two(self, server: Provider) -> None:
        def ask(state: State) -> None:
            own = client(server)
            for _ in range(2):
                own.chat.completions.create(model="gpt-4o", messages=MESSAGES)

        row = only_row(ask)
        assert (row.calls, row.retries) == (2, 0)


class TestAnthropic:
    def check(self, row: ModelRow) -> None:
        assert (row.model, row.provider, row.calls) == ("claude-sonnet-4-6", "anthropic", 1)
        tokens = row.tokens
        assert (tokens.input, tokens.cache_read, tokens.cache_write) == (2000, 1500, 400)
        assert tokens.output == 30
        dollars = (100 * 3 + 1500 * 0.3 + 400 * 3.75 + 30 * 15) / 1e6
        assert row.cost_usd == pytest.approx(dollars, abs=1e-12)

    def test_a_call(self, server: Provider) -> None:
        def ask(state: State) -> None:
            own = anthropic.Anthropic(api_key=KEY, base_url=server.url)
            own.messages.create(model="claude-sonnet-4-6", max_tokens=99, messages=MESSAGES)

        self.check(only_row(ask))

    def test_an_async_stream(self, server: Provider) -> None:
        async def ask(state: State) -> None:
            own = anthropic.AsyncAnthropic(api_key=KEY, base_url=server.url)
            async with own.messages.stream(
                model="claude-sonnet-4-6", max_tokens=99, messages=MESSAGES
            ) as stream:
                assert await stream.get_final_text() == "".join(PIECES)

        row = only_row(ask)
        self.check(row)
        assert row.time_to_first_token_s is not None


class TestGoogle:
    def check(self, row: ModelRow) -> None:
        assert (row.model, row.provider, row.calls) == ("gemini-2.5-pro", "google_genai", 1)
        tokens = row.tokens
        assert (tokens.input, tokens.cache_read) == (1200, 1024)
        assert (tokens.output, tokens.reasoning) == (100, 60)

    def made(self, server: Provider) -> Any:
        return genai.Client(api_key=KEY, http_options={"base_url": server.url})

    def test_a_call(self, server: Provider) -> None:
        def ask(state: State) -> None:
            own = self.made(server)
            own.models.generate_content(model="gemini-2.5-pro", contents="Which?")

        self.check(only_row(ask))

    @pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")
    def test_an_async_stream_over_aiohttp(self, server: Provider) -> None:
        async def ask(state: State) -> None:
            own = self.made(server).aio
            stream = await own.models.generate_content_stream(
                model="gemini-2.5-pro", contents="Which?"
            )
            assert len([chunk async for chunk in stream]) == len(PIECES)
            await own.aclose()

        row = only_row(ask)
        self.check(row)
        assert row.time_to_first_token_s is not None


class TestLangChain:
    def test_its_own_calls_are_not_counted_twice(self, server: Provider) -> None:
        server.refusals.append(429)
        model = ChatOpenAI(model="gpt-4o", api_key=KEY, base_url=f"{server.url}/v1")

        async def ask(state: State) -> None:
            await model.ainvoke("Which colour?")
            await model.abatch(["One", "Two"])
            async for _ in model.astream("Which?", stream_usage=True):
                pass
            await async_client(server).chat.completions.create(model="gpt-4o", messages=MESSAGES)

        profile = profiled(ask)
        [row] = profile.models
        assert (row.calls, row.retries) == (5, 1)
        assert row.tokens.input == 5 * 2000
        assert profile.attribution_s.rate_limit >= 0.005

    def test_embeddings_are_one_call_with_the_usage_of_the_wire(self, server: Provider) -> None:
        model = OpenAIEmbeddings(
            model="text-embedding-3-small",
            api_key=KEY,
            base_url=f"{server.url}/v1",
            check_embedding_ctx_length=False,
        )

        async def ask(state: State) -> None:
            await model.aembed_documents(["one", "two", "three"])

        row = only_row(ask)
        assert (row.model, row.provider, row.kind) == (
            "text-embedding-3-small",
            "openai",
            "embedding",
        )
        assert (row.calls, row.tokens.input, row.tokens.estimated_share) == (1, 21, 0.0)

    def test_embeddings_without_a_wire_are_counted(self) -> None:
        async def ask(state: State) -> None:
            await LocalEmbeddings().aembed_documents(["Which colour?", "Red"])

        row = only_row(ask)
        assert (row.model, row.calls, row.kind) == ("LocalEmbeddings", 1, "embedding")
        assert (row.tokens.input, row.tokens.output, row.tokens.estimated_share) == (4, 0, 1.0)

    def test_embeddings_defined_and_failing_in_a_node(self) -> None:
        def ask(state: State) -> None:
            class Broken(Embeddings):
                def embed_documents(self, texts: list[str]) -> list[list[float]]:
                    raise ValueError("no")

                def embed_query(self, text: str) -> list[float]:
                    return self.embed_documents([text])[0]

            with pytest.raises(ValueError, match="no"):
                Broken().embed_query("x")

        row = only_row(ask)
        assert (row.calls, row.errors, row.tokens.input, row.unpriced_calls) == (1, 1, None, 0)

    @pytest.mark.parametrize("streams", [False, True])
    def test_its_rate_limiter_is_no_part_of_the_model(self, streams: bool) -> None:
        limiter = InMemoryRateLimiter(requests_per_second=50, check_every_n_seconds=0.005)
        model = FakeListChatModel(responses=["x"], rate_limiter=limiter)

        async def ask(state: State) -> None:
            if streams:
                async for _ in model.astream("x"):
                    pass
            else:
                await model.ainvoke("x")

        attribution = profiled(ask).attribution_s
        # The bucket starts empty, and gets its first token after 20 ms.
        assert attribution.rate_limit >= 0.015
        assert attribution.model + attribution.rate_limit >= 0.015

    def test_a_rate_limiter_in_a_nodes_own_code(self) -> None:
        limiter = InMemoryRateLimiter(requests_per_second=50, check_every_n_seconds=0.005)

        def ask(state: State) -> None:
            limiter.acquire()

        assert profiled(ask).attribution_s.rate_limit >= 0.015


def test_everything_is_as_before(server: Provider) -> None:
    import sys

    import aiohttp
    import httpx
    import httpx2

    def methods() -> list[Any]:
        clients = [
            vars(cls)["send"]
            for module in (httpx, httpx2)
            for cls in (module.Client, module.AsyncClient)
        ]
        own = [
            vars(LocalEmbeddings)["embed_query"],
            vars(InMemoryRateLimiter)["acquire"],
        ]
        return [*clients, vars(aiohttp.ClientSession)["_request"], *own, list(sys.meta_path)]

    before = methods()
    during: list[Any] = []

    def ask(state: State) -> None:
        during.extend(methods())

    profiled(ask)
    assert methods() == before
    assert all(now is not then for now, then in zip(during, before, strict=True))
    assert "__init_subclass__" not in vars(Embeddings)


def test_no_key_header_or_text_is_in_the_profile(server: Provider) -> None:
    import msgspec

    def ask(state: State) -> None:
        client(server).chat.completions.create(model="gpt-4o", messages=MESSAGES)

    saved = msgspec.json.encode(profiled(ask))
    for secret in (KEY, "Which colour?", "".join(PIECES), "authorization"):
        assert secret.encode() not in saved
