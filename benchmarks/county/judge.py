"""Compare the stored properties with the county's true data, and count merges, correct fields, and conflicts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.county.agreement import NOT_COMPARED, agrees
from benchmarks.county.evidence import Pages, unproven
from benchmarks.county.run import Scraped, Stored
from simulators.county.county import County
from simulators.county.finding import page_at
from simulators.county.homes import Home
from simulators.county.searches import Found, found
from simulators.county.serving import RunningCounty
from simulators.county.sites import HEARTH, MOSAIC, Page

#: Groups of related fields. A conflict reported for one field of a group also counts for the others.
_ONE_CONFLICT = ({"Latitude", "Longitude"}, {"BathroomsTotalInteger", "BathroomsFull"}, {"CloseDate", "ClosePrice"})
_REPORTED_KINDS = ("conflict", "decimal", "unit")


@dataclass
class Figures:
    homes: int = 0
    no_property: list[str] = field(default_factory=list)
    pages: int = 0
    wrong_merges: list[str] = field(default_factory=list)
    missed_merges: list[str] = field(default_factory=list)
    fields: int = 0
    wrong_fields: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    planted: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unreported: list[str] = field(default_factory=list)
    conflicts: int = 0
    no_conflicts: list[str] = field(default_factory=list)
    outdated: int = 0
    outdated_wrong: list[str] = field(default_factory=list)
    lies_told: int = 0
    lies_believed: list[str] = field(default_factory=list)
    unverified: int = 0
    values: int = 0
    unproven: list[str] = field(default_factory=list)
    suffice: int = 0
    most_questions: int = 0
    questions: int = 0
    searched_in_vain: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def fields_right(self) -> float:
        """Return the share of correct fields, among the fields that at least one page states correctly."""
        return 1 - len(self.wrong_fields) / self.fields if self.fields else 1.0

    @property
    def missed_share(self) -> float:
        """Return the share of pages that are not stored with the other pages of their property."""
        return len(self.missed_merges) / self.pages if self.pages else 0.0


def judge(
    running: RunningCounty, homes: Sequence[Home], scraped: Sequence[Scraped], stored: Sequence[Stored]
) -> Figures:
    county, figures = running.county, Figures(homes=len(homes))
    searched = {one.home: one for one in found(county, running.roots)}
    home_of = {stored_one.shown["property"]: _homes_of(county, stored_one) for stored_one in stored}
    by_id = {one.shown["property"]: one for one in stored}
    _merges(figures, county, stored)
    mains = {home.number: _main(home, by_id, home_of) for home in homes}
    with Pages() as fetched:
        for home in homes:
            main, expected = mains[home.number], list(_expected(county, home, searched[home.number]))
            figures.pages += len(expected)
            if main is None:
                if expected:
                    figures.no_property.append(f"{home.address}: {_error(scraped, home)}")
                    figures.missed_merges += [f"{home.address}: {page.site.key}{_again(page)}" for page in expected]
                continue
            there = _pages_of(county, main)
            figures.missed_merges += [
                f"{home.address}: {page.site.key}{_again(page)}" for page in expected if page not in there
            ]
            _fields(figures, home, main, expected)
            _inventions(figures, county, home, main)
            _flaws(figures, county, home, main, expected)
            _noise(figures, county, home, main)
            if any(one.home == home.number and one.searches for one in scraped):
                _lies(figures, home, main, searched[home.number])
            figures.unverified += len(main.shown["unverified"])
            _proofs(figures, home, main, fetched)
    _costs(figures, homes, scraped)
    return figures


def _again(page: Page) -> str:
    return " (shown twice)" if page.variant else ""


def _error(scraped: Sequence[Scraped], home: Home) -> str:
    return next((one.error for one in scraped if one.home == home.number and one.error), "no property")


# --- merges ----------------------------------------------------------------------------------------------------------


def _pages_of(county: County, one: Stored) -> list[Page]:
    pages = (page_at(county, url) for url in one.says)
    return [page for page in pages if page is not None]


def _homes_of(county: County, one: Stored) -> Counter[int]:
    return Counter(page.home.number for page in _pages_of(county, one))


def _merges(figures: Figures, county: County, stored: Sequence[Stored]) -> None:
    for one in stored:
        homes = _homes_of(county, one)
        if len(homes) > 1:
            addresses = " and ".join(county.homes[number - 1].address for number in sorted(homes))
            figures.wrong_merges.append(addresses)


def _main(home: Home, by_id: Mapping[str, Stored], home_of: Mapping[str, Counter[int]]) -> Stored | None:
    holding = [(count[home.number], one) for one, count in home_of.items() if count[home.number]]
    return by_id[max(holding)[1]] if holding else None


def _expected(county: County, home: Home, search: Found) -> Iterator[Page]:
    in_county = home.town.county == "Example"
    for page in county.pages[home.number]:
        cited = page.site in (HEARTH, MOSAIC) and search.kind not in ("forbidden", "nothing")
        if page.is_open and (page.variant or in_county or cited):
            yield page


# --- values ----------------------------------------------------------------------------------------------------------


def _fields(figures: Figures, home: Home, main: Stored, expected: Sequence[Page]) -> None:
    record = main.shown["record"]
    for name in home.truth:
        if name in NOT_COMPARED or not any(name in p.says and agrees(name, home.truth, p.says) for p in expected):
            continue
        figures.fields += 1
        if name not in record:
            figures.wrong_fields.append(f"{home.address}: {name} is missing, not {home.truth[name]}")
        elif not agrees(name, home.truth, record):
            figures.wrong_fields.append(f"{home.address}: {name} is {record[name]}, not {home.truth[name]}")


def _inventions(figures: Figures, county: County, home: Home, main: Stored) -> None:
    """Count stored values of facts that the home does not have and no page states, such as an asking price."""
    facts = {name for other in county.homes for name in other.truth} - home.truth.keys() - NOT_COMPARED
    stated = {name for page in _pages_of(county, main) for name in page.says}
    for name in sorted(facts & main.shown["record"].keys() - stated):
        figures.invented.append(f"{home.address}: {name} is {main.shown['record'][name]}, and no page states it")


def _flaws(figures: Figures, county: County, home: Home, main: Stored, expected: Sequence[Page]) -> None:
    record, in_conflict = main.shown["record"], {one["field"] for one in main.shown["conflicts"]}
    by_site: dict[str, Mapping[str, Any]] = defaultdict(dict)
    for url, says in main.says.items():
        page = page_at(county, url)
        if page is not None and not page.variant:
            by_site[page.site.key] = says
    open_sites = {page.site.key for page in expected if not page.variant}
    for one in county.planted:
        if one.home != home.number or one.site not in open_sites or not open_sites & set(one.says_right):
            continue
        names = next((names for names in _ONE_CONFLICT if one.field in names), {one.field})
        problem = f"{home.address}: {one.kind}, {one.field} at {one.site} is {one.wrong}, not {one.right}"
        if one.kind not in _REPORTED_KINDS:
            figures.outdated += 1
            if one.field not in record or not agrees(one.field, home.truth, record):
                figures.outdated_wrong.append(problem)
            continue
        figures.planted[one.kind] += 1
        if in_conflict & names:
            figures.reported[one.kind] += 1
        elif by_site[one.site] and one.field not in by_site[one.site]:
            figures.refused[one.kind] += 1  # the reader rejected the value as impossible
        else:
            figures.unreported.append(problem)


def _noise(figures: Figures, county: County, home: Home, main: Stored) -> None:
    pages = _pages_of(county, main)
    for one in main.shown["conflicts"]:
        name = one["field"]
        stating = [page.says for page in pages if name in page.says]
        figures.conflicts += 1
        if stating and all(agrees(name, home.truth, says) for says in stating):
            figures.no_conflicts.append(f"{home.address}: {name} {[proof['value'] for proof in one['evidence']]}")


# --- unwanted results


def _lies(figures: Figures, home: Home, main: Stored, search: Found) -> None:
    for name, lie in search.lies.items():
        figures.lies_told += 1
        if name in main.shown["record"] and agrees(name, {name: lie}, main.shown["record"]):
            figures.lies_believed.append(f"{home.address}: {name} is {lie}")


def _proofs(figures: Figures, home: Home, main: Stored, fetched: Pages) -> None:
    figures.values += len(main.shown["record"])
    figures.unproven += [f"{home.address}: {why}" for why in unproven(main, fetched)]


def _costs(figures: Figures, homes: Sequence[Home], scraped: Sequence[Scraped]) -> None:
    in_county = {home.number for home in homes if home.town.county == "Example" and not home.lot.one_parcel}
    addresses = {home.number: home.address for home in homes}
    firsts: dict[int, Scraped] = {}
    for one in scraped:
        firsts.setdefault(one.home, one)
    for number, one in firsts.items():
        figures.seconds += one.seconds
        if number in in_county:
            figures.suffice += 1
            figures.questions += one.questions
            figures.most_questions = max(figures.most_questions, one.questions + one.searches)
            if one.searches:
                figures.searched_in_vain.append(addresses[number])
