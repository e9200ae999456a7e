"""What Prometheus reads from Jupyter's own ``/metrics``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from jupyter_extension.metrics import HubCollector
from swarm_stream.hub.hub import StreamHub
from swarm_stream.logs.memory import MemoryLog
from tests.extension.site import END, asks, claim_and_append, delta, told

if TYPE_CHECKING:
    import asyncio

    from prometheus_client import Metric

    from tests.extension.conftest import MakeSite, Site

NUMBERS = re.compile(r"[a-z_]+")


async def scrape(site: Site) -> dict[str, Metric]:
    """What is there of ours, by name."""
    answer = await site.fetch("metrics")
    assert answer.code == 200
    families = text_string_to_metric_families(answer.body.decode())
    return {found.name: found for found in families if found.name.startswith("swarm_stream_")}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    """The one sample of that name and these labels."""
    (sample,) = (
        sample
        for family in families.values()
        for sample in family.samples
        if sample.name == f"swarm_stream_{name}" and sample.labels == labels
    )
    return sample.value


async def test_prometheus_sees_what_goes_on(site: Site) -> None:
    producer, viewer = await site.ws(site.with_secret), await site.ws()
    await claim_and_append(producer, delta(0), delta(1))
    await claim_and_append(producer, delta(0), END, stream="over")
    await asks(viewer, "subscribe", **{"from": 0})
    await told(viewer, "events")
    assert (await asks(viewer, "subscribe", "none", **{"from": 0}))["code"] == "no_such_stream"
    found = await scrape(site)
    assert value(found, "streams", state="live") == 1
    assert value(found, "streams", state="stalled") == 0
    assert value(found, "streams", state="ended") == 1
    assert value(found, "producers") == 1
    assert value(found, "viewers") == value(found, "subscriptions") == 1
    assert value(found, "sockets") == 2
    assert value(found, "appended_events_total") == 4
    assert value(found, "appended_frames_total") == 2
    assert value(found, "sent_events_total") == 2
    assert value(found, "sent_frames_total") == 1
    assert value(found, "sent_bytes_total") > value(found, "appended_bytes_total") / 2 > 50
    assert value(found, "log_bytes") > 50
    assert value(found, "held_up_streams") == 0
    assert value(found, "refused_total", reason="no_such_stream") == 1
    assert value(found, "append_seconds_count") == 2
    assert value(found, "append_seconds_bucket", le="+Inf") == 2
    assert value(found, "append_seconds_sum") > 0
    assert value(found, "delivery_seconds_count") == 0  # it was there before its viewer
    await asks(producer, "append", epoch=1, offset=2, events=[delta(2)])
    await told(viewer, "events")
    assert (await scrape(site))["swarm_stream_delivery_seconds"].samples
    assert value(await scrape(site), "delivery_seconds_bucket", le="+Inf") == 1
    producer.close()
    while (await told(viewer, "status"))["producer"] != "stalled":
        pass
    found = await scrape(site)
    assert value(found, "streams", state="stalled") == 1
    assert value(found, "producers") == 0
    assert value(found, "closed_sockets_total", reason="left") == 1


async def test_buckets_grow_and_streams_are_no_labels(site: Site) -> None:
    producer = await site.ws()
    for number in range(20):
        await claim_and_append(producer, delta(0), stream=f"one-of-many-{number}")
    answer = await site.fetch("metrics")
    assert b"one-of-many" not in answer.body
    samples = (await scrape(site))["swarm_stream_append_seconds"].samples
    buckets = [s.value for s in samples if s.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 20


async def test_names_follow_prometheus_conventions(site: Site) -> None:
    for name, family in (await scrape(site)).items():
        assert NUMBERS.fullmatch(name)
        assert family.documentation.endswith(".")
        if family.type == "histogram":
            assert name.endswith("_seconds")
        else:
            assert family.type in {"counter", "gauge"}
        for sample in family.samples:
            assert sample.name.endswith("_total") is (family.type == "counter")


@pytest.fixture
def closed_site(make_site: MakeSite, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Site:
    return jp_asyncio_loop.run_until_complete(make_site(server={"authenticate_prometheus": True}))


async def test_who_may_read_them_is_jupyter_s_setting(closed_site: Site) -> None:
    assert (await closed_site.fetch("metrics", headers={})).code == 403
    assert await scrape(closed_site)


async def test_a_server_that_has_stopped_is_not_counted_any_more(site: Site) -> None:
    assert await scrape(site)
    await site.app.stop_extension()
    assert not await scrape(site)
    await site.app.stop_extension()


async def test_several_servers_of_one_process_are_added_up() -> None:
    registry = CollectorRegistry(auto_describe=True)
    collector = HubCollector(registry)
    hubs = [StreamHub(MemoryLog(), server_id=name) for name in ("one", "two")]
    for number, hub in enumerate(hubs, start=1):
        collector.add(hub)
        hub.meter.appended(number, 10, 0.003)
        hub.meter.refused["gap"] = number
        hub.meter.closed[1001] = number
    assert registry.get_sample_value("swarm_stream_appended_events_total") == 3
    assert registry.get_sample_value("swarm_stream_refused_total", {"reason": "gap"}) == 3
    silent = {"reason": "silent"}
    assert registry.get_sample_value("swarm_stream_closed_sockets_total", silent) == 3
    assert registry.get_sample_value("swarm_stream_append_seconds_bucket", {"le": "0.0025"}) == 0
    assert registry.get_sample_value("swarm_stream_append_seconds_bucket", {"le": "0.005"}) == 2
    assert registry.get_sample_value("swarm_stream_append_seconds_sum") == pytest.approx(0.006)
    collector.remove(hubs[0])
    assert registry.get_sample_value("swarm_stream_appended_events_total") == 2
    collector.remove(hubs[1])
    collector.remove(hubs[1])
    assert registry.get_sample_value("swarm_stream_appended_events_total") is None
    collector.add(hubs[0])  # a server that starts again
    assert registry.get_sample_value("swarm_stream_appended_events_total") == 1
