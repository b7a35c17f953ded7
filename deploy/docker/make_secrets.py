"""Create the secrets of the services in docker-compose.yml (`make`), or print those that a person needs (`show`).

`make` writes each secret once, into one folder for each service that reads it, and keeps existing files. A secret that
the operator gives (with Docker's secrets) always replaces a generated one. The script runs as root in a separate
container without a network; the folders are volumes. It uses only the standard library.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

#: The id of the user who runs the project's processes in the image.
_OURS = 10001
#: The files' owner and mode for each service. The images of the other services switch to a user that is unknown here,
#: so their files are readable for all, but each folder is mounted only in its service.
_READERS = {"propintel": (_OURS, 0o400), "postgres": (0, 0o444), "valkey": (0, 0o444), "prometheus": (0, 0o444)}
_FLOWER_USER = "flower"


def generate() -> dict[str, str]:
    """Return a new value for each secret, by name. Each contains 192 random bits as hex digits."""
    bare = ("postgres_password", "valkey_password", "jwt_secret", "metrics_token", "privacy_key")
    return {
        **{name: secrets.token_hex(24) for name in bare},
        "flower_basic_auth": f"{_FLOWER_USER}:{secrets.token_hex(24)}",
    }


def files_of(values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    valkey, postgres = (quote(values[f"{name}_password"], safe="") for name in ("valkey", "postgres"))
    return {
        "propintel": {
            "redis_url": f"redis://:{valkey}@valkey:6379/0",
            "database_url": f"postgresql://propintel:{postgres}@postgres:5432/propintel",
            "jwt_secret": values["jwt_secret"],
            "metrics_token": values["metrics_token"],
            "flower_basic_auth": values["flower_basic_auth"],
            "privacy_key": values["privacy_key"],
        },
        "postgres": {"password": values["postgres_password"]},
        # in a configuration file, because process lists would show a password argument
        "valkey": {
            "valkey.conf": f'requirepass "{_escaped(values["valkey_password"])}"\n',
            "password": values["valkey_password"],
        },
        "prometheus": {"metrics-token": values["metrics_token"]},
    }


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def make(root: Path, given: Path) -> list[str]:
    """Write the missing secrets, and return the names of the generated ones. `root/all` keeps all secrets."""
    kept = root / "all"
    _folder(kept, 0, 0o700)
    made = []
    values = generate()
    for name in values:
        file = kept / name
        taken = _given(given / name)
        if taken is not None:
            _write(file, taken, 0, 0o400)
        elif not file.exists():
            _write(file, values[name], 0, 0o400)
            made.append(name)
        values[name] = file.read_text(encoding="utf-8")
    for reader, files in files_of(values).items():
        owner, mode = _READERS[reader]
        _folder(root / reader, owner, 0o700 if owner else 0o755)
        for name, text in files.items():
            _write(root / reader / name, text, owner, mode)
    return made


def _given(file: Path) -> str | None:
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8").strip()
    if not text or not text.isprintable():
        raise SystemExit(f"{file}: must hold the secret on one line, and is empty or has more")
    return text


def _folder(path: Path, owner: int, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    _own(path, owner)


def _write(file: Path, text: str, owner: int, mode: int) -> None:
    """Write the file atomically if it differs. Only root can read it until it has its final owner and mode."""
    if file.exists() and file.read_text(encoding="utf-8") == text and file.stat().st_mode & 0o777 == mode:
        return
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.chmod(mode)
    _own(draft, owner)
    draft.replace(file)


def _own(path: Path, owner: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner, owner)


def show(root: Path) -> str:
    user, _, password = (root / "all" / "flower_basic_auth").read_text(encoding="utf-8").partition(":")
    metrics = (root / "all" / "metrics_token").read_text(encoding="utf-8")
    return (
        f"Flower    user {user}, password {password}\n"
        f"/metrics  Authorization: Bearer {metrics}\n"
        "web       docker compose exec web propintel token --role manager --subject NAME    (a token for an hour)\n"
    )


def main(arguments: list[str], root: Path, given: Path) -> int:
    match arguments:
        case ["make"]:
            made = make(root, given)
            print(f"made: {', '.join(made)}" if made else "nothing to make: all secrets are there")  # noqa: T201
            print("read them with: docker compose run --rm init show")  # noqa: T201
        case ["show"] if (root / "all").is_dir():
            print(show(root), end="")  # noqa: T201
        case ["show"]:
            print("there are none yet: docker compose up --wait", file=sys.stderr)  # noqa: T201
            return 1
        case _:
            print("usage: make_secrets.py make|show", file=sys.stderr)  # noqa: T201
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path("/secrets"), Path("/run/secrets")))
