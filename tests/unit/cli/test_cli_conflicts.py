"""`propintel up` reports conflicts before it starts anything: another `up` with the same home, or a port in use."""

import os
import signal
import socket
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from cli.conflicts import Place, only_up, require_free
from tests.plugins.ports import free_port

#: A program that locks a home as `propintel up` does, and starts a child that outlives it.
_OWNER = """
import subprocess, sys
from pathlib import Path
from cli.conflicts import only_up
with only_up(Path(sys.argv[1])):
    child = subprocess.Popen(["sleep", "600"], close_fds=False)
    print(child.pid, flush=True)
    child.wait()
"""


def test_a_second_up_of_a_home_is_refused_with_the_first_one_s_process(tmp_path: Path) -> None:
    with only_up(tmp_path):
        assert (tmp_path / "up.lock").stat().st_mode & 0o777 == 0o600
        with pytest.raises(ConfigurationError) as caught, only_up(tmp_path):
            pytest.fail("two in one home")
        assert f"process {os.getpid()}" in str(caught.value)
        assert str(tmp_path) in str(caught.value)
        with only_up(tmp_path / "another"):
            pass
    with only_up(tmp_path):
        pass


def test_a_killed_up_frees_its_home_even_if_a_child_runs_on(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    child = int(owner.stdout.readline())
    try:
        with pytest.raises(ConfigurationError, match=f"process {owner.pid}"), only_up(tmp_path):
            pytest.fail("two in one home")
        owner.kill()
        owner.wait()
        os.kill(child, 0)  # fails if the child has ended
        with only_up(tmp_path):
            pass
    finally:
        owner.kill()
        os.kill(child, signal.SIGKILL)
        owner.stdout.close()


def test_a_home_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="PROPINTEL_HOME"), only_up(tmp_path / "file" / "home"):
        pytest.fail("there is no home")


def test_a_port_in_use_is_named_with_its_setting() -> None:
    for listener, address in product(("127.0.0.1", "0.0.0.0"), ("127.0.0.1", "0.0.0.0", "", "localhost")):
        with socket.create_server((listener, 0)) as server:
            port = server.getsockname()[1]
            with pytest.raises(ConfigurationError) as caught:
                require_free([Place("PORT", free_port()), Place("FLOWER_PORT", port, address)])
        assert str(caught.value).startswith(f"FLOWER_PORT: port {port} of "), (listener, address)
        assert "FLOWER_PORT to a free port" in str(caught.value)


def test_two_servers_on_one_port_are_distinguished_by_their_settings() -> None:
    port = free_port()
    with pytest.raises(ConfigurationError) as caught:
        require_free([Place("PORT", port), Place("FLOWER_PORT", port, "0.0.0.0")])
    assert f"port {port} of 0.0.0.0 is PORT too" in str(caught.value)


def test_a_free_port_is_accepted_even_just_after_a_connection() -> None:
    """A closed connection can occupy its port for a minute (TIME_WAIT). This must not delay a restart."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            assert client.recv(1) == b""
    places = [Place("PORT", port), Place("FLOWER_PORT", free_port(), "::")]
    require_free(places)
    require_free(places)


def test_an_address_of_another_machine_is_left_to_the_server() -> None:
    require_free([Place("FLOWER_PORT", free_port(), "192.0.2.7"), Place("FLOWER_PORT", free_port(), "no host")])
