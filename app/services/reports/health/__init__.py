"""The health of the keys: taken in (`watch`), judged (`alarms`, `advice`), reported (`report`).

`alarms` and `advise` are pure: frozen values in, frozen values out.
"""
