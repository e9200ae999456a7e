"""``SwarmStreamApp``: the extension's settings, and the order in which it starts and stops."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.extension.application import ExtensionApp
from traitlets import Enum, Float, Int, TraitError, Unicode, validate

from jupyter_extension.identity import Identity, load_identity
from jupyter_extension.kernels import KERNEL_ACTIONS, KernelWatch
from jupyter_extension.last_events import LastEvents
from jupyter_extension.metrics import publish, withdraw
from jupyter_extension.opening import default_paths, open_log
from jupyter_extension.page import handlers as page_handlers
from jupyter_extension.resources import sockets_at_most
from jupyter_extension.rest import handlers as rest_handlers
from jupyter_extension.retention import Keep, Retention
from jupyter_extension.socket import StreamSocket
from swarm_stream.hub.hub import StreamHub
from swarm_stream.hub.quotas import Quotas
from swarm_stream.protocol.frames import MAX_FRAME_BYTES, CloseCode
from swarm_stream.protocol.server import HangUp, Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from jupyter_server.serverapp import ServerApp
    from traitlets import Bunch

    from swarm_stream.logs.base import StreamLog
    from swarm_stream.logs.sqlite import SQLiteLog

__all__ = ["SwarmStreamApp"]

_log = logging.getLogger("swarm_stream.server")

STOP_STEP_S: Final = 3.0
"""Seconds that each step of stopping may take."""

_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::", "*", "localhost"})  # noqa: S104


class SwarmStreamApp(ExtensionApp):
    """Serve streams of agents' runs. Traits are settings of the server; kernels have their own."""

    name = "swarm_stream"
    extension_url = "/swarm-stream/"
    load_other_extensions = True

    database_path = Unicode(
        "",
        help="""File that holds the streams, on a local disk.

        Empty stands for a file for each root directory in Jupyter's data directory, and for the
        next free name where another server has it. A path given here is taken or refused.
        """,
    ).tag(config=True)
    synchronous = Enum(
        ("NORMAL", "FULL"),
        "NORMAL",
        help="""What an acknowledged event survives: NORMAL a crash of the server, FULL also a
        power cut, for one fsync with each group of events.
        """,
    ).tag(config=True)
    publish_url = Unicode(
        "",
        help="""Base URL under which kernels reach this server.

        Empty stands for its own address on this machine, or for none at all where a kernel could
        not use it: on a Unix socket, and with a certificate, which is made out to another name
        than 127.0.0.1. Views are then served by the kernels. Set it there, and where kernels run
        on other machines.
        """,
    ).tag(config=True)
    max_frame_bytes = Int(
        2**20,
        help="""Bytes of a frame; a larger one closes its socket.

        At least 1 MiB: kernels cut events to fit that, and send them together up to it.
        """,
    ).tag(config=True)
    max_frame_events = Int(
        1000, help="Events in a frame. More is refused; kernels send no more than 1000."
    ).tag(config=True)
    max_meta_bytes = Int(
        16 * 1024, help="Bytes of a stream's description. It is sent with every list of streams."
    ).tag(config=True)
    max_connections = Int(
        10_000,
        help="""Sockets that may be open at once. One more is closed with 1013.

        No more than three quarters of the files that the process may open (ulimit -n, and
        ServerApp.min_open_files_limit), because kernels and requests need some too.
        """,
    ).tag(config=True)
    heartbeat_s = Float(
        10.0,
        help="""Seconds between heartbeats on a connection with nothing else to send.

        Proxies cut connections that stay silent, many after 60 seconds, some after 16, so keep
        this below the shortest timeout between server and browser.
        """,
    ).tag(config=True)
    silence_limit_s = Float(
        25.0,
        help="""Seconds after which a peer that has sent nothing counts as gone.

        Keep it above two of the peers' heartbeats, which are 10 seconds apart.
        """,
    ).tag(config=True)

    max_streams = Int(
        10_000,
        help="""Streams that may be kept at once; a new one beyond is refused. 0 for no limit.

        Their runs go on, served by their kernels alone.
        """,
    ).tag(config=True)
    max_stream_bytes = Int(
        2 * 2**30,
        help="""Bytes of events that one stream may hold; 0 for no limit.

        At the limit the run is paused, as with a full disk, until it is cancelled or the limit is
        raised. See keep_stream_bytes for runs without an end.
        """,
    ).tag(config=True)
    keep_days = Float(
        90.0, help="Days after which a finished stream is deleted; 0 keeps it for ever."
    ).tag(config=True)
    keep_bytes = Int(
        10 * 2**30,
        help="""Bytes of events kept in all; above, finished streams go, the oldest first.

        0 for no limit. Runs that go on are never touched.
        """,
    ).tag(config=True)
    keep_stream_bytes = Int(
        0,
        help="""Bytes of one stream beyond which its oldest events are let go of, also while its
        run goes on. 0, the default, keeps all of them. Views say how many events are gone.
        """,
    ).tag(config=True)
    producer_lost_after_s = Float(
        24 * 3600.0,
        help="""Seconds after which a run is ended as interrupted whose producer left and cannot
        be seen from here: on another machine, or in a container.

        Runs whose process is known to be dead end at once, those whose process is known to live
        never.
        """,
    ).tag(config=True)

    problem = "the extension has not started yet; try again in a moment"
    """Why streams cannot be served, as a sentence for people; empty once they can."""
    given_up = False
    """Whether that will not change while this server runs."""

    @validate("max_frame_bytes")
    def _check_room(self, proposal: Bunch) -> int:
        value = cast("int", proposal["value"])
        if value < MAX_FRAME_BYTES:
            raise TraitError(
                f"SwarmStreamApp.max_frame_bytes must not be below {MAX_FRAME_BYTES}, got {value}: "
                "kernels send frames of up to that, and what is refused would never get in"
            )
        return value

    @validate(
        "max_frame_events",
        "max_meta_bytes",
        "max_connections",
        "heartbeat_s",
        "silence_limit_s",
        "producer_lost_after_s",
    )
    def _check_positive(self, proposal: Bunch) -> float:
        value = cast("float", proposal["value"])
        if not value > 0:  # so that "not a number" is refused too
            name = proposal["trait"].name
            raise TraitError(
                f"SwarmStreamApp.{name} must be above 0, got {value}. Leave it out to have "
                f"{proposal['trait'].default_value}"
            )
        return value

    @validate("max_streams", "max_stream_bytes", "keep_days", "keep_bytes", "keep_stream_bytes")
    def _check_not_negative(self, proposal: Bunch) -> float:
        value = cast("float", proposal["value"])
        if not value >= 0:
            name = proposal["trait"].name
            raise TraitError(
                f"SwarmStreamApp.{name} must not be below 0, got {value}. 0 stands for no limit"
            )
        return value

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.hub: StreamHub | None = None
        self.identity = Identity("", "")
        self.last_events = LastEvents()
        self._log_file: SQLiteLog | None = None
        self._watch: KernelWatch | None = None
        self._retention: Retention | None = None
        self._published: dict[str, str] = {}

    @property
    def limits(self) -> Limits:
        """What one socket may do."""
        return Limits(
            frame_bytes=self.max_frame_bytes,
            events=self.max_frame_events,
            meta_bytes=self.max_meta_bytes,
            heartbeat_s=self.heartbeat_s,
            silence_limit_s=self.silence_limit_s,
        )

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.append((r"/swarm-stream/ws", StreamSocket, {"app": self}))
        self.handlers.extend(rest_handlers(self))
        self.handlers.extend(page_handlers())

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Open the log and tell kernels where we are: after the bind, before any kernel."""
        paths = await asyncio.to_thread(self._paths, serverapp.root_dir)
        try:
            log = self._log_file = await open_log(
                iter(paths), synchronous="FULL" if self.synchronous == "FULL" else "NORMAL"
            )
            self.identity = await asyncio.to_thread(
                load_identity, log.path.with_name(log.path.name + ".id")
            )
            self.hub = await self._open_hub(log, serverapp)
        except OSError as error:  # LogError is one
            # Jupyter goes on without us; every route of ours says why.
            self.problem, self.given_up = str(error), True
            self.log.error("swarm_stream cannot serve streams: %s", error)  # noqa: TRY400  (says it all)
            await self._close_log()
            return
        publish(self.hub)
        self.problem = ""
        url = self.publish_url or _own_url(serverapp)
        if url:
            self._published = {
                "SWARM_STREAM_URL": url,
                "SWARM_STREAM_SECRET": self.identity.secret,
            }
            os.environ.update(self._published)
        self.log.info("swarm_stream serves streams from %s", log.path)

    def _paths(self, root_dir: str) -> list[Path]:
        if self.database_path:
            return [Path(self.database_path).expanduser()]
        return list(default_paths(jupyter_data_dir(), root_dir))

    async def _open_hub(self, log: StreamLog, serverapp: ServerApp) -> StreamHub:
        hub = StreamHub(
            log,
            server_id=self.identity.server,
            limits=self.limits,
            max_sockets=sockets_at_most(self.max_connections),
            quotas=Quotas(max_streams=self.max_streams, max_stream_bytes=self.max_stream_bytes),
        )
        await hub.load()
        watch = KernelWatch(hub, serverapp.kernel_manager, lost_after_s=self.producer_lost_after_s)
        await watch.start()
        if serverapp.event_logger is not None:
            serverapp.event_logger.add_listener(
                schema_id=KERNEL_ACTIONS, listener=watch.kernel_acted
            )
        keep = Keep(
            age_s=self.keep_days * 86_400,
            total_bytes=self.keep_bytes,
            stream_bytes=self.keep_stream_bytes,
        )
        retention = Retention(hub, keep)
        retention.start()
        self._watch, self._retention = watch, retention
        return hub

    async def stop_extension(self) -> None:
        """Take no new sockets, tell peers to come back, finish what arrived, close the log."""
        hub, self.hub = self.hub, None
        self.problem = "this server is stopping; connect again in a moment"
        for name, value in self._published.items():
            if os.environ.get(name) == value:
                del os.environ[name]
        if self._watch is not None:
            # Kernels are about to be shut down: the next server on this log ends their runs.
            if self.serverapp is not None and self.serverapp.event_logger is not None:
                self.serverapp.event_logger.remove_listener(
                    schema_id=KERNEL_ACTIONS, listener=self._watch.kernel_acted
                )
            await _within(self._watch.aclose(), "watching kernels")
        if self._retention is not None:
            await _within(self._retention.aclose(), "retention")
        if hub is not None:
            withdraw(hub)
            await _within(hub.settle(), "appends")
            for socket in tuple(hub.sockets):
                socket.hang_up(HangUp(CloseCode.RESTARTING, "the server restarts; come back"))
            await _within(hub.closed(), "sockets")
            await _within(hub.aclose(), "requests")
        await self._close_log()

    async def free_bytes(self) -> int | None:
        """Give how much room there is on the log's disk, or None where nobody knows."""
        if self._log_file is None:
            return None
        try:
            return (await asyncio.to_thread(shutil.disk_usage, self._log_file.path.parent)).free
        except OSError:
            return None

    async def _close_log(self) -> None:
        log, self._log_file = self._log_file, None
        if log is not None:
            await _within(log.aclose(), "the log")

    def current_activity(self) -> dict[str, object] | None:
        """Tell Jupyter whether runs go on, so that it does not end itself as idle meanwhile.

        A page or a kernel that is merely connected is no activity.
        """
        live = self.hub.live_streams if self.hub is not None else 0
        return {"streams": live} if live else None


async def _within(work: Awaitable[None], what: str) -> None:
    try:
        async with asyncio.timeout(STOP_STEP_S):
            await work
    except TimeoutError:
        _log.warning("swarm_stream: %s did not end in time", what)


def _own_url(serverapp: ServerApp) -> str:
    """Give this server's address for kernels on this machine, or nothing where there is none."""
    if serverapp.sock or serverapp.certfile:
        return ""
    # Kernels of this server run on this machine, and a host's name may resolve to elsewhere.
    host = "127.0.0.1" if serverapp.ip in _EVERYWHERE else serverapp.ip
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{serverapp.port}{serverapp.base_url}"
