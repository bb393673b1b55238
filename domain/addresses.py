"""Rules of postal addresses by country (ISO 3166 alpha-2), as far as a parcel depends on them.

The formats are those of the national posts; a country that is not listed takes whatever looks like a postal code.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class PostalFormat:
    """A pattern of the code without blanks and hyphens; its groups are written with `separator` between them."""

    pattern: str
    example: str
    separator: str = ""


def _all(countries: str, form: PostalFormat) -> dict[str, PostalFormat]:
    return dict.fromkeys(countries.split(), form)


_UNITED_KINGDOM = r"([A-Z]{1,2}[0-9][A-Z0-9]?|GIR)([0-9][A-Z]{2})"
_CANADA = r"([ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z])([0-9][ABCEGHJ-NPRSTV-Z][0-9])"
_IRELAND = r"([AC-FHKNPRTV-Y][0-9]{2}|D6W)([0-9AC-FHKNPRTV-Y]{4})"

POSTAL_FORMATS: dict[str, PostalFormat] = {
    **_all("AT AU BE BG CH CY DK HU LI NO NZ PH SI TN ZA", PostalFormat("([0-9]{4})", "8001")),
    **_all("DE EE EG ES FI FR HR ID IT KR MX MY RS TH TR UA", PostalFormat("([0-9]{5})", "10115")),
    **_all("CN CO KZ RO RU SG", PostalFormat("([0-9]{6})", "100000")),
    **_all("AS GU MP PR US VI", PostalFormat("([0-9]{5})([0-9]{4})?", "97201", "-")),
    **_all("CZ GR SE SK", PostalFormat("([0-9]{3})([0-9]{2})", "113 51", " ")),
    **_all("GB GG IM JE", PostalFormat(_UNITED_KINGDOM, "SW1A 1AA", " ")),
    "BR": PostalFormat("([0-9]{5})([0-9]{3})", "01310-100", "-"),
    "CA": PostalFormat(_CANADA, "K1A 0B1", " "),
    "IE": PostalFormat(_IRELAND, "D02 X285", " "),
    "IN": PostalFormat("([1-9][0-9]{5})", "110001"),
    "JP": PostalFormat("([0-9]{3})([0-9]{4})", "100-0001", "-"),
    "NL": PostalFormat("([1-9][0-9]{3})([A-Z]{2})", "1012 AB", " "),
    "PL": PostalFormat("([0-9]{2})([0-9]{3})", "00-001", "-"),
    "PT": PostalFormat("([0-9]{4})([0-9]{3})", "1000-001", "-"),
    "TW": PostalFormat("([0-9]{3})([0-9]{2,3})?", "100"),
}

_WITHOUT = """
AE AG AO AW BF BI BJ BO BQ BS BW BZ CD CF CG CI CK CM CW DJ DM ER FJ GA GD GH GM GQ GY HK IE JM KI KM KN KP LY ML MO MR
MW NR NU QA RW SB SC SL SR SS ST SX SY TD TF TG TK TO TV UG VU YE ZW
"""
MAY_LACK_A_POSTAL_CODE = frozenset(_WITHOUT.split())
"""Those without a system of postal codes (Universal Postal Union), and those where it may be left out."""

WITH_REGIONS = frozenset({"AU", "BR", "CA", "IN", "MX", "US"})
"""Where the state or province is on the label too, so that one that is given has to be one of the country's. It may be
left out: the postal code says it."""

_LOOKS_LIKE_ONE = re.compile(r"[A-Z0-9][A-Z0-9 \-]{1,15}")


def postal_code(country: str, given: str) -> str:
    """As the country's post writes it: upper case, with its blank or hyphen; "" where the country may lack one.

    Raises ValueError for what is no postal code there.
    """
    written = " ".join(given.upper().split())
    if not written and country in MAY_LACK_A_POSTAL_CODE:
        return ""
    form = POSTAL_FORMATS.get(country)
    if form is None:
        if not _LOOKS_LIKE_ONE.fullmatch(written):
            raise ValueError("a postal code is 2 to 16 letters and digits, with blanks or hyphens between them")
        return written
    match = re.fullmatch(form.pattern, re.sub("[ -]", "", written))
    if match is None:
        raise ValueError(f"a postal code of {country} looks like {form.example}")
    return form.separator.join(group for group in match.groups() if group)
