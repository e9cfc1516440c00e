"""Tables that other people wrote, as numbered raw rows: data sets and predictions files alike.

`open_table` is the way in. It reads JSON lines, JSON arrays and column-wise JSON, delimited text
of any usual dialect, and Parquet; text may be compressed (gzip, zip, bzip2, xz, Zstandard) and in
UTF-8, UTF-16, UTF-32 or a legacy encoding. A path of `-` is standard input. What had to be detected
rather than followed from the name is in the table's `notes`, so that callers can report it.

    compression   bytes of a file, however it is compressed
    encoding      the text encoding of those bytes
    delimited     dialect, quoting and line breaks of CSV, TSV and the like
    json_rows     the layouts of JSON
    parquet       the columns of a Parquet file that can be read
    columns       which column is the premise, the hypothesis, the label, ...
    cells         lists and numbers as libraries print them
"""

from nliexplorer.data.tabular.opening import FORMATS, file_format, open_table
from nliexplorer.data.tabular.table import RawRow, RawTable, TableOptions, cannot_read

__all__ = [
    "FORMATS",
    "RawRow",
    "RawTable",
    "TableOptions",
    "cannot_read",
    "file_format",
    "open_table",
]
