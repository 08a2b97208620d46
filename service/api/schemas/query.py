"""Schemas of query strings."""

from marshmallow import validate

from service.api.schemas.base import QuerySchema
from service.api.schemas.fields import Integer, Text
from service.store.base import NAME, NAME_RULE

PAGE_TOKEN = "The `next_page_token` of the previous page; empty for the first page."  # noqa: S105 - not a password
TOKEN = validate.Regexp("^(?:[1-9][0-9]{0,17})?$", error="is {input!r}; give the next_page_token of the previous page")


class ModelQuery(QuerySchema):
    """The model of a route whose path does not name one."""

    model = Text(
        f"The model's name: {NAME_RULE}.",
        load_default="default",
        validate=validate.Regexp(f"^(?:{NAME.pattern})$", error=f"is {{input!r}}; give {NAME_RULE}"),
    )


class PageQuery(QuerySchema):
    """A page of a list."""

    limit = Integer("The maximum number of entries on a page.", bounds=(1, 1000), load_default=100, in_query=True)


class ModelListQuery(PageQuery):
    """A page of the list of models."""

    prefix = Text("Lists only models whose names start with this.", load_default="")
    page_token = Text(PAGE_TOKEN, load_default="")


class VersionListQuery(PageQuery):
    """A page of the list of versions."""

    page_token = Text(PAGE_TOKEN, load_default="", validate=TOKEN)
