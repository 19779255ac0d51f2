#!/usr/bin/env bash
# Trains on this machine, with JAX and without a network. README.md in training/gpu tells the whole way.
#
#   ./run.sh RECIPE [options of `python -m training fit`]
#   ./run.sh cnn --batch-size 1024
#   ./run.sh campaign NAME [options of `python -m training campaign`]
#   ./run.sh campaign fer2013_pixels --minutes 8
#
# Results lie in OUT as in the environment, or else in runs/ beside this file: of a recipe OUT/RECIPE/checkpoint,
# of a campaign one archive for all answers and one for each student, written as each is finished.
set -euo pipefail

if [ $# -eq 0 ] || { [ "$1" = campaign ] && [ $# -eq 1 ]; }; then
    echo "Usage: $0 RECIPE [options] or $0 campaign NAME [options]; see $(dirname "$0")/run.sh" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "${OUT:-$here/runs}")
what=$1
shift

if [ ! -d "$here/site" ]; then
    rm -rf "$here/site.part"
    mkdir "$here/site.part"
    if compgen -G "$here/wheels/*.whl" > /dev/null; then
        python3 -m pip install --quiet --no-index --no-deps --target "$here/site.part" "$here"/wheels/*.whl
    fi
    mv "$here/site.part" "$here/site"
fi

export PYTHONPATH=$here/site:$here/code KERAS_BACKEND=jax FER_DATA=$here/data FER_CACHE=$here/cache
# Teachers of one shape are compiled once.
export JAX_COMPILATION_CACHE_DIR=$here/compiled JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0
unset FER_MODELS
python3 - << 'END'
import importlib.util
import sys

needed = "jax absl keras optree packaging filelock pydantic h5py numpy scipy pandas pyarrow PIL sklearn cv2 typer rich".split()
if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
    sys.exit(f"Error: this machine's {sys.executable} lacks {', '.join(missing)}.")
END
# From there, so that no other code is in the way.
cd "$here/code"
if [ "$what" = campaign ]; then
    exec python3 -m training campaign "$@" --profile gpu --out "$out"
fi
exec python3 -m training fit "$what" --no-bundle --out "$out/$what" "$@"
