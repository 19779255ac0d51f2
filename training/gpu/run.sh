#!/usr/bin/env bash
# Trains a recipe on this machine, with JAX and without a network:
#
#   ./run.sh RECIPE [options of `python -m training fit`]
#   ./run.sh cnn --batch-size 1024
#
# It leaves OUT/RECIPE/checkpoint, with OUT as in the environment or else runs/ beside this file. Copy
# OUT/RECIPE to where TensorFlow is installed and run `python -m training fit RECIPE --out RECIPE --resume`
# there with the same options: that makes the bundle, and trains no more.
set -euo pipefail

if [ $# -eq 0 ]; then
    echo "Usage: $0 RECIPE [options of fit]; see $(dirname "$0")/run.sh" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "${OUT:-$here/runs}")
recipe=$1
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
exec python3 -m training fit "$recipe" --no-bundle --out "$out/$recipe" "$@"
