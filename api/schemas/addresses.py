"""The one address that the shop takes, in checkouts and in address books, checked by the rules of its country."""

import unicodedata
from typing import Annotated, Any

import phonenumbers
import pycountry
from phonenumbers import ValidationResult
from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StringConstraints, ValidationInfo, field_validator

from api.schemas.common import Body, Text
from domain.addresses import WITH_REGIONS, postal_code


def _country(value: str) -> str:
    if pycountry.countries.get(alpha_2=value) is None:
        raise ValueError("a country is its ISO 3166 code of two capital letters, such as DE")
    return value


def _folded(name: str) -> str:
    """Without accents and case: São Paulo and SAO PAULO are one."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def _codes_of_regions(country: str) -> dict[str, str]:
    """The part after the hyphen of its ISO 3166-2 code, by code, by whole code, and by name."""
    subdivisions: Any = pycountry.subdivisions
    found: dict[str, str] = {}
    for region in subdivisions.get(country_code=country):
        code = region.code.partition("-")[2]
        found |= {_folded(name): code for name in (code, region.code, region.name)}
    return found


_REGIONS = {country: _codes_of_regions(country) for country in WITH_REGIONS}
_REGIONS["US"] |= {code.casefold(): code for code in ("AA", "AE", "AP")}  # military mail, which ISO does not know


def e164(value: str, country: str | None = None) -> str:
    """`+14155552671`. A number that does not start with + is read as one of `country`, where there is one."""
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        raise ValueError("a phone number starts with + and its country code, such as +14155552671") from None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise ValueError("this is not a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


Country = Annotated[
    str, StringConstraints(pattern="^[A-Z]{2}$"), AfterValidator(_country), Field(description="ISO 3166 alpha-2.")
]

EXAMPLE_ADDRESS: dict[str, JsonValue] = {
    "full_name": "Ada Shopper", "line1": "1 Analytical Way", "city": "Portland",
    "region": "OR", "postal_code": "97201", "country": "US",
}  # fmt: skip


class AddressBody(Body):
    """`country` comes first: it decides about the fields below it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_ADDRESS]})

    country: Country
    full_name: Annotated[Text, Field(max_length=200)]
    line1: Annotated[Text, Field(max_length=200)]
    line2: Annotated[Text, Field(max_length=200)] | None = None
    city: Annotated[Text, Field(max_length=120)]
    region: Annotated[Text, Field(max_length=120)] | None = Field(
        default=None,
        description=f"In {', '.join(sorted(WITH_REGIONS))} the code or the name of a state or province of theirs.",
    )
    postal_code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=16)] = Field(
        default="", validate_default=True, description="Needed wherever the country has postal codes."
    )
    phone: Annotated[str, Field(max_length=32)] | None = Field(
        default=None, description="With its country code, or as one dials it within the country."
    )

    @field_validator("region")
    @classmethod
    def _a_region_of_its_country(cls, value: str | None, info: ValidationInfo) -> str | None:
        regions = _REGIONS.get(info.data.get("country", ""))
        if value is None or regions is None:
            return value
        if (code := regions.get(_folded(value))) is None:
            raise ValueError(f"this is no state or province of {info.data['country']}, by its code or name")
        return code

    @field_validator("postal_code")
    @classmethod
    def _a_postal_code_of_its_country(cls, value: str, info: ValidationInfo) -> str:
        return postal_code(info.data["country"], value) if "country" in info.data else value

    @field_validator("phone")
    @classmethod
    def _a_phone_number(cls, value: str | None, info: ValidationInfo) -> str | None:
        return value if value is None or "country" not in info.data else e164(value, info.data["country"])
