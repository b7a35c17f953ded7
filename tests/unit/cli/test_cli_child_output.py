"""The output of all children is one stream of whole lines with process names. A slow reader blocks no child."""

import io
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.child_output import ChildOutput
from cli.processes import ChildDiedError, StopSignals, Supervisor

_NAMES = ("worker", "beat")
_KEY = "sk-proj-" + "A1b2C3d4" * 6
_PATIENCE_SECONDS = 120


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.child_output._PATIENCE_SECONDS", _PATIENCE_SECONDS)
    monkeypatch.setattr("cli.processes._LAST_LINES_SECONDS", _PATIENCE_SECONDS)


class Stuck(io.BytesIO):
    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.goes_on = threading.Event()

    def write(self, data: object) -> int:
        self.asked.set()
        assert self.goes_on.wait(_PATIENCE_SECONDS)
        return super().write(data)  # type: ignore[arg-type]


class Narrow(io.BytesIO):
    def __init__(self) -> None:
        super().__init__()
        self.turn = 0

    def write(self, data: object) -> int | None:  # type: ignore[override]
        self.turn += 1
        return super().write(bytes(data)[:3]) if self.turn != 2 else None  # type: ignore[call-overload]


class Broken(io.BytesIO):
    def write(self, data: object) -> int:
        raise BrokenPipeError


@contextmanager
def _child(output: ChildOutput, name: str) -> Iterator[int]:
    with output.pipe(name) as (inherited, reader):
        writing = os.dup(inherited)
    yield writing
    os.close(writing)
    reader.join(_PATIENCE_SECONDS)


def _shown(*writes: bytes, name: str = "beat", colors: bool = False) -> bytes:
    stream = io.BytesIO()
    with ChildOutput(stream, _NAMES, colors=colors) as output, _child(output, name) as writing:
        for data in writes:
            os.write(writing, data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        (b"one\ntwo\n", b"beat   | one\nbeat   | two\n"),
        (b"one\nlast words", b"beat   | one\nbeat   | last words\n"),
        (b"caf\xe9 \xff\x00\n", b"beat   | caf\xe9 \xff\x00\n"),
        (b"\n  \nworker: Cold shutdown\n\n", b"beat   | worker: Cold shutdown\n"),
        *((line + b"\n", b"beat   | " + line + b"\n") for line in (b"{", b"{}", b'{"event": "cut', b'["a"]', b"{no}")),
    ],
)
def test_each_line_has_the_name_of_its_process_in_one_column(written: bytes, printed: bytes) -> None:
    """Invalid UTF-8 is printed unchanged, and blank lines are omitted."""
    assert _shown(written) == printed


def test_a_terminal_shows_each_name_in_its_own_color() -> None:
    of_beat, of_worker = (_shown(b"one\n", name=name, colors=True) for name in ("beat", "worker"))
    assert of_beat.startswith(b"\x1b[")
    assert of_beat.endswith(b"\x1b[0mone\n")
    assert of_beat.split(b"m")[0] != of_worker.split(b"m")[0]


def test_a_json_line_stays_json_and_names_its_process() -> None:
    shown = _shown(b'{"event": "hello", "pid": 7}\n')
    assert json.loads(shown) == {"process": "beat", "event": "hello", "pid": 7}


def test_a_line_written_in_parts_is_printed_when_complete() -> None:
    stream = io.BytesIO()
    with ChildOutput(stream, _NAMES) as output, _child(output, "beat") as one, _child(output, "worker") as other:
        for part in (b"be", b"gin", b"ning\n"):
            os.write(one, part)
            os.write(other, part)
    assert sorted(stream.getvalue().splitlines()) == [b"beat   | beginning", b"worker | beginning"]


def test_secrets_are_redacted_except_those_meant_to_be_shown() -> None:
    stream = io.BytesIO()
    with ChildOutput(stream, _NAMES) as output:
        output.say(f"refused {_KEY}")
        output.show("http://127.0.0.1:8000/sign-in/link?code=abcdefghijklmnop")
        with _child(output, "beat") as writing:
            os.write(writing, f"refused {_KEY}\nGET /sign-in/link?code=abcdefghijklmnop\n".encode())
    shown = stream.getvalue().decode()
    assert _KEY not in shown
    assert shown.count("abcdefghijklmnop") == 1


def _printed_late(lines: int) -> list[str]:
    stream = Stuck()
    with ChildOutput(stream, _NAMES) as output:
        with _child(output, "beat") as writing:
            os.write(writing, b"first\n")
            assert stream.asked.wait(_PATIENCE_SECONDS)
            for _ in range(lines):
                os.write(writing, b"x" * 999 + b"\n")
        stream.goes_on.set()
    return stream.getvalue().decode().splitlines()


def test_a_child_never_waits_for_the_reader_of_its_output() -> None:
    assert len(_printed_late(5_000)) == 5_001


def test_unread_output_beyond_a_limit_is_dropped_and_counted() -> None:
    *lines, notice = _printed_late(20_000)
    assert notice.startswith("propintel: nobody read the output; lines dropped: ")
    dropped = int(notice.split()[-1])
    assert dropped > 0
    assert len(lines) + dropped == 20_001


def test_output_printed_in_parts_is_complete() -> None:
    stream = Narrow()
    with ChildOutput(stream, _NAMES) as output, _child(output, "beat") as writing:
        os.write(writing, b"one\ntwo\n")
    assert stream.getvalue() == b"beat   | one\nbeat   | two\n"


def test_a_closed_reader_does_not_end_a_child() -> None:
    with ChildOutput(Broken(), _NAMES) as output, _child(output, "beat") as writing:
        for _ in range(5_000):
            os.write(writing, b"x" * 999 + b"\n")


def test_the_last_lines_of_a_child_are_printed_before_its_end_is_reported(tmp_path: Path) -> None:
    stream, gate = io.BytesIO(), tmp_path / "gate"
    os.mkfifo(gate)
    with ChildOutput(stream, _NAMES) as output, Supervisor(StopSignals(), output) as supervisor:
        script = f"(read line < '{gate}'; echo last words) & exit 3"
        child = supervisor.start("beat", ["sh", "-c", script], env=os.environ)
        assert child.process.wait(_PATIENCE_SECONDS) == 3
        gate.write_text("go\n")
        output.say(str(ChildDiedError("beat", 3, child.words())))
    assert stream.getvalue().decode().splitlines() == [
        "beat   | last words",
        "propintel: beat ended unexpectedly (exit code 3):",
        "(its last lines are above)",
    ]
