"""Map ZIP codes to US states by their first three digits.

Source: USPS Publication 65 (National Five-Digit ZIP Code Directory). No territory except Puerto Rico is included.
"""

_PREFIXES = (
    "CT 060-069|MA 010-027,055|RI 028-029|NH 030-038|ME 039-049|VT 050-054,056-059|NJ 070-089|NY 005,100-149,063|"
    "PA 150-196|DE 197-199|DC 200,202-205|MD 206-219|VA 201,220-246|WV 247-268|NC 270-289|SC 290-299|"
    "GA 300-319,398-399|FL 320-349|AL 350-369|TN 370-385|MS 386-397|KY 400-427|OH 430-459|IN 460-479|MI 480-499|"
    "IA 500-528|WI 530-549|MN 550-567|SD 570-577|ND 580-588|MT 590-599|IL 600-629|MO 630-658|KS 660-679|NE 680-693|"
    "LA 700-714|AR 716-729|OK 730-749|TX 733,750-799,885|CO 800-816|WY 820-831,834|ID 832-838|UT 840-847|"
    "AZ 850-865|NM 870-884|NV 889-898|CA 900-961|HI 967-968|OR 970-979|WA 980-994|AK 995-999|PR 006-007,009"
)


def _by_prefix() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for entry in _PREFIXES.split("|"):
        state, _, spans = entry.partition(" ")
        for span in spans.split(","):
            first, _, last = span.partition("-")
            for prefix in range(int(first), int(last or first) + 1):
                found.setdefault(f"{prefix:03d}", set()).add(state)
    return {prefix: frozenset(states) for prefix, states in found.items()}


_STATES = _by_prefix()


def states_of_zip(code: str) -> frozenset[str]:
    """Return the two-letter codes of the states whose ZIP codes begin with the first three digits of `code`."""
    return _STATES.get(code.strip()[:3], frozenset())
