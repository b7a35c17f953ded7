"""`sources.toml` is validated. Errors name the file, table, key, and remedy."""

import os
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.property.record import SourceKind
from app.property.sources.config import Sources, SourcesFile, WebSearch, read_sources
from app.property.sources.template import PLACEHOLDERS, Template, problem_of
from app.services.reports.doctor.findings import State
from app.services.reports.doctor.machine import check_sources
from app.services.scraping.sources import sources_file
from app.settings import Settings
from tests.plugins.documented import blocks

ROOT = Path(__file__).parents[3]
AREA = '[[area]]\nname = "X"\nstate = "ST"\n'
SOURCE = '[[area.source]]\nname = "A"\nkind = "gis"\nurl = "https://x.example/?q={street_line}"\n'


def read(tmp_path: Path, text: str) -> Sources:
    path = tmp_path / "sources.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return read_sources(path)


def names(sources: Sources, state: str | None, city: str | None, postal_code: str | None) -> list[str]:
    return [one.name for one in sources.for_address(state=state, city=city, postal_code=postal_code)]


def test_the_example_file_is_valid() -> None:
    sources = read_sources(ROOT / "examples/sources.toml", must_exist=True)
    assert names(sources, "ST", "ANYTOWN", "99999") == [
        "Example County GIS", "Example County Assessor", "Building permits of Anytown", "A portal"
    ]  # fmt: skip
    assert names(sources, "ST", "ELSEWHERE", "99999") == ["A portal"]
    assert sources.web_search == WebSearch(True, ("county.example", "portal.example"))
    assert {source.kind for area in sources.areas for source in area.sources} == {
        SourceKind.GIS, SourceKind.ASSESSOR, SourceKind.PERMITS, SourceKind.PORTAL
    }  # fmt: skip


def test_files_shown_in_the_docs_are_valid(tmp_path: Path) -> None:
    shown = [block.text for block in blocks() if block.page == "docs/sources.md" and block.language == "toml"]
    shortest, *_ = files = [read(tmp_path, text) for text in shown if text.startswith("[")]
    assert shown[0].startswith("[[area]]")
    assert len(shown[0].splitlines()) <= 13
    assert names(shortest, "IL", "SPRINGFIELD", "62701") == ["County GIS", "County assessor"]
    assert names(shortest, "ST", "ANYTOWN", "00000") == []
    assert files[-1].web_search == WebSearch(True, ("county.example", "portal.example"))


@pytest.mark.parametrize(
    ("area", "address", "holds"),
    [
        ('state = "ST"', ("ST", "ANYTOWN", "00000"), True),
        ('state = "ST"', ("QX", "ANYTOWN", "00000"), False),
        ('state = "ST"', (None, "ANYTOWN", "00000"), False),
        ('state = "ST"\ncities = ["Any Town"]', ("ST", "ANY  TOWN", None), True),
        ('state = "ST"\ncities = ["Anytown"]', ("ST", "OTHERVILLE", "00000"), False),
        ('postal_codes = ["000", "0012"]', (None, None, "00099"), True),
        ('postal_codes = ["000", "0012"]', (None, None, "00130"), False),
        ('postal_codes = ["000"]\ncities = ["Anytown"]', ("ST", "ANYTOWN", "99999"), True),
    ],
)
def test_an_area_contains_the_addresses_it_names(
    tmp_path: Path, area: str, address: tuple[str | None, str | None, str | None], holds: bool
) -> None:
    sources = read(tmp_path, f'[[area]]\nname = "X"\n{area}\n{SOURCE}')
    assert names(sources, *address) == (["A"] if holds else [])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[area\n", ("is not TOML", "line 1")),
        ("[areas]\n", ("the file areas", "area, web_search")),
        ('area = "x"', ("[[area]]", "not a list of tables")),
        ("[[area]]\nstate = 1\n", ("[[area]] 1 name", "missing", 'name = "..."')),
        ('[[area]]\nname = "X"\nzip = "0"\n', ("[[area]] 1 zip", "postal_codes")),
        ('[[area]]\nname = "X"\ncities = "Anytown"\n' + SOURCE, ("[[area]] 1 (X) cities", '["...", "..."]')),
        ('[[area]]\nname = "X"\npostal_codes = ["0*"]\n' + SOURCE, ("postal_codes", "'0*'")),
        (AREA + SOURCE + SOURCE, ("[[area.source]] 2 (A) name", "twice")),
        (AREA + SOURCE.replace("gis", "asessor"), ("1 (A) kind", "'asessor'", "assessor, gis, tax_roll")),
        (AREA + SOURCE.replace("url", "uri"), ("[[area.source]] 1 uri", "name, kind, url")),
        (AREA + SOURCE.replace("{street_line}", "{street}"), ("1 (A) url", "{street}", "{street_line}")),
        (AREA + SOURCE.replace("{street_line}", "{county}"), ("url", "the area names none", "Add county")),
        ("[web_search]\nenabled = 1\n", ("[web_search] enabled", "true or false")),
        ("[web_search]\nallowed_domain = []\n", ("[web_search] allowed_domain:", "enabled, allowed_domains")),
        ('[web_search]\nallowed_domains = ["https://x.example/"]\n', ("allowed_domains", "without scheme")),
        (f"[web_search]\nallowed_domains = {[f'a{n}.example' for n in range(101)]}\n", ("101 domains", "takes 100")),
    ],
)
def test_an_invalid_file_is_reported_with_place_and_remedy(tmp_path: Path, text: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    for part in (str(tmp_path / "sources.toml"), *parts):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("https://x.example/all", "no placeholder"), ("https://{city}.example/", "in its host"),
        ("{city}://x.example/", "begins with http"), ("ftp://x.example/{city}", "begins with http"),
        ("x.example/{city}", "begins with http"), ("https:///{city}", "names no host"),
        ("https://user:pw@x.example/{city}", "user name"), ("https://x.example/{city", "brace without its partner"),
        ("https://x.example/{}", "{}"), ("https://x.example/{city:quote}", "'quote'"),
        ("https://[x/{city}", "not a URL"),
    ],
)  # fmt: skip
def test_an_unusable_template_is_refused(template: str, problem: str) -> None:
    found = problem_of(template)
    assert found is not None
    assert problem in found


def test_a_value_cannot_change_the_url_structure() -> None:
    template = Template("https://x.example/a/{street_line}?city={city}#top")
    url = template.url({"street_line": "../../etc?x=1&y#z", "city": "O'Brien & Söhne 100%"})
    assert url == "https://x.example/a/..%2F..%2Fetc%3Fx%3D1%26y%23z?city=O%27Brien%20%26%20S%C3%B6hne%20100%25"


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("{street_line:sql}", "12 O'Brien St' OR 1=1--", "12%20O%27%27Brien%20St%27%27%20OR%201%3D1--"),
        ("{street_line:upper:sql}", "o'b", "O%27%27B"),
        ("{street_line:lower}", "12 OAK ST", "12%20oak%20st"),
        ("{street_line:slug}", "12 1/2 Oak St.", "12-1-2-oak-st"),
        ("{street_line:bare}", "0012-0034.5 A", "001200345A"),
    ],
)
def test_filters(place: str, value: str, expected: str) -> None:
    assert Template(f"https://x.example/?q={place}").url({"street_line": value}) == f"https://x.example/?q={expected}"


def test_a_missing_template_value_is_an_error_unless_it_may_be_empty() -> None:
    template = Template("https://x.example/{parcel_number:bare}?u={unit}&c={city}&d={city}")
    assert template.needs == ("parcel_number", "unit", "city")
    assert template.missing({"city": "Anytown"}) == ("parcel_number",)
    assert template.missing(PLACEHOLDERS) == ()


def test_subdomains_of_an_allowed_domain_are_allowed_and_lookalikes_are_not() -> None:
    search = WebSearch(True, ("county.example",))
    assert [search.allows(h) for h in ("county.example", "WWW.County.example.", "a.b.county.example")] == [True] * 3
    assert [search.allows(h) for h in ("mycounty.example", "county.example.evil", "example", "")] == [False] * 4
    assert (search.is_on, WebSearch(False, ("x.example",)).is_on, WebSearch().is_on) == (True, False, False)


def test_the_default_file_may_be_absent_and_a_named_file_must_exist(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert sources_file(Settings.of(propintel_home=home)).current() == Sources()
    with pytest.raises(ConfigurationError, match=r"SOURCES_FILE.*other\.toml.*examples/sources\.toml"):
        sources_file(Settings.of(propintel_home=home, sources_file=Path("other.toml"))).current()
    absolute = tmp_path / "mine.toml"
    absolute.write_text(AREA + SOURCE)
    assert sources_file(Settings.of(propintel_home=home, sources_file=absolute)).current().areas[0].name == "X"


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    file = SourcesFile(path)
    assert file.current() == Sources()
    path.write_text(AREA + SOURCE)
    first = file.current()
    assert first.areas[0].sources[0].name == "A"
    assert file.current() is first
    path.write_text(AREA + SOURCE.replace('"A"', '"B"'))
    os.utime(path, ns=(1, 1))
    assert file.current().areas[0].sources[0].name == "B"
    before = file.current()
    for invalid in (b"[[area]", b"\xff\xfe"):  # an editing mistake must not make all jobs of a fleet fail
        path.write_bytes(invalid)
        assert file.current() is before
    path.unlink()
    assert file.current() == Sources()


def test_the_doctor_reports_the_sources_of_an_address_and_what_to_do(tmp_path: Path) -> None:
    settings = Settings.of(propintel_home=tmp_path)
    assert "addresses cannot" in check_sources(settings).detail
    path = tmp_path / "sources.toml"
    path.write_text(AREA + SOURCE + '[web_search]\nallowed_domains = ["x.example"]\n')
    found = check_sources(settings)
    assert (found.state, found.remedy) == (State.OK, None)
    assert "1 source in 1 area, the web is searched on 1 domain" in found.detail
    path.write_text("")
    found = check_sources(settings)
    assert found.state is State.WARNING
    assert "docs/sources.md" in str(found.remedy)
    path.write_text("[areas]")
    with pytest.raises(ConfigurationError):
        check_sources(settings)


def test_a_page_is_named_by_the_template_that_makes_it_or_the_only_source_of_its_host(tmp_path: Path) -> None:
    other = SOURCE.replace('"A"', '"B"').replace("x.example/", "x.example/b/")
    alone = SOURCE.replace('"A"', '"C"').replace("x.example", "alone.example:8443")
    sources = read(tmp_path, AREA + SOURCE + other + alone)
    assert sources.name_of("https://x.example/?q=12%20Elm%20St") == "A"
    assert sources.name_of("https://x.example/b/?q=12%20Elm%20St") == "B"
    assert sources.name_of("https://x.example/parcels/7") is None
    assert sources.name_of("https://alone.example:8443/parcels/7") == "C"
    assert sources.name_of("https://alone.example/parcels/7") is None
    assert sources.name_of("https://elsewhere.example/7") is None
