"""Lets an `HttpObserver` see what httpx, httpx2 and aiohttp send, once they are imported."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from lgprof.record.http_observer import HttpAttempt, HttpObserver, sending_through

Undo = Callable[[], None]


@contextmanager
def http_observed(observer: HttpObserver) -> Iterator[None]:
    """Let the observer see requests until the context ends. Nothing is imported for it."""
    patches: dict[str, Callable[[ModuleType, HttpObserver], Undo]] = {
        "httpx": _patch_httpx,
        "httpx2": _patch_httpx,
        "aiohttp": _patch_aiohttp,
    }
    with ExitStack() as stack:

        def patch(module: ModuleType) -> None:
            stack.callback(patches[module.__name__](module, observer))

        for name in patches:
            if name in sys.modules:
                patch(sys.modules[name])
        finder = _Watcher({name for name in patches if name not in sys.modules}, patch)
        sys.meta_path.insert(0, finder)
        stack.callback(sys.meta_path.remove, finder)
        yield


class _Watcher(MetaPathFinder):
    """Tells of the import of some modules, which others find and load."""

    def __init__(self, names: set[str], on_import: Callable[[ModuleType], None]) -> None:
        self._names, self._on_import = names, on_import

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        self._names.discard(fullname)
        for finder in sys.meta_path:
            find_spec = getattr(finder, "find_spec", None)
            spec = None if finder is self or not find_spec else find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Telling(spec.loader, self._on_import)
                return spec  # type: ignore[no-any-return]
        return None


class _Telling(Loader):
    """Another's loader, and a call when it has loaded."""

    def __init__(self, inner: Loader, on_import: Callable[[ModuleType], None]) -> None:
        self._inner, self._on_import = inner, on_import

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._inner.exec_module(module)
        self._on_import(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


# --- httpx and httpx2 -----------------------------------------------------------------------------


def _patch_httpx(module: Any, observer: HttpObserver) -> Undo:
    client, async_client = module.Client, module.AsyncClient
    send, async_send = client.send, async_client.send

    @wraps(send)
    def observed_send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = _begin(observer, request)
        if attempt is None:
            return send(self, request, *args, **kwargs)
        try:
            with sending_through():
                response = send(self, request, *args, **kwargs)
        except BaseException as error:
            attempt.fail(error)
            raise
        _read(attempt, response, _watch)
        return response

    @wraps(async_send)
    async def observed_async_send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        attempt = _begin(observer, request)
        if attempt is None:
            return await async_send(self, request, *args, **kwargs)
        try:
            with sending_through():
                response = await async_send(self, request, *args, **kwargs)
        except BaseException as error:
            attempt.fail(error)
            raise
        _read(attempt, response, _watch_async)
        return response

    client.send, async_client.send = observed_send, observed_async_send

    def undo() -> None:
        client.send, async_client.send = send, async_send

    return undo


def _begin(observer: HttpObserver, request: Any) -> HttpAttempt | None:
    url = request.url
    body = getattr(request, "_content", b"")  # not `content`: a stream's is not there to be read
    return observer.begin(request.method, url.host, url.path, body, request.headers)


def _read(attempt: HttpAttempt, response: Any, watch: Callable[[HttpAttempt, Any], None]) -> None:
    attempt.answered(response.status_code, response.headers.get("content-type", ""))
    if response.is_closed:
        attempt.feed(getattr(response, "_content", b""))
        attempt.end()
    else:
        watch(attempt, response)


def _watch(attempt: HttpAttempt, response: Any) -> None:
    iter_bytes, close = response.iter_bytes, response.close

    def observed_iter_bytes(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        for chunk in iter_bytes(*args, **kwargs):
            attempt.feed(chunk)
            yield chunk
        attempt.end()

    def observed_close() -> None:
        close()
        attempt.end()

    response.iter_bytes, response.close = observed_iter_bytes, observed_close


def _watch_async(attempt: HttpAttempt, response: Any) -> None:
    aiter_bytes, aclose = response.aiter_bytes, response.aclose

    async def observed_aiter_bytes(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        async for chunk in aiter_bytes(*args, **kwargs):
            attempt.feed(chunk)
            yield chunk
        attempt.end()

    async def observed_aclose() -> None:
        await aclose()
        attempt.end()

    response.aiter_bytes, response.aclose = observed_aiter_bytes, observed_aclose


# --- aiohttp --------------------------------------------------------------------------------------


def _patch_aiohttp(module: Any, observer: HttpObserver) -> Undo:
    session = module.ClientSession
    request = session._request

    @wraps(request)
    async def observed_request(self: Any, method: str, url: Any, **kwargs: Any) -> Any:
        attempt = _begin_aiohttp(observer, self, method, url, kwargs)
        if attempt is None:
            return await request(self, method, url, **kwargs)
        try:
            with sending_through():
                response = await request(self, method, url, **kwargs)
        except BaseException as error:
            attempt.fail(error)
            raise
        attempt.answered(response.status, response.headers.get("content-type", ""))
        response.content = _Teed(response.content, attempt, module.streams)
        return response

    session._request = observed_request

    def undo() -> None:
        session._request = request

    return undo


def _begin_aiohttp(
    observer: HttpObserver, session: Any, method: str, url: Any, kwargs: dict[str, Any]
) -> HttpAttempt | None:
    try:
        parsed = session._build_url(url)
    except ValueError:  # which aiohttp says better
        return None
    headers = kwargs.get("headers") or {}
    body = _body(session, kwargs)
    return observer.begin(method, parsed.host or "", parsed.path, body, headers)


def _body(session: Any, kwargs: dict[str, Any]) -> bytes:
    data = kwargs.get("data")
    if kwargs.get("json") is not None:
        data = session._json_serialize(kwargs["json"])
    if isinstance(data, str):
        data = data.encode()
    return data if isinstance(data, bytes) else b""


class _Teed:
    """A stream reader that an attempt listens to."""

    def __init__(self, inner: Any, attempt: HttpAttempt, streams: Any) -> None:
        self._inner, self._attempt, self._streams = inner, attempt, streams

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def _heard(self, read: Any) -> Any:
        data = await read
        self._hear(data)
        return data

    def _hear(self, data: bytes) -> None:
        self._attempt.feed(data)
        if self._inner.at_eof():
            self._attempt.end()

    async def read(self, n: int = -1) -> Any:
        return await self._heard(self._inner.read(n))

    async def readany(self) -> Any:
        return await self._heard(self._inner.readany())

    async def readline(self, **kwargs: Any) -> Any:
        return await self._heard(self._inner.readline(**kwargs))

    async def readuntil(self, *args: Any, **kwargs: Any) -> Any:
        return await self._heard(self._inner.readuntil(*args, **kwargs))

    async def readexactly(self, n: int) -> Any:
        return await self._heard(self._inner.readexactly(n))

    async def readchunk(self) -> Any:
        data, is_end = await self._inner.readchunk()
        self._hear(data)
        return data, is_end

    def __aiter__(self) -> Any:
        return self._streams.AsyncStreamIterator(self.readline)

    def iter_any(self) -> Any:
        return self._streams.AsyncStreamIterator(self.readany)

    def iter_chunked(self, n: int) -> Any:
        return self._streams.AsyncStreamIterator(partial(self.read, n))

    def iter_chunks(self) -> Any:
        return self._streams.ChunkTupleAsyncStreamIterator(self)
