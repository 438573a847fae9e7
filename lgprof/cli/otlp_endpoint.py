"""``--otlp-endpoint``: sends traces to an OpenTelemetry collector, by HTTP and JSON."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import lgprof
from lgprof.errors import UsageError
from lgprof.readable import plural

if TYPE_CHECKING:
    from lgprof.model import Profile

_PATH = "/v1/traces"
_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_TIMEOUT_S = 10.0


def traces_url(endpoint: str) -> str:
    """Where traces go: the endpoint's own path, else the one that collectors have.

    Raises:
        UsageError: It is no HTTP address.
    """
    try:
        parts = urlsplit(endpoint)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(
            f"--otlp-endpoint: {endpoint!r} is no address", hint="write http://localhost:4318"
        )
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(_PATH) else f"{path}{_PATH}").geturl()


def send_traces(profile: Profile, url: str) -> str:
    """Send all requests; headers come from the variables that OpenTelemetry has for them.

    Returns:
        What was sent, in words.

    Raises:
        UsageError: The collector cannot be reached, or refuses some of it.
    """
    from lgprof.render.otlp import otlp_batches

    for batch in otlp_batches(profile):
        _send(batch.encode(), url)
    return f"{plural(len(profile.requests), 'trace')} to {url}"


def _send(body: bytes, url: str) -> None:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"lgprof/{lgprof.__version__}",
        **_headers(),
    }
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            told = answer.read(65536)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(url, f"it answers {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise _refused(url, str(getattr(error, "reason", None) or error)) from error
    rejected = _rejected(told)
    if rejected:
        raise _refused(url, f"it rejected {plural(rejected, 'span')}")


def _refused(url: str, why: str) -> UsageError:
    return UsageError(
        f"--otlp-endpoint: {url} did not take the traces: {why}",
        hint="see that a collector with an OTLP receiver for HTTP listens there (port 4318)",
    )


def _headers() -> dict[str, str]:
    """``key=value,key=value``, percent-encoded, as OpenTelemetry's exporters read them."""
    pairs = [pair for name in _HEADERS for pair in os.environ.get(name, "").split(",")]
    split = [pair.partition("=") for pair in pairs if "=" in pair]
    return {key.strip(): unquote(value.strip()) for key, _, value in split}


def _rejected(told: bytes) -> int:
    """How many spans a collector refused, by its answer."""
    try:
        return int(json.loads(told)["partialSuccess"]["rejectedSpans"])
    except (ValueError, KeyError, TypeError):
        return 0
