"""The REST interface: what streams there are, their events as JSON lines, and deleting one."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.iostream import StreamClosedError

from swarm_stream._version import __version__
from swarm_stream.errors import LogError, NoSuchStreamError, OffsetOutOfRangeError
from swarm_stream.events.model import MAX_OFFSET
from swarm_stream.protocol.frames import VERSION

if TYPE_CHECKING:
    from jupyter_extension.app import SwarmStreamApp
    from swarm_stream.hub.hub import StreamHub
    from swarm_stream.logs.base import StreamInfo

__all__ = ["handlers"]

PAGE_EVENTS: Final = 1000
PAGE_BYTES: Final = 2**18
NDJSON: Final = "application/x-ndjson"
_NUMBER: Final = re.compile(r"[0-9]{1,16}")
_raw_list: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def handlers(app: SwarmStreamApp) -> list[tuple[str, type[web.RequestHandler], dict[str, Any]]]:
    """Give the routes."""
    stream = r"(?P<stream>[A-Za-z0-9._~-]{1,200})"
    kwargs = {"app": app}
    return [
        (r"/swarm-stream/info", InfoHandler, kwargs),
        (r"/swarm-stream/api/streams", StreamsHandler, kwargs),
        (rf"/swarm-stream/api/streams/{stream}", StreamHandler, kwargs),
        (rf"/swarm-stream/api/streams/{stream}/events", EventsHandler, kwargs),
    ]


class _Handler(APIHandler):
    """What our routes share: the resource's name, the hub, and errors as JSON."""

    auth_resource = "swarm_stream"

    def initialize(self, app: SwarmStreamApp) -> None:
        self.app = app

    @property
    def hub(self) -> StreamHub:
        if self.app.hub is None:
            raise web.HTTPError(503, self.app.problem)
        return self.app.hub

    async def find(self, stream: str) -> StreamInfo:
        try:
            return await self.hub.log.info(stream)
        except NoSuchStreamError as error:
            raise web.HTTPError(404, str(error)) from error
        except LogError as error:
            raise web.HTTPError(503, str(error)) from error

    def describe(self, info: StreamInfo, run: str) -> dict[str, object]:
        state = self.hub.producer_state(info.stream, closed=info.closed, epoch=info.epoch)
        return {
            "stream": info.stream,
            "head": info.head,
            "tail": info.tail,
            "closed": info.closed,
            "epoch": info.epoch,
            "producer": state,
            "run": run,
            "viewers": self.hub.viewers.count(info.stream),
            "rate": round(self.hub.meter.rate(info.stream, time.perf_counter()), 1),
            "created": info.created_ms,
            "updated": info.updated_ms,
            "bytes": info.size_bytes,
            "meta": msgspec.Raw(info.meta),
        }

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        text = self.get_query_argument(name, str(default))
        if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
            raise web.HTTPError(400, f"{name} must be a whole number from {low} to {high}")
        return int(text)

    def answer(self, body: object) -> None:
        self.finish(msgspec.json.encode(body))


class InfoHandler(_Handler):
    """Who this server is, so that a page knows whether and whom it can ask."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Give the server's id, the versions, what is the matter, and the room on its disk."""
        self.answer(
            {
                "server": self.app.identity.server,
                "version": __version__,
                "protocol": VERSION,
                "problem": self.app.problem,
                "free_bytes": await self.app.free_bytes(),
            }
        )


class StreamsHandler(_Handler):
    """All streams."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List the streams, the last changed first."""
        try:
            log = self.hub.log
            streams = await log.list()
        except LogError as error:
            raise web.HTTPError(503, str(error)) from error
        runs = await self.app.last_events.of_all(log, streams)
        listed = [self.describe(info, runs.get(info.stream, "")) for info in streams]
        self.answer({"streams": listed})


class StreamHandler(_Handler):
    """One stream."""

    @web.authenticated
    @authorized
    async def get(self, stream: str) -> None:
        """Describe it. ``run`` is how the run is, as far as its last event tells, else empty."""
        info = await self.find(stream)
        runs = await self.app.last_events.of(self.hub.log, [info])
        self.answer(self.describe(info, runs[stream]))

    @web.authenticated
    @authorized
    async def delete(self, stream: str) -> None:
        """Forget it, unless somebody is writing to it."""
        info = await self.find(stream)
        if self.hub.producer_state(stream, closed=info.closed, epoch=info.epoch) == "live":
            raise web.HTTPError(409, "its run goes on; cancel it first")
        try:
            await self.hub.delete(stream, size_bytes=info.size_bytes)
        except LogError as error:
            raise web.HTTPError(503, str(error)) from error
        self.set_status(204)
        self.finish()


class EventsHandler(_Handler):
    """A stream's events, one JSON object a line."""

    @web.authenticated
    @authorized
    async def get(self, stream: str) -> None:
        """Give events from ``from`` on, at most ``limit``; what there is, without waiting."""
        info = await self.find(stream)
        offset = self.number("from", info.head, low=0, high=MAX_OFFSET)
        left = self.number("limit", MAX_OFFSET, low=1, high=MAX_OFFSET)
        if not info.head <= offset <= info.tail:
            message = str(
                OffsetOutOfRangeError(stream, offset=offset, head=info.head, tail=info.tail)
            )
            raise web.HTTPError(410 if offset < info.head else 416, message)
        end = min(info.tail, offset + left)
        self.set_header("Content-Type", NDJSON)
        self.set_header("Swarm-Stream-Next", str(end))
        try:
            await self._pages(stream, offset, end)
        except StreamClosedError:
            return  # nobody reads on
        except (LogError, NoSuchStreamError, OffsetOutOfRangeError) as error:
            # The header has promised more. To end in order would be a silent hole: cut it.
            self.log.warning("reading %s for an export: %s", stream, error)
            self.detach().close()
            return
        self.finish(set_content_type=NDJSON)

    async def _pages(self, stream: str, offset: int, end: int) -> None:
        """Write events page by page, each when the one before has left."""
        log = self.hub.log
        while offset < end:
            count = min(PAGE_EVENTS, end - offset)
            part = await log.read(stream, offset, max_events=count, max_bytes=PAGE_BYTES)
            if part.count == 0:  # deleted and made again, shorter
                raise OffsetOutOfRangeError(stream, offset=offset, head=0, tail=offset)
            lines = _raw_list.decode(b"[" + part.body + b"]")
            self.write(b"\n".join(lines) + b"\n")
            await self.flush()
            offset += part.count
