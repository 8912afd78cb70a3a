"""No secret is in what is printed, logged or raised; only in what the caller asked for."""

from __future__ import annotations

import logging
import pprint
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Backend, prometheus, record

import opensre
from opensre.integrations import catalog, store

CANARY = "c4n4ry-s3cr3t"
ALERT = {"title": "x is down", "commonLabels": {"env": "prod", "service": "checkout"}, "startsAt": "2026-11-24T10:00:00Z"}


@pytest.fixture
def planted(write: Callable[..., Path]) -> Path:
    """A store with the canary wherever a secret, or something that might be one, can stand."""
    return write(
        record(
            "grafana",
            {"name": "prod", "tags": {"env": "prod"}, "credentials": {"endpoint": "https://g.net", "api_key": CANARY}},
            {"name": "bad", "tags": {}, "credentials": {"endpoint": CANARY, "api_key": [CANARY], "api_kye": CANARY}},
        ),
        record("unheard of", {"name": "x", "tags": {}, "credentials": {"password": CANARY}}),
        record("slack", {"name": "ops", "tags": {}, "credentials": {"webhook_url": f"https://hooks.slack.com/{CANARY}"}}),
        {"id": "old", "service": "datadog", "status": "active", "credentials": CANARY, "api_key": CANARY},
    )


def printed(value: object) -> Iterator[str]:
    yield repr(value)
    yield str(value)
    yield pprint.pformat(value)
    yield f"{value}"


def test_nothing_that_is_printed_shows_a_secret(planted: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    environ = {"DD_INSTANCES": f'[{{"api_key": "{CANARY}"', "HONEYCOMB_API_KEY": CANARY, "AWS_ACCESS_KEY_ID": CANARY}
    resolved = opensre.resolve(path=planted, environ=environ)
    assert CANARY in dict(resolved)["grafana"]["api_key"], "the caller asked for it"
    assert resolved.instances[0].config()["api_key"] == CANARY, "the caller asked for it"
    routes = opensre.route(ALERT, path=planted, environ=environ)
    for value in [resolved, *resolved.instances, *resolved.diagnostics, *resolved.shadowed, *routes]:
        for text in printed(value):
            assert CANARY not in text
            assert len(text) < 500
    store.load_integrations(path=planted)
    store.upsert_instance("grafana", {"name": "new", "credentials": {"api_key": CANARY}}, path=planted)
    catalog.classify_integrations(store.load_integrations(path=planted))
    catalog.merge_integrations_by_service(catalog.load_env_integrations(environ=environ), store.load_integrations(path=planted))
    assert caplog.records, "there was something to say"
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    "call",
    [
        lambda path: store.upsert_instance("grafana", {"name": "a", "token": CANARY}, path=path),
        lambda path: store.upsert_instance("grafana", {"name": "a", "credentials": CANARY}, path=path),
        lambda path: store.upsert_instance("grafana", {"name": "a", "credentials": {"k": CANARY + "\ud800"}}, path=path),
        lambda path: store.upsert_instance("grafana", {"credentials": {"k": {CANARY}}}, path=path),
        lambda path: store.upsert_integration("grafana", CANARY, path=path),  # type: ignore[arg-type]
        lambda path: catalog.classify_integrations([{"credentials": object(), "key": CANARY}]),
        lambda path: catalog.load_env_integrations(environ={"GRAFANA_READ_TOKEN": CANARY.encode()}),  # type: ignore[dict-item]
        lambda path: opensre.investigate({"text": CANARY, "bad": object()}, path=path),
        lambda path: opensre.investigate(ALERT, path=path, environ={}, instances={"grafana": "nobody"}),
    ],
)
def test_no_error_repeats_what_was_given(planted: Path, call: Callable[[Path], Any]) -> None:
    before = planted.read_bytes()
    with pytest.raises((TypeError, ValueError, opensre.OpensreError)) as raised:
        call(planted)
    assert CANARY not in str(raised.value) and CANARY not in repr(raised.value)
    # The last line of a traceback is the error; the lines before it are the caller's own.
    assert CANARY not in traceback.format_exception_only(type(raised.value), raised.value)[-1]
    assert planted.read_bytes() == before


def test_a_report_holds_no_secret(write: Callable[..., Path], start: Callable[[], Backend]) -> None:
    backend = start()
    path = write(record("prometheus", prometheus("a", backend.url, CANARY)))
    report = opensre.investigate({**ALERT, "annotations": {"note": f"Bearer {CANARY}"}}, path=path, environ={})
    assert set(backend.tokens) == {f"Bearer {CANARY}"}
    assert CANARY not in repr(report)
