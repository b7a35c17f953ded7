"""Start the county with `python -m simulators.county`, write its settings, and print how to use it."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from simulators.county.county import SEED
from simulators.county.homes import SHOWN
from simulators.county.operator import dotenv, settings, sources_toml, truth_jsonl
from simulators.county.serving import RunningCounty
from simulators.county.sites import SITES

_PORT = 8009
_NO_ADDRESSES = (
    "cannot listen on {host}:{port}: {why}. Choose another --port; where only 127.0.0.1 is a loopback address (macOS), "
    "add each of the county's with `sudo ifconfig lo0 alias 127.0.9.N`, N from 1 to {count}"
)


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal, and return 0. Return 2 if an address or port of the county is not available."""
    parser = argparse.ArgumentParser(prog="python -m simulators.county", description=__doc__)
    parser.add_argument("--port", type=int, default=_PORT, help="of all sites; each has its own address; 0: any")
    parser.add_argument("--seed", type=int, default=SEED, help="each seed generates a different county")
    parser.add_argument("--folder", type=Path, default=Path(".county"), help="where its files are written")
    args = parser.parse_args(argv)
    try:
        county = RunningCounty(args.seed, args.port)
    except OSError as exc:
        host, why = SITES[0].host, exc.strerror
        print(_NO_ADDRESSES.format(host=host, port=args.port, why=why, count=len(SITES)), file=sys.stderr)  # noqa: T201
        return 2
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with county:
        print(_instructions(county, _write(county, args.folder)), flush=True)  # noqa: T201
        stopped.wait()
    return 0


def _write(county: RunningCounty, folder: Path) -> Path:
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.toml").write_text(sources_toml(county.roots), encoding="utf-8")
    (folder / "truth.jsonl").write_text(truth_jsonl(county.county, county.roots), encoding="utf-8")
    (folder / "env").touch(mode=0o600)
    (folder / "env").write_text(dotenv(settings(str(folder), county.openai_address)), encoding="utf-8")
    return folder


def _instructions(county: RunningCounty, folder: Path) -> str:
    sites = "\n".join(f"  {county.roots[site.key]}  {site.name}" for site in SITES)
    address = county.county.homes[SHOWN - 1].address
    return f"""The county is up:
{sites}
  {county.openai_address}  OpenAI simulator

Its settings are in {folder}/env, its sources in {folder}/sources.toml,
the true facts of its {len(county.county.homes)} properties in {folder}/truth.jsonl. In another terminal:

  export PROPINTEL_ENV_FILE={folder}/env
  .venv/bin/propintel scrape "{address}" --format table

Ctrl-C ends it."""


if __name__ == "__main__":
    sys.exit(main())
