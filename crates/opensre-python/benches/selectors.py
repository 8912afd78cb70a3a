"""The compiled selectors beside the same in plain Python, on one family of 1,000 instances, in one process.

    target/venv/bin/python crates/opensre-python/benches/selectors.py

Needs the module in a release build (see BENCHMARKS.md). Every call is checked to give the same before it is timed. Times are
medians over several rounds, each of many calls, taken in turns so that both see the same machine.
"""

from __future__ import annotations

import statistics
import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import reference_selectors as plain

from opensre.integrations import catalog, selectors

INSTANCES = 1_000
ROUNDS = 9
CALLS = 300


def resolved() -> dict[str, Any]:
    """One record of a thousand Grafanas with four tags each, resolved as the program resolves it."""
    instances = [
        {
            "name": f"grafana-{number:04}",
            "tags": {
                "region": ["eu-west-1", "eu-central-1", "us-east-1"][number % 3],
                "team": f"team-{number % 40}",
                "env": "prod" if number % 2 else "staging",
                "shard": number,
            },
            "credentials": {"endpoint": f"https://grafana-{number}.example.net", "api_key": f"key-{number}"},
        }
        for number in range(INSTANCES)
    ]
    return catalog.classify_integrations(
        [{"id": "grafana-1", "service": "grafana", "status": "active", "instances": instances}]
    )


def time_of(call: Callable[[], object]) -> float:
    """Microseconds of one call."""
    return timeit.timeit(call, number=CALLS) / CALLS * 1e6


def main() -> None:
    dictionary = resolved()
    last = f"Grafana-{INSTANCES - 1:04}"
    cases: list[tuple[str, Callable[[Any], Callable[[], object]]]] = [
        ("get_default_instance", lambda of: lambda: of.get_default_instance(dictionary, "grafana")),
        ("get_instances", lambda of: lambda: of.get_instances(dictionary, "grafana")),
        ("get_instance_by_name, the first", lambda of: lambda: of.get_instance_by_name(dictionary, "grafana", "grafana-0000")),
        ("get_instance_by_name, the last", lambda of: lambda: of.get_instance_by_name(dictionary, "grafana", last)),
        ("get_instance_by_name, unknown", lambda of: lambda: of.get_instance_by_name(dictionary, "grafana", "qa")),
        ("get_instances_by_tag, half of them", lambda of: lambda: of.get_instances_by_tag(dictionary, "grafana", "env", "prod")),
        ("get_instances_by_tag, a number", lambda of: lambda: of.get_instances_by_tag(dictionary, "grafana", "shard", 999)),
        ("select_instance, two tags, the last", lambda of: lambda: of.select_instance(dictionary, "grafana", tags={"env": "prod", "shard": 999})),
    ]
    print(f"{INSTANCES} instances, Python {sys.version.split()[0]}; microseconds per call (median of {ROUNDS} rounds of {CALLS})")
    print(f"| {'selector':36} | {'opensre':>9} | {'plain Python':>12} | {'ratio':>6} |")
    for name, case in cases:
        ours, theirs = case(selectors), case(plain)
        if ours() != theirs():
            raise SystemExit(f"{name}: not the same")
        rounds = [(time_of(ours), time_of(theirs)) for _ in range(ROUNDS)]
        fast, slow = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"| {name:36} | {fast:9.2f} | {slow:12.2f} | {slow / fast:6.1f} |")


if __name__ == "__main__":
    main()
