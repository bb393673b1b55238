"""Facts about products, categories and files of them."""

from domain.errors.facts import Fact


class SkuTaken(Fact):
    """`skus`: those that are."""

    code = "sku-taken"
    title = "A SKU belongs to one product for ever"


class SlugTaken(Fact):
    """`slug`: another has it, or had it before."""

    code = "slug-taken"
    title = "The slug leads somewhere else already"


class LastVariant(Fact):
    code = "last-variant"
    title = "A product has one variant at least"


class VariantsDisagree(Fact):
    code = "variants-disagree"
    title = "These cannot be the variants of one product"


class TooManyAttributes(Fact):
    code = "too-many-attributes"
    title = "A product has 50 attributes at most, of 16 KiB together"


class CategoryUnknown(Fact):
    """`category`: the slug that leads nowhere."""

    code = "category-unknown"
    title = "There is no such category"


class CategoryCycle(Fact):
    code = "category-cycle"
    title = "A category cannot be below itself"


class CategoryTooDeep(Fact):
    """`deepest`: levels that the tree may have."""

    code = "category-too-deep"
    title = "The tree of categories has no room for another level"


class FileRefused(Fact):
    """`line`: where the file stops being one that can be read. Nothing of it was imported."""

    code = "file-refused"
    title = "The file cannot be read"


class ImportRunning(Fact):
    code = "import-running"
    title = "This file is being imported at this moment"
