"""The Helm chart: with each set of values it renders to valid, restricted Kubernetes objects; values that cannot work are refused."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tts_server.settings import settings_class

CHART = Path(__file__).resolve().parents[2] / "deploy" / "helm" / "parlance"
HELM = Path(sys.executable).with_name("helm")
KUBERNETES = "1.30"
VALUE_SETS = sorted(path.name for path in (CHART / "ci").iterdir())
EXTENSIONS = {"ScaledObject", "PodMonitor"}
"""Kinds that a cluster has only with KEDA or the Prometheus operator; there is no schema of theirs at hand."""

Object = dict[str, Any]

pytestmark = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="there is a Helm for x86-64 alone")


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HELM, *arguments], capture_output=True, encoding="utf-8", check=False)


def render(*options: str) -> dict[str, Object]:
    """The objects of a release named `speech`, by kind."""
    done = helm("template", "speech", str(CHART), "--namespace", "tts", *options)
    assert done.returncode == 0, done.stderr
    objects = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert len({one["kind"] for one in objects}) == len(objects)
    return {one["kind"]: one for one in objects}


def values(name: str) -> tuple[str, ...]:
    return ("--values", str(CHART / "ci" / name))


def pod_of(objects: dict[str, Object]) -> Object:
    pod: Object = objects["Deployment"]["spec"]["template"]["spec"]
    return pod


def test_the_chart_has_no_mistake_that_helm_finds():
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("options", [(), *map(values, VALUE_SETS)], ids=["default", *VALUE_SETS])
def test_with_each_set_of_values_all_objects_are_valid(options):
    for kind, one in render(*options).items():
        if kind not in EXTENSIONS:
            kubernetes_validate.validate(one, KUBERNETES, strict=True)


@pytest.mark.parametrize("options", [(), *map(values, VALUE_SETS)], ids=["default", *VALUE_SETS])
def test_pods_are_restricted_and_every_probe_asks_a_route_without_a_key(options):
    pod = pod_of(render(*options))
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert {container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe")} == {"/health"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/"
    written = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/data/voices", "/data/dictionaries", "/data/models", "/data/cache", "/tmp"} <= written


@pytest.mark.parametrize("options", [(), *map(values, VALUE_SETS)], ids=["default", *VALUE_SETS])
def test_every_entry_of_the_config_map_is_a_setting(options):
    data = render(*options)["ConfigMap"]["data"]
    assert {name.lower() for name in data} <= set(settings_class().model_fields)
    settings_class()(_env_file=None, **{name.lower(): value for name, value in data.items()})


def test_a_pod_has_longer_to_end_than_its_server():
    pod = pod_of(render("--set", "stopSeconds=100"))
    settings = render("--set", "stopSeconds=100")["ConfigMap"]["data"]
    (container,) = pod["containers"]
    drain = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > int(settings["STOP_SECONDS"]) + drain


def test_keys_are_in_a_secret_alone():
    objects = render("--set", "apiKeys={first,second}")
    assert objects["Secret"]["stringData"] == {"API_KEYS": "first,second"}
    (container,) = pod_of(objects)["containers"]
    assert {"secretRef": {"name": "speech-parlance"}} in container["envFrom"]
    assert "first" not in str(objects["ConfigMap"])


def test_a_gpu_is_asked_for_beside_the_other_limits():
    (container,) = pod_of(render(*values("gpu-values.yaml")))["containers"]
    assert container["resources"]["limits"] == {"memory": "24Gi", "nvidia.com/gpu": "1"}


def test_the_names_of_service_and_ingress_are_answered():
    hosts = render(*values("ingress-values.yaml"))["ConfigMap"]["data"]["ALLOWED_HOSTS"].split(",")
    assert {"speech-parlance", "speech-parlance.tts.svc.cluster.local", "tts.example.com"} <= set(hosts)


def test_the_ingress_lets_long_replies_large_clips_and_streams_through():
    ingress = render(*values("ingress-values.yaml"))["Ingress"]
    prefix = "nginx.ingress.kubernetes.io/"
    set_ = {name.removeprefix(prefix): value for name, value in ingress["metadata"]["annotations"].items()}
    assert int(set_["proxy-read-timeout"]) >= 3600
    assert (set_["proxy-body-size"], set_["proxy-buffering"]) == ("50m", "off")
    assert ingress["spec"]["tls"] == [{"hosts": ["tts.example.com"], "secretName": "tts-tls"}]


def test_replicas_follow_the_queue_and_are_not_fixed_at_the_same_time():
    for name, kind in (("autoscaling-values.yaml", "HorizontalPodAutoscaler"), ("keda-values.yaml", "ScaledObject")):
        objects = render(*values(name))
        assert "parlance_queue_waiting" in str(objects[kind])
        assert "replicas" not in objects["Deployment"]["spec"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("replicas=2",), "ReadWriteMany"),
        (("autoscaling.enabled=true",), "ReadWriteMany"),
        (("autoscaling.enabled=true", "keda.enabled=true", "persistence.enabled=false"), "not both"),
        (("settings.API_KEYS=secret",), "existingSecret"),
        (("settings.ALLOWED_HOSTS=x",), "values.yaml"),
    ],
)
def test_values_that_cannot_work_are_refused(options, message):
    done = helm("template", "speech", str(CHART), *(part for option in options for part in ("--set", option)))
    assert done.returncode != 0
    assert message in done.stderr
