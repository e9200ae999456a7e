"""Streaming text that arrived whole, word by word, at a reader's pace.

One text at a time, beside the run: agents are not slowed. When a lane goes on, or another one
begins to speak, the rest of the text is given at once: who speaks one after another is shown one
after another, in the order of the agents' own messages.
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


_BEGINNINGS: Final = (model.Open, model.ToolCall, model.InputRequest)
"""With these a lane begins something that a reader takes for the next thing said."""


@dataclass(slots=True)
class _Speech:
    lane: int
    seg: int
    words: list[str]
    said: int = 0
    task: asyncio.Task[None] | None = None


class Pacer:
    """Speak whole texts. On the session's loop only.

    Args:
        recorder: Where the words go.
        gate: Awaited before each word.
        words_per_s: Words a second; 0 gives a text at once.

    """

    def __init__(
        self, recorder: Recorder, gate: Callable[[], Awaitable[None]], words_per_s: float
    ) -> None:
        self._recorder = recorder
        self._events = recorder.events
        self._gate = gate
        self._interval_s = 1 / words_per_s if words_per_s > 0 else 0.0
        self._speech: _Speech | None = None

    async def speak(self, lane: int, text: str, channel: Channel) -> None:
        """Begin to speak a text in a lane; the rest of the one before it is given at once."""
        self.hurry()
        seg = self._events.open(lane, channel)
        self._recorder.at_our_pace(seg)
        words = split_words(text)
        if not self._interval_s:
            for word in words:
                await self._gate()
                self._events.delta(seg, word)
            self._events.close(seg)
            return
        speech = self._speech = _Speech(lane, seg, words)
        speech.task = asyncio.ensure_future(self._run(speech))

    def before(self, event: model.AnyEvent) -> None:
        """Somebody is about to say something else: give the rest of the text first."""
        speech = self._speech
        if speech is None:
            return
        goes_on = getattr(event, "lane", None) == speech.lane
        if isinstance(event, _BEGINNINGS) or (
            goes_on and not isinstance(event, model.Lane | model.Usage)
        ):
            self.hurry()

    def hurry(self) -> None:
        """Give the rest of the text at once."""
        speech, self._speech = self._speech, None
        if speech is None:
            return
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
        while (speech := self._speech) is not None:
            assert speech.task is not None  # noqa: S101  (only ``speak`` adds one, with its task)
            await asyncio.wait({speech.task})
            if self._speech is speech:
                # It failed, or somebody cancelled all tasks: it goes on no more by itself.
                self.hurry()
                if not speech.task.cancelled():
                    speech.task.result()

    async def _run(self, speech: _Speech) -> None:
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
        if self._speech is speech:
            self._speech = None
            self._events.close(speech.seg)
