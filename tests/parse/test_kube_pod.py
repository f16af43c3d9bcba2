from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.model.service import Container
from kubectl_svcnet.parse.kube_pod import parse_pod


def test_pods() -> None:
    made = parse_pod(
        {
            "metadata": {"namespace": "kube-system", "name": "kube-proxy-x", "labels": {"a": "b"}},
            "spec": {
                "nodeName": "n1",
                "hostNetwork": True,
                "containers": [
                    {
                        "name": "kube-proxy",
                        "image": "i",
                        "command": ["kube-proxy"],
                        "args": ["--config=/c"],
                        "env": [{"name": "X", "value": "1"}, {"name": "Y", "valueFrom": {}}],
                        "volumeMounts": [
                            {"name": "conf", "mountPath": "/c", "subPath": "a.conf"},
                            {"name": "mods", "mountPath": "/m"},
                        ],
                    }
                ],
                "volumes": [
                    {
                        "name": "conf",
                        "configMap": {
                            "name": "kube-proxy",
                            "items": [{"key": "v2", "path": "a.conf"}],
                        },
                    },
                    {"name": "mods", "hostPath": {"path": "/lib/modules"}},
                ],
            },
            "status": {
                "phase": "Running",
                "podIP": "172.18.0.2",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    {
                        "name": "kube-proxy",
                        "restartCount": 2,
                        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
                    }
                ],
            },
        }
    )
    assert (made.node, made.host_network, made.ready) == ("n1", True, True)
    assert made.addresses == (ip_address("172.18.0.2"),)
    assert (made.config_maps, made.host_paths) == (
        {"conf": "kube-proxy"},
        {"mods": "/lib/modules"},
    )
    assert made.config_keys == {"conf": {"a.conf": "v2"}}
    (container,) = made.containers
    assert container.command == ("kube-proxy", "--config=/c")
    assert container.environment == {"X": "1", "Y": ""}
    assert (container.mounts, container.sub_paths) == (
        {"conf": "/c", "mods": "/m"},
        {"conf": "a.conf"},
    )
    assert (container.running, container.restarts) == (True, 2)
    assert container.started == "2026-01-01T00:00:00Z"


def test_ports_of_init_containers_that_keep_running() -> None:
    def init(name: str, number: int, **values: str) -> dict[str, object]:
        return {"name": name, "ports": [{"name": name, "containerPort": number}], **values}

    spec = {
        "initContainers": [init("once", 1), init("mesh", 2, restartPolicy="Always")],
        "containers": [init("web", 3)],
    }
    made = parse_pod({"metadata": {"name": "p"}, "spec": spec})
    assert [port.name for port in made.ports] == ["web", "mesh"]
    assert [container.name for container in made.containers] == ["web"]


def test_a_pod_that_is_hardly_there() -> None:
    made = parse_pod({"metadata": {"namespace": "a", "name": "b", "deletionTimestamp": "x"}})
    assert made.deleting
    assert (made.addresses, made.containers, made.ready) == ((), (), False)


def test_the_run_before_this_one() -> None:
    def container(**terminated: object) -> Container:
        status = {"name": "c", "lastState": {"terminated": terminated} if terminated else {}}
        (made,) = parse_pod(
            {
                "metadata": {"name": "p"},
                "spec": {"containers": [{"name": "c"}]},
                "status": {"containerStatuses": [status]},
            }
        ).containers
        return made

    assert container().ended == container().ended_why == ""
    found = container(finishedAt="2026-11-24T23:36:03Z", reason="Error", exitCode=2)
    assert (found.ended, found.ended_why) == ("2026-11-24T23:36:03Z", "Error, exit code 2")
    assert container(finishedAt="x", signal=9).ended_why == "signal 9"
    assert container(exitCode="x").ended_why == "exit code 0"
