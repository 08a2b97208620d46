"""The table formats by media type. JSON is separate, because its body holds options beside the rows."""

from service.formats.binary import arrow, npy, parquet
from service.formats.text import csv, ndjson

FORMATS = (csv.FORMAT, csv.TAB_FORMAT, ndjson.FORMAT, arrow.FORMAT, arrow.FILE_FORMAT, parquet.FORMAT, npy.FORMAT)
TABLES = {table_format.media_type: table_format for table_format in FORMATS}
