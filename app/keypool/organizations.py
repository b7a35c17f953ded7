"""Log which keys share rate limits, according to the organization and project headers of their responses.

The headers do not change the groups of OPENAI_KEY_GROUPS, because a proxy may send the same headers for keys with
separate limits.
"""

import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence

from app.keypool.keys import ApiKey

log = logging.getLogger(__name__)

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
#: Maximum logged length of an organization or project name, so that a third-party server cannot fill the log.
_LONGEST_NAME = 80


class SharedLimits:
    """Logs keys in different groups that share limits. Thread-safe. `keys` returns the configured keys."""

    def __init__(self, keys: Callable[[], Sequence[ApiKey]]) -> None:
        self._keys = keys
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[str, str]] = {}
        self._reported: set[str] = set()

    def observe(self, key: ApiKey, headers: Mapping[str, str]) -> None:
        """Record the organization and project in the headers of a response to `key`, and log shared limits."""
        owner = _printable(headers.get("openai-organization", "")), _printable(headers.get("openai-project", ""))
        if not owner[0] or self._seen.get(key.key_id) == owner:
            return
        with self._lock:
            self._seen[key.key_id] = owner
            self._compare(key, *owner)

    def _compare(self, key: ApiKey, organization: str, project: str) -> None:
        positions = {k.key_id: n for n, k in enumerate(self._keys(), start=1)}
        if key.key_id not in positions:
            return
        # organization names are unique only per provider
        peers = [k for k in self._keys() if k.base_url == key.base_url]
        others = [k for k in peers if k.group != key.group and k.key_id in self._seen]
        same = [k for k in others if self._seen[k.key_id] == (organization, project)]
        if same:
            together = sorted((key, *same), key=lambda k: positions[k.key_id])
            names = [f"{positions[k.key_id]} ({k.mask})" for k in together]
            log.warning(
                "OpenAI keys %s belong to organization %s%s and share its limits, so they add no capacity. "
                "Group them: OPENAI_KEY_GROUPS=%s",
                " and ".join((", ".join(names[:-1]), names[-1])),
                organization,
                f" (project {project})" if project else "",
                groups_setting(self._keys(), together, organization),
            )
        elif organization not in self._reported:
            related = [k for k in others if self._seen[k.key_id][0] == organization]
            if related:
                self._reported.add(organization)
                log.info(
                    "OpenAI keys %s and %s belong to different projects of organization %s. "
                    "OpenAI sets limits per organization; those of a project can only be lower",
                    key.mask,
                    related[0].mask,
                    organization,
                )


def groups_setting(keys: Sequence[ApiKey], together: Sequence[ApiKey], name: str) -> str:
    """Return a value for OPENAI_KEY_GROUPS that merges the keys in `together`, and their groups, into one group.

    The merged group keeps the name of a merged group, or is called `name` if none has a name.
    """
    joined = {key.group for key in together}
    named = next((key.group for key in together if key.group != key.key_id), _NOT_IN_A_NAME.sub("-", name))
    members: dict[str, list[str]] = {}
    for position, key in enumerate(keys, start=1):
        if key.group in joined:
            members.setdefault(named, []).append(str(position))
        elif key.group != key.key_id:
            members.setdefault(key.group, []).append(str(position))
    return ";".join(f"{group}={','.join(positions)}" for group, positions in members.items())


def _printable(header: str) -> str:
    return "".join(c for c in header.strip() if c.isprintable())[:_LONGEST_NAME]
