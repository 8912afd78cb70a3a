"""The seed's own snippet, with its import line changed and nothing else."""

from __future__ import annotations

from typing import Any

from opensre.integrations.catalog import classify_integrations, load_env_integrations

# As the page "Multi-instance integrations" of the Python product has it.
SNIPPET = """\
from app.integrations.selectors import (
    get_default_instance,
    get_instance_by_name,
    get_instances_by_tag,
    select_instance,
)

# Flat default (backward-compat shape)
default = get_default_instance(resolved_integrations, "grafana")

# By name
prod = get_instance_by_name(resolved_integrations, "grafana", "prod")

# By tag
prod_cluster = get_instances_by_tag(resolved_integrations, "grafana", "env", "prod")

# Either
picked = select_instance(resolved_integrations, "grafana", name="prod")
picked = select_instance(resolved_integrations, "grafana", tags={"env": "staging"})
"""

# The page's variable, with keys where it has dots.
GRAFANA_INSTANCES = """[
  {"name":"prod", "tags":{"env":"prod"}, "endpoint":"https://prod.grafana.net", "api_key":"p"},
  {"name":"staging", "tags":{"env":"staging"}, "endpoint":"https://staging.grafana.net", "api_key":"s"}
]"""


def test_the_seeds_snippet_runs_with_its_import_line_changed() -> None:
    moved = SNIPPET.replace("from app.integrations.selectors import", "from opensre.integrations.selectors import")
    assert moved != SNIPPET
    records = load_env_integrations(environ={"GRAFANA_INSTANCES": GRAFANA_INSTANCES})
    names: dict[str, Any] = {"resolved_integrations": classify_integrations(records)}
    exec(compile(moved, "seed", "exec"), names)  # noqa: S102
    prod = {"endpoint": "https://prod.grafana.net", "api_key": "p", "integration_id": "env-grafana"}
    staging = {"endpoint": "https://staging.grafana.net", "api_key": "s", "integration_id": "env-grafana"}
    assert names["default"] == prod
    assert names["prod"] == prod
    assert names["prod_cluster"] == [prod]
    assert names["picked"] == staging


def test_one_instance_of_an_old_variable_is_a_flat_config_without_a_list() -> None:
    environ = {"GRAFANA_INSTANCE_URL": "https://g.grafana.net", "GRAFANA_READ_TOKEN": "t"}
    resolved = classify_integrations(load_env_integrations(environ=environ))
    assert resolved["grafana"] == {"endpoint": "https://g.grafana.net", "api_key": "t", "integration_id": "env-grafana"}
    assert "_all_grafana_instances" not in resolved
