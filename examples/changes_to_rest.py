"""Pass changes on to a CRM's REST API: `python examples/changes_to_rest.py --crm https://crm.example/api/properties`.

Changes are sent in order as `PATCH {crm}/{property}`, with the body `{"FIELD": VALUE}` and the change's id as
`Idempotency-Key`. PROPINTEL_TOKEN holds a token with the role reader, and CRM_TOKEN the token of the CRM. Changes that
the CRM rejects permanently are written to a file and skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from feed import Change, follow, keep_cursor, read_cursor, run, with_retries

#: After a crash, at most this many changes are sent again, with the same Idempotency-Key.
_LIMIT = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://localhost:8000", help="the address of the HTTP API")
    parser.add_argument("--crm", required=True, help="the CRM's properties; the id of one comes behind it")
    parser.add_argument("--fields", type=Path, help='JSON file: {"ListPrice": "asking_price"}; others are left out')
    parser.add_argument("--state", type=Path, default=Path("changes_to_rest"), help="name of the files of this run")
    parser.add_argument("--every", type=float, metavar="SECONDS", help="go on for ever; without it: once")
    parser.add_argument("--wait", type=float, default=1.0, metavar="SECONDS", help="before a retry, then doubled")
    args = parser.parse_args()
    names = json.loads(args.fields.read_text(encoding="utf-8")) if args.fields else None
    tokens = os.environ["PROPINTEL_TOKEN"], os.environ.get("CRM_TOKEN", "")
    crm = Crm(args.crm, tokens[1], names, args.state.with_name(f"{args.state.name}.refused.jsonl"), args.wait)
    cursor = args.state.with_name(f"{args.state.name}.cursor")
    run(lambda: pass_on(args.url, tokens[0], crm, cursor), args.every)


class Crm:
    def __init__(
        self, url: str, token: str, names: Mapping[str, str] | None, refused: Path, wait_seconds: float
    ) -> None:
        self._url, self._token, self._names = url.rstrip("/"), token, names
        self._refused, self._wait_seconds = refused, wait_seconds

    def take(self, change: Change) -> bool:
        """Send the change until the CRM accepts or rejects it. Return False if `--fields` does not map its field."""
        field = self._names.get(change["field"]) if self._names is not None else change["field"]
        if field is None:
            return False
        body = json.dumps({field: change["new"]}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": change["id"]}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        address = f"{self._url}/{change['property']}"
        request = urllib.request.Request(address, data=body, headers=headers, method="PATCH")  # noqa: S310
        try:
            with_retries(request, first_wait_seconds=self._wait_seconds)
        except urllib.error.HTTPError as exc:
            with self._refused.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"status": exc.code, "change": change}) + "\n")
        return True


def pass_on(url: str, token: str, crm: Crm, cursor: Path) -> int:
    sent = 0
    for changes, since in follow(url, token, read_cursor(cursor), limit=_LIMIT):
        sent += sum(crm.take(change) for change in changes)
        keep_cursor(cursor, since)
    return sent


if __name__ == "__main__":
    main()
