"""From records, as the store and the environment have them, to the instances in effect.

What is odd about a record, or left out, is logged here, under `opensre.integrations.catalog`; never with a value.
"""

from opensre._native import (
    classify_integrations,
    load_env_integrations,
    merge_integrations_by_service,
    resolve_effective_integrations,
)

__all__ = [
    "classify_integrations",
    "load_env_integrations",
    "merge_integrations_by_service",
    "resolve_effective_integrations",
]
