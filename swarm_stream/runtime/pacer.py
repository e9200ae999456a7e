"""Streaming text that arrived whole, word by word, at a reader's pace.

One text at a time for each lane, beside the run: agents are not slowed. When a lane goes on to
say something else, the rest of its text is given at once, so that a lane never speaks twice at
the same time.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from swarm_stream.events import model

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from swarm_stream.events.model import Channel
    from swarm_stream.runtime.recorder import Recorder

__all__ = ["Pacer", "split_words"]

# A word with the white space behind it. Scripts without spaces are cut every 24 characters.
_WORD: Final = re.compile(r"\s*\S{1,24}\s*|\s+")


def split_words(text: str) -> list[str]:
    """Split text into words; joined they give the text, character for character."""
    return _WORD.findall(text)


@dataclass(slots=True)
class _Speech:
    seg: int
    words: list[str]
    said: int = 0
    task: asyncio.Task[None] | None = None


class Pacer:
    """Speak whole texts. On the session's loop only.

    Args:
        recorder: Where the words go.
        gate: Awaited before each word.
        words_per_s: Words a second for each lane; 0 gives a text at once.

    """

    def __init__(
        self, recorder: Recorder, gate: Callable[[], Awaitable[None]], words_per_s: float
    ) -> None:
        self._recorder = recorder
        self._events = recorder.events
        self._gate = gate
        self._interval_s = 1 / words_per_s if words_per_s > 0 else 0.0
        self._speeches: dict[int, _Speech] = {}

    @property
    def busy(self) -> bool:
        """Whether a text is being spoken."""
        return bool(self._speeches)

    async def speak(self, lane: int, text: str, channel: Channel) -> None:
        """Begin to speak a text in a lane; what the lane was saying is given at once."""
        self.hurry(lane)
        seg = self._events.open(lane, channel)
        self._recorder.at_our_pace(seg)
        words = split_words(text)
        if not self._interval_s:
            for word in words:
                await self._gate()
                self._events.delta(seg, word)
            self._events.close(seg)
            return
        speech = _Speech(seg, words)
        self._speeches[lane] = speech
        speech.task = asyncio.ensure_future(self._run(lane, speech))

    def before(self, event: model.AnyEvent) -> None:
        """A lane is about to say something else: give the rest of its text first."""
        if self._speeches:
            lane = getattr(event, "lane", None)
            if isinstance(lane, int) and not isinstance(event, model.Lane | model.Usage):
                self.hurry(lane)

    def hurry(self, lane: int | None = None) -> None:
        """Give the rest of a lane's text at once; of every lane's, if None."""
        lanes = tuple(self._speeches) if lane is None else (lane,)
        for number in lanes:
            speech = self._speeches.pop(number, None)
            if speech is None:
                continue
            # On a loop that is closed nothing goes on, and nothing can be cancelled.
            if speech.task is not None and not speech.task.get_loop().is_closed():
                speech.task.cancel()
            rest = "".join(speech.words[speech.said :])
            speech.said = len(speech.words)
            if rest:
                self._events.delta(speech.seg, rest)
            self._events.close(speech.seg)

    async def finish(self) -> None:
        """Wait until everything was spoken at its pace. Cancelling is safe: ``hurry`` then.

        Raises what kept a text from being spoken; the rest of that text is given first.
        """
        while self._speeches:
            lane, speech = next(iter(self._speeches.items()))
            assert speech.task is not None  # noqa: S101  (only ``speak`` adds one, with its task)
            await asyncio.wait({speech.task})
            if self._speeches.get(lane) is speech:
                # It failed, or somebody cancelled all tasks: it goes on no more by itself.
                self.hurry(lane)
                if not speech.task.cancelled():
                    speech.task.result()

    async def _run(self, lane: int, speech: _Speech) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while speech.said < len(speech.words):
            await self._gate()
            word = speech.words[speech.said]
            speech.said += 1
            self._events.delta(speech.seg, word)
            # Against the clock, not one sleep after another: slow wake-ups do not add up. After
            # a pause the count starts anew, so that it is not made up for in a burst.
            due = max(due + self._interval_s, loop.time() - self._interval_s)
            await asyncio.sleep(max(0.0, due - loop.time()))
        if self._speeches.get(lane) is speech:
            del self._speeches[lane]
            self._events.close(speech.seg)
