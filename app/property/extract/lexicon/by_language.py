"""Every language's labels by its ISO 639-1 code."""

from __future__ import annotations

from app.property.extract.lexicon import (
    chinese,
    czech,
    danish,
    dutch,
    finnish,
    french,
    german,
    greek,
    hebrew,
    hungarian,
    italian,
    japanese,
    korean,
    norwegian,
    polish,
    portuguese,
    romanian,
    spanish,
    swedish,
    turkish,
)

#: the lexicons of each language; Slovak shares Czech's, whose words differ by a letter
BY_LANGUAGE: dict[str, tuple[tuple[tuple[str, str], ...], ...]] = {
    "zh": (chinese.TERMS,),
    "cs": (czech.TERMS,),
    "sk": (czech.TERMS,),
    "da": (danish.TERMS,),
    "nl": (dutch.TERMS,),
    "fi": (finnish.TERMS,),
    "fr": (french.TERMS,),
    "de": (german.TERMS,),
    "el": (greek.TERMS,),
    "he": (hebrew.TERMS,),
    "hu": (hungarian.TERMS,),
    "it": (italian.TERMS,),
    "ja": (japanese.TERMS,),
    "ko": (korean.TERMS,),
    "no": (norwegian.TERMS,),
    "nb": (norwegian.TERMS,),
    "nn": (norwegian.TERMS,),
    "pl": (polish.TERMS,),
    "pt": (portuguese.TERMS,),
    "ro": (romanian.TERMS,),
    "es": (spanish.TERMS,),
    "sv": (swedish.TERMS,),
    "tr": (turkish.TERMS,),
}
