"""Check the tracked files for addresses of package registries and for text that looks like a secret."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

#: The host names are split so that this file does not match.
_REGISTRIES = re.compile(
    "|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.(?:org|com)", "deb" + r"\.debian\.org"))
)
#: Prefixes of well-known token formats. Keys in examples are shorter than the 90 characters of a real OpenAI key.
_SECRETS = {
    "an OpenAI key": re.compile(r"\bsk-[A-Za-z0-9_-]{90,}|T3Blbk" + "FJ"),
    "a private key": re.compile("-----BEGIN (?:[A-Z]+ )*PRIVATE" + " KEY-----"),
    "an access key of AWS": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})"),
    "a token or webhook of Slack": re.compile(
        r"\bxox[abprs]-[0-9A-Za-z-]{20,}|hooks\.slack\.com/services/T[0-9A-Z]{8,}/B[0-9A-Z]{8,}/[0-9A-Za-z]{20,}"
    ),
}


def main() -> int:
    listing = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True, text=True)  # noqa: S607
    names = listing.stdout.split("\0")
    findings = []
    for name in filter(None, names):
        text = Path(name).read_text(encoding="utf-8", errors="replace") if Path(name).is_file() else ""
        for number, line in enumerate(text.splitlines(), start=1):
            if _REGISTRIES.search(line):
                findings.append(f"{name}:{number}: address of a package registry")
            findings += [f"{name}:{number}: looks like {what}" for what, form in _SECRETS.items() if form.search(line)]
    sys.stderr.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
