"""Which keys turn out to share limits: OpenAI's responses name the organisation and the project that a key belongs to.

It is only said, never acted on. Keys are not grouped by it, because the headers may be somebody else's: a proxy or a
gateway that answers with constant headers would melt all keys into one limit group and cut the pool to one key's rate.
Grouping is the operator's word, in OPENAI_KEY_GROUPS.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence

from app.keypool.keys import ApiKey

log = logging.getLogger(__name__)

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
#: what a foreign server may put into our log
_LONGEST_NAME = 80


class SharedLimits:
    """Compares what the responses say about the keys, and says each finding once. Thread-safe.

    `keys` gives the configured keys in their order, as they are now; OPENAI_KEY_GROUPS counts them from 1.
    """

    def __init__(self, keys: Callable[[], Sequence[ApiKey]]) -> None:
        self._keys = keys
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[str, str]] = {}
        self._organisations_told: set[str] = set()

    def saw(self, key: ApiKey, headers: Mapping[str, str]) -> None:
        """A response to `key` had these. Cheap when nothing is new, so that it may be called for every response."""
        home = _shown(headers.get("openai-organization", "")), _shown(headers.get("openai-project", ""))
        if not home[0]:
            return
        if self._seen.get(key.key_id) == home:
            return
        with self._lock:
            self._seen[key.key_id] = home
            self._compare(key, *home)

    def _compare(self, key: ApiKey, organization: str, project: str) -> None:
        positions = {k.key_id: n for n, k in enumerate(self._keys(), start=1)}
        if key.key_id not in positions:
            return
        there = [k for k in self._keys() if k.base_url == key.base_url]  # another provider has names of its own
        others = [k for k in there if k.group != key.group and k.key_id in self._seen]
        same = [k for k in others if self._seen[k.key_id] == (organization, project)]
        if same:
            together = sorted((key, *same), key=lambda k: positions[k.key_id])
            names = [f"{positions[k.key_id]} ({k.mask})" for k in together]
            log.warning(
                "OpenAI keys %s belong to organisation %s%s: they share its limits, more of them buy nothing. "
                "Group them: OPENAI_KEY_GROUPS=%s",
                " and ".join((", ".join(names[:-1]), names[-1])),
                organization,
                f" (project {project})" if project else "",
                grouped(self._keys(), together, organization),
            )
        elif organization not in self._organisations_told:
            related = [k for k in others if self._seen[k.key_id][0] == organization]
            if related:
                self._organisations_told.add(organization)
                log.info(
                    "OpenAI keys %s and %s belong to different projects of organisation %s: "
                    "OpenAI sets limits per organisation, a project's can only be lower",
                    key.mask,
                    related[0].mask,
                    organization,
                )


def grouped(keys: Sequence[ApiKey], together: Sequence[ApiKey], name: str) -> str:
    """The whole value of OPENAI_KEY_GROUPS that adds: `together` are one group, with all that are grouped with them.

    The group keeps the name that one of them has already, else it is called `name`.
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


def _shown(header: str) -> str:
    return "".join(c for c in header.strip() if c.isprintable())[:_LONGEST_NAME]
