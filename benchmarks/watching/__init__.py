"""Sixty simulated days of watched properties: real code of the workers, a clock that is moved by hand."""
