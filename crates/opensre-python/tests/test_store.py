"""The store's operations, as section 3.3 of the specification has them."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import grafana, record

import opensre
from opensre.integrations import store

Write = Callable[..., Path]


def test_a_missing_store_is_empty_and_stays_missing(missing: Path) -> None:
    assert store.load_integrations(path=missing) == []
    assert store.get_integration("grafana", path=missing) is None
    assert store.get_instance("grafana", path=missing) is None
    assert store.remove_instance("grafana", "x", path=missing) is False
    assert store.remove_integration("grafana", path=missing) is False
    assert not missing.exists()


def test_the_default_path_is_the_usual_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store.upsert_instance("grafana", grafana("prod"))
    usual = Path(os.environ["HOME"]) / ".tracer" / "integrations.json"
    assert stat.S_IMODE(usual.stat().st_mode) == 0o600
    assert stat.S_IMODE(usual.parent.stat().st_mode) == 0o700
    monkeypatch.setenv("OPENSRE_STORE", str(tmp_path / "other.json"))
    assert store.load_integrations() == []
    monkeypatch.delenv("OPENSRE_STORE")
    monkeypatch.delenv("HOME")
    with pytest.raises(opensre.StoreError, match="no place for the store") as raised:
        store.load_integrations()
    assert raised.value.hint == "name the file with path= or OPENSRE_STORE"


def test_listing_shows_every_record(write: Write) -> None:
    path = write(record("grafana", grafana("a"), grafana("b")), {**record("loki"), "status": "paused"})
    assert store.list_integrations(path=path) == [
        {"service": "grafana", "status": "active", "id": "grafana-1", "instances": ["a", "b"]},
        {"service": "loki", "status": "paused", "id": "loki-1", "instances": []},
    ]


def test_a_record_has_the_credentials_of_its_first_instance_at_its_top_too(write: Write) -> None:
    path = write({**record("grafana", grafana("off")), "status": "inactive"}, record("grafana", grafana("on"), note="kept"))
    found = store.get_integration("Grafana", path=path)
    assert found is not None
    assert found["note"] == "kept"
    assert found["credentials"] == grafana("on")["credentials"]


def test_an_instance_must_satisfy_name_and_tags(write: Write) -> None:
    path = write(record("grafana", grafana("a", env="prod", n=1), grafana("b", env="prod")))

    def name(**wanted: Any) -> str | None:
        found = store.get_instance("grafana", path=path, **wanted)
        return None if found is None else str(found["name"])

    assert name() == "a"
    assert name(name=" B ") == "b"
    assert name(tags={"ENV": "Prod"}) == "a"
    assert name(name="b", tags={"env": "prod"}) == "b"
    assert name(name="b", tags={"n": 1}) is None
    assert name(name="") is None
    assert name(tags={"env": ""}) is None
    assert store.get_instance("grafana", "a", {"n": "1"}, path=path) == {**grafana("a", env="prod", n=1), "integration_id": "grafana-1"}
    assert [found["name"] for found in store.get_instances("GRAFANA", path=path)] == ["a", "b"]


def test_an_instance_is_replaced_in_place_or_appended(write: Write) -> None:
    path = write(record("grafana", grafana("a"), grafana("b")), record("loki", unknown={"kept": [1.5, None]}))
    assert store.upsert_instance("grafana", grafana("A ", "new"), path=path) == "grafana-1"
    store.upsert_instance("grafana", grafana("c"), path=path)
    assert [found["name"] for found in store.get_instances("grafana", path=path)] == ["a", "b", "c"]
    assert store.get_instances("grafana", path=path)[0]["credentials"]["api_key"] == "new"
    assert store.load_integrations(path=path)[1]["unknown"] == {"kept": [1.5, None]}


def test_a_record_is_made_with_the_given_or_a_generated_id(write: Write) -> None:
    path = write(record("grafana", grafana("a")))
    assert store.upsert_instance("grafana", grafana("b"), "mine", path=path) == "mine"
    generated = store.upsert_instance("loki", {"name": None, "credentials": {"base_url": "http://l"}}, path=path)
    assert generated.startswith("loki-") and len(generated) == len("loki-") + 8
    assert store.get_instance("loki", "default", path=path) is not None


def test_what_was_read_can_be_changed_and_put_back(write: Write) -> None:
    path = write(record("grafana", {**grafana("a"), "expect": {"org": "1"}}))
    found = store.get_instance("grafana", "a", path=path)
    assert found is not None
    found["tags"]["env"] = "prod"
    store.upsert_instance("grafana", found, path=path)
    again = store.get_instance("grafana", "a", path=path)
    assert again == {**grafana("a", env="prod"), "expect": {"org": "1"}, "integration_id": "grafana-1"}


def test_a_version_1_shape_touches_only_its_own_instance(write: Write) -> None:
    path = write(record("grafana", grafana("prod")))
    entry = {"credentials": {"endpoint": "https://d.net", "api_key": "k"}}
    assert store.upsert_integration("grafana", entry, path=path) == "grafana-1"
    assert [found["name"] for found in store.get_instances("grafana", path=path)] == ["prod", "default"]


def test_replacing_a_record_must_be_said(write: Write) -> None:
    path = write(record("grafana", grafana("a")), record("grafana", grafana("b"), id="second"))
    store.upsert_integration("grafana", {"instances": [grafana("c")]}, path=path)
    assert len(store.get_instances("grafana", path=path)) == 3
    store.upsert_integration("grafana", {"instances": [grafana("c")]}, path=path, replace=True)
    assert [found["name"] for found in store.get_instances("grafana", path=path)] == ["c"]


def test_an_instance_of_an_inactive_record_is_told(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    path = write({**record("grafana", grafana("a")), "status": "inactive"})
    store.upsert_instance("grafana", grafana("a"), path=path)
    [logged] = caplog.records
    assert (logged.name, logged.levelno) == ("opensre.integrations.store", logging.WARNING)
    assert "grafana/a is in record grafana-1, which is not active" in logged.getMessage()


def test_removing_says_whether_there_was_one(write: Write) -> None:
    path = write(record("grafana", grafana("a"), grafana("b")))
    assert store.remove_instance("grafana", "", path=path) is False
    assert store.remove_instance("grafana", "qa", path=path) is False
    assert store.remove_instance("grafana", " A", path=path) is True
    assert store.remove_instance("grafana", "b", path=path) is True
    assert store.list_integrations(path=path) == []
    assert store.remove_integration("grafana", path=path) is False


def test_a_version_1_store_is_migrated_with_a_copy_beside_it(missing: Path) -> None:
    old = {"version": 1, "integrations": [{"id": "x", "service": "aws", "role_arn": "r", "credentials": {"region": "eu"}}]}
    missing.write_text(json.dumps(old))
    missing.chmod(0o600)
    [migrated] = store.load_integrations(path=missing)
    assert migrated == store.migrate_record(old["integrations"][0])  # type: ignore[index]
    assert migrated["instances"] == [{"name": "default", "tags": {}, "credentials": {"region": "eu", "role_arn": "r"}}]
    assert json.loads(missing.with_name("integrations.json.v1.bak").read_text()) == old
    once = missing.read_bytes()
    store.load_integrations(path=missing)
    assert missing.read_bytes() == once


def test_a_broken_store_reads_as_empty_and_is_never_written(missing: Path, caplog: pytest.LogCaptureFixture) -> None:
    missing.write_text('{"integrations": [CANARY')
    assert store.load_integrations(path=missing) == []
    assert caplog.records[0].name == "opensre.integrations.store"
    assert "not valid JSON at line 1" in caplog.text
    with pytest.raises(opensre.StoreError, match="is not changed") as raised:
        store.upsert_instance("grafana", grafana("a", "CANARY"), path=missing)
    assert raised.value.hint is not None and "mv" in raised.value.hint
    assert missing.read_text() == '{"integrations": [CANARY'
    assert "CANARY" not in str(raised.value) and "CANARY" not in caplog.text


def _add(arguments: tuple[Path, int]) -> None:
    path, number = arguments
    store.upsert_instance("grafana", grafana(f"n{number}"), path=path)


def test_parallel_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "integrations.json"
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.map(_add, [(path, number) for number in range(12)])
    assert len(store.get_instances("grafana", path=path)) == 12


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: store.upsert_instance("grafana", []), TypeError, "instance must be a dict, not list"),  # type: ignore[arg-type]
        (lambda: store.upsert_instance(" ", grafana("a")), ValueError, "service must not be blank"),
        (lambda: store.upsert_instance("grafana", {"name": 1, "credentials": {}}), TypeError, r"\['name'\] must be a str"),
        (lambda: store.upsert_instance("grafana", {"name": "a"}), ValueError, "has no credentials"),
        (lambda: store.upsert_instance("grafana", {"credentials": "k"}), TypeError, r"\['credentials'\] must be a dict"),
        (lambda: store.upsert_instance("grafana", {"credentials": {}, "tags": {"a": []}}), TypeError, r"\['tags'\]\['a'\]"),
        (lambda: store.upsert_instance("grafana", {"name": "a", "endpoint": "e"}), ValueError, "unknown key 'endpoint'"),
        (lambda: store.upsert_instance("grafana", {"credentials": {"a": 10**30}}), ValueError, "more than 64 bits"),
        (lambda: store.upsert_integration("grafana", {"instances": [1]}), ValueError, "must be a list of instances"),
        (lambda: store.load_integrations(path=3), TypeError, "path"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments_are_told_and_change_nothing(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
    assert store.load_integrations() == []
