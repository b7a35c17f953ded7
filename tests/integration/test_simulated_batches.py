"""With the real SDK, the simulator's files and batches have the right shapes, states, billing, and ownership."""

import io
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from simulators.openai.bodies import prompt_sha256
from tests.plugins.waiting import wait_until

OURS, THEIRS = "sk-simulator-aaaaaaaaaaaaaaaaaaaaaaaa0001", "sk-simulator-bbbbbbbbbbbbbbbbbbbbbbbb0002"
Start = Callable[..., Any]


def line(name: str, text: str = "Built in 1998", **changes: Any) -> dict[str, Any]:
    body = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": f"{name}: {text}"}]}
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body, **changes}


def upload(client: openai.OpenAI, *lines: Any) -> str:
    content = "".join((text if isinstance(text, str) else json.dumps(text)) + "\n" for text in lines)
    named = ("in.jsonl", io.BytesIO(content.encode()))
    made = client.files.create(file=named, purpose="batch", expires_after={"anchor": "created_at", "seconds": 259_200})
    assert (made.filename, made.purpose, made.bytes) == ("in.jsonl", "batch", len(content))
    assert made.expires_at is not None
    assert made.expires_at - made.created_at == 259_200
    return made.id


def make(client: openai.OpenAI, file_id: str, **more: Any) -> Any:
    return client.batches.create(
        input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h", **more
    )


def wait(client: openai.OpenAI, batch_id: str, *statuses: str) -> Any:
    wait_until(lambda: client.batches.retrieve(batch_id).status in statuses, 10)
    return client.batches.retrieve(batch_id)


def lines_of(client: openai.OpenAI, file_id: str | None) -> dict[str, Any]:
    assert file_id is not None
    text = client.files.content(file_id).text
    return {found["custom_id"]: found for found in map(json.loads, text.splitlines())}


def test_a_batch_answers_each_line_and_bills_it_once(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": OURS}], batch_seconds=0.2)
    client = simulator.client()
    batch = make(client, upload(client, line("a"), line("b", "Built in 1920")), metadata={"ours": "7"})
    assert (batch.status, batch.metadata) == ("validating", {"ours": "7"})
    found = wait(client, batch.id, "completed")
    assert (found.request_counts.total, found.request_counts.completed, found.request_counts.failed) == (2, 2, 0)
    assert found.error_file_id is None
    answers = lines_of(client, found.output_file_id)
    assert set(answers) == {"a", "b"}
    assert answers["b"]["error"] is None
    assert answers["b"]["response"]["status_code"] == 200
    body = answers["b"]["response"]["body"]
    assert (body["object"], "1920" in body["choices"][0]["message"]["content"]) == ("chat.completion", True)
    used = [found["response"]["body"]["usage"] for found in answers.values()]
    assert found.usage.output_tokens == sum(usage["completion_tokens"] for usage in used)
    asked = prompt_sha256(line("a")["body"]["messages"])
    assert simulator.prompts()[asked] == 1
    wait(client, batch.id, "completed")
    assert simulator.prompts()[asked] == 1, "another read of the results was billed"


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("{not json", "invalid_json_line"),
        (line("a"), "duplicate_custom_id"),
        (line("b", url="/v1/responses"), "invalid_url"),
        (line("b", body={"model": "gpt-4o", "messages": []}), "mismatched_model"),
        ({"custom_id": "b"}, "missing_required_parameter"),
    ],
)
def test_a_broken_line_fails_the_batch_and_nothing_is_billed(openai_simulator: Start, broken: Any, code: str) -> None:
    simulator = openai_simulator([{"key": OURS}])
    client = simulator.client()
    found = wait(client, make(client, upload(client, line("a"), broken)).id, "failed", "completed")
    assert [(error.code, error.line) for error in found.errors.data] == [(code, 2)]
    assert simulator.prompts() == {}


def test_files_and_batches_belong_to_their_project(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": OURS, "project": "proj_a"}, {"key": THEIRS, "project": "proj_b"}])
    mine, other = simulator.client(OURS), simulator.client(THEIRS)
    file_id = upload(mine, line("a"))
    batch = make(mine, file_id)
    for look in (
        lambda: other.files.content(file_id),
        lambda: other.files.delete(file_id),
        lambda: other.batches.retrieve(batch.id),
        lambda: make(other, file_id),
    ):
        with pytest.raises(openai.NotFoundError):
            look()
    assert [each.id for each in other.batches.list()] == []
    assert [each.id for each in other.files.list()] == []
    assert [each.id for each in mine.batches.list()] == [batch.id]
