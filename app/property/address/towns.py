"""Find the town and the state at the end of a US address, even if no comma separates them from the street."""

import re
from collections.abc import Sequence

from app.property.address import streets, tables, units
from app.property.address.words import spaced
from app.property.fields.countries import US_STATES
from app.property.values.places import US_CODES
from app.property.values.us_zip import states_of_zip

_CODES = {name.upper(): code for name, code in US_STATES.items()}
_NAMES = "|".join(sorted(_CODES, key=len, reverse=True))
_STATE = re.compile(rf"(?:^|(?P<comma>, )| )(?P<state>[A-Z]{{2}}|[A-Z] [A-Z]|{_NAMES})$")
_COUNTY = re.compile(r" (?:COUNTY|PARISH)$|^COUNTY OF ")
#: Lines with more words than this are not parsed with the slow library `usaddress`. Addresses are rarely longer.
_TAGGED_WORDS = 12
_STARTS = {
    **{"ST": "SAINT", "STE": "SAINTE", "FT": "FORT", "MT": "MOUNT"},
    **{"N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST"},
}


def state(words: str, postal_code: str | None) -> tuple[str | None, str]:
    """Return the two-letter code of the state at the end of `words` (or None), and the words before it.

    After a comma, any two letters count as a state. Without a comma, they count only if they are unlikely to be the end
    of a street.
    """
    found = _STATE.search(words)
    if found is None or (len(found["state"]) == 3 and found["state"].replace(" ", "") not in US_CODES):
        return None, words
    code = _CODES.get(found["state"], found["state"].replace(" ", ""))
    rest = words[: found.start()].rstrip(" ,")
    if not found["comma"] and not _is_state(code, rest, postal_code):
        return None, words
    return code, rest


def _is_state(code: str, rest: str, postal_code: str | None) -> bool:
    last = rest.rpartition(", ")[2]
    if "," in rest and not streets.starts_with_number(last):
        return bool(last) and (code in US_CODES or postal_code is not None or code == "ST")
    if _by_suffix(rest) is not None:
        return code in US_CODES or postal_code is not None
    if code in tables.suffixes() or code in tables.DIRECTIONALS:
        return bool(streets.read_line(rest).suffix) and code in states_of_zip(postal_code or "")
    return code in US_CODES and (postal_code is not None or len(rest.split()) > 3)


def of_parts(parts: Sequence[str]) -> str | None:
    """Return the last town among the parts after the delivery line. Skip units, and skip counties unless all parts are
    counties.
    """
    named = [part for part in parts if not units.read(part.split())]
    towns = [part for part in named if not _COUNTY.search(part)] or named
    return spelled(towns[-1]) if towns else None


def cut_off(line: str, state: str | None, postal_code: str | None) -> tuple[str, str | None]:
    """Split a line such as `123 MAIN ST SPRINGFIELD` into delivery line and town (None if it names no town)."""
    at = _by_suffix(line)
    if at is None and (state or postal_code):
        at = _by_habit(line, f"{state or ''} {postal_code or ''}".strip())
    if at is None:
        return line, None
    return line[:at].rstrip(), spelled(line[at:].strip())


def spelled(town: str) -> str:
    """Normalize a town's name, such as `N MIAMI` to `NORTH MIAMI`. Raises `ValueError` for a name with digits."""
    words = spaced(town).split()
    if len(words) > 1:
        words[0] = _STARTS.get(words[0], words[0])
    spelling = " ".join(words)
    if re.search(r"\d|[#&]", spelling) or len(spelling) < 2:
        raise ValueError(f"names the town {spelling!r}, and no town is called so; write it between commas")
    return spelling


def _by_suffix(line: str) -> int | None:
    """Return the index of the town, which follows the suffix, directional, and unit. Return None if the index is
    unclear.
    """
    if not streets.starts_with_number(line):
        return None
    words = line.split(" ")
    ends = [i for i in range(2, len(words)) if tables.suffixes().get(words[i]) in streets.ONLY_SUFFIX]
    road = next((i for i in range(1, min(5, len(words))) if streets.is_highway(words[i : i + 4])), None)
    if road is not None:
        ends = [i for i in range(road, len(words)) if re.match(r"\d|[A-Z]$", words[i])][:1]
    if not ends:
        return None
    end = ends[0]
    if words[end] == "ST" and len(ends) > 1 and words[ends[1]] != "ST":
        end = ends[1]  # the first ST is part of the name, as in PORT ST LUCIE BLVD
    end += 1
    if end < len(words) and words[end] in ("NE", "NW", "SE", "SW", "N", "S", "E", "W"):
        end += 1
    unit = next((i for i in range(len(words), end, -1) if units.read(words[end:i])), end)
    town = words[unit:]
    if not town or not all(re.fullmatch(r"[^\W\d_]+(?:-[^\W\d_]+)*", word) for word in town):
        return None
    if not any(word not in tables.suffixes() and word not in tables.DIRECTIONALS for word in town):
        return None
    return len(" ".join(words[:unit]))


def _by_habit(line: str, region: str) -> int | None:
    """Return the index where the town begins after a street without a suffix, or None.

    The library `usaddress` is slow, so it does not parse long lines or lines that cannot end with a town.
    """
    if line.count(" ") >= _TAGGED_WORDS or re.search(r"[\d#&]", line[-3:]):
        return None
    import usaddress  # noqa: PLC0415 (importing takes 0.1 s, and few targets need it)

    try:
        tagged, kind = usaddress.tag(f"{line} {region}")
    except (usaddress.RepeatedLabelError, ValueError):
        return None
    town = str(tagged.get("PlaceName", "")).strip(" ,")
    at = len(line) - len(town)
    if kind != "Street Address" or len(town) < 3 or re.search(r"[\d#&]", town) or line[at - 1 :] != f" {town}":
        return None
    street = streets.read_line(line[:at].strip())
    whole = streets.read_line(line)
    return at if street.number and street.name and not (whole.suffix and not street.suffix) else None
