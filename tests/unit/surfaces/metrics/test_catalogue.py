"""The catalogue is written as Prometheus and OpenTelemetry want it: names, units, labels, and a date for each row."""

from __future__ import annotations

import re

import pytest

from tidegate.surfaces.metrics.catalogue import CATALOGUE, COUNTED, OF_A_PROCESS, OTEL, OWN, READ, Metric


def test_each_name_stands_there_once() -> None:
    names = [metric.name for metric in CATALOGUE]
    assert len(names) == len(set(names)) > 30


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_names_labels_and_texts_have_the_usual_form(metric: Metric) -> None:
    assert re.fullmatch(r"(tidegate|gen_ai|process)_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert list(metric.buckets) == sorted(metric.buckets)
    assert all(re.fullmatch(r"[a-z][a-z_]*", label) for label in metric.labels)
    assert metric.help.endswith(".")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", metric.checked)


def test_a_name_of_the_convention_is_spelled_as_prometheus_spells_it() -> None:
    conventional = [metric for metric in CATALOGUE if metric.convention]
    assert {metric.convention for metric in conventional} == {
        "gen_ai.client.token.usage",
        "gen_ai.server.request.duration",
        "gen_ai.server.time_to_first_token",
        "gen_ai.server.time_per_output_token",
    }
    for metric in conventional:
        unit = "" if metric.convention.endswith("usage") else "_seconds"
        assert metric.name == metric.convention.replace(".", "_") + unit
        assert metric.source == OTEL
        assert {"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"} <= {*metric.labels}
    assert all(metric.source == OWN for metric in CATALOGUE if metric.name.startswith("tidegate_"))


def test_what_is_counted_and_what_is_read_do_not_mix() -> None:
    assert not {*COUNTED} & {*READ}
    assert {*OF_A_PROCESS} <= {*READ}
