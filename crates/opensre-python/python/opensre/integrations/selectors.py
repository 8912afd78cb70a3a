"""Selectors over the plain `resolved_integrations` dictionary.

They never change it, and nothing falls back to something else: what is not there is None, or an empty list. Names, tag
keys and tag values are compared trimmed and lower-cased; numbers and booleans as text. Services may be written in any
letter case, or by an alias.
"""

from opensre._native import (
    get_default_instance,
    get_instance_by_name,
    get_instances,
    get_instances_by_tag,
    select_instance,
)

__all__ = [
    "get_default_instance",
    "get_instance_by_name",
    "get_instances",
    "get_instances_by_tag",
    "select_instance",
]
