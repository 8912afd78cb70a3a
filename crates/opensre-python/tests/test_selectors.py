"""The selectors: each rule of section 3.7 by example, and against plain Python by property."""

from __future__ import annotations

import copy
import types
from typing import Any

import pytest
import reference_selectors as reference
from hypothesis import given, settings
from hypothesis import strategies as st

import opensre
from opensre.integrations import selectors

PROD = {"endpoint": "https://prod.grafana.net", "api_key": "a", "integration_id": "grafana-1"}
STAGING = {"endpoint": "https://staging.grafana.net", "api_key": "b", "integration_id": "grafana-1"}
LOCAL = {"endpoint": "http://localhost:3000", "api_key": "", "integration_id": "grafana-2"}
AWS = {"region": "eu-west-1", "integration_id": "aws-1"}


def entry(name: str | None, config: dict[str, Any], **tags: Any) -> dict[str, Any]:
    return {"name": name, "tags": tags, "config": config, "integration_id": config["integration_id"]}


def resolved() -> dict[str, Any]:
    return {
        "grafana": PROD,
        "grafana_local": LOCAL,
        "_all_grafana_instances": [
            entry("prod", PROD, env="prod", shard=1, primary=True),
            entry("staging", STAGING, Env=" Staging "),
            entry("laptop", LOCAL),
        ],
        "aws": AWS,
    }


def test_instances_are_the_published_list_or_the_flat_config() -> None:
    dictionary = resolved()
    assert selectors.get_instances(dictionary, "grafana") == dictionary["_all_grafana_instances"]
    assert selectors.get_instances(dictionary, "aws") == [
        {"name": "default", "tags": {}, "config": AWS, "integration_id": "aws-1"}
    ]
    assert selectors.get_instances(dictionary, "loki") == []
    assert selectors.get_instances({"loki": {"a": 1}, "_all_loki_instances": []}, "loki") == []


def test_the_callers_list_is_its_own() -> None:
    dictionary = resolved()
    selectors.get_instances(dictionary, "grafana").clear()
    assert len(dictionary["_all_grafana_instances"]) == 3


def test_configs_are_those_of_the_dictionary_not_copies() -> None:
    dictionary = resolved()
    assert selectors.get_default_instance(dictionary, "grafana") is PROD
    assert selectors.get_instance_by_name(dictionary, "grafana", "staging") is STAGING


def test_default_is_the_flat_config_or_a_lone_local_grafana() -> None:
    assert selectors.get_default_instance(resolved(), "grafana_local") is LOCAL
    assert selectors.get_default_instance({}, "grafana") is None
    assert selectors.get_default_instance({"grafana_local": LOCAL}, "grafana") is LOCAL
    only_local = {"grafana_local": LOCAL, "_all_grafana_instances": [entry("laptop", LOCAL)]}
    assert selectors.get_default_instance(only_local, "grafana") is LOCAL


def test_a_key_of_a_family_has_only_its_own_instances() -> None:
    assert [found["name"] for found in selectors.get_instances(resolved(), "grafana_local")] == ["laptop"]
    assert selectors.get_instance_by_name(resolved(), "grafana_local", "prod") is None


@pytest.mark.parametrize("name", ["staging", " STAGING ", "Staging"])
def test_names_ignore_case_and_space(name: str) -> None:
    assert selectors.get_instance_by_name(resolved(), "grafana", name) is STAGING


@pytest.mark.parametrize("name", ["", "  ", "qa", "default", "prod,staging"])
def test_an_unknown_or_blank_name_is_nobodys(name: str) -> None:
    assert selectors.get_instance_by_name(resolved(), "grafana", name) is None
    assert selectors.select_instance(resolved(), "grafana", name=name) is None


def test_a_nameless_or_lone_instance_answers_to_default() -> None:
    assert selectors.get_instance_by_name(resolved(), "aws", "Default") is AWS
    nameless = {"_all_aws_instances": [entry(None, AWS), entry("x", AWS)]}
    assert selectors.get_instance_by_name(nameless, "aws", "default") is AWS


def test_of_several_with_one_name_the_first_is_meant() -> None:
    twice = {"_all_aws_instances": [entry("a", AWS), entry("A ", PROD)]}
    assert selectors.get_instance_by_name(twice, "aws", "a") is AWS


@pytest.mark.parametrize(
    ("key", "value"),
    [("env", "prod"), ("ENV", " Prod "), ("shard", 1), ("shard", "1"), ("primary", True), ("primary", "TRUE")],
)
def test_tags_are_compared_as_text(key: Any, value: Any) -> None:
    assert selectors.get_instances_by_tag(resolved(), "grafana", key, value) == [PROD]
    assert selectors.select_instance(resolved(), "grafana", tags={key: value}) is PROD


@pytest.mark.parametrize(("key", "value"), [("", "prod"), ("env", ""), ("env", None), ("env", "qa"), ("nope", "prod")])
def test_a_blank_or_unknown_tag_is_carried_by_nobody(key: str, value: str | None) -> None:
    assert selectors.get_instances_by_tag(resolved(), "grafana", key, value) == []
    assert selectors.select_instance(resolved(), "grafana", tags={key: value}) is None


def test_select_by_name_ignores_tags_and_needs_all_tags_otherwise() -> None:
    dictionary = resolved()
    assert selectors.select_instance(dictionary, "grafana", name="prod", tags={"env": "staging"}) is PROD
    assert selectors.select_instance(dictionary, "grafana", "prod", {"env": "staging"}) is PROD
    assert selectors.select_instance(dictionary, "grafana", tags={"env": "prod", "shard": 1}) is PROD
    assert selectors.select_instance(dictionary, "grafana", tags={"env": "prod", "shard": 2}) is None
    assert selectors.select_instance(dictionary, "grafana") is PROD
    assert selectors.select_instance(dictionary, "grafana", tags={}) is PROD
    assert selectors.select_instance(dictionary, "grafana", tags=types.MappingProxyType({"env": "staging"})) is STAGING


def test_services_may_be_written_by_alias_and_in_any_case() -> None:
    for service in ["EKS", " amazon eks ", "Aws"]:
        assert selectors.get_default_instance(resolved(), service) is AWS
    assert selectors.get_default_instance({"own thing": AWS}, " Own Thing") is AWS


def test_odd_entries_affect_only_themselves() -> None:
    odd = {"_all_aws_instances": [None, 1, {}, {"name": 1, "tags": []}, {"name": "\ud800"}, entry("a", AWS, x=["y"])]}
    assert selectors.get_instance_by_name(odd, "aws", "a") is AWS
    assert selectors.get_instances_by_tag(odd, "aws", "x", "y") == []
    assert selectors.get_instance_by_name(odd, "aws", "1") is None
    assert selectors.get_instance_by_name({"_all_aws_instances": 3, "aws": AWS}, "aws", "default") is AWS


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: selectors.get_instances([], "aws"), "resolved_integrations must be a dict, not list"),  # type: ignore[arg-type]
        (lambda: selectors.get_instance_by_name({}, "aws", 1), "name must be a str, not int"),  # type: ignore[arg-type]
        (lambda: selectors.get_instances_by_tag({}, "aws", "a", []), "tag_value must be a str, int, float or bool, not list"),  # type: ignore[arg-type]
        (lambda: selectors.select_instance({}, "aws", tags=["a"]), "tags must be a dict, not list"),  # type: ignore[arg-type]
        (lambda: selectors.select_instance({}, "aws", tags={"a": object()}), "a value of tags must be a str"),  # type: ignore[dict-item]
    ],
)
def test_wrong_types_are_told(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


# The property: on whatever dictionary, the compiled selectors choose what plain Python chooses, and change nothing.

# Letters whose lower case is not of the same length, or depends on the place, beside plain ones and white space.
letters = st.text(alphabet=list("aAbB1 .-ÉéßİΣσ\t\u00a0"), max_size=4)
scalars = st.one_of(
    letters, st.sampled_from(["prod", "PROD ", "eu"]), st.integers(-2, 2), st.booleans(), st.sampled_from([0.5, 1.0, -2.25])
)
anything: st.SearchStrategy[Any] = st.one_of(st.none(), scalars, st.lists(st.integers(), max_size=1), st.just({}))
# From small pools, so that what is asked for is often there.
values: st.SearchStrategy[Any] = st.one_of(st.sampled_from(["prod", "PROD ", "eu", 1, True]), anything)
keys = st.one_of(st.sampled_from(["env", "region"]), st.sampled_from(["env", "Env ", "region"]), letters)
tags = st.dictionaries(keys, values, max_size=3)
dense = st.fixed_dictionaries({"env": values, "region": st.sampled_from(["eu", "EU ", "us"])})
endpoints = st.sampled_from(["http://localhost:3000", "http://127.0.0.1", "https://prod.grafana.net", "http://localhost.example"])
configs = st.fixed_dictionaries({"endpoint": endpoints, "api_key": st.just("k")}, optional={"integration_id": letters})
names = st.one_of(st.none(), st.sampled_from(["prod", "PROD", "default", " staging"]), scalars)
whole = st.fixed_dictionaries({"name": names, "tags": st.one_of(dense, tags), "config": configs})
odd = st.fixed_dictionaries({}, optional={"name": names, "tags": st.one_of(tags, st.none()), "config": st.none()})
lists = st.lists(st.one_of(whole, whole, whole, odd, st.none(), st.integers()), max_size=6)
services = st.sampled_from(["grafana", "grafana_local", "aws"])
dictionaries = st.fixed_dictionaries(
    {},
    optional={
        "grafana": configs,
        "grafana_local": configs,
        "aws": configs,
        "_all_grafana_instances": st.one_of(lists, lists, st.none(), configs),
        "_all_grafana_local_instances": lists,
        "_all_aws_instances": lists,
    },
)
written = st.one_of(services, services.map(lambda service: f" {service.upper()} "), st.sampled_from(["eks", "PROM", "?"]))


def same(ours: Any, theirs: Any) -> None:
    assert ours is theirs or ours == theirs


@settings(max_examples=150)
@given(dictionaries, written, names.filter(lambda name: isinstance(name, str)), tags, values.filter(lambda value: value is None or isinstance(value, (str, int, float))))
def test_selects_what_plain_python_selects(
    dictionary: dict[str, Any], service: str, name: Any, wanted: dict[Any, Any], value: Any
) -> None:
    wanted = {key: value for key, value in wanted.items() if value is None or isinstance(value, (str, int, float))}
    before = copy.deepcopy(dictionary)
    same(selectors.get_instances(dictionary, service), reference.get_instances(dictionary, service))
    same(selectors.get_default_instance(dictionary, service), reference.get_default_instance(dictionary, service))
    same(
        selectors.get_instance_by_name(dictionary, service, name),
        reference.get_instance_by_name(dictionary, service, name),
    )
    for key in ["env", "region", *wanted]:
        same(
            selectors.get_instances_by_tag(dictionary, service, key, value),
            reference.get_instances_by_tag(dictionary, service, key, value),
        )
    for given_name in [None, name]:
        same(
            selectors.select_instance(dictionary, service, name=given_name, tags=wanted),
            reference.select_instance(dictionary, service, name=given_name, tags=wanted),
        )
    assert dictionary == before


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "Prod", "default"]), st.dictionaries(st.sampled_from(["env", "n"]), st.one_of(st.integers(0, 2), st.sampled_from(["x", "Y"])))), min_size=1, max_size=5))
def test_the_dictionary_selects_what_was_resolved(written: list[tuple[str, dict[str, Any]]]) -> None:
    """Through the store's shape, classification and the dictionary: the instance that comes out is the one written."""
    instances = [
        {"name": name, "tags": own, "credentials": {"endpoint": f"https://{index}.grafana.net", "api_key": "k"}}
        for index, (name, own) in enumerate(written)
    ]
    dictionary = opensre.integrations.catalog.classify_integrations(
        [{"id": "g", "service": "Grafana", "status": "active", "instances": instances}]
    )
    for name, _ in written:
        first = next(index for index, (other, _) in enumerate(written) if other.lower() == name.lower())
        config = selectors.get_instance_by_name(dictionary, "grafana", name.upper())
        assert config is not None
        assert config["endpoint"] == f"https://{first}.grafana.net"
    default = selectors.get_default_instance(dictionary, "grafana")
    assert default is not None
    assert default["endpoint"] == "https://0.grafana.net"
