"""Pages in Japanese and Russian: one mechanism per case, each with a decoy that must be ignored."""

from __future__ import annotations

from typing import Any

import pytest

from app.property.values import currency, names, vocabulary
from app.property.values.address_lines import read
from tests.plugins.read_pages import values_of


def _read(body: str, *, url: str, title: str, lang: str = "") -> dict[str, Any]:
    html = f"<html lang='{lang}'><head><meta charset='utf-8'><title>{title}</title></head><body>{body}</body></html>"
    return values_of(html, url)


def _japanese(body: str, title: str = "中古マンション くすのき台") -> dict[str, Any]:
    rows = "<tr><th>価格</th><td>3,150万円</td></tr><tr><th>専有面積</th><td>61.2m2</td></tr>"
    url = "https://homes.example.jp/detail/4417702"
    return _read(f"<table>{rows}{body}</table>", url=url, title=title, lang="ja")


@pytest.mark.parametrize(
    ("rows", "field", "value"),
    [
        # a house's structure is not its outer wall; the stories follow the structure
        ("<tr><th>構造</th><td>木造3階建て</td></tr>", "ConstructionMaterials", None),
        ("<tr><th>構造</th><td>木造3階建て</td></tr>", "StoriesTotal", 3),
        (
            "<tr><th>建物構造</th><td>鉄骨造</td></tr><tr><th>所在階数</th><td>2階 / 地上5階</td></tr>",
            "StoriesTotal",
            5,
        ),
        ("<tr><th>所在階<br>構造</th><td>7階部分／地上9階建て<br>鉄筋コンクリート造</td></tr>", "StoriesTotal", 9),
        ("<tr><th>所在階</th><td>7階</td></tr>", "StoriesTotal", None),
        # the area in the page's first unit, before the same area in tsubo
        ("<tr><th>土地面積</th><td>74.36m<sup>2</sup><span>（22.49坪）</span></td></tr>", "LotSizeArea", 74.36),
        # a monthly fee of the owner; the repair fund is a different fee
        (
            "<tr><th>管理費</th><td>8,700（円/月）</td></tr><tr><th>修繕積立金</th><td>6,400（円/月）</td></tr>",
            "AssociationFee",
            8700,
        ),
        ("<tr><th>管理費(月額)</th><td>12,300円</td></tr>", "AssociationYN", True),
        ("<tr><th>管理費</th><td>なし</td></tr>", "AssociationFee", None),
        # a surname names the agent; a role does not
        ("<tr><th>担当者</th><td><span>楠本</span><span>（くすもと）</span></td></tr>", "ListAgentFullName", "楠本"),
        ("<tr><th>担当者</th><td>売主</td></tr>", "ListAgentFullName", None),
        ("<tr><th>お問い合わせ先</th><td>お気軽にお問合せください。</td></tr>", "ListOfficeName", None),
        # a shop nearby is not an agency's branch
        ("</table><p>スーパー萩野店</p><p>徒歩3分</p><table>", "ListOfficeName", None),
    ],
)
def test_a_japanese_table_of_facts(rows: str, field: str, value: object) -> None:
    assert _japanese(rows).get(field) == value


def test_a_question_about_buying_or_renting_is_not_an_offer() -> None:
    assert vocabulary.offer("ご購入と賃貸とを迷われている方もご相談ください") is None
    assert vocabulary.offer("マンション購入") == "sale"


def test_a_license_is_not_part_of_the_firm() -> None:
    assert names.without_license("くすのき不動産株式会社 国土交通大臣免許(3)第9999号") == "くすのき不動産株式会社"
    assert names.without_license("くすのき不動産株式会社 東京都知事（2）第88888号") == "くすのき不動産株式会社"


_RUSSIAN = """<h1>3-комнатная квартира · 71.5 м² · 4/9 этаж, Абая 18</h1>
<div><div>31 700 000</div><span>₸</span></div>
<div><div>Город</div><div>Караганда</div></div><div><div>Этаж</div><div>4 из 9</div></div>
<div><div>Площадь</div><div>71.5 м²</div></div><div><div>Год постройки</div><div>2016</div></div>
<p>Продается квартира в новом доме: рядом школа, магазины и парк, до центра пятнадцать минут, это тихий двор,
окна квартиры на обе стороны, ремонт сделан год назад, мебель остается, торг при осмотре, звоните после обеда.</p>
<script>window.data = {"advert": {"id": 2045516, "price": 31700000, "rooms": 3,
"map": {"lat": 49.8042, "lon": 73.0871},
"address": {"country": "Kazakhstan", "city": "%s", "street": "Abaya_18", "house_num": "18"}}}
</script>"""


def _russian(city: str = "Karaganda") -> dict[str, Any]:
    url, title = "https://dom.example.kz/show/2045516", "Продажа 3-комнатной квартиры, Караганда"
    return _read(_RUSSIAN % city, url=url, title=title)


def test_a_russian_page_without_a_declared_language_is_read() -> None:
    values = _russian()
    assert (values["ListPrice"], values["X_Currency"]) == (31_700_000, "KZT")
    assert (values["RoomsTotal"], values["StoriesTotal"], values["City"]) == (3, 9, "Караганда")
    assert values["Country"] == "KZ"


def test_a_town_in_another_script_does_not_contradict_the_shown_town() -> None:
    """The site's script contains `Karaganda`. The key `Abaya_18` in the script is not a street."""
    values = _russian()
    assert (values["Latitude"], values["Longitude"]) == (49.8042, 73.0871)
    assert "UnparsedAddress" not in values
    assert "StreetNumber" not in values, "the key was read as a street"
    assert "Latitude" not in _russian("Актау"), "a different shown town does not reject the point"


def test_words_that_begin_like_a_currency_are_not_one() -> None:
    assert currency.find_currency("рубероид") is None
    assert currency.find_currency("2 500 000 руб.") == "RUB"


def test_an_area_in_two_units_is_one_area() -> None:
    values = _read(
        "<h1>3 Bedroom House for Sale in Fernhill</h1><p>R 1 250 000</p><ul><li>Bedrooms: 3</li></ul>"
        "<ul><li>1 214 m²</li><li>Acres: 0.3 acres</li></ul>",
        url="https://houses.example.co.za/fernhill/20931755",
        title="3 Bedroom House for Sale in Fernhill",
        lang="en",
    )
    assert values["LotSizeArea"] == 0.3
    assert "LivingArea" not in values


def test_a_development_with_a_number_is_not_a_street() -> None:
    tower, street = read("Palm Gate 2, Marina Bay, Dubai", "AE"), read("14 Cedar Street, Marina Bay, Dubai", "AE")
    assert tower is not None
    assert street is not None
    assert (tower.street, tower.city) == (None, "Dubai")
    assert street.street == "14 Cedar Street"


def test_a_country_in_an_object_with_a_name_is_read() -> None:
    values = _read(
        "<h1>Villa for sale</h1><p>AED 2,150,000</p><script type='application/ld+json'>"
        '{"@type": "House", "numberOfBedrooms": 4, "address": {"@type": "PostalAddress", "addressRegion": "Sharjah", '
        '"addressCountry": {"@type": "Country", "name": "AE"}}}</script>',
        url="https://villas.example.com/view/3310467",
        title="Villa for sale",
        lang="en",
    )
    assert values["Country"] == "AE"


def test_a_chinese_frame_is_not_a_wall() -> None:
    values = _read(
        "<dl><dt>售价</dt><dd>358万元</dd><dt>建筑面积</dt><dd>88.6㎡</dd><dt>户型</dt><dd>3室2厅1卫</dd>"
        "<dt>建筑结构</dt><dd>钢混结构</dd></dl>",
        url="https://fang.example.cn/chushou/6620417.html",
        title="樟树苑 3室2厅 出售",
        lang="zh",
    )
    assert values["BedroomsTotal"] == 3
    assert "ConstructionMaterials" not in values
