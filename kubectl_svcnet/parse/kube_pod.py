"""A Pod (JSON as dict) in, model out, after core/v1; see `kube` for what is wrong or missing."""

from __future__ import annotations

from ..model.service import Container, ContainerPort, Pod
from .kube_fields import (
    Json,
    addresses,
    identity,
    labels,
    mapping,
    mappings,
    number,
    protocol,
    text,
    texts,
)


def parse_pod(item: Json) -> Pod:
    meta, spec, status = (
        mapping(item, "metadata"),
        mapping(item, "spec"),
        mapping(item, "status"),
    )
    states = {text(s, "name"): s for s in mappings(status, "containerStatuses")}
    volumes = mappings(spec, "volumes")
    namespace, name = identity(item)
    ready = [c.get("status") for c in mappings(status, "conditions") if c.get("type") == "Ready"]
    return Pod(
        namespace=namespace,
        name=name,
        node=text(spec, "nodeName"),
        addresses=addresses(
            [text(a, "ip") for a in mappings(status, "podIPs")] or texts(status, "podIP")
        ),
        host_network=spec.get("hostNetwork") is True,
        labels=labels(meta, "labels"),
        phase=text(status, "phase"),
        ready=ready == ["True"],
        deleting="deletionTimestamp" in meta,
        created=text(meta, "creationTimestamp"),
        containers=tuple(
            _container(c, states.get(text(c, "name"), {})) for c in mappings(spec, "containers")
        ),
        sidecar_ports=tuple(
            _port(port)
            for c in mappings(spec, "initContainers")
            if c.get("restartPolicy") == "Always"
            for port in mappings(c, "ports")
        ),
        config_maps={
            text(v, "name"): text(mapping(v, "configMap"), "name")
            for v in volumes
            if "configMap" in v
        },
        config_keys={
            text(v, "name"): {text(i, "path"): text(i, "key") for i in items}
            for v in volumes
            if (items := mappings(mapping(v, "configMap"), "items"))
        },
        host_paths={
            text(v, "name"): text(mapping(v, "hostPath"), "path")
            for v in volumes
            if "hostPath" in v
        },
    )


def _container(item: Json, state: Json) -> Container:
    running = mapping(mapping(state, "state"), "running")
    ended = mapping(mapping(state, "lastState"), "terminated")
    mounts = mappings(item, "volumeMounts")
    return Container(
        name=text(item, "name"),
        image=text(item, "image"),
        command=texts(item, "command") + texts(item, "args"),
        environment={text(e, "name"): text(e, "value") for e in mappings(item, "env")},
        mounts={text(m, "name"): text(m, "mountPath") for m in mounts},
        sub_paths={text(m, "name"): text(m, "subPath") for m in mounts if "subPath" in m},
        running=bool(running),
        restarts=number(state.get("restartCount"), 0),
        started=text(running, "startedAt"),
        ended=text(ended, "finishedAt"),
        ended_why=_ended_why(ended),
        waiting=text(mapping(mapping(state, "state"), "waiting"), "reason"),
        ports=tuple(map(_port, mappings(item, "ports"))),
    )


def _port(item: Json) -> ContainerPort:
    return ContainerPort(
        number=number(item.get("containerPort"), 0),
        protocol=protocol(item),
        name=text(item, "name"),
    )


def _ended_why(ended: Json) -> str:
    if not ended:
        return ""
    signal = number(ended.get("signal"), 0)
    how = f"signal {signal}" if signal else f"exit code {number(ended.get('exitCode'), 0)}"
    return ", ".join(filter(None, (text(ended, "reason"), how)))
