"""How many Hypothesis examples run: an eighth in `make test`, all in `make exhaustive`. Both use fixed seeds.

`make exhaustive PROFILE=search` draws ten times as many with new seeds.
"""

from typing import Any

from hypothesis import HealthCheck, settings

_SHARE = {"quick": 1 / 8, "exhaustive": 1, "search": 10}
_LEAST = 20

for _name in _SHARE:
    settings.register_profile(
        _name, derandomize=_name != "search", database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("quick")


def drawn(examples: int, **options: Any) -> settings:
    """Return the settings of a test that draws `examples` in an exhaustive run."""
    share = _SHARE[settings.get_current_profile_name()]
    return settings(max_examples=max(_LEAST, round(examples * share)), **options)
