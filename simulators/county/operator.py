"""What an operator of this service would write for the county: `sources.toml`, settings, and the simulator's keys.

`ST` is not a state, and the USPS does not deliver to ZIP codes 00000 to 00009.
"""

import json
from collections.abc import Mapping
from typing import Any

from simulators.county.county import County
from simulators.county.searches import table
from simulators.county.sites import ASSESSOR, ASSOCIATION, GIS, HEARTH, LAYER, MOSAIC, PERMITS, TAX_ROLL, VAULT, Site

#: Invented keys that only the simulator accepts.
KEYS = tuple(f"sk-simulator-county{number:024d}" for number in (1, 2))
_LOOKUP = "/lookup?address={street_line}&unit={unit}&zip={postal_code}"
_WHERE = (
    "SITUS_ADDR%20%3D%20%27{street_line:upper:sql}%27%20AND%20SITUS_UNIT%20%3D%20%27{unit:upper:sql}%27"
    "%20AND%20SITUS_ZIP%20%3D%20%27{postal_code}%27"
)
_TEMPLATES: tuple[tuple[Site, str], ...] = (
    (GIS, f"{LAYER}/query?where={_WHERE}&outFields=*&returnCentroid=true&outSR=4326&f=json"),
    # `{parcel_number}` comes from the GIS
    (ASSESSOR, "/card/{parcel_number}"),
    (TAX_ROLL, "/bill/{parcel_number}"),
    (PERMITS, _LOOKUP),
    (ASSOCIATION, _LOOKUP),
    (HEARTH, _LOOKUP),
    (MOSAIC, _LOOKUP),
)


def sources_toml(root: Mapping[str, str]) -> str:
    """Return `sources.toml`, without sources for Farview. `root` maps the key of each site to its address."""
    lines = [
        "# Where to find pages about an address in the fictional Example County; see docs/fictional-county.md.",
        "[[area]]",
        'name = "Example County"',
        'state = "ST"',
        'county = "Example County"',
        'postal_codes = ["00000", "00001", "00002", "00003"]',
    ]
    for site, path in _TEMPLATES:
        lines += ["", "[[area.source]]", f'name = "{site.name}"', f'kind = "{site.kind}"']
        lines.append(f'url = "{root[site.key]}{path}"')
    domains = ", ".join(f'"{site.host}"' for site in (HEARTH, MOSAIC, VAULT))
    lines += ["", "[web_search]", f"allowed_domains = [{domains}]"]
    return "\n".join(lines) + "\n"


def openai_config(county: County, root: Mapping[str, str]) -> dict[str, Any]:
    """Return the OpenAI simulator's configuration: two keys with high limits, and the search results."""
    keys = [
        {"key": key, "rpm": 60_000, "tpm": 100_000_000, "organization": f"org-county-{number}"}
        for number, key in enumerate(KEYS, start=1)
    ]
    return {"keys": keys, "searches": table(county, root)}


def settings(folder: str, openai_address: str) -> dict[str, str]:
    """Return the environment variables for `propintel`, whose files are in `folder`."""
    return {
        "PROPINTEL_HOME": f"{folder}/home",
        "SOURCES_FILE": f"{folder}/sources.toml",
        "OPENAI_API_KEYS": ",".join(KEYS),
        "OPENAI_BASE_URL": f"{openai_address}/v1",
        "FETCH_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "FETCH_MIN_DELAY_SECONDS": "0",
    }


def dotenv(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def truth_jsonl(county: County, root: Mapping[str, str]) -> str:
    return "".join(json.dumps(row) + "\n" for row in county.truth(root))
