"""Webhooks are signed, pass the SSRF guard, and respect their limits, however the receiver behaves."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.clock import Clock, ManualClock, SystemClock
from app.errors.webhooks import InvalidCallbackError, WebhookError, WebhookRefusedError
from app.property.fetch.guard.ranges import IPAddress
from app.services.delivery.webhooks import Event, WebhookSender, check_callback_url
from app.settings import Settings
from tests.plugins.waiting import wait_until

#: The secret in the Standard Webhooks specification's example.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = Event("batch_1_2", "batch.completed", datetime(2026, 1, 1, tzinfo=UTC), {"city": "Neuwalden, Straße 1"})


class Names:
    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    def resolve(self, host: str, timeout_seconds: float) -> Sequence[IPAddress]:
        return [ip_address(text) for text in self._addresses]


@pytest.fixture
def make_sender() -> Iterator[Callable[..., WebhookSender]]:
    made: list[WebhookSender] = []

    def make(
        opened: str = "127.0.0.1/32",
        *,
        secret: str | None = VECTOR_SECRET,
        clock: Clock | None = None,
        timeout_seconds: float = 10,
        resolver: Names | None = None,
    ) -> WebhookSender:
        settings = Settings.of(
            fetch_allowed_private_networks=(ip_network(opened),), webhook_secret=SecretStr(secret) if secret else None
        )
        sender = WebhookSender(settings, clock or SystemClock(), timeout_seconds=timeout_seconds, resolver=resolver)
        made.append(sender)
        return sender

    yield make
    for sender in made:
        sender.close()


def test_the_receiver_can_verify_the_signature(make_receiver: Any, make_sender: Any) -> None:
    """The specification's own library accepts the message, but rejects another body or secret."""
    receiver = make_receiver()
    make_sender().send(receiver.url, EVENT)
    (request,) = receiver.requests
    assert request.path == "POST /hooks/in?token=hunter2"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("property-intelligence/")
    told = Webhook(VECTOR_SECRET).verify(request.body, request.headers)
    assert told == {"type": "batch.completed", "timestamp": "2026-01-01T00:00:00+00:00", "data": EVENT.data}
    with pytest.raises(WebhookVerificationError):
        Webhook(VECTOR_SECRET).verify(request.body + b" ", request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "MfKQ9r8G" * 4).verify(request.body, request.headers)


def test_the_signature_matches_the_specifications_example(make_receiver: Any, make_sender: Any) -> None:
    receiver = make_receiver()

    class Published(Event):
        def body(self) -> str:
            return '{"test": 2432232314}'

    clock = ManualClock(datetime.fromtimestamp(1614265330, UTC))
    event = Published("msg_p5jXN8AQM9LWM0D4loKWxJek", "test", clock.now(), {})
    make_sender(clock=clock).send(receiver.url, event)
    headers = receiver.requests[0].headers
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_without_a_secret_nothing_is_signed(make_receiver: Any, make_sender: Any) -> None:
    receiver = make_receiver(statuses=[204])
    make_sender(secret=None).send(receiver.url, EVENT)
    headers = receiver.requests[0].headers
    assert headers["webhook-id"] == "batch_1_2"
    assert "webhook-signature" not in headers
    assert json.loads(receiver.requests[0].body)["type"] == "batch.completed"


@pytest.mark.parametrize("status", [307, 400, 401, 404, 410, 429, 500, 503])
def test_an_error_status_raises_an_error_that_may_be_retried_except_410(
    make_receiver: Any, make_sender: Any, status: int
) -> None:
    """A redirect is not followed, because it may lead into the internal network and would change the signed POST."""
    target = make_receiver()
    receiver = make_receiver(statuses=[status], location=target.url)
    with pytest.raises(WebhookError, match=f"{receiver.origin} answered HTTP {status}") as caught:
        make_sender().send(receiver.url, EVENT)
    assert caught.value.transient is (status != 410)
    assert isinstance(caught.value, WebhookRefusedError) is (status == 410)
    assert ("redirects are not followed" in str(caught.value)) is (status == 307)
    assert target.connections == 0
    assert "hunter2" not in str(caught.value)


def test_an_unreachable_or_hanging_receiver_raises_an_error_that_may_be_retried(
    make_receiver: Any, make_sender: Any
) -> None:
    """The hanging receiver would answer 200 after half a minute; the sender gives up much earlier."""
    gone, hanging = make_receiver(), make_receiver(held=threading.Event())
    gone.stop()
    for receiver, problem, seconds in ((gone, "No connection", 60), (hanging, "did not answer in time", 3)):
        with pytest.raises(WebhookError, match=problem) as caught:
            make_sender(timeout_seconds=seconds).send(receiver.url, EVENT)
        assert caught.value.transient
    wait_until(lambda: len(hanging.requests) == 1, 10)


def test_a_receiver_inside_the_network_is_refused_and_never_contacted(make_receiver: Any, make_sender: Any) -> None:
    receiver = make_receiver(host="127.0.0.2")
    for url, resolver in (
        (receiver.url, None),
        (f"http://hooks.example:{receiver.port}/secret", Names("127.0.0.2")),
        ("http://169.254.169.254/latest/meta-data", None),
    ):
        with pytest.raises(WebhookRefusedError, match=r"leads to .*FETCH_ALLOWED_PRIVATE_NETWORKS") as caught:
            make_sender(resolver=resolver).send(url, EVENT)
        assert "secret" not in str(caught.value)
        assert "hunter2" not in str(caught.value)
    assert receiver.connections == 0


def test_a_name_is_connected_to_at_the_checked_address(make_receiver: Any, make_sender: Any) -> None:
    """DNS does not know `hooks.example`, so the sender must use the address that the guard checked."""
    receiver = make_receiver()
    make_sender(resolver=Names("127.0.0.1")).send(f"http://hooks.example:{receiver.port}/in", EVENT)
    assert receiver.requests[0].headers["host"] == f"hooks.example:{receiver.port}"


def test_an_endless_answer_is_not_read(make_receiver: Any, make_sender: Any) -> None:
    """Only the status is used; the body is neither read nor stored."""
    sent = itertools.count()
    receiver = make_receiver(body=lambda: (b"x" * 65_536 for _ in sent))
    make_sender(timeout_seconds=20).send(receiver.url, EVENT)
    assert len(receiver.requests) == 1
    assert next(sent) * 65_536 < 50_000_000, "the sender read more than the sockets' buffers hold"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("hooks.example/in", "not an absolute URL"),
        ("ftp://hooks.example/in", "scheme"),
        ("https://me:hunter2@hooks.example/in", "user name"),
        ("http://hooks.example:22/in", "port 22"),
        ("http://hooks.example:6379/in", "port 6379"),
        ("http:///in", "host"),
        ("http://0x7f.1/in", "disguised"),
        ("", "not an absolute URL"),
    ],
)
def test_an_invalid_webhook_url_is_refused_at_once(url: str, problem: str) -> None:
    with pytest.raises(InvalidCallbackError, match=problem) as caught:
        check_callback_url(url)
    assert "hunter2" not in str(caught.value)


def test_a_valid_url_is_stored_in_its_canonical_form() -> None:
    assert check_callback_url(" HTTPS://Hooks.Example:443/in?a=b#c ") == "https://hooks.example/in?a=b"
