"""Which lines are about a Service: every wording of 1.6 to 1.37, and what only looks like one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_svcnet.logs.mentions import Mentions, _patterns
from kubectl_svcnet.model.logline import Subject
from kubectl_svcnet.model.service import ServiceName
from kubectl_svcnet.parse.log_records import split_records
from tests.logs.scenes import subject, web
from tests.samples import service

FIXTURES = Path(__file__).parents[1] / "fixtures"
SERVICE, SLICE = "service shop/web", "endpointslice shop/web-a"

#: As kube-proxy of each version writes it of a Service.
WORDINGS = [
    ("1.6", 'Adding new service "shop/web:http" at 10.96.0.1:80/TCP', SERVICE),
    ("1.11", 'Adding new service port "shop/web:" at 10.96.0.1:80/TCP', SERVICE),
    ("1.22", 'Adding new service port "shop/web:http" at 10.96.0.1:80/TCP', SERVICE),
    ("1.22", 'Updating existing service port "shop/web:http" at 10.96.0.1:80/TCP', SERVICE),
    ("1.22", 'Removing service port "shop/web:http"', SERVICE),
    ("1.14", 'Setting endpoints for "shop/web:http" to [10.244.1.5:8080]', SERVICE),
    ("1.20", "Service shop/web updated: 2 ports", SERVICE),
    ("1.21", "Service port shop/web:http updated: 3 endpoints", SERVICE),
    ("1.19", 'Opened local port "nodePort for shop/web:http" (:30080/tcp)', SERVICE),
    ("1.19", "can't open \"nodePort for shop/web:http\" (:30080/tcp), skipping this nodePort: in "
     "use", SERVICE),
    ("1.18", 'Skipping service shop/web due to clusterIP = "None"', SERVICE),
    ("1.22", 'Opening healthcheck "shop/web" on port 31999', SERVICE),
    ("1.20", '[DetectLocalByCIDR (10.0.0.0/8)] Jump Not Local: [-m comment --comment '
     '"shop/web:http cluster IP" -m tcp]', SERVICE),
    ("1.36", '"Adding new service port" portName="shop/web:http" servicePort="10.96.0.1:80/TCP"',
     SERVICE),
    ("1.36", '"Updating existing service port" portName="shop/web" servicePort="10.96.0.1:80/TCP"',
     SERVICE),
    ("1.36", '"Removing service port" portName="shop/web:http"', SERVICE),
    ("1.36", '"Setting endpoints for service port name" portName="shop/web:http" '
     'endpoints=["10.244.1.5:8080"]', SERVICE),
    ("1.24", '"Setting endpoints for service port name" portName="shop/web:http" '
     "endpoints=[10.244.1.5:8080 10.244.1.6:8080]", SERVICE),
    ("1.37", '"Adding new service endpoints" portName="shop/web:http" endpoints=["10.9.9.9:1"]',
     SERVICE),
    ("1.36", '"Service updated ports" service="shop/web" portCount=2', SERVICE),
    ("1.36", '"Setting nodePort for service port name" portName="shop/web:http" nodePort=30080',
     SERVICE),
    ("1.36", '"Ignoring same-zone topology hints for service since no hints were provided for '
     'zone" service="shop/web" zone="a"', SERVICE),
    ("1.36", '"Newly-active UDP service may have stale conntrack entries" '
     'servicePortName="shop/web:http"', SERVICE),
    ("1.36", '"Calling handler.OnEndpointSliceAdd" endpoints="shop/web-a"', SLICE),
    ("1.36", '"Calling handler.OnEndpointSliceDelete" endpoints="shop/web-x2x4z"',
     "endpointslice shop/web"),
    ("1.37", '"Adding new service port" portName="shop/web:http" '
     'servicePort="fd00:10:96::50:80/TCP"', SERVICE),
    ("1.36", '"nftables sync failed" err="add element ip kube-proxy service-ips { comment '
     'shop/web/tcp/http }"', SERVICE),
    # wordings that are not known: what stands in them counts
    ("2.0", "Programming shop/web:http now", SERVICE),
    ("2.0", "virtual server 10.96.0.1:80 is gone", "address 10.96.0.1"),
    ("2.0", "route to 10.96.0.1/32", "address 10.96.0.1"),
    ("2.0", "at fd00:10:96::50, port 80", "address fd00:10:96::50"),
    ("2.0", "at [FD00:10:96::50]:80", "address fd00:10:96::50"),
    ("2.0", "dial tcp fd00:10:96::50: no route", "address fd00:10:96::50"),
    ("1.36", '"Deleting stale endpoint connections" endpoint="10.244.1.5"',
     "endpoint 10.244.1.5"),
    ("1.36", '"Deleting conntrack stale entries for services" IPs=[] nodePorts=[30055 30080]',
     "node port 30080"),
    ("1.36", '"listening" address=":30080"', "node port 30080"),
    ("2.0", "pod shop/web-77c94d7d89-blz8z is gone", "pod shop/web-77c94d7d89-blz8z"),
]  # fmt: skip

OTHERS = [
    'Adding new service port "shop/web2:http" at 10.96.0.2:80/TCP',
    'Adding new service port "shop-b/web:http" at 10.96.0.2:80/TCP',
    'Adding new service port "my-shop/web:http" at 10.96.0.2:80/TCP',
    '"Adding new service port" portName="shop/web-a:http" servicePort="10.96.0.10:80/TCP"',
    '"Setting endpoints for service port name" portName="shop/other" endpoints=["10.244.1.5:80"]',
    'Setting endpoints for "shop/other:http" to [10.244.1.5:8080]',
    '"Service updated ports" service="shop/web-lb" portCount=1',
    '"Calling handler.OnEndpointSliceAdd" endpoints="shop/web2-x2x4z"',
    '"Calling handler.OnEndpointSliceAdd" endpoints="shop/web-lb-x2x4z"',
    "route to 10.96.0.1/16",
    "virtual server 10.96.0.10:80",
    "virtual server 110.96.0.1:80",
    "virtual server 10.96.0.1.5:80",
    "at fd00:10:96::501",
    "at fd00:10:96::50:1:2",
    "at fd00:10:96::50/112",
    "at 1:fd00:10:96::50",
    '"SyncProxyRules complete" elapsed="30080ms" numRules=30080 port=300801',
    '"x" elapsed="0.30080s"',
    "pod shop/web-77c94d7d89-blz8z2",
    "pod web-77c94d7d89-blz8z",
    "",
]


@pytest.mark.parametrize(("version", "text", "about"), WORDINGS, ids=lambda case: str(case)[:40])
@pytest.mark.parametrize("form", ["klog", "stamped"])
def test_wordings(version: str, text: str, about: str, form: str) -> None:
    line = f"I1124 23:36:03.565531       1 service.go:1] {text}"
    if form == "stamped":
        line = f"2026-11-24T23:36:03.551037563Z {line}"
    (entry,) = split_records(line)
    found = Mentions(subject()).in_record(entry.record)
    assert str(found) == about


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_about_something_else(text: str) -> None:
    (entry,) = split_records(f"I1124 23:36:03.565531       1 service.go:1] {text}")
    assert Mentions(subject()).in_record(entry.record) is None


def test_nobody_is_asked_for() -> None:
    (entry,) = split_records("anything")
    assert Mentions(Subject()).in_record(entry.record) is None


def test_several_services() -> None:
    both = Mentions(subject(web(), service()))
    line = 'I1124 23:36:03.5       1 a.go:1] Setting endpoints for "default/db:mysql" to []'
    (entry,) = split_records(line)
    assert str(both.in_record(entry.record)) == "service default/db"


#: Lines with shop/web or its slice in logs of real versions, by `grep -c` for the whole words.
REAL = {"v1.21.14": 5, "v1.22.17": 3, "v1.24.17-iptables-v4": 6, "v1.36.3-json-v4": 6}


@pytest.mark.parametrize(("log", "lines"), REAL.items())
def test_lines_of_real_logs(log: str, lines: int) -> None:
    text = (FIXTURES / "kube-proxy-logs" / f"{log}.log").read_text()
    mentions = Mentions(subject())
    assert sum(1 for e in split_records(text) if mentions.in_record(e.record)) == lines


def test_the_guides_log() -> None:
    """The line it greps for, with the typing error that stands there."""
    text = (FIXTURES / "guide" / "kube-proxy-1.11.8.log").read_text()
    named = Mentions(Subject(services=(web(name=ServiceName("default", "db-service")),)))
    found = [e.record.said for e in split_records(text) if named.in_record(e.record)]
    assert found == ['Addming new service "default/db-service:3306" at 10.103.132.104:3306/TCP']


PIECES = st.sampled_from(
    [
        *("10.96.0.1", "10.244.1.5", "fd00:10:96::50", "fd00:244::5", "30080", "shop/web", "web-a"),
        *("shop/web-a", "shop/web-x2x4z", "OnEndpointSlice", "shop/web-77c94d7d89-blz8z", "http"),
        *(":", "/", ".", "-", " ", '"', "[", "]", "=", ",", "port", "nodePorts", "0", "TCP", "tcp"),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
@settings(max_examples=500)
def test_words_lead_to_all_that_is_there(text: str) -> None:
    """What cutting into words finds is what trying every pattern on the whole text would."""
    everything = [(about, re.compile(pattern)) for _, about, pattern in _patterns(subject())]
    slow = next((about for about, exact in everything if exact.search(text)), None)
    assert Mentions(subject()).in_text(text) == slow


@pytest.mark.parametrize("text", ["ports=[", "ports=[30080x ", "OnEndpointSlice shop/web-"])
def test_words_again_and_again_take_no_longer_than_their_line(text: str) -> None:
    line = text * 30_000  # minutes, if each began a search to the end
    for _, _, pattern in _patterns(subject()):
        re.search(pattern, f"{line} 30080x shop/web-")
