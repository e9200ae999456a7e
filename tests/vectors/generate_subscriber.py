"""Make ``subscriber/machine_*.json``: what views met in random walks of the state machine.

    python -m tests.vectors.generate_subscriber

For each thing worth meeting (``WORTH``) the shortest history of a view that meets it is kept. The
expected states come from the Python viewer, whose every output the walk compared with the log; the
parts that only the page has (buttons, ``described``) are told once more here. Same seeds, same
files; run it again when frames or the viewer change, and look at what has become different.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from swarm_stream.protocol import frames
from tests.faults.log_kinds import LOGS
from tests.faults.machine import over
from tests.vectors.page import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.faults.machine import Machine
    from tests.vectors.page import Step

FOLDER = Path(__file__).parent / "subscriber"
SEEDS = range(400)
DEEDS = 90
STEPS = 40
"""Of a history; a longer one is nothing to look at."""


def walk(seed: int) -> Machine:
    """Take a random walk, and give the machine after it was healed and found well."""
    draw = random.Random(seed)  # noqa: S311  (nothing secret)
    machine = over(LOGS["memory"])()
    machine.begin(names=draw.choice(["a", "ab"]))
    for _ in range(DEEDS):
        deed = draw.choice(_deeds(machine, draw))
        deed()
    machine.teardown()
    return machine


def _deeds(machine: Machine, draw: random.Random) -> list[Callable[[], object]]:
    do: Any = machine  # rules take what they draw by name
    some, few = draw.randrange(12), draw.randint(1, 4)
    stream = draw.choice("aaab")
    start = draw.choice([0, 0, 3])
    deeds: list[Callable[[], object]] = [
        lambda: do.flow(rounds=few),
        lambda: do.watch(stream=stream, start=start, wait=draw.random() < 0.5),
        lambda: do.produce(stream=stream, take_over=draw.random() < 0.7, early=False),
        lambda: do.freeze(number=some),
        lambda: do.slow(writes=draw.random() < 0.3, reads=draw.random() < 0.3),
        lambda: do.pass_time(seconds=draw.choice([1, 1, 11, 30])),
        lambda: do.trim(stream=stream, kept=draw.randrange(6)),
        machine.world.work,
    ]
    if draw.random() < 0.3:
        what = draw.choice(["stop", "kill", "fill", "interrupt", "delete"])
        deeds.append(lambda: do.upset(what=what, stream=stream, sure=True))
    if machine.running:
        talk = {"number": some, "count": few, "ups": 3}
        deeds += [lambda: do.talk(turns=few, **talk)] * 5
        deeds.append(lambda: do.end(number=some, sure=draw.randrange(3)))
    if machine.views:
        deeds += [lambda: do.press(number=some)] * 2
        back = draw.choice(["no", "cursor", "head"])
        deeds.append(lambda: do.leave(number=some, back=back))
    wires = [client.wire is not None for client in machine.world.clients]
    if any(wires):
        deeds.append(lambda: do.cut(number=some, hub_knows=draw.random() < 0.5))
    if not all(wires):
        deeds += [lambda: do.connect(number=some)] * 3
    return deeds


class History:
    """A history as words, one for each step, so that a pattern can tell what is worth keeping.

    Before them ``w`` if the view waits for a stream that is not there. ``+`` connected, ``-`` lost,
    ``s`` subscribed, ``e`` events that were shown, ``E`` many of them, ``i`` events that were
    passed over, ``d`` some that were known, ``m`` missing, ``h`` a hole, ``c`` closed, ``x``
    failed, ``f`` a notice, ``n`` no notice any more, ``z`` the producer is stalled, ``l`` it is
    live, ``o`` there is none, ``p`` a button that was sent or kept, ``q`` one that was refused
    here, ``y`` one that was acted on, ``r`` one that was refused there.
    """

    def __init__(self, steps: list[Step]) -> None:
        words = ["w"] if steps[0]["state"]["wait"] else []
        before: Step = {"notice": "", "producer": None, "holes": 0, "doubled": 0}
        for step in steps:
            words.append(_word(step, before))
            before = step["state"]
        self.steps = steps
        self.text = "".join(words)


def _word(step: Step, before: Step) -> str:  # noqa: C901  (one for each)
    given, state = step["input"], step["state"]
    actions = {action["type"]: action for action in step["actions"]}
    if given["type"] == "control":
        return "q" if "controlled" in actions else "p"
    if given["type"] != "frame":
        return {"connected": "+", "lost": "-"}[given["type"]]
    if "controlled" in actions:
        return "y" if actions["controlled"]["ok"] else "r"
    if "fail" in actions:
        return "x"
    if "end" in actions:
        return "c"
    if state["holes"] > before["holes"]:
        return "h"
    if state["doubled"] > before["doubled"]:
        return "d"
    if "missing" in actions:
        return "m"
    if "show" in actions:
        return "E" if len(actions["show"]["events"]) > MANY else "e"
    if state["notice"] != before["notice"]:
        return "f" if state["notice"] else "n"
    if given["frame"]["op"] == "status" and state["producer"] != before["producer"]:
        return {"stalled": "z", "live": "l", "none": "o"}[state["producer"]]
    return {"subscribed": "s", "events": "i"}.get(given["frame"]["op"], ".")


MANY = 4

WORTH = {
    "cut_before_the_answer": (r"\+-\+.*s.*e.*c", "Cut before the server has answered."),
    "cut_again_and_again": (r"e[^+-]*-\+[^+]*e[^+-]*-\+[^+]*e", "Cut twice, shown once."),
    "cut_and_over_meanwhile": (r"e[^+-]*-\+s[^+-]*e[^+-]*c", "The run ended while it was away."),
    "gone_at_the_beginning": (r"^w?\+m.*s.*e", "Retention was there before the view."),
    "gone_while_it_was_away": (r"e[^+-]*-\+m.*s.*e", "Retention went on during a cut."),
    "gone_under_a_stalled_view": (r"e[^+-]*m[^+-]*s[^+-]*e", "Retention overtook a slow view."),
    "gone_twice": (r"m.*m.*e", "Retention overtook it twice."),
    "shown_to_its_end_with_a_gap": (r"e.*m.*s.*c", "To the end, with a part that is gone."),
    "stalled_view_catches_up": (r"e[^+-]*E[^+-]*E", "A stalled view gets fewer, larger frames."),
    "subscribed_again": (r"^w?\+(?=.*i).*s.*e.*c", "Events of an earlier subscription come late."),
    "hole_of_an_old_subscription": (r"h[^+]*s[^+]*e", "An old subscription's events are ahead."),
    "known_already": (r"d.*e", "What it has comes again: counted, and not shown."),
    "gone_after_a_hole": (r"h[^+e]*m.*e", "Two late answers of earlier subscriptions."),
    "deleted_under_a_view": (r"e[^+-]*x", "Its stream was deleted."),
    "failed_and_there_after_a_cut": (r"x.*\+s.*e", "Refused; a new connection helps."),
    "waits_for_its_stream": (r"^w\+s[^+-]*e.*c", "Waits until there is a stream."),
    "disk_full": (r"f[^+-]*n.*e", "The log could not write for a while."),
    "producer_goes_and_comes": (r"z[^+-]*l[^+-]*e", "Its kernel was cut off and came back."),
    "button_before_the_answer": (r"\+p[^-]*s[^-]*y", "Pressed while joining: sent when live."),
    "button_over_a_cut": (r"p[^yr-]*-\+[^p]*y", "Pressed, cut, asked again, acted on once."),
    "button_refused": (r"p[^+-]*r", "Nobody there to act on it."),
    "button_offline": (r"-q.*\+", "Pressed without a connection."),
    "button_after_the_end": (r"cq", "Pressed when the run is over."),
}


FAILED = [
    "connected",
    frames.Error(code="no_such_stream", message="there is no stream 'a'", stream="a"),
    # What another view of the page was sent is not for this one.
    frames.Subscribed(stream="a", start=0, head=0, tail=2, closed=False, producer="live"),
    frames.Status(stream="a", producer="live", viewers=1, notice="the disk is full"),
    frames.Events(stream="a", offset=0, events=[msgspec.Raw(b'{"type":"delta"}')] * 2),
    frames.Gone(stream="a", head=2, tail=2),
    frames.Error(code="log_failed", message="the log cannot be read", stream="a"),
    frames.Closed(stream="a", tail=2),
    "lost",
    "connected",
    frames.Subscribed(stream="a", start=0, head=0, tail=0, closed=False, producer="live"),
]
"""Made by hand: a walk's pages have one view of a stream each."""


def replay(trace: Iterable[object], *, stream: str, start: int, wait: bool) -> Step:
    page = Page(stream, start=start, wait=wait)
    initial = page.state()
    return {"initial": initial, "steps": [page.step(happened) for happened in trace]}


def histories() -> Iterable[tuple[History, Step]]:
    for seed in SEEDS:
        machine = walk(seed)
        for viewer in machine.world.viewers:
            if viewer.chose_a_word or not 0 < len(viewer.trace) <= STEPS:
                continue
            assert viewer.start is not None
            vector = replay(
                viewer.trace, stream=viewer.stream, start=viewer.start, wait=viewer.wait
            )
            # The walk's own view was compared with the log; this one must be where it is.
            assert vector["steps"][-1]["state"]["next"] == viewer.connection.next
            yield History(vector["steps"]), vector


def write(name: str, about: str, vector: Step) -> None:
    def line(value: object) -> str:
        return json.dumps(value, separators=(",", ":"))

    steps = ",\n".join(
        f'  {{"input": {line(step["input"])},\n   "actions": {line(step["actions"])},\n'
        f'   "state": {line(step["state"])}}}'
        for step in vector["steps"]
    )
    text = (
        f'{{\n "name": "{name}",\n "about": "{about}",\n'
        f' "initial": {line(vector["initial"])},\n "steps": [\n{steps}\n ]\n}}\n'
    )
    (FOLDER / f"{name}.json").write_text(text)


def main() -> None:
    best: dict[str, tuple[History, Step]] = {}
    for history, vector in histories():
        for name, (pattern, _) in WORTH.items():
            known = best.get(name)
            if (known is None or len(history.text) < len(known[0].text)) and re.search(
                pattern, history.text
            ):
                best[name] = (history, vector)
    if never := sorted(WORTH.keys() - best.keys()):
        raise SystemExit(f"no walk has met {never}; add seeds, or see why it happens no more")
    write(
        "failed_until_a_new_connection",
        "What is refused stays so while the connection lasts, whatever else comes.",
        replay(FAILED, stream="a", start=0, wait=False),
    )
    for name, (history, vector) in best.items():
        print(f"{name:32} {history.text}")  # noqa: T201
        write(f"machine_{name}", WORTH[name][1], vector)


if __name__ == "__main__":
    main()
