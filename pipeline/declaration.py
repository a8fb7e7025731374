"""Owns what the lake says of a table besides its files: `_schema.arrow`, its whole present schema and whose it is.

With it the lake alone tells a table's key, its partition, and the grain of the report that owns it.
"""

from pathlib import Path

import orjson
import pyarrow as pa

from schemas.arrow import columns_of, whole_schema
from schemas.columns import Table
from schemas.work import Owner

NAME = "_schema.arrow"
_WHOSE = b"insights"


def declared(table: Table, owner: Owner) -> bytes:
    """The content of the file."""
    whose = {"report": owner.report, "grain": owner.grain, "definition": owner.definition}
    data = orjson.dumps({**whose, "key": table.key, "partition": table.partition})
    schema = whole_schema(table)
    return bytes(schema.with_metadata({**schema.metadata, _WHOSE: data}).serialize().to_pybytes())


def read_declared(path: Path) -> tuple[Table, Owner]:
    """What `declared` wrote for the table whose folder the file lies in.

    Raises:
        ValueError: There is none, or it is not whole.
    """
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(path.read_bytes()))
        data = orjson.loads(schema.metadata[_WHOSE])
        meaning = schema.metadata[b"comment"].decode()
        table = Table(path.parent.name, meaning, columns_of(schema), tuple(data["key"]), tuple(data["partition"]))
        return table, Owner(str(data["report"]), str(data["grain"]), str(data["definition"]))
    except (OSError, KeyError, TypeError, pa.ArrowException) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
