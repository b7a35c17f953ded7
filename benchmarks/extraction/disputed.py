"""Labels that contradict their page. Each was checked by hand, and is listed with the place of the value on the page.

The figures are measured against the original labels. The benchmark also shows the figures without these labels, whose
values then count neither as correct nor as wrong.
"""

from collections.abc import Iterable, Mapping

from benchmarks.extraction.scorer import Outcome

#: The reason for doubt, by file and label. All labels except the one of `4715649.html` say "not on the page".
DISPUTED: Mapping[tuple[str, str], str] = {
    ("html/engelvoelkers.com/engelVoelkers_detail.html", "agent"): "named on the visible card of the adviser",
    ("html/immobilien.de/immobilienDe_detail.html", "street"): "streetAddress of its JSON-LD",
    ("html/immobilien.de/immobilienDe_detail.html", "country"): "addressCountry of its JSON-LD",
    ("html/immobilien.de/immobilienDe_detail.html", "bathrooms"): "visible row `Bad 1`",
    ("html/immobilien.de/immobilienDe_detail.html", "office"): "visible profile of the agent, and the description",
    ("html/immowelt.de/immowelt_detail_serverstate.html", "listing_id"): "labeled `Online-ID`",
    ("html/realestate.com.au/148928524_optimized.html", "office"): "visible in the contact panel, by name and logo",
    ("html/daft.ie/4715649.html", "agent"): "the label breaks off at the apostrophe of the name",
    ("html/myhome.ie/4752283.html", "latitude"): "center of the visible map's link, and the brochure's map",
    ("html/myhome.ie/4752283.html", "longitude"): "center of the visible map's link, and the brochure's map",
    ("html/myhome.ie/4752283.html", "agent"): "visible below `Negotiator`",
    ("html/myhome.ie/4785390.html", "latitude"): "center of the visible map's link, and the brochure's map",
    ("html/myhome.ie/4785390.html", "longitude"): "center of the visible map's link, and the brochure's map",
    ("html/myhome.ie/4785390.html", "agent"): "visible below `Negotiator`",
    ("html/alanbrowneestates.ie/T12C4HF.html", "status"): "the description offers it for sale, at a price",
    ("html/otodom.pl/otodom_test1.html", "country"): "`Country` of the advert's own state",
    ("html/otodom.pl/offer_page1.html", "office"): "visible below `Biuro nieruchomości`",
    ("html/morizon.pl/offer_page1.html", "country"): "`country` of the property's own state",
    ("html/morizon.pl/offer_page1.html", "office"): "visible, with its logo and address",
    ("html/domiporta.pl/offer_page1.html", "postal_code"): "`postalCode` of its microdata",
    ("html/domiporta.pl/offer_page1.html", "country"): "`addressCountry` of its microdata",
    ("html/vgsi.com/PID837.html", "lot_size"): "visible as `Size (Acres)` in its section on land",
    ("html/homes.com/homes2014_2602_pacific.html", "country"): "`country` of the listing's own state",
    ("more/myhome.ie/4786237.html", "latitude"): "center of the visible map's link, and the brochure's map",
    ("more/myhome.ie/4786237.html", "longitude"): "center of the visible map's link, and the brochure's map",
    ("more/myhome.ie/4786237.html", "agent"): "visible below `Negotiator`",
    ("more/otodom.pl/offer_page3.html", "office"): "visible below `Biuro nieruchomości`",
    ("more/morizon.pl/offer_page4.html", "country"): "`country` of the property's own state",
    ("more/domiporta.pl/offer_page4.html", "country"): "`addressCountry` of its microdata",
    ("more/redfin.com/redfin_page_property_20250907.html", "country"): "`addressCountry` of its JSON-LD",
    ("more/trulia.com/home_info_67_bright.html", "exterior_wall"): "visible row `Construction: Frame`",
    ("more/trulia.com/home_info_67_bright.html", "cooling"): "visible in the description: central air conditioning",
    ("html/marlow_card_print.html", "tax_year"): "visible `TAX YEAR: 2025`",
}


def undisputed(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the outcomes, except wrong values for disputed labels."""
    return [o for o in outcomes if o.verdict != "wrong" or (o.file, o.label) not in DISPUTED]
