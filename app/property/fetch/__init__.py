"""Fetch pages over HTTP. Obey the site's robots.txt and rate limit, and reach no private network that is not allowed.

A fetch passes these stages, each in a package or module of its own:

    guard      check the URL and resolve its host to addresses that may be connected to
    robots     apply the site's robots.txt
    pace       apply the site's rate limit: wait for its next slot, or schedule a later visit
    cache_validators   ask the site whether the stored copy is still current
    client     send the request and follow redirects, within `limits`
    decode     turn the body into text; detect media types, bot challenges, and logins
    browser    render the page in Chromium if its host is configured for that, or if it is empty without its scripts

`build.build_fetcher` builds a fetcher with all stages. `decode.text.page_from_file` reads a saved page instead.
"""
