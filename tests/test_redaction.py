"""What is taken out of texts, and what stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgprof.redaction import redacted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key sk-proj-abcDEF1234567890_xyz.", "key [redacted key]."),
        ("sk-ant-api03-AbCdEf123456-_xYz", "[redacted key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[redacted key]"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "[redacted key]"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted key]"),
        ("xoxb-1234567890-abcdefghij", "[redacted key]"),
        ("hf_abcdefghijklmnopqrstuv", "[redacted key]"),
        ("Authorization: Bearer abc.def-123456", "Authorization: Bearer [redacted token]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-123_x", "[redacted token]"),
        ("password = hunter22, ok", "password = [redacted secret], ok"),
        ('{"api_key": "0123456789"}', '{"api_key": "[redacted secret]"}'),
        ("DB_PASSWORD=s3cr3t!x;", "DB_PASSWORD=[redacted secret];"),
        ("postgres://ann:pa55word@db/x", "postgres://ann:[redacted password]@db/x"),
        ("write to ann.lee+x@mail.example.org!", "write to [redacted e-mail]!"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nbye",
            "[redacted private key]\nbye",
        ),
    ],
)
def test_secrets_go(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The desk opens at 10:30; ask for a room key.",
        "risk-averse-investors-only",
        "token budget: 500",
        "Which colour @ night?",
        "https://example.org/a?b=c",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.text(alphabet="sk-pkAIzaeyJ=:@. \n\"'token", max_size=80))
def test_twice_is_once(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)
