"""The health of the keys: taken in (`taking`), judged (`alarms`, `advice`), reported (`report`), told (`telling`).

`alarms`, `spikes`, `advice` and `rotations` are pure: frozen values in, frozen values out.
"""
