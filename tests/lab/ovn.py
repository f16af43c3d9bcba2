"""OVN's northbound database with its own tools, as an image: Debian's, and nothing else of OVN."""

from __future__ import annotations

from pathlib import Path

from . import images, node
from .archive import Recipe
from .requirements import check_ovn
from .topology import Node

PROGRAMS = (
    *("/usr/bin/ovn-nbctl", "/usr/bin/ovsdb-client", "/usr/bin/ovsdb-tool"),
    "/usr/sbin/ovsdb-server",
)
SCHEMA = "/usr/share/ovn/ovn-nb.ovsschema"
REFERENCE = images.reference("ovn")


def give(where: Node) -> None:
    check_ovn()
    node.import_images(where, [images.cached_archive(image())])


def image() -> Recipe:
    base = images.labsrv()
    programs = [Path(name) for name in PROGRAMS]
    files = {images.in_image(program): program for program in (*programs, Path(SCHEMA))}
    return Recipe(
        reference=REFERENCE,
        files={**base.files, **files, **images.shared_libraries(programs)},
        links={**base.links, "var/run": "/run"},
        folders=("tmp", "run/ovn", "run/openvswitch", "etc/ovn"),
    )
