"""The content of generated pages that is not about the home's facts: menus, pictures, scripts, styles, feature
lists."""

import random

_PLACES = (
    "Sampleton", "Farview", "Draft Harbor", "Lorem Springs", "Example City", "Northbend", "Eastmere", "Westbrook",
    "Old Quarter", "Riverside", "Hillcrest", "Mapleton", "Cedar Point", "Union Square", "Lakeside", "Summit",
)  # fmt: skip
_TOPICS = ("Buying guide", "Selling guide", "Loans", "Moving", "Schools", "Market reports", "News", "Careers", "Help")
_FEATURES = (
    "Dishwasher", "Walk-in closet", "Hardwood floors", "Crown molding", "Pantry", "Granite counters", "Skylight",
    "Laundry room", "Double sink", "Recessed lighting", "Smoke detectors", "Cable ready", "Window blinds", "Porch",
    "Fenced yard", "Sprinklers", "Mature trees", "Corner lot", "Sidewalks", "Street lights", "Storage room",
    "Tile floors", "Breakfast bar", "Open plan", "High ceilings", "Bay window", "Garden shed", "Mud room",
)  # fmt: skip


def menu(prefix: str) -> str:
    groups = "".join(
        f'<li class="{prefix}nav-item"><a href="/{kind}">{title}</a><ul>'
        + "".join(f'<li><a href="/{kind}/{_slug(place)}">{place} {kind}</a></li>' for place in _PLACES)
        + "</ul></li>"
        for kind, title in (("real-estate", "Buy"), ("rentals", "Rent"), ("agents", "Agents"))
    )
    return f'<nav class="{prefix}nav"><ul>{groups}<li><a href="/sign-in">Sign in</a></li></ul></nav>'


def links(prefix: str) -> str:
    topics = "".join(f'<li><a href="/guide/{_slug(topic)}">{topic}</a></li>' for topic in _TOPICS)
    places = "".join(f'<li><a href="/market/{_slug(place)}">{place} market</a></li>' for place in _PLACES)
    return f'<ul class="{prefix}links">{topics}</ul><ul class="{prefix}links">{places}</ul>'


def gallery(prefix: str, rng: random.Random) -> str:
    pictures = "".join(
        f'<figure class="{prefix}photo"><img src="/media/{rng.getrandbits(48):012x}/{at}.jpg" '
        f'srcset="/media/{rng.getrandbits(48):012x}/{at}-800.jpg 800w" loading="lazy" alt="Photo {at}"></figure>'
        for at in range(1, rng.randint(8, 30))
    )
    return f'<div class="{prefix}gallery">{pictures}</div>'


def features(prefix: str, rng: random.Random) -> str:
    chosen = rng.sample(_FEATURES, rng.randint(6, 18))
    return f'<ul class="{prefix}features">{"".join(f"<li>{one}</li>" for one in chosen)}</ul>'


def styles(prefix: str) -> str:
    rules = "".join(
        f".{prefix}{name}{{margin:0 0 {at}px;padding:{at % 7}px;color:#{at * 4096 % 0xFFFFFF:06x}}}"
        for at, name in enumerate(("card", "title", "main", "price", "row", "nav", "photo", "links", "footer") * 12)
    )
    return f"<style>{rules}</style>"


def scripts(rng: random.Random) -> str:
    modules = "".join(
        f"window.__q=window.__q||[];__q.push(['m{at}',{rng.randint(1, 9_999)},'{rng.getrandbits(64):016x}']);"
        for at in range(60)
    )
    return f'<script>{modules}</script><script src="/assets/app.{rng.getrandbits(32):08x}.js" defer></script>'


def _slug(text: str) -> str:
    return text.lower().replace(" ", "-")
