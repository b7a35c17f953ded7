"""Remove invisible characters, such as zero-width spaces, and detect characters that override the text direction."""

import re

#: Zero-width space, word joiner, invisible operators, and byte order mark.
_ZERO_WIDTH = "\u200b\u2060\u2061\u2062\u2063\u2064\ufeff"
#: Joiners and direction marks. Persian, Hindi, and Arabic need them, so they are removed only between ASCII characters.
_JOINERS = "\u200c\u200d\u200e\u200f"
_STRAY_JOINERS = re.compile(f"(?<=[\\x21-\\x7e])[{_JOINERS}]+(?=[\\x21-\\x7e])")
#: Tag characters and supplementary variation selectors. In UTF-8, all of these characters begin with the bytes
#: `_TAGS_BEGIN`.
_TAGS = re.compile("[\U000e0000-\U000e007f\U000e0100-\U000e01ef]")
_TAGS_BEGIN = b"\xf3\xa0"
_UNSEEN_ENTITIES = re.compile(
    r"&(?:#0*(?:820[3-7]|828[89]|829[0-2]|65279|917[5-9]\d\d|918[0-7]\d)|"
    r"#[xX]0*(?:200[b-fB-F]|206[0-4]|[fF][eE][fF][fF]|[eE]0[01][0-9a-fA-F]{2})|ZeroWidthSpace|NoBreak)(?![0-9A-Za-z]);?"
)
_OVERRIDES = re.compile(r"[\u202d\u202e]|&#(?:0*823[78]|[xX]0*202[dDeE])(?![0-9A-Fa-f])|\\u202[dDeE]")
#: Prefixes of what `_OVERRIDES` matches, because searching for fixed strings first is faster.
_OVERRIDES_BEGIN = ("\u202d", "\u202e", "&#823", "&#0", "&#x2", "&#X2", "&#x0", "&#X0", "\\u202")


def without_unseen(text: str) -> str:
    if "&" in text:
        text = _UNSEEN_ENTITIES.sub("", text)
    if text.isascii():
        return text
    for character in _ZERO_WIDTH:
        if character in text:
            text = text.replace(character, "")
    if any(character in text for character in _JOINERS):
        text = _STRAY_JOINERS.sub("", text)
    return _TAGS.sub("", text) if _TAGS_BEGIN in text.encode("utf-8", "replace") else text


def reorders(text: str) -> bool:
    """Return whether `text` contains a direction override, as a character or as an HTML or JSON escape."""
    return any(part in text for part in _OVERRIDES_BEGIN) and _OVERRIDES.search(text) is not None
