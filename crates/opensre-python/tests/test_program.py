"""`resolve`, `route` and `investigate`: the same as the command line, and good manners as a Python function."""

from __future__ import annotations

import copy
import datetime
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Backend, grafana, prometheus, record

import opensre
from opensre.integrations import selectors

Write = Callable[..., Path]
Start = Callable[[], Backend]

ALERT = {
    "title": "Checkout is slow",
    "state": "alerting",
    "alert_source": "grafana",
    "startsAt": "2026-11-24T10:00:00Z",
    "commonLabels": {"service": "checkout", "env": "prod"},
}
NOW = "2026-11-24T11:00:00Z"


def program() -> str:
    """The command line of the same build."""
    built = Path(__file__).parents[3] / "target" / "debug" / "opensre"
    path = Path(os.environ.get("OPENSRE_PROGRAM", built))
    assert path.is_file(), f"{path} is missing: cargo build -p opensre-cli"
    return str(path)


def test_resolve_is_the_plain_dictionary_with_what_else_is_known(write: Write) -> None:
    path = write(record("grafana", grafana("prod", env="prod"), grafana("staging")))
    environ = {"GRAFANA_INSTANCE_URL": "https://x.net", "GRAFANA_READ_TOKEN": "t", "DD_INSTANCES": "["}
    resolved = opensre.resolve(path=path, environ=environ)
    assert type(resolved).__mro__[1] is dict
    assert json.loads(json.dumps(resolved)) == resolved
    assert selectors.get_instance_by_name(resolved, "grafana", "prod") == resolved["grafana"]
    assert [(found.service, found.name, found.tags) for found in resolved.instances] == [
        ("grafana", "prod", {"env": "prod"}),
        ("grafana", "staging", {}),
    ]
    assert resolved.instances[0].config() == resolved["grafana"]
    assert resolved.instances[0].integration_id == "grafana-1"
    [shadowed] = resolved.shadowed
    assert (shadowed.service, shadowed.source) == ("grafana", "variable GRAFANA_INSTANCE_URL")
    [diagnostic] = [found for found in resolved.diagnostics if found.severity == "warning"]
    assert (diagnostic.service, diagnostic.source) == ("datadog", "variable DD_INSTANCES")
    assert resolved.store == str(path)


def test_resolve_follows_the_variables_of_the_command_line(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSRE_STORE", str(write(record("grafana", grafana("stored")))))
    monkeypatch.setenv("GRAFANA_INSTANCES", json.dumps([grafana("env")]))
    assert [found.name for found in opensre.resolve().instances] == ["stored"]
    monkeypatch.setenv("OPENSRE_PRECEDENCE", "env")
    assert [found.name for found in opensre.resolve().instances] == ["env"]
    assert [found.name for found in opensre.resolve(precedence="merge").instances] == ["stored", "env"]


def test_a_resolved_is_not_copied_by_accident(write: Write) -> None:
    resolved = opensre.resolve(path=write(), environ={})
    ways: list[Callable[[object], object]] = [copy.copy, copy.deepcopy, pickle.dumps]
    for refused in ways:
        with pytest.raises(TypeError, match=r"dict\(resolved\)"):
            refused(resolved)


def test_a_route_says_why(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    path = write(record("grafana", grafana("staging", env="staging"), grafana("prod", env="prod")))
    [route] = opensre.route(ALERT, path=path, environ={})
    assert (route.service, route.step, [found.name for found in route.chosen]) == ("grafana", "tags", ["prod"])
    assert "env" in route.reason
    [rejected] = route.explain()["rejected"]
    assert rejected["instance"] == "staging" and "env" in rejected["why"]
    [route] = opensre.route(json.dumps(ALERT), path=path, environ={"OPENSRE_ROUTING": "hints"})
    assert (route.step, route.chosen[0].name) == ("default", "staging")
    [route] = opensre.route(ALERT, path=path, environ={}, instances={"Grafana": ["staging", "prod"]})
    assert (route.step, len(route.chosen)) == ("command_line", 2)
    assert caplog.records == []


def test_an_unknown_hint_is_a_warning_in_the_words_that_log_rules_match(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(record("grafana", grafana("prod")))
    [route] = opensre.route({**ALERT, "grafana_instance": "qa"}, path=path, environ={})
    [logged] = caplog.records
    assert (logged.name, logged.levelname) == ("opensre", "WARNING")
    assert logged.getMessage() == route.warnings[0]
    assert "grafana_instance hint 'qa' not found" in logged.getMessage()


def test_groups_rules_and_policies_of_the_store_count(missing: Path) -> None:
    instances = [grafana("eu", region="eu"), {**grafana("us", region="us"), "requires_explicit": True}]
    rules = [{"match": "team=payments", "use": {"grafana": "@europe"}}]
    document = {
        "version": 2,
        "integrations": [record("grafana", *instances)],
        "groups": [{"name": "@europe", "select": "region=eu"}],
        "routing": {"rules": rules, "unknown": "fail"},
    }
    missing.write_text(json.dumps(document))
    payments = {**ALERT, "commonLabels": {"team": "payments"}}
    [route] = opensre.route(payments, path=missing, environ={})
    explained = route.explain()
    assert (route.step, [found.name for found in route.chosen]) == ("rule", ["eu"])
    assert explained["rules"][0]["position"] == 1
    assert explained["groups"][0]["group"] == "@europe"
    [route] = opensre.route(ALERT, path=missing, environ={}, instances={"grafana": "us"})
    assert [found.name for found in route.chosen] == ["us"]
    hinted = {**ALERT, "grafana_instance": "qa"}
    with pytest.raises(opensre.UnknownInstanceError, match="qa"):
        opensre.route(hinted, path=missing, environ={})
    [route] = opensre.route(hinted, path=missing, environ={}, on_unknown="skip")
    assert route.chosen == []
    stored = opensre.integrations.store.get_instance("grafana", "us", path=missing)
    assert stored is not None and stored["requires_explicit"] is True
    opensre.integrations.store.upsert_instance("grafana", stored, path=missing)
    assert json.loads(missing.read_text())["integrations"][0]["instances"][1]["requires_explicit"] is True


def test_only_the_chosen_instance_is_asked(write: Write, start: Start) -> None:
    """The back ends answer from this process: with the interpreter's lock held, nothing would ever be answered."""
    chosen, other = start(), start()
    path = write(record("prometheus", prometheus("a", chosen.url, "t-a"), prometheus("b", other.url, "t-b")))
    report = opensre.investigate(ALERT, path=path, environ={}, instances={"prometheus": "a"}, now=NOW)
    assert report["schema"] == "opensre.report/v1"
    assert [(found["service"], found["instance"]) for found in report["instances"]] == [("prometheus", "a")]
    assert chosen.paths and set(chosen.tokens) == {"Bearer t-a"}
    assert other.paths == []
    assert not report["timings"]["deadline_passed"]


def test_the_window_is_that_of_the_alert_unless_told_otherwise(write: Write, start: Start) -> None:
    path = write(record("prometheus", prometheus("a", start().url)))

    def window(**options: Any) -> tuple[str, str, str]:
        found = opensre.investigate(ALERT, path=path, environ={}, now=NOW, **options)["window"]
        return found["start"], found["onset"], found["end"]

    assert window() == ("2026-11-24T09:45:00Z", "2026-11-24T10:00:00Z", "2026-11-24T10:30:00Z")
    hour = ("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z", "2026-11-24T10:30:00Z")
    assert window(since="1h") == window(since=3600) == window(since=datetime.timedelta(hours=1)) == hour
    onset = datetime.datetime(2026, 11, 24, 8, tzinfo=datetime.timezone.utc)
    told = ("2026-11-24T07:45:00Z", "2026-11-24T08:00:00Z", "2026-11-24T08:25:00Z")
    assert window(window=(onset, "2026-11-24T08:20:00+00:00")) == told


def test_the_report_is_that_of_the_command_line(tmp_path: Path) -> None:
    with subprocess.Popen(
        [program(), "lab", "serve", "staging-bad-deploy", "--out", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as lab:
        try:
            assert lab.stdout is not None
            assert lab.stdout.readline().startswith("running")
            store, alert = tmp_path / "store.json", tmp_path / "alert.json"
            now = datetime.datetime.now(datetime.timezone.utc).isoformat()
            report = opensre.investigate(json.loads(alert.read_text()), path=store, environ={}, now=now)
            arguments = ["investigate", "-i", str(alert), "--now", now, "--format", "json"]
            ran = subprocess.run(
                [program(), "--store", str(store), *arguments], capture_output=True, check=True, env={}
            )
        finally:
            lab.send_signal(signal.SIGINT)
    theirs = json.loads(ran.stdout)
    del report["timings"], theirs["timings"]
    assert report == theirs
    assert report["verdict"]["category"] == "code_defect"


INTERRUPTED = """
import socket, sys, threading
import opensre

server = socket.create_server(("127.0.0.1", 0))

def accept():
    connection, _ = server.accept()
    print("asked", flush=True)
    connection.recv(1)
    threading.Event().wait()

threading.Thread(target=accept, daemon=True).start()
instance = {"name": "a", "credentials": {"base_url": f"http://127.0.0.1:{server.getsockname()[1]}"}}
opensre.integrations.store.upsert_instance("prometheus", instance, path=sys.argv[1])
try:
    opensre.investigate({"title": "x is down", "commonLabels": {"service": "x"}}, path=sys.argv[1], environ={}, deadline="30m")
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_control_c_ends_an_investigation_at_once(missing: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(missing)], stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "asked\n"
        child.send_signal(signal.SIGINT)
        # The deadline is half an hour away: whatever ends within this did not wait for it.
        output, _ = child.communicate(timeout=60)
    assert output == "interrupted\n"
    assert child.returncode == 0


def test_a_deadline_that_passes_is_an_error_of_its_own(write: Write) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        path = write(record("prometheus", prometheus("a", f"http://127.0.0.1:{silent.getsockname()[1]}")))
        with pytest.raises(opensre.DeadlineError, match="deadline of 0.3 s") as raised:
            opensre.investigate(ALERT, path=path, environ={}, deadline=0.3)
    assert isinstance(raised.value, TimeoutError)
    assert raised.value.hint is not None and raised.value.hint.startswith("allow more time with deadline=")


@pytest.mark.parametrize("call", [opensre.route, opensre.investigate])
def test_an_unknown_instance_is_never_replaced_by_another(call: Callable[..., Any], write: Write) -> None:
    path = write(record("grafana", grafana("prod"), grafana("staging")))
    with pytest.raises(opensre.UnknownInstanceError, match="qa") as raised:
        call(ALERT, path=path, environ={}, instances={"grafana": "qa"})
    assert raised.value.hint == "instances of grafana: prod, staging"
    assert isinstance(raised.value, LookupError) and isinstance(raised.value, opensre.OpensreError)


def test_nothing_configured_is_told(missing: Path) -> None:
    with pytest.raises(opensre.NothingConfiguredError, match="no integration is configured"):
        opensre.investigate(ALERT, path=missing, environ={})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"alert": 3}, TypeError, "alert must be a dict .*, not int"),
        ({"alert": {}}, ValueError, "alert is empty"),
        ({"alert": "  "}, ValueError, "alert is empty"),
        ({"alert": {"labels": {"a": b"x"}}}, TypeError, r"alert\['labels'\]\['a'\] is of type bytes"),
        ({"instances": "grafana=prod"}, TypeError, "instances must be a dict of service to name"),
        ({"instances": {"grafana": 1}}, TypeError, "found int"),
        ({"instances": {"grafana": " "}}, opensre.OptionError, "names no instance"),
        ({"routing": "best"}, opensre.OptionError, "routing: 'best' is no routing mode"),
        ({"on_unknown": "guess"}, opensre.OptionError, "on_unknown: "),
        ({"environ": {"OPENSRE_ON_AMBIGUOUS": "guess"}}, opensre.OptionError, "OPENSRE_ON_AMBIGUOUS: "),
        ({"since": "90"}, opensre.OptionError, "since: not a duration: the unit is missing"),
        ({"since": -1}, opensre.OptionError, "since: must be more than nothing"),
        ({"since": []}, TypeError, "since must be a str such as '90m', a timedelta or a number of seconds, not list"),
        ({"deadline": float("nan")}, opensre.OptionError, "deadline: must be more than nothing"),
        ({"now": "yesterday"}, opensre.OptionError, "now: `yesterday` is no time with a zone"),
        ({"now": datetime.datetime(2026, 1, 1)}, opensre.OptionError, "is no time with a zone"),
        ({"now": 3}, TypeError, "now must be a str or a datetime, not int"),
        ({"window": "1h"}, TypeError, r"window must be a tuple \(start, end\), not str"),
        ({"environ": 1}, TypeError, "environ must be a mapping of str to str, such as os.environ, not int"),
    ],
)
def test_wrong_options_are_told_with_a_way_out(
    missing: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    options = {"alert": ALERT, "path": missing, "environ": {}, **options}
    with pytest.raises(error, match=message) as raised:
        opensre.investigate(options.pop("alert"), **options)
    if isinstance(raised.value, opensre.OpensreError):
        assert isinstance(raised.value, ValueError)
        assert raised.value.hint is not None
        assert str(raised.value) == f"{raised.value.message}\nhint: {raised.value.hint}"
        assert pickle.loads(pickle.dumps(raised.value)).hint == raised.value.hint
