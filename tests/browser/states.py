"""Every state that a view can be in, as events and as what happens to its connection.

For the gallery (``python -m tests.browser.gallery FOLDER``) and for tests that look at all of
them. Made for the bare page; see ``bare.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

__all__ = ["STATES", "Script", "open_view", "serve_history"]

Event = dict[str, Any]
T0: Final = 1_790_000_000_000
"""When the runs begin, in ms since the epoch; shifted to now where a run goes on."""


class Script:
    """Events of a run, made one after the other, with a clock that the script moves."""

    def __init__(self, task: str, *, source: str = "autogen") -> None:
        self.events: list[Event] = []
        self.t = T0
        self._segments = 0
        self._calls = 0
        caps = ["pause", "stop", "cancel", "reply"]
        self.add("start", task=task, source=source, caps=caps)

    def add(self, type_: str, **fields: Any) -> Script:
        self.events.append({"type": type_, "t": self.t, **fields})
        return self

    def lanes(self, *names: str, parent: int | None = None, kind: str = "agent") -> Script:
        known = sum(event["type"] == "lane" for event in self.events)
        for lane, name in enumerate(names, start=known):
            self.add("lane", lane=lane, name=name, parent=parent, kind=kind)
        return self

    def open(self, lane: int, channel: str = "text", *, wait_ms: float = 400) -> int:
        self.t += wait_ms
        self._segments += 1
        self.add("open", seg=self._segments, lane=lane, channel=channel)
        return self._segments

    def write(self, seg: int, text: str, *, each_ms: float = 22) -> Script:
        for word in _words(text):
            self.t += each_ms
            self.add("delta", seg=seg, text=word)
        return self

    def say(self, lane: int, text: str, channel: str = "text", **how: Any) -> Script:
        seg = self.open(lane, channel)
        self.write(seg, text, **how)
        return self.add("close", seg=seg)

    def call(self, lane: int, name: str, arguments: str, result: str | None, **how: Any) -> Script:
        self._calls += 1
        call = f"call-{self._calls}"
        self.add("tool_call", call=call, lane=lane, name=name, arguments=arguments)
        if result is None:
            return self
        self.t += 900
        return self.add("tool_result", call=call, content=result, **how)

    def side_by_side(self, texts: dict[int, str], *, until: float = 1.0) -> Script:
        """Several lanes speak at once; ``until`` is how much of it has been said."""
        opened = {lane: (self.open(lane, wait_ms=60), _words(text)) for lane, text in texts.items()}
        longest = max(len(words) for _seg, words in opened.values())
        for index in range(int(longest * until)):
            for seg, words in opened.values():
                if index < len(words):
                    self.t += 9
                    self.add("delta", seg=seg, text=words[index])
        if until >= 1:
            for seg, _words_of in opened.values():
                self.add("close", seg=seg)
        return self

    def end(self, outcome: str = "completed", **fields: Any) -> Script:
        self.t += 150
        return self.add("end", outcome=outcome, **fields)


def _words(text: str) -> list[str]:
    return [word + " " for word in text.split(" ")]


PLAN: Final = """Three days are enough for the **centre**, the *fjord* and one long walk.

1. **Friday** - the Opera's roof at sunset, then Grünerløkka for dinner
2. **Saturday** - Bygdøy by boat, the Fram museum, [the ferries](https://ruter.no/en)
3. **Sunday** - the forest: Frognerseteren down to Sognsvann, 9 km"""
CRITIC: Final = (
    "Two things. *Saturday is too full*: the boat takes half an hour each way, so drop one museum. "
    "And nobody books a table: on a Friday in Grünerløkka that ends with a kebab."
)
WRITER: Final = """## Oslo in three days

| day | morning | evening | cost |
|---|---|---|---:|
| Friday | Opera, Barcode | Grünerløkka, *table at 19:30* | 640 kr |
| Saturday | Boat to Bygdøy | Sauna on the fjord | 910 kr |
| Sunday | Frognerseteren | Home at 18:10 | 220 kr |

> Take the tram, not the hop-on bus."""
CODE: Final = '''The route is a shortest path through the stops; here is the whole of it:

```python
from heapq import heappop, heappush


def shortest(graph: dict[str, dict[str, float]], start: str, goal: str) -> list[str]:
    """Give the stops from start to goal, both included."""
    queue: list[tuple[float, str, list[str]]] = [(0.0, start, [start])]
    seen: set[str] = set()
    while queue:
        minutes, stop, path = heappop(queue)
        if stop == goal:
            return path
        if stop in seen:
            continue
        seen.add(stop)
        for following, takes in graph[stop].items():  # {LONG}
            heappush(queue, (minutes + takes, following, [*path, following]))
    raise LookupError(f"there is no way from {start} to {goal}")
```

It needs $O(E \\log V)$ steps. Measured on the timetable of one day:

| stops | edges | `heapq` ms | `networkx` ms | ratio | first stop | last stop | remark |
|---:|---:|---:|---:|---:|---|---|---|
| 120 | 410 | 0.4 | 3.1 | 7.8 | Jernbanetorget | Sognsvann | trams only |
| 980 | 3,602 | 4.8 | 41.0 | 8.5 | Oslo lufthavn | Frognerseteren | everything that moves |

A very long word: {WORD}'''.replace(
    "{LONG}", "a line that is wider than the box, so that it has to scroll " * 3
).replace("{WORD}", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbau/" * 4)
NAMES: Final = (
    "planner", "critic", "writer", "researcher", "cartographer", "accountant", "translator",
    "lawyer", "photographer", "meteorologist", "local guide with a rather long name", "editor",
)  # fmt: skip


def team(*, until: str = "middle") -> Script:
    script = Script("Plan three days in Oslo for two people who like to walk.")
    script.lanes("planner", "critic", "writer")
    script.say(0, "The user likes walking, so the forest must be in. Two days in town are enough.",
               "reasoning")  # fmt: skip
    script.say(0, PLAN)
    script.call(0, "tram_times", '{"line": 12, "day": "saturday"}', "every 10 minutes, 06:00-01:00")
    script.add("usage", lane=0, prompt_tokens=312, completion_tokens=148, finish_reason="stop")
    script.add("handoff", lane=0, target="critic", content="")
    script.say(1, CRITIC)
    script.add("usage", lane=1, prompt_tokens=498, completion_tokens=61, finish_reason="stop")
    script.add("select", lanes=[2])
    seg = script.open(2)
    if until == "middle":
        return script.write(seg, WRITER[:170])
    script.write(seg, WRITER).add("close", seg=seg)
    script.add("usage", lane=2, prompt_tokens=640, completion_tokens=131, finish_reason="stop")
    return script.end(reason="Text 'TERMINATE' mentioned")


def twelve_agents() -> Script:
    script = Script("Write the guide book.").lanes(*NAMES)
    for turn in range(30):
        lane = (turn * 5) % 12
        script.say(lane, (PLAN, CRITIC, "Agreed, with one remark: *mind the weather*.")[turn % 3])
        if turn % 4 == 1:
            script.call(lane, "look_up", f'{{"page": {turn}}}', "found")
        if turn % 3 == 2:
            following = NAMES[((turn + 1) * 5) % 12]
            script.add("handoff", lane=lane, target=following, content="")
    return script


def parallel_graph() -> Script:
    script = Script("Check the plan from three sides at once.")
    script.lanes("splitter", "weather", "budget", "accessibility", "merger")
    script.say(0, "Three independent checks follow.").add("select", lanes=[1, 2, 3])
    texts = {
        1: "Friday is dry until **16:00**. Saturday has showers on the fjord: take the covered "
        "deck. Sunday is cold and clear, 4 degrees at the top.",
        2: "Trams 3 x 117 kr, boat 2 x 63 kr, sauna 2 x 245 kr. With dinners the sum is "
        "**1,770 kr**, which is 230 below the limit.",
        3: "The Opera's roof is steep: use the lift inside. The path to Sognsvann is gravel, "
        "passable with wheels, *not* after snow.",
    }
    return script.side_by_side(texts, until=0.8)


def nested_team() -> Script:
    script = Script("Write and check a chapter.")
    script.add("lane", lane=0, name="book", parent=None, kind="team")
    script.add("lane", lane=1, name="outliner", parent=0, kind="agent")
    script.add("lane", lane=2, name="chapter team", parent=0, kind="team")
    script.add("lane", lane=3, name="drafter", parent=2, kind="agent")
    script.add("lane", lane=4, name="fact checker", parent=2, kind="agent")
    script.say(1, "One chapter: *the forest*. Keep it short.")
    script.say(3, "The forest begins where the tram ends. In a quarter of an hour nobody is heard.")
    script.say(4, "The ride to Frognerseteren takes 31 minutes, not fifteen.")
    script.say(3, "The forest begins where the tram ends, half an hour from the palace.")
    return script.say(1, "Good. On to the fjord.")


def code_and_tables() -> Script:
    script = Script("Find the shortest way through the tram network and measure it.")
    return script.lanes("coder").say(0, CODE, each_ms=14)


def tool_error() -> Script:
    script = Script("Book the sauna.").lanes("booker")
    script.say(0, "I book it now.")
    script.call(0, "book", '{"what": "sauna", "hour": 18, "people": 2}',
                "TimeoutError: no answer within 10 s", is_error=True)  # fmt: skip
    script.call(0, "book", '{"what": "sauna", "hour": 20, "people": 2}', None)
    return script


def waiting() -> Script:
    script = Script("Book the sauna, but ask before you pay.").lanes("booker", "you")
    script.say(0, "There is room at 20:00 for two.")
    request = {"request": "r1", "lane": 1, "prompt": "Pay **490 kr** for the sauna at 20:00?"}
    return script.add("input_request", **request)


def failed() -> Script:
    script = Script("Plan with a model that is out of credit.").lanes("planner")
    seg = script.open(0)
    script.write(seg, "Day one begins at the").add("close", seg=seg, partial=True)
    trace = (
        'Traceback (most recent call last):\n  File "client.py", line 88, in create\nRateLimitError'
    )
    error = {"type": "RateLimitError", "message": "You have used all of your credit",
             "traceback": trace}  # fmt: skip
    return script.end("failed", error=error)


def open_view(page: Page, script: Script, *, over: bool = False, then: str = "") -> None:
    """Show a run. Its clock is shifted so that its last event is now."""
    page.evaluate(
        """async ([events, last, then]) => {
          const shift = Date.now() - last;
          const title = 'Oslo in three days';
          const view = window.view = swst.open('oslo', document.body, {title});
          view.connect();
          await view.events(events.map((event) => ({...event, t: event.t + shift})));
          if (then) await new Function('view', then)(view);
        }""",
        [script.events, script.t, then or ("view.closed()" if over else "")],
    )
    drawn = "count => document.querySelector('[data-received]').dataset.received == count"
    page.wait_for_function(drawn, arg=str(len(script.events)))


def serve_history(page: Page, script: Script) -> None:
    """Answer a view that asks for its run from the beginning once more."""
    page.wait_for_function("view.sent.filter(({op}) => op == 'subscribe').length == 2")
    page.evaluate(
        """async (events) => {
          const stream = 'oslo', tail = events.length;
          const told = {head: 0, tail, closed: true, meta: {}, producer: 'none'};
          view.frame({op: 'subscribed', stream, from: 0, ...told});
          await view.frame({op: 'events', stream, offset: 0, events});
        }""",
        script.events,
    )


def _looking_back(page: Page) -> None:
    script = team(until="end")
    open_view(page, script, over=True)
    slider = page.get_by_label("Time in the run")
    slider.evaluate("el => { el.value = el.max * 0.45; el.dispatchEvent(new Event('input')); }")
    serve_history(page, script)
    page.locator("[data-past]").wait_for()


STATES: Final[dict[str, Callable[[Page], None]]] = {
    "starting": lambda page: page.evaluate("""() => {
        window.view = swst.open('oslo', document.body, {title: 'Oslo in three days'});
        view.connect();
    }"""),
    "team": lambda page: open_view(page, team()),
    "twelve-agents": lambda page: open_view(page, twelve_agents()),
    "parallel-graph": lambda page: open_view(page, parallel_graph()),
    "nested-team": lambda page: open_view(page, nested_team()),
    "code-and-tables": lambda page: open_view(page, code_and_tables()),
    "tool-error": lambda page: open_view(page, tool_error()),
    "waiting": lambda page: open_view(page, waiting()),
    "paused": lambda page: open_view(page, team().add("control", id="c", action="pause", by="ann")),
    "stopping": lambda page: open_view(
        page, team().add("control", id="c", action="stop", by="ann")
    ),
    "reconnecting": lambda page: open_view(
        page,
        team(),
        then="view.lost(); view.linked({is: 'waiting', until: performance.now() + 9000})",
    ),
    "catching-up": lambda page: open_view(
        page,
        team(),
        then="view.frame({op: 'subscribed', stream: 'oslo', from: 0, head: 0, tail: 9000, "
        "closed: false, meta: {}, producer: 'live'})",
    ),
    "cannot-resume": lambda page: open_view(
        page, team(), then="view.frame({op: 'gone', stream: 'oslo', head: 0, tail: 20})"
    ),
    "finished": lambda page: open_view(page, team(until="end"), over=True),
    "failed": lambda page: open_view(page, failed(), over=True),
    "looking-back": _looking_back,
}
