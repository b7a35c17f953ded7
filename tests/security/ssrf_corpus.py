"""The SSRF corpus: internal or invalid URLs and the error that refuses each, for the tests of every fetcher."""

from __future__ import annotations

from app.errors import PropertyIntelligenceError
from app.errors.fetching import BlockedAddressError, BlockedPortError
from app.errors.targets import InvalidTargetError

#: Each URL, and the error that refuses it. PORT stands for the port of a test's server.
INSIDE: dict[str, type[PropertyIntelligenceError]] = {
    # loopback, plain and disguised
    "http://127.0.0.1:PORT/": BlockedAddressError,
    "http://127.0.0.1.:PORT/": BlockedAddressError,
    "http://127.255.255.254:PORT/": BlockedAddressError,
    "http://localhost:PORT/": BlockedAddressError,
    "http://LOCALHOST.:PORT/": BlockedAddressError,
    "http://2130706433:PORT/": BlockedAddressError,
    "http://0x7f000001:PORT/": BlockedAddressError,
    "http://0X7F.0.0.0x1:PORT/": BlockedAddressError,
    "http://017700000001:PORT/": BlockedAddressError,
    "http://0177.0.0.1:PORT/": BlockedAddressError,
    "http://0177.0.0.01:PORT/": BlockedAddressError,
    "http://127.1:PORT/": BlockedAddressError,
    "http://127.0.1:PORT/": BlockedAddressError,
    "http://127.0.0.001:PORT/": BlockedAddressError,
    "http://0x7f.1:PORT/": BlockedAddressError,
    "http://0:PORT/": BlockedAddressError,
    "http://0.0.0.0:PORT/": BlockedAddressError,
    "http://127。0。0。1:PORT/": BlockedAddressError,
    "http://①②⑦.⓪.⓪.①:PORT/": BlockedAddressError,
    "http://１２７.0.0.1:PORT/": BlockedAddressError,
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/": BlockedAddressError,
    "http://127%2e0%2e0%2e1:PORT/": InvalidTargetError,
    "http://%31%32%37.0.0.1:PORT/": InvalidTargetError,
    # loopback, IPv6 and IPv4 inside IPv6
    "http://[::1]:PORT/": BlockedAddressError,
    "http://[0:0:0:0:0:0:0:1]:PORT/": BlockedAddressError,
    "http://[::]:PORT/": BlockedAddressError,
    "http://[::ffff:127.0.0.1]:PORT/": BlockedAddressError,
    "http://[::ffff:7f00:1]:PORT/": BlockedAddressError,
    "http://[::127.0.0.1]:PORT/": BlockedAddressError,
    "http://[64:ff9b::7f00:1]:PORT/": BlockedAddressError,
    "http://[64:ff9b::10.0.0.1]:PORT/": BlockedAddressError,
    "http://[64:ff9b:1::7f00:1]:PORT/": BlockedAddressError,
    "http://[2002:7f00:1::]:PORT/": BlockedAddressError,
    "http://[2001:0:7f00:1::]:PORT/": BlockedAddressError,
    "http://[2a01:4f8::5efe:192.168.0.1]:PORT/": BlockedAddressError,
    "http://[::1%25lo]:PORT/": InvalidTargetError,
    # private, shared, link-local, multicast, reserved
    "http://10.0.0.1:PORT/": BlockedAddressError,
    "http://172.16.0.1:PORT/": BlockedAddressError,
    "http://172.31.255.255:PORT/": BlockedAddressError,
    "http://192.168.1.1:PORT/": BlockedAddressError,
    "http://0xc0a80101:PORT/": BlockedAddressError,
    "http://100.64.0.1:PORT/": BlockedAddressError,
    "http://169.254.0.5:PORT/": BlockedAddressError,
    "http://198.18.0.1:PORT/": BlockedAddressError,
    "http://224.0.0.1:PORT/": BlockedAddressError,
    "http://240.0.0.1:PORT/": BlockedAddressError,
    "http://255.255.255.255:PORT/": BlockedAddressError,
    "http://[fc00::1]:PORT/": BlockedAddressError,
    "http://[fe80::1]:PORT/": BlockedAddressError,
    "http://[fec0::1]:PORT/": BlockedAddressError,
    "http://[ff02::1]:PORT/": BlockedAddressError,
    "http://[2001:db8::1]:PORT/": BlockedAddressError,
    # metadata services
    "http://169.254.169.254/latest/meta-data/": BlockedAddressError,
    "http://[fd00:ec2::254]/latest/meta-data/": BlockedAddressError,
    "http://[::ffff:169.254.169.254]/": BlockedAddressError,
    "http://100.100.100.200/": BlockedAddressError,
    "http://168.63.129.16/": BlockedAddressError,
    "http://2852039166/latest/meta-data/": BlockedAddressError,
    # names that resolve to internal addresses
    "http://inside.example:PORT/": BlockedAddressError,
    "http://inside-v6.example:PORT/": BlockedAddressError,
    "http://mapped.example:PORT/": BlockedAddressError,
    "http://mixed.example:PORT/": BlockedAddressError,
    "http://metadata.google.internal/": BlockedAddressError,
    "http://bücher.example:PORT/": BlockedAddressError,
    # URLs that parsers read in different ways
    "http://user@127.0.0.1:PORT/": InvalidTargetError,
    "http://example.com@127.0.0.1:PORT/": InvalidTargetError,
    "http://example.com:80@127.0.0.1:PORT/": InvalidTargetError,
    "http://127.0.0.1:PORT\\@example.com/": InvalidTargetError,
    "http://127.0.0.1:PORT#@example.com/": BlockedAddressError,
    "http://127.0.0.1:PORT?@example.com/": BlockedAddressError,
    "http:///127.0.0.1:PORT/": InvalidTargetError,
    "http:127.0.0.1:PORT/": InvalidTargetError,
    "//127.0.0.1:PORT/": InvalidTargetError,
    "http://127.0.0.1 :PORT/": InvalidTargetError,
    "http://exam\tple.com:PORT/": InvalidTargetError,
    "http://127.0.0.1:PORT:80/": InvalidTargetError,
    "http://127.0.0.1:٨٠/": InvalidTargetError,
    # other schemes and ports
    "ftp://127.0.0.1:PORT/": InvalidTargetError,
    "file:///etc/passwd": InvalidTargetError,
    "gopher://127.0.0.1:PORT/_x": InvalidTargetError,
    "data:text/html,hello": InvalidTargetError,
    "http://93.184.216.34:6379/": BlockedPortError,
    "http://93.184.216.34:22/": BlockedPortError,
    "http://93.184.216.34:99999/": InvalidTargetError,
    "http://93.184.216.34:0/": InvalidTargetError,
}

#: The addresses to which the corpus' names resolve.
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "inside.example": ["127.0.0.1"],
    "inside-v6.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "mixed.example": ["93.184.216.34", "127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "xn--bcher-kva.example": ["127.0.0.1"],
}
