"""The table of media types that hold tables. JSON, which holds options as well, is apart."""

from service.formats.binary import arrow, npy, parquet
from service.formats.table import Format
from service.formats.text import csv, ndjson

TABLES: dict[str, Format] = {
    each.media_type: each for each in (csv.FORMAT, ndjson.FORMAT, arrow.FORMAT, parquet.FORMAT, npy.FORMAT)
}
