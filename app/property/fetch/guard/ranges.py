"""Recognize IP addresses that are not public, including IPv4 addresses embedded in IPv6 addresses.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates). Python's `is_global` is not
used, because its results differ between patch releases and ignore embedded addresses.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

#: Addresses of the metadata services of AWS (also EKS and ECS), Azure, Alibaba, Oracle, and Google. These services hand
#: out credentials.
_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200", "192.0.0.192",
        "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
    )
)  # fmt: skip

_SPECIAL_V4 = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this network"), ("10.0.0.0/8", "private"), ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"), ("169.254.0.0/16", "link-local"), ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"), ("192.0.2.0/24", "documentation"), ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"), ("198.18.0.0/15", "benchmarking"), ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"), ("224.0.0.0/4", "multicast"), ("240.0.0.0/4", "reserved"),
    )
)  # fmt: skip

#: The block from which IANA assigns global unicast addresses (RFC 4291 section 2.4). Other addresses are treated as
#: reserved.
_GLOBAL_UNICAST = IPv6Network("2000::/3")

_SPECIAL_V6 = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "unspecified"), ("::1/128", "loopback"), ("::/96", "IPv4-compatible, deprecated"),
        ("64:ff9b:1::/48", "local NAT64"), ("100::/64", "discard-only"), ("2001::/32", "Teredo tunnel"),
        ("2001::/23", "protocol assignments"), ("2001:db8::/32", "documentation"), ("2002::/16", "6to4 tunnel"),
        ("3fff::/20", "documentation"), ("5f00::/16", "segment routing"), ("fc00::/7", "private"),
        ("fe80::/10", "link-local"), ("fec0::/10", "site-local"), ("ff00::/8", "multicast"),
    )
)  # fmt: skip

_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
#: The upper halves of ISATAP interface identifiers (RFC 5214 section 6.1). The lower half is an IPv4 address.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


def effective(address: IPAddress) -> IPAddress:
    """Return the IPv4 address in a v4-mapped or NAT64 address, to which its packets go. Return other addresses
    unchanged.
    """
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def unmapped(address: IPAddress) -> IPAddress:
    return effective(address) if isinstance(address, IPv6Address) and address in _MAPPED else address


def refusal(address: IPAddress) -> str | None:
    """Return in a few words why `address` is not public, or None if it is public."""
    target = effective(address)
    if target in _METADATA:
        return "metadata service"
    if isinstance(target, IPv4Address):
        return next((what for network, what in _SPECIAL_V4 if target in network), None)
    for network, what in _SPECIAL_V6:
        if target in network:
            return what
    if target not in _GLOBAL_UNICAST:
        return "reserved"
    if (int(target) >> 32) & 0xFFFF_FFFF in _ISATAP:
        return refusal(IPv4Address(int(target) & 0xFFFF_FFFF))
    return None


def is_metadata_service(address: IPAddress) -> bool:
    """Return whether `address` is a cloud metadata service, which no setting can allow."""
    return effective(address) in _METADATA


def legacy_ipv4(host: str) -> IPv4Address | None:
    """Return the address that `inet_aton` would parse from `host`, or None. Error messages show this address."""
    parts = host.split(".")
    if not 1 <= len(parts) <= 4:
        return None
    try:
        numbers = [_legacy_number(part) for part in parts]
    except ValueError:
        return None
    last_limit = 256 ** (5 - len(numbers))
    if any(number > 255 for number in numbers[:-1]) or numbers[-1] >= last_limit:
        return None
    value = numbers[-1]
    for index, number in enumerate(numbers[:-1]):
        value += number << (8 * (3 - index))
    return IPv4Address(value)


def _legacy_number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    if part.startswith("0") and len(part) > 1:
        return int(part, 8)
    return int(part, 10)
