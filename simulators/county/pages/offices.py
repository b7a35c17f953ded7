"""The smaller sites: an owners' association, the treasurer, the building department, and a listing archive."""

from html import escape

from simulators.county.pages.writing import document, dollars, number, pairs, table, us_date
from simulators.county.sites import ASSOCIATION, PERMITS, TAX_ROLL, VAULT, Page


def association(page: Page) -> str:
    says, home = page.says, page.home
    gate = (
        "<li>Gated community: the code for the gate comes from the management office.</li>"
        if "X_AccessNotes" in says
        else ""
    )
    text = (
        f"<header>{ASSOCIATION.name}</header><nav><a href='/news'>News</a> <a href='/documents'>Documents</a> "
        "<a href='/contact'>Contact the board</a></nav>"
        f"<h1>{escape(home.line(home.street.long))}</h1><p>{home.place}</p>"
        f"<dl><dt>Subdivision</dt><dd>{says['SubdivisionName']}</dd>"
        f"<dt>Homeowners association</dt><dd>Yes</dd>"
        f"<dt>HOA fee</dt><dd>${says['AssociationFee']} per month</dd></dl>"
        f"<ul>{gate}<li>Roofs are replaced only with the consent of the architectural committee.</li>"
        "<li>The clubhouse was built in 1998 and has 4,200 sq ft. The pool is open from May to September.</li></ul>"
        "<p>Managed by Meadowlark Management, 18 Office Park Rd, Elsewhere, ST 00044, 555-0144.</p>"
    )
    return document(f"{home.line(home.street.long)} - {says['SubdivisionName']}", "", text)


def tax_bill(page: Page) -> str:
    says, home = page.says, page.home
    head = pairs(
        (
            ("Parcel Number", says["ParcelNumber"]),
            (
                "Property Location",
                f"{page.line}, {home.town.name.upper()}, {says['StateOrProvince']} {says['PostalCode']}",
            ),
            ("Taxpayer", home.owner),
            ("Mail Bill To", home.mailing),
            ("Tax District", f"{10 + home.number % 7} {home.town.name.upper()}"),
        )
    )
    rows = [
        (
            says["TaxYear"],
            dollars(says["X_MarketValue"]),
            dollars(says["TaxAssessedValue"]),
            dollars(says["TaxAnnualAmount"]),
            "DUE 12/31/2025",
        ),
        *((y["year"], dollars(y["market"]), dollars(y["assessed"]), dollars(y["tax"]), "PAID") for y in home.taxes[1:]),
    ]
    years = table(("Tax Year", "Market Value", "Assessed Value", "Total Tax", "Status"), rows)
    text = (
        f"<h2>{TAX_ROLL.name}</h2><h3>Real Property Tax Bill</h3><table>{head}</table><h3>Tax History</h3>{years}"
        "<p>Pay online, by mail (PO Box 9, Anytown, ST 00000) or at the counter. A fee of 2.35% applies to cards.</p>"
    )
    return document(f"Tax bill {says['ParcelNumber']}", "", text)


def permits(page: Page) -> str:
    says, home = page.says, page.home
    rows = [
        (
            f"B{permit['issued'].year}-{home.number * 13 + index:05d}", permit["kind"], permit["work"],
            us_date(permit["issued"]), us_date(permit["finaled"]), permit["status"],
        )
        for index, permit in enumerate(home.permits)
    ]  # fmt: skip
    found = (
        table(("Permit Number", "Permit Type", "Description", "Issued Date", "Finaled Date", "Status"), rows)
        if rows
        else "<p>No permits were found for this address since 2001.</p>"
    )
    about = pairs(
        (
            ("Address", f"{page.line}, {home.town.name.upper()} {says['StateOrProvince']} {says['PostalCode']}"),
            ("Parcel Number", says["ParcelNumber"]),
            ("Jurisdiction", home.town.name),
        )
    )
    text = (
        f"<h1>{PERMITS.name}</h1>"
        "<p>Citizen access | <a href='/apply'>Apply</a> | <a href='/inspections'>Inspections</a></p>"
        f"<table>{about}</table><h2>Building Permits</h2>{found}"
    )
    return document(f"Permits for {page.line}", "", text)


def archived(page: Page) -> str:
    says, home = page.says, page.home
    rooms = (
        f"{says['BedroomsTotal']} bedrooms, {says['BathroomsTotalInteger']} bathrooms, "
        if "BedroomsTotal" in says
        else ""
    )
    sold = f"Last sold {us_date(page.sold[0])} for {dollars(page.sold[1])}." if page.sold else ""
    text = (
        f"<h1>{escape(page.line)}, {home.place}</h1><p>{rooms}{number(says['LivingArea'])} sq ft, built in "
        f"{says['YearBuilt']}. {sold}</p>"
    )
    return document(f"{page.line} | {VAULT.name}", "", text)
