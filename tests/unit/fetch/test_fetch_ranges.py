"""Special address ranges are recognized at their boundaries, and so are IPv4 addresses in IPv6 addresses."""

from ipaddress import IPv4Address, ip_address

import pytest

from app.property.fetch.guard.ranges import effective, legacy_ipv4, refusal, unmapped

REFUSED = """
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 169.254.0.0
169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255
198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255 168.63.129.16
:: ::1 ::2 ::8.8.8.8 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1
100::1 2001::1 2001:1ff:ffff::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1
4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 febf::1 fec0::1 ff00::1 ff02::1
2a00::5efe:10.0.0.1 2a00::200:5efe:127.0.0.1
"""

PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
223.255.255.255 168.63.129.15 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2001:200::1 2001:4860:4860::8888 2606:2800:220:1::1
2a00::5efe:8.8.8.8 3ffe:ffff::1
"""


@pytest.mark.parametrize("text", REFUSED.split())
def test_special_addresses_are_refused(text: str) -> None:
    assert refusal(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public_addresses_are_accepted(text: str) -> None:
    assert refusal(ip_address(text)) is None


@pytest.mark.parametrize(("text", "address"), [
    ("127.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("10.1.2", "10.1.0.2"), ("2130706433", "127.0.0.1"),
    ("0x7f000001", "127.0.0.1"), ("0x7f.0x0.0x0.0x1", "127.0.0.1"), ("017700000001", "127.0.0.1"),
    ("0177.0.0.01", "127.0.0.1"), ("192.168.257", "192.168.1.1"), ("0x", "0.0.0.0"),
    ("4294967295", "255.255.255.255"), ("4294967296", None), ("1.2.3.256", None), ("1.2.65536", None),
    ("256.1", None), ("1.2.3.4.5", None), ("08.0.0.1", None), ("0xg", None), ("1..2", None), ("abc", None),
])  # fmt: skip
def test_legacy_spellings_are_read_as_inet_aton_does(text: str, address: str | None) -> None:
    """As in man 3 inet_aton, an address has one to four parts, and the last part fills the remaining bytes."""
    assert legacy_ipv4(text) == (IPv4Address(address) if address else None)


def test_an_embedded_address_decides() -> None:
    assert str(effective(ip_address("::ffff:1.2.3.4"))) == "1.2.3.4"
    assert str(effective(ip_address("64:ff9b::1.2.3.4"))) == "1.2.3.4"
    assert str(effective(ip_address("2001:4860::1"))) == "2001:4860::1"
    # unlike an IPv4-mapped address, a NAT64 address is connected to as IPv6
    assert str(unmapped(ip_address("64:ff9b::1.2.3.4"))) == "64:ff9b::102:304"
    assert str(unmapped(ip_address("::ffff:1.2.3.4"))) == "1.2.3.4"
