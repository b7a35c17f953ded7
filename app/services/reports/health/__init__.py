"""The health of the keys: taken in (`taking`), judged (`alarms`, `advice`), reported (`report`), told (`telling`).

`alarms` and `advise` are pure: frozen values in, frozen values out.
"""
