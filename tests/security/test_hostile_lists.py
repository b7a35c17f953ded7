"""A list of targets that a file or form sends is refused with the row and a reason, whatever its bytes are."""

import html
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from app.errors.targets import InvalidTargetListError
from app.property.urls.target_lists import parse_targets
from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import Settings
from tests.security.conftest import Serve

ONE, TWO = "http://homes.example/1", "http://homes.example/2"
DEEP = "[" * 100_000
#: The file's name and bytes, the line, and words of the reason.
CASES: dict[str, tuple[str, str | bytes, int, str]] = {
    "a long field": ("a.csv", f"url,note\n{ONE},x\n{TWO},{'y' * 140_000}\n", 3, "more than 131,072 characters"),
    "a long first line": ("a.csv", f"url,{'y' * 140_000}\n{ONE},x\n", 1, "more than 131,072 characters"),
    "a long quoted field": ("a.csv", f'url,note\n{ONE},x\n{TWO},"{"y" * 140_000}"\n', 3, "more than 131,072"),
    "a long pasted field": ("a", f"url,note\n{ONE},{'y' * 140_000}\n", 2, "more than 131,072 characters"),
    "an open quote": ("a.csv", f'url,note\n{ONE},"x\n{TWO},y\n{ONE}3,z\n', 2, "not closed, up to line 4"),
    "an open quote, closed later": ("a.csv", f'url,note\n{ONE},"x\n{TWO},"y"\n{ONE}3,z\n', 2, "that is not closed"),
    "an open quote before much": ("a.csv", f'url,note\n{ONE},"x\n' + f"{TWO},y\n" * 9000, 2, "a missing quote"),
    "two columns of one name": ("a.csv", f"url,id,URL\n{ONE},1,{TWO}\n", 1, "two columns 'url'"),
    "deep JSON": ("a.jsonl", f'"{ONE}"\n{DEEP}\n', 2, "nested too deep"),
    "deep JSON objects": ("a.jsonl", '{"url":' * 100_000 + "\n", 1, "nested too deep"),
    "deep pasted JSON": ("a", f'{{"url": "{ONE}"}}\n{{"url": {DEEP}', 2, "nested too deep"),
    "a number of 5,000 digits": ("a.jsonl", f'"{ONE}"\n{{"url": {"9" * 5000}}}\n', 2, "thousands of digits"),
    "a name twice": ("a.jsonl", f'{{"url": "{ONE}", "url": "{TWO}"}}\n', 1, "duplicate name"),
    "NaN": ("a.jsonl", '{"url": NaN}\n', 1, "NaN is not a JSON number"),
    "a JSON array": ("a", f'["{ONE}",\n"{TWO}"]\n', 1, "one text or object per line"),
    "the API's body": ("a.jsonl", f'{{"targets": ["{ONE}"]}}\n', 1, "is neither a text nor an object"),
    "the API's body on lines": ("a.json", f'{{\n  "targets": ["{ONE}"]\n}}\n', 1, "one text or object per line"),
    "a lone surrogate": ("a.jsonl", '"http://homes.example/\\ud800"\n', 1, "control characters"),
    "a NUL": ("a.txt", f"{ONE}\n{TWO}\0\n", 2, "control characters"),
    "a NUL in CSV": ("a.csv", f"url,note\n{ONE},x\n{TWO}\0,x\n", 3, "control characters"),
    "no UTF-8": ("a.csv", f"url\n{ONE}\n".encode() + b"http://homes.example/\xff\n", 3, "is not UTF-8"),
    "UTF-16": ("a.csv", f"url\n{ONE}\n".encode("utf-16"), 1, "is not UTF-8"),
    "UTF-16 without a mark": ("a.csv", f"{ONE}\n".encode("utf-16-le"), 1, ""),
    "lone CR": ("a.csv", f"url\r{ONE}\rfoo bar\r", 3, "'foo bar'"),
}  # fmt: skip


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


@pytest.mark.parametrize("case", CASES)
def test_a_bad_row_is_named(case: str) -> None:
    name, text, line, reason = CASES[case]
    with pytest.raises(InvalidTargetListError) as raised:
        parse_targets(_bytes(text), name)
    first = str(raised.value).splitlines()[0]
    assert first.startswith(f"{name} line {line}: ")
    assert reason in first
    assert len(str(raised.value)) < 5000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", f'url,note\r{ONE},"two\rlines"\r{TWO},b\r'),
        ("a.csv", f'url,note\n{ONE},"one ""quoted"", word"\n{TWO},5" pipe\n'),
        ("a.csv", f"url,note\n{ONE},{'y' * 131_072}\n{TWO},b\n"),
        ("a.csv", f"url,note\n{ONE},a\x0bb\x85c\u2028d\n{TWO},b\n"),
        ("a.jsonl", f'{{"url": "{ONE}", "note": "a\u2028b\x85c"}}\n{{"url": "{TWO}", "note": {"[" * 50}{"]" * 50}}}\n'),
    ],
)
def test_odd_lists_that_are_complete_are_read(name: str, text: str) -> None:
    assert parse_targets(text.encode(), name) == [ONE, TWO]


@pytest.fixture
def client(broker: EmbeddedValkey, serve: Serve, make_settings: Callable[..., Settings]) -> Iterator[httpx2.Client]:
    """Yield a client that is signed in to the pages as an operator."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{serve()}", trust_env=False, timeout=60) as opened:
        settings = make_settings()
        token = issue_token(settings, Role.OPERATOR, timedelta(hours=1), clock=SystemClock(), subject="tester")
        assert opened.post("/sign-in", data={"token": token}).status_code == 303
        opened.headers["Authorization"] = f"Bearer {token}"
        yield opened


def test_the_form_answers_422_with_the_row_for_files_and_pasted_text(client: httpx2.Client) -> None:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/enqueue").text)[1]  # type: ignore[index]
    for case, (name, text, line, reason) in CASES.items():
        answer = client.post("/enqueue/estimate", data={"csrf": csrf}, files={"file": (name, _bytes(text))})
        assert answer.status_code == 422, case
        assert f"line {line}: " in html.unescape(answer.text), case
        assert reason in html.unescape(answer.text), case
    pasted = {"csrf": (None, csrf), "text": (None, f"url,note\n{ONE},{'y' * 140_000}\n")}
    for form in ("/enqueue/estimate", "/watches"):
        answer = client.post(form, files=pasted)
        assert answer.status_code == 422, form
        assert "line 2: " in html.unescape(answer.text), form


BODIES: tuple[str | bytes, ...] = (
    DEEP,
    '{"targets":' * 100_000,
    f'{{"targets": {DEEP}{"]" * 100_000}}}',
    '{"targets": [' + "9" * 5000 + "]}",
    f'{{"targets": ["{ONE}"], "targets": ["{TWO}"]}}',
    '{"targets": ["\\ud800"]}',
    '{"targets": ["http://homes.example/\\u0000"]}',
    b'\xff\xfe{"targets": []}',
    b"\x00",
    "NaN",
    "",
)


def test_a_bad_body_of_the_api_is_422(client: httpx2.Client) -> None:
    for path in ("/api/v1/jobs", "/api/v1/estimates", "/api/v1/watches"):
        for body in BODIES:
            answer = client.post(path, content=_bytes(body), headers={"Content-Type": "application/json"})
            assert answer.status_code == 422, (path, body[:30])
            assert answer.json()["success"] is False


@pytest.mark.parametrize("command", ["enqueue", "watches add"])
@pytest.mark.parametrize("case", ["a long field", "an open quote", "deep JSON", "a number of 5,000 digits", "UTF-16"])
def test_a_command_names_file_and_row_without_a_traceback(tmp_path: Path, command: str, case: str) -> None:
    name, text, line, reason = CASES[case]
    (tmp_path / name).write_bytes(_bytes(text))
    ended = subprocess.run(
        [Path(sys.executable).with_name("propintel"), *command.split(), "--file", name],
        cwd=tmp_path,
        env={"PROPINTEL_HOME": str(tmp_path / "home"), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert f"{name} line {line}: " in ended.stderr
    assert reason in ended.stderr
