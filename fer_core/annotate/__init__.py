"""Bulk annotation: folders, parquet files or object stores of photos to partitioned parquet.

`storage` reaches files and object stores. `sources` lists what is to be annotated and cuts it into
partitions. `manifest` says what a run was begun with and what of it is missing, `rows` holds the schema, and
`partition` turns one partition into one file, in the worker processes of `fer_core.batch.pool`, and `on_ray`
keeps such processes at work in a cluster. `answering` says what predictions depend on besides the photos.
`engine` lists where a run can work, and `run` puts all of these together.
"""
