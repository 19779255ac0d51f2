"""A user's bundle in a zip: checked and read in memory, never written to disk."""

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from pydantic import ValidationError

from fer_core.batch.zips import DAMAGED, files_in, lists_more_than
from fer_core.errors import DataError
from fer_core.evaluation.predictions import EvaluationResult
from fer_core.evaluation.user_predictions import parse_predictions
from fer_core.networks.bundles import PREDICTIONS_FOLDER, SPEC_FILE, BundleSpec

#: Bytes of a zip, of all that is in it, and of its spec; files and folders; rows of all predictions.
MOST_BYTES: Final = 50_000_000
_MOST_UNPACKED: Final = 200_000_000
_MOST_SPEC_BYTES: Final = 1_000_000
_MOST_MEMBERS: Final = 200
_MOST_ROWS: Final = 1_000_000
_CHUNK: Final = 1 << 20
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Names of bundles.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_ENCRYPTED: Final = 0x1
#: How far an accuracy in the spec may be from the predictions': it is rounded to seven digits.
_ROUNDED: Final = 1e-6
_FORM: Final = (
    f"A bundle is a zip with {SPEC_FILE} and {PREDICTIONS_FOLDER}/SOURCE-SPLIT.parquet, as "
    "`python -m training fit` and `python -m training evaluate` write them."
)


@dataclass(frozen=True, slots=True, eq=False)
class UserBundle:
    """A user's bundle, checked.

    Attributes:
        spec: content of its `spec.json`.
        results: predictions by "SOURCE:SPLIT".
        verified: names of the weight files in the zip, whose sha256 are those of the spec.
    """

    spec: BundleSpec
    results: Mapping[str, EvaluationResult]
    verified: tuple[str, ...]


def parse_user_bundle(content: bytes, name: str) -> UserBundle:
    """Read and check a bundle in a zip.

    Args:
        content: of the zip.
        name: file name, for messages.

    Raises:
        DataError: it is no zip, too large, has unsafe names, no valid spec, weights of another sha256, or
            predictions that are damaged or disagree with the spec; the message says which.
    """
    if len(content) > MOST_BYTES:
        raise DataError(
            f"{name} has {len(content) / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} MB are read. Leave "
            "out the weights: spec and predictions are enough."
        )
    if lists_more_than(content, _MOST_MEMBERS):
        raise DataError(
            f"{name} holds too many files; at most {_MOST_MEMBERS} are read. Keep only {SPEC_FILE} and the "
            "predictions."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _parse(archive, name)
    except (*DAMAGED, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(f"{name} is not a readable zip ({error}). {_FORM}") from error


def _parse(archive: zipfile.ZipFile, name: str) -> UserBundle:
    members = _members(archive, name)
    if SPEC_FILE not in members:
        raise DataError(f"{name} contains no {SPEC_FILE}. {_FORM}")
    spec = _spec(_read(archive, members[SPEC_FILE], _MOST_SPEC_BYTES), name)
    weights = [file for file in spec.sha256 if file in members]
    for file in weights:
        if _sha256(archive, members[file]) != spec.sha256[file]:
            raise DataError(
                f"{name}: the sha256 of {file} is not that in {SPEC_FILE}. Make the zip from one folder that "
                "`python -m training fit` wrote."
            )
    results: dict[str, EvaluationResult] = {}
    for path, member in members.items():
        folder, _, file = path.rpartition("/")
        stem, _, ending = file.rpartition(".")
        source, _, split = stem.rpartition("-")
        if folder == PREDICTIONS_FOLDER and ending == "parquet" and source and split:
            result = parse_predictions(_read(archive, member, MOST_BYTES), path)
            _check(result, spec, f"{source}:{split}", path)
            results[f"{source}:{split}"] = result
            if sum(map(len, results.values())) > _MOST_ROWS:
                raise DataError(
                    f"{name} has more than {_MOST_ROWS:,} rows of predictions. Leave out some of the "
                    "predictions files."
                )
    if not results:
        raise DataError(f"{name} holds no predictions. {_FORM}")
    return UserBundle(spec, results, tuple(weights))


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a zip by their paths in the bundle; raise DataError if any is unsafe."""
    files = files_in(archive)
    unpacked = sum(member.file_size for member in files)
    if unpacked > _MOST_UNPACKED:
        raise DataError(
            f"{name} unpacks to {unpacked / 1e6:,.0f} MB; at most {_MOST_UNPACKED / 1e6:.0f} MB are read. "
            f"Keep only {SPEC_FILE} and the predictions."
        )
    for member in files:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or re.search(r"[\\:\x00-\x1f]", str(path)):
            raise DataError(
                f"{name} holds a file with an unsafe name: {member.filename!r}. Make the zip from the "
                "bundle's folder itself."
            )
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
            raise DataError(
                f"{name}: {member.filename} is encrypted or compressed in an unusual way. Make the zip again "
                "with plain compression (deflate)."
            )
    names = [member.filename for member in files]
    if len(set(names)) < len(names):
        raise DataError(
            f"{name} holds two files of the same name. Remove one and make the zip again."
        )
    # Zips of a folder have its name before each of theirs.
    tops = [n.removesuffix(SPEC_FILE) for n in names if n.rpartition("/")[2] == SPEC_FILE]
    top = min(tops, key=len, default="")
    return {m.filename.removeprefix(top): m for m in files if m.filename.startswith(top)}


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Return a member's content; the size in its header is not trusted."""
    with archive.open(member) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise DataError(
            f"{member.filename} is larger than {most / 1e6:.0f} MB, the limit. Make it smaller or leave it "
            "out."
        )
    return content


def _sha256(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    digest = hashlib.sha256()
    left = _MOST_UNPACKED
    with archive.open(member) as file:
        while left > 0 and (chunk := file.read(_CHUNK)):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def _spec(content: bytes, name: str) -> BundleSpec:
    try:
        spec = BundleSpec.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise DataError(
            f"{name}: {SPEC_FILE} is not the spec of a network that names expressions: {field}: "
            f"{first['msg']}. Use the file that `python -m training fit` wrote."
        ) from error
    if not _NAME.fullmatch(spec.name):
        raise DataError(
            f"{name}: the name in {SPEC_FILE} may have letters, digits and the signs _ . + - and at most 64 "
            f"characters, got {spec.name[:80]!r}."
        )
    return spec


def _check(result: EvaluationResult, spec: BundleSpec, data: str, path: str) -> None:
    """Raise DataError unless predictions match a spec."""
    if set(result.expressions) != set(spec.labels):
        raise DataError(
            f"{path} has other expressions than {SPEC_FILE}. Take both from the same bundle."
        )
    told = spec.metrics.get(data)
    if told is None:
        return
    accuracy = float(result.is_right.mean())
    if told.n != len(result) or abs(told.accuracy - accuracy) > _ROUNDED:
        raise DataError(
            f"{path} does not agree with {SPEC_FILE}: {accuracy:.1%} of {len(result):,} rows are right, the "
            f"spec says {told.accuracy:.1%} of {told.n:,}. Evaluate the network again."
        )
