"""Bulk annotation: folders, parquet files or object stores of photos to partitioned parquet.

`storage` reaches files and object stores. `sources` lists what is to be annotated and cuts it into
partitions. `manifest` says what a run was begun with and what of it is missing, `rows` holds the schema, and
`partition` turns one partition into one file. `worker` is the process that does it, `supervision` its
parent's side, and `local` and `on_ray` keep many of them at work. `run` puts these together, `command` is the
command line.
"""
