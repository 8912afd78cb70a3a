"""Integrations: the instances of each service, where they are kept, and how one is selected."""

from opensre.integrations import catalog, selectors, store

__all__ = ["catalog", "selectors", "store"]
