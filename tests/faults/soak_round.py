"""One round of the soak: streams produced, watched and broken; then everything is compared."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.checker import check
from tests.faults.histories import Ack, Fault, Kind, Producer, Stream, Violation
from tests.faults.schedule import KINDS, plan, play
from tests.faults.soak_payloads import payloads
from tests.faults.soak_viewer import Page

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from tests.faults.soak_place import Place
    from tests.faults.soak_troubles import Trouble

__all__ = ["Outcome", "Round", "Run"]


@dataclass(slots=True)
class Run:
    """One run of one stream, as its kernel tells it.

    Attributes:
        stream: What it produces.
        label: Its name.
        kernel: Which kernel it runs in.
        count: How many payloads its model would give.
        epoch: What it holds; 0 until its claim was answered.
        base: Offset of its first event.
        acks: What it was told.
        given: How many payloads its model gave, once it is over.
        outcome: How it ended; ``killed`` with its kernel, empty while it goes on.
        notice: What it says of it.

    """

    stream: str
    label: str
    kernel: int
    count: int
    epoch: int = 0
    base: int = 0
    acks: list[Ack] = field(default_factory=list)
    given: int = 0
    outcome: str = ""
    notice: str = ""

    def history(self) -> Producer:
        """Give what the checker wants to know."""
        ended = self.outcome == "completed"
        # Nobody knows how far the model of a killed kernel got; what it gave is a beginning.
        count = self.given if ended else self.count
        given = payloads(self.stream, self.label, count)
        return Producer(self.label, given, self.base, self.acks, ended=ended)


@dataclass(slots=True)
class Outcome:
    """What came of a round."""

    events: int
    shown: int
    faults: list[Fault]
    violations: list[Violation]


class Round:
    """A round. The place (servers, kernels, proxies) stays; streams and pages are its own.

    Attributes:
        runs: By label.
        pages: Those who watch.
        trimmed: Offset below which retention was asked to let go, by stream.
        faults: What happened outside of the network.

    """

    def __init__(self, place: Place, name: str, seed: str, *, streams: int, count: int) -> None:
        self.place = place
        self.draw = random.Random(seed)  # noqa: S311  (faults are no secrets)
        self.streams = [f"{name}-{number}" for number in range(streams)]
        self.runs: dict[str, Run] = {}
        self.trimmed = dict.fromkeys(self.streams, 0)
        self.faults: list[Fault] = []
        self._seed = seed
        self._count = count
        self._labels = 0
        self.pages = [
            Page(
                f"page {number}",
                place.page_url(number),
                headers=place.headers,
                seed=f"{seed}/{number}",
            )
            for number in range(len(place.page_proxies))
        ]

    async def play(self, troubles: list[Trouble], *, seconds: float, settle_s: float) -> Outcome:
        """Run it: trouble for ``seconds`` at most, then at most ``settle_s`` of peace."""
        self.place.listener = self.heard
        marks = [len(proxy.faults) for proxy in self.place.proxies]
        for number, stream in enumerate(self.streams):
            self.begin(stream, number % len(self.place.kernels))
        for page in self.pages:
            page.watch(self.streams)
        watching = [asyncio.ensure_future(page.run()) for page in self.pages]
        over = asyncio.ensure_future(self._over(watching))
        try:
            await self._trouble(troubles, seconds, over)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(settle_s):
                    await asyncio.shield(over)
        finally:
            for task in (over, *watching):
                task.cancel()
            await asyncio.gather(over, *watching, return_exceptions=True)
        auditor = await self._audit(settle_s)
        for proxy, mark in zip(self.place.proxies, marks, strict=True):
            self.faults += [fault for fault in proxy.faults[mark:] if fault.kind != "heal"]
        return self._judge(auditor)

    def begin(self, stream: str, kernel: int) -> None:
        """Have a kernel produce a stream, whoever produced it before."""
        label = f"{stream}.{self._labels}"
        self._labels += 1
        run = Run(stream, label, kernel, max(1, int(self._count * self.draw.uniform(0.5, 1.5))))
        self.runs[label] = run
        self.place.kernels[kernel].say(f"run {stream} {label} {run.count}")

    def heard(self, words: list[str]) -> None:
        """Take in a line of a kernel."""
        what, _, label, *rest = words
        run = self.runs.get(label)
        if run is None or run.outcome:
            return
        match what:
            case "claimed":
                if not run.epoch:
                    run.base = int(rest[2])
                run.epoch = int(rest[1])
                run.acks.append(Ack(float(rest[0]), int(rest[2]), claimed=True))
            case "acked":
                run.acks.append(Ack(float(rest[0]), int(rest[1])))
            case "over":
                run.given, run.outcome, run.notice = int(rest[0]), rest[1], " ".join(rest[2:])
            case _:
                raise ValueError(f"a kernel said {words}")

    async def forget(self) -> None:
        """Have the server forget the streams."""
        if self.place.server.commands:
            for stream in self.streams:
                await self.place.server.ask(f"delete {stream}")

    def has_successor(self, run: Run) -> bool:
        """Tell whether a later run of its stream goes on.

        An earlier one may seem to, while it is cut off and has not heard that it was fenced.
        """
        runs = list(self.runs.values())
        later = runs[runs.index(run) + 1 :]
        return any(other.stream == run.stream and not other.outcome for other in later)

    def of_kernel(self, kernel: int) -> list[Run]:
        """Give the runs that go on in a kernel."""
        return [run for run in self.runs.values() if run.kernel == kernel and not run.outcome]

    async def _trouble(
        self, troubles: list[Trouble], seconds: float, over: asyncio.Future[None]
    ) -> None:
        """Do all that is planned, at once, until it is done or nothing is left to break."""
        every_s, longest_s = self.place.every_s, self.place.longest_s
        kinds = self.place.allowed(KINDS)
        work: list[Coroutine[object, object, None]] = [
            play(
                proxy,
                plan(
                    f"{self._seed}/{number}",
                    seconds=seconds,
                    every_s=every_s,
                    longest_s=longest_s,
                    kinds=kinds,
                ),
            )
            for number, proxy in enumerate(self.place.proxies)
            if kinds
        ]
        work += [trouble.play(self, seconds=seconds) for trouble in troubles]
        playing = [asyncio.ensure_future(each) for each in work]
        done = asyncio.ensure_future(asyncio.wait(playing))
        await asyncio.wait([done, over], return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
        for trouble in troubles:
            trouble.stop()
        for task in playing[: -len(troubles)]:
            task.cancel()  # the troubles finish what they have begun
        for result in await asyncio.gather(*playing, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        await done

    async def _over(self, watching: Sequence[asyncio.Future[None]]) -> None:
        while any(not run.outcome for run in self.runs.values()):
            await asyncio.sleep(0.02)
        await asyncio.gather(*watching)

    async def _audit(self, settle_s: float) -> Page:
        """Read everything once more, from the beginning, past the proxies."""
        auditor = Page("auditor", self.place.direct_url, headers=self.place.headers)
        auditor.watch(self.streams)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settle_s):
                await auditor.run()
        return auditor

    def _judge(self, auditor: Page) -> Outcome:
        violations: list[Violation] = []
        events = shown = 0
        for stream in self.streams:
            runs = [run for run in self.runs.values() if run.stream == stream]
            for run in runs:
                alone = all(other.epoch <= run.epoch for other in runs)
                if run.outcome in {"", "failed"} or (run.outcome == "closed" and alone):
                    what = f"its run {run.outcome or 'is not over'}: {run.notice}"
                    violations.append(Violation(Kind.WRONG_END, stream, run.label, what))
            claimed = sorted((run for run in runs if run.epoch), key=lambda run: run.epoch)
            viewers = [
                page.watched[stream].history(page.name, stayed=True)
                for page in (auditor, *self.pages)
            ]
            for page in (auditor, *self.pages):
                if (failure := page.watched[stream].subscriber.failure) is not None:
                    what = f"its subscription failed: {failure[1]}"
                    violations.append(Violation(Kind.WRONG_END, stream, page.name, what))
            producers = [run.history() for run in claimed]
            violations += check(Stream(stream, producers, viewers, trimmed=self.trimmed[stream]))
            events += auditor.watched[stream].subscriber.next
            shown += sum(len(viewer.shown) for viewer in viewers)
        return Outcome(events, shown, sorted(self.faults), violations)
