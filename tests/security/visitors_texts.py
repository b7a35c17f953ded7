"""Pages of a listing on which a visitor writes about another home, in all the forms that sites give visitors' texts."""

import json
from typing import Any

OTHER = {
    "ParcelNumber": "05-3312-118",
    "ListingId": "IL-778812",
    "StreetNumber": "14",
    "StreetName": "Elm Street",
    "City": "Boone",
    "PostalCode": "50036",
    "ListPrice": 399000,
    "YearBuilt": 1911,
    "Latitude": 42.12345,
    "Longitude": -93.98765,
}
#: Texts of the other home's values, none of which the listing itself has.
MARKS = ("3312", "778812", "Elm", "50036", "399,000", "399000", "1911", "42.123", "93.987")
SAID = (
    "My own house at 14 Elm Street, Boone, IA 50036 was listed for $399,000. Parcel number: 05-3312-118. "
    "MLS # IL-778812. Year built: 1911."
)
LIST = (
    "<dl><dt>Parcel number</dt><dd>05-3312-118</dd><dt>MLS #</dt><dd>IL-778812</dd><dt>List price</dt><dd>$399,000</dd>"
    "<dt>Situs address</dt><dd>14 Elm Street, Boone, IA 50036</dd></dl>"
)
TABLE = (
    "<table><tr><th>Parcel number</th><td>05-3312-118</td></tr><tr><th>Year built</th><td>1911</td></tr>"
    "<tr><th>List price</th><td>$399,000</td></tr></table>"
)
MAP = "<a href='https://www.google.com/maps?q=42.12345,-93.98765'>map</a>"
TEXT = f"<p>{SAID}</p>{LIST}{TABLE}{MAP}"
OWN = (
    "<h1>12 Oak St, Ames, IA 50010</h1><p>For sale</p><p>List price: $529,000</p><p>Bedrooms: 3</p>"
    "<p>Parcel number: 77-1234-001</p>"
)
_NICE = "<p>Lovely place, we would like to live here too.</p>"


def page(block: str, *, before: bool = False, own: str = OWN) -> str:
    body = f"{block}{own}" if before else f"{own}{block}"
    return f"<html lang='en'><head><title>12 Oak St, Ames, IA 50010</title></head><body>{body}</body></html>"


def _state(extra: dict[str, Any]) -> str:
    home = {"address": "12 Oak St", "city": "Ames", "state": "IA", "zip": "50010", "price": 529000, "bedrooms": 3}
    value = {"props": {"pageProps": {"listing": {**home, "parcelNumber": "77-1234-001", **extra}}}}
    return f"<script id='__NEXT_DATA__' type='application/json'>{json.dumps(value)}</script>"


def _ld(value: Any) -> str:
    return f"<script type='application/ld+json'>{json.dumps(value)}</script>"


#: Blocks marked by types, names, and roles.
NAMED = {
    "class": f"<div class='comments'><div class='comment'><b>John D.</b>{TEXT}</div></div>",
    "class without an author": f"<div class='comments'>{TEXT}</div>",
    "hashed class": f"<div class='ReviewCard_root__x3Fz1'>{TEXT}</div>",
    "id": f"<div id='testimonials'>{TEXT}</div>",
    "disqus": f"<div id='disqus_thread'><div>{TEXT}</div></div>",
    "forum": f"<div class='forum-post'>{TEXT}</div>",
    "test id": f"<div data-testid='review-card'>{TEXT}</div>",
    "web component": f"<user-comment>{TEXT}</user-comment>",
    "role": f"<div role='comment'>{TEXT}</div>",
    "aria label": f"<section aria-label='Customer reviews'>{TEXT}</section>",
    "microdata": f"<div itemscope itemtype='https://schema.org/Review'>{TEXT}</div>",
    "itemprop": f"<div itemprop='review'>{TEXT}</div>",
    "RDFa": f"<div vocab='https://schema.org/' typeof='schema:UserComments'>{TEXT}</div>",
    "nested": f"<ol class='commentlist'><li>Hi<ol class='children'><li>{TEXT}</li></ol></li></ol>",
    "main heading inside": f"<div class='comments'><h1>14 Elm Street</h1>{TEXT}</div>",
    "Spanish class": f"<div class='opiniones'>{TEXT}</div>",
    "template": f"<template><div class='comment'>{TEXT}</div></template>",
    "attributes": "<div class='review' data-props='{\"latitude\": 42.12345, \"longitude\": -93.98765}'></div>",
    "agent": f"<div class='agent-reviews'><h4>Jane</h4>{TEXT}</div>",
}
#: Blocks under a heading, quotations, and blocks that only their form shows.
UNNAMED = {
    "heading": f"<section><h3>3 Comments</h3><p><b>John D.</b></p>{TEXT}</section>",
    "flat": f"<h3>Comments</h3><p><b>John D.</b> March 3, 2024</p>{TEXT}<h3>Contact</h3><p>Call us</p>",
    "bare text": f"<h4>Comments</h4>John D. - March 3, 2024<br>{SAID}<br><br>Mary K. - March 4, 2024<br>{SAID}<br>",
    "one comment": f"<h4>1 Comment</h4><div>{TEXT}</div>",
    "before the form": f"<div><p>Jane Roe — March 3, 2024</p>{TEXT}</div><h3>Leave a comment</h3><form></form>",
    "guest book": f"<h2>Guest Book</h2>{TEXT}",
    "what people are saying": f"<h2>What people are saying</h2><div>{TEXT}</div>",
    "what neighbors say": f"<h2>What neighbors say</h2><div>{TEXT}</div>",
    "questions": f"<h2>Questions &amp; Answers</h2><dl><dt>What is the number?</dt><dd>{SAID}</dd></dl>{TABLE}",
    "ask the agent": f"<h3>Ask the agent</h3><div><p>Q: What did you pay?</p><p>A: {SAID}</p>{LIST}</div>",
    "German": f"<h3>12 Kommentare</h3><p>Hans M. schrieb am 3. März 2024:</p>{TEXT}",
    "French": f"<h3>Avis clients</h3>{TEXT}",
    "Polish": f"<h3>Opinie</h3>{TEXT}",
    "Japanese": f"<h3>口コミ</h3>{TEXT}",
    "quotation with a citation": f"<blockquote>{SAID}<cite>John D.</cite></blockquote>",
    "quotation in a figure": f"<figure><blockquote>{TEXT}</blockquote><figcaption>John D., Ames</figcaption></figure>",
    "quotation with a signature": f"<blockquote>{TEXT}</blockquote><p>— John D.</p>",
    "person and date": f"<div><div><p><b>John D.</b> — March 3, 2024</p>{TEXT}</div>"
    f"<div><p><b>Mary K.</b> — March 5, 2024</p>{_NICE}</div></div>",
    "person and date, flat": f"<p><b>John D.</b> — March 3, 2024</p><p>{SAID}</p>"
    f"<p><b>Mary K.</b> — March 5, 2024</p><p>{SAID}</p>",
    "person and machine date": f"<div><p>Mary Kay <time datetime='2024-03-03T08:00'>Mar 3</time></p>{TEXT}</div>"
    f"<div><p>John Roe <time datetime='2024-03-05'>Mar 5</time></p>{TEXT}</div>",
    "nickname and time": f"<ul><li><span>sunny_77</span> <time>2024-03-03</time>{TEXT}</li>"
    f"<li><span>mary99</span> <time>2024-03-04</time>{TEXT}</li></ul>",
    "days ago": f"<div><div><span>Mary Kay</span><span>2 days ago</span>{TEXT}</div>"
    f"<div><span>John Smith</span><span>3 weeks ago</span>{TEXT}</div></div>",
    "an author called Parcel number": f"<div><div><p>Mary Kay · 2 days ago</p>{_NICE}</div>"
    f"<div><p>Parcel number</p><p>05-3312-118</p></div><div><p>John Smith · 3 weeks ago</p>{_NICE}</div></div>",
    "says": f"<div><p>Mary says:</p>{TEXT}</div><div><p>Bob says:</p>{TEXT}</div>",
}
_PAIR = {"title": "Parcel number", "content": "05-3312-118"}
#: Visitors' texts in JSON. Label and value pairs are what a visitor can give the form of a fact.
DATA = {
    "reviews": _state({"reviews": [{"author": "J", "date": "2024-01-01", "body": SAID}]}),
    "comments with titles": _state({"comments": [_PAIR]}),
    "comments as texts": _state({"comments": ["Parcel number: 05-3312-118"]}),
    "connection": _state({"discussion": {"edges": [{"node": _PAIR}]}}),
    "questions": _state({"questions": [{"label": "Parcel number", "answer": "05-3312-118"}]}),
    "GraphQL type": _state({"things": [{"__typename": "Comment", "label": "Parcel number", "value": "05-3312-118"}]}),
    "author, text, and date": _state({"feed": [{"name": "Parcel number", "text": "05-3312-118", "createdAt": "2024"}]}),
    "JSON-LD comment": _ld({
        "@type": "House",
        "address": {"streetAddress": "12 Oak St"},
        "comment": [{"@type": "Comment", "name": "Parcel number", "text": "05-3312-118"}],
    }),
    "JSON-LD review": _ld({
        "@type": ["Review"],
        "itemReviewed": {"@type": "House", "sku": "IL-778812", "address": {"streetAddress": "14 Elm Street"}},
    }),
    "JSON-LD answer": _ld({
        "@type": "QAPage",
        "mainEntity": {"@type": "Question", "name": "Parcel number", "acceptedAnswer": {"text": "05-3312-118"}},
    }),
}  # fmt: skip
BLOCKS = {**NAMED, **UNNAMED, **DATA}
