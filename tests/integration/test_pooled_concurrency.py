"""A pool serves more concurrent requests than httpx (100) and OpenAI's SDK (1,000) have connections by default."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai

from app.keypool.keys import make_keys
from app.services.openai_client_manager import OpenAIClientManager

AT_ONCE = 130
MESSAGE = {"role": "assistant", "content": "yes"}
COMPLETION = {"id": "one", "object": "chat.completion", "created": 1, "model": "m"}
BODY = json.dumps({**COMPLETION, "choices": [{"index": 0, "finish_reason": "stop", "message": MESSAGE}]}).encode()


class MeetingHandler(BaseHTTPRequestHandler):
    """Answers the first request at once, and the others when all expected requests have arrived."""

    protocol_version = "HTTP/1.1"
    first = threading.Lock()
    meeting = threading.Barrier(AT_ONCE, timeout=300)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if not self.first.acquire(blocking=False):
            self.meeting.wait()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None: ...


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


def test_concurrent_requests_do_not_wait_for_a_connection_while_they_hold_a_key() -> None:
    with Server(("127.0.0.1", 0), MeetingHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        with OpenAIClientManager(make_keys(["sk-a"]), base_url=url, timeout_seconds=60) as manager:
            client = manager.get_client()
            assert client is not None

            def ask(_number: int) -> str | None:
                messages: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "?"}]
                reply = client.chat.completions.create(model="m", messages=messages)
                return reply.choices[0].message.content

            ask(0)  # a key that has never answered gets one request at a time
            with ThreadPoolExecutor(AT_ONCE) as pool:
                assert list(pool.map(ask, range(AT_ONCE))) == ["yes"] * AT_ONCE
        server.shutdown()
