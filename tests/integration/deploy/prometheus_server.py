"""A real Prometheus on loopback with the configuration and rules of deploy/, but with short intervals."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from app.redis.embedded_valkey import ending_with_parent
from tests.integration.deploy.vocabulary import PROMETHEUS, RULES
from tests.plugins.ports import free_port
from tests.plugins.waiting import wait_for

#: Short intervals in place of those in deploy/: between scrapes and evaluations, and how long a condition must hold.
_TICK, _HOLD = "500ms", "1s"


class PrometheusServer:
    """A Prometheus process, as a context manager. Its configuration and data are in `folder`."""

    def __init__(self, program: str, folder: Path, exposition_url: str, token: str) -> None:
        self._folder = folder
        self._url = f"http://127.0.0.1:{free_port()}"
        self._log = folder / "log"
        self._configure(urllib.parse.urlsplit(exposition_url), token)
        self._command = [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        ]

    def firing(self) -> list[dict[str, str]]:
        alerts = self._get("alerts")["alerts"]
        labels = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
        return sorted(labels, key=lambda each: (each["alertname"], each.get("key", "")))

    def query(self, expression: str) -> list[dict[str, Any]]:
        return list(self._get("query", query=expression)["result"])

    def _configure(self, target: urllib.parse.SplitResult, token: str) -> None:
        config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
        config["global"] |= {"scrape_interval": _TICK, "scrape_timeout": _TICK, "evaluation_interval": _TICK}
        del config["alerting"]
        (scrape,) = [each for each in config["scrape_configs"] if each["job_name"] == "propintel"]
        scrape["metrics_path"] = target.path
        scrape["static_configs"] = [{"targets": [target.netloc]}]
        config["scrape_configs"] = [scrape]
        rules = yaml.safe_load(RULES.read_text())
        for group in rules["groups"]:
            group["interval"] = _TICK
            for rule in group["rules"]:
                if "for" in rule:
                    rule["for"] = _HOLD
        (self._folder / "rules.yml").write_text(yaml.safe_dump(rules))
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        (self._folder / scrape["authorization"]["credentials_file"]).write_text(token)

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=300) as response:  # noqa: S310 (loopback)
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return dict(answer["data"])

    def _ready(self) -> bool:
        try:
            return bool(self.query("up"))
        except OSError:  # Prometheus does not listen yet, or answers 503 because it is not ready
            return False

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(ending_with_parent(self._command), stdout=log, stderr=log)
        try:
            wait_for(lambda: self._process.poll() is not None or self._ready(), bool, "Prometheus is not ready")
            assert self._process.poll() is None, self._log.read_text()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(120)
