"""From records to what is in effect, and what is said on the way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import grafana, record

import opensre
from opensre.integrations import catalog

LOGGER = "opensre.integrations.catalog"


def test_environment_records_have_ids_and_defaults() -> None:
    records = catalog.load_env_integrations(environ={"DD_API_KEY": "a", "DD_APP_KEY": "b"})
    assert records[0]["id"] == "env-datadog"
    assert records[0]["instances"][0]["credentials"]["site"] == "datadoghq.com"


def test_the_process_environment_is_read_at_the_time_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    assert catalog.load_env_integrations() == []
    monkeypatch.setenv("LOKI_URL", "http://loki.example:3100")
    monkeypatch.setenv("PROMETHEUS_URL", "http://prom.example:9090")
    assert "prometheus" in [found["service"] for found in catalog.load_env_integrations()]


def test_a_malformed_variable_is_a_warning_under_the_modules_name(caplog: pytest.LogCaptureFixture) -> None:
    catalog.load_env_integrations(environ={"GRAFANA_INSTANCES": '[{"api_key": "CANARY'})
    [logged] = caplog.records
    assert (logged.name, logged.levelno) == (LOGGER, logging.WARNING)
    assert "GRAFANA_INSTANCES is not valid JSON" in logged.getMessage()
    assert "CANARY" not in caplog.text


def test_classification_publishes_lists_by_the_rule() -> None:
    resolved = catalog.classify_integrations(
        [
            record("grafana", grafana("prod", env="prod"), grafana("staging")),
            record("loki", {"name": "default", "tags": {}, "credentials": {"base_url": "http://loki.example"}}),
            record("own thing", {"name": "x", "tags": {}, "credentials": {"a": 1}}),
        ]
    )
    assert [entry["name"] for entry in resolved["_all_grafana_instances"]] == ["prod", "staging"]
    assert resolved["grafana"]["endpoint"] == "https://prod.grafana.net"
    assert "_all_loki_instances" not in resolved
    assert resolved["own thing"] == {"credentials": {"a": 1}, "integration_id": "own thing-1"}
    assert len(resolved["_all"]) == 3


def test_a_rejected_instance_is_told_without_its_value(caplog: pytest.LogCaptureFixture) -> None:
    broken = {"name": "broken", "tags": {}, "credentials": {"endpoint": ["CANARY"], "api_key": "CANARY"}}
    resolved = catalog.classify_integrations([record("grafana", broken, grafana("good"))])
    assert resolved["grafana"]["endpoint"] == "https://good.grafana.net"
    assert "grafana/broken" in caplog.text and "is the default now" in caplog.text
    assert "CANARY" not in caplog.text


def test_a_number_beyond_any_size_costs_its_own_instance_only(caplog: pytest.LogCaptureFixture) -> None:
    huge = {"name": "a", "tags": {}, "credentials": {"host": "h", "port": 10**400, "username": "u", "database": "d"}}
    resolved = catalog.classify_integrations([record("postgresql", huge), record("grafana", grafana("a"))])
    assert "postgresql" not in resolved
    assert "grafana" in resolved
    assert "postgresql/a port: is too large a number" in caplog.text


def test_the_strongest_usable_source_supplies_a_service() -> None:
    environment = [record("grafana", grafana("env")), record("datadog", {"credentials": {"api_key": "a", "app_key": "b"}})]
    store = [record("Grafana", grafana("store")), record("datadog", {"credentials": {}})]
    merged = catalog.merge_integrations_by_service(environment, store)
    found = {entry["service"].lower(): entry["instances"][0] for entry in merged}
    assert found["grafana"]["name"] == "store"
    assert found["datadog"]["credentials"] == {"api_key": "a", "app_key": "b"}


def test_merging_takes_any_number_of_sources_and_drops_inactive_records() -> None:
    inactive = {**record("grafana", grafana("off")), "status": "inactive"}
    assert catalog.merge_integrations_by_service() == []
    assert catalog.merge_integrations_by_service([inactive]) == []
    first, second = [record("grafana", grafana("a"))], [record("loki", {"credentials": {"base_url": "http://l"}})]
    merged = catalog.merge_integrations_by_service(first, second, [inactive])
    assert sorted(entry["service"] for entry in merged) == ["grafana", "loki"]


def test_what_is_odd_is_said_once_while_merging(caplog: pytest.LogCaptureFixture) -> None:
    odd = [record("grafana", {**grafana("a"), "tags": []})]
    catalog.merge_integrations_by_service(odd, [], [])
    assert caplog.text.count("the tags are a list") == 1


def test_the_effective_view_tells_where_data_comes_from(write: Callable[..., Path]) -> None:
    path = write(record("grafana", grafana("prod"), grafana("staging")))
    environ = {"DD_API_KEY": "a", "DD_APP_KEY": "b", "GRAFANA_INSTANCE_URL": "https://x.net", "GRAFANA_READ_TOKEN": "t"}
    effective = catalog.resolve_effective_integrations(path=path, environ=environ)
    assert effective["grafana"]["source"] == "local store"
    assert [entry["name"] for entry in effective["grafana"]["instances"]] == ["prod", "staging"]
    assert effective["datadog"]["source"] == "local env"
    assert "instances" not in effective["datadog"]
    turned = catalog.resolve_effective_integrations(path=path, environ=environ, precedence="env")
    assert turned["grafana"]["config"]["endpoint"] == "https://x.net"


def test_the_effective_view_of_given_records_reads_nothing() -> None:
    effective = catalog.resolve_effective_integrations([record("grafana", grafana("s"))], [record("grafana", grafana("e"))])
    assert effective["grafana"]["config"]["endpoint"] == "https://s.grafana.net"
    effective = catalog.resolve_effective_integrations([], [record("grafana", grafana("e"))])
    assert effective["grafana"]["source"] == "local env"


def test_an_incomplete_record_stays_visible() -> None:
    effective = catalog.resolve_effective_integrations([record("datadog", {"credentials": {"api_key": "a"}})], [])
    assert effective["datadog"]["config"]["integration_id"] == "datadog-1"
    assert effective["datadog"]["config"]["api_key"] == ""


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: catalog.classify_integrations({}), TypeError, "integrations must be a list of records"),  # type: ignore[arg-type]
        (lambda: catalog.classify_integrations([{1: 2}]), TypeError, r"integrations\[0\] has a key of type int"),  # type: ignore[dict-item]
        (lambda: catalog.classify_integrations([{"a": {"b": object()}}]), TypeError, r"\['a'\]\['b'\] is of type object"),
        (lambda: catalog.classify_integrations([{"a": float("inf")}]), ValueError, "infinite"),
        (lambda: catalog.load_env_integrations(environ=["A=1"]), TypeError, "environ must be a mapping"),  # type: ignore[arg-type]
        (lambda: catalog.load_env_integrations(environ={"A": 1}), TypeError, r"environ\['A'\] must be a str, not int"),  # type: ignore[dict-item]
        (lambda: catalog.resolve_effective_integrations(precedence="both"), opensre.OptionError, "unknown precedence"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments_are_told(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_what_refers_to_itself_is_an_error_and_no_crash() -> None:
    loop: dict[str, Any] = {"service": "loki"}
    loop["self"] = loop
    with pytest.raises(ValueError, match="nested more than"):
        catalog.classify_integrations([loop])
