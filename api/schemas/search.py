"""What a search answers, and the synonyms that staff keep."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.schemas.catalogue import ProductView
from api.schemas.common import Body, Page
from domain.search import words
from models.catalogue import SynonymGroup


class ValueCount(BaseModel):
    value: str
    count: int


class StockCount(BaseModel):
    value: bool
    count: int


class PriceBand(BaseModel):
    """Both ends in minor units and included: they are `price_min` and `price_max` of the search for this band."""

    model_config = ConfigDict(json_schema_extra={"example": {"from": 2000, "to": 4999, "count": 7}})

    from_: Annotated[int, Field(alias="from")]
    to: int
    count: int


class FacetsView(BaseModel):
    """How many of the products found there are of each kind. A category counts what is in those below it too."""

    category: list[ValueCount]
    brand: list[ValueCount]
    price: list[PriceBand]
    in_stock: list[StockCount]
    attributes: Annotated[dict[str, list[ValueCount]], Field(examples=[{"material": [{"value": "oak", "count": 3}]}])]


class ProductSearchPage(Page):
    """It documents bytes that are put together from stored ones. `facets` are null unless asked for."""

    items: list[ProductView]
    total: Annotated[int, Field(ge=0, description="Of all pages.", examples=[57])]
    facets: FacetsView | None


class Suggestion(BaseModel):
    name: str
    slug: str


class Suggestions(BaseModel):
    items: list[Suggestion]


def _has_a_word(text: str) -> str:
    if not words(text):
        raise ValueError("there is no letter and no digit in it")
    return text


Said = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(_has_a_word)
]


class SynonymsBody(Body):
    """Each a word, or a few that belong together. Case and accents do not matter."""

    model_config = ConfigDict(json_schema_extra={"example": {"words": ["sofa", "couch", "settee"]}})

    words: Annotated[list[Said], Field(min_length=2, max_length=20)]

    @model_validator(mode="after")
    def _differ(self) -> "SynonymsBody":
        if len({tuple(words(said)) for said in self.words}) < len(self.words):
            raise ValueError("two of the words are the same to search")
        return self


class SynonymsView(BaseModel):
    id: UUID
    words: Annotated[list[str], Field(examples=[["sofa", "couch", "settee"]])]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, group: SynonymGroup) -> "SynonymsView":
        return cls(id=group.id, words=group.words, created_at=group.created_at, updated_at=group.updated_at)


class SynonymsPage(Page):
    items: list[SynonymsView]


class RebuildStarted(BaseModel):
    """The workflow can be watched in the Web UI. The index that is there is searched until the new one is whole."""

    workflow_id: Annotated[str, Field(examples=["search-rebuild"])]
