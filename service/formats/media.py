"""The table of media types that hold tables. JSON, which holds options as well, is apart."""

from service.formats import arrow, csv, ndjson, npy, parquet
from service.formats.source import Format

TABLES: dict[str, Format] = {
    each.media_type: each for each in (csv.FORMAT, ndjson.FORMAT, arrow.FORMAT, parquet.FORMAT, npy.FORMAT)
}
