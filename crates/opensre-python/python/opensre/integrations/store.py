"""The store file. Changes are locked, whole or not at all, and leave alone what they are not about.

`path` names the file; by default it is where `OPENSRE_STORE` says, else `~/.tracer/integrations.json`. Reading never
fails: what cannot be read is empty, with a warning under `opensre.integrations.store`. Changing such a file is refused
with a `StoreError`.
"""

from opensre._native import (
    get_integration,
    list_integrations,
    load_integrations,
    migrate_record,
    remove_instance,
    remove_integration,
    upsert_instance,
    upsert_integration,
)
from opensre._native import get_stored_instance as get_instance
from opensre._native import get_stored_instances as get_instances

__all__ = [
    "get_instance",
    "get_instances",
    "get_integration",
    "list_integrations",
    "load_integrations",
    "migrate_record",
    "remove_instance",
    "remove_integration",
    "upsert_instance",
    "upsert_integration",
]
