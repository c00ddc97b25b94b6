#!/usr/bin/env bash
# The training benchmark and the modeling pipeline under jax, on a machine with a GPU, Python 3.12,
# jax, NumPy, SciPy, pandas, pyarrow, scikit-learn, matplotlib, numba and h5py, but no network.
# What else is needed is carried there as wheels. On a machine with a network, in the project:
#
#   benchmarks/gpu.sh wheels          # fills .whl, which git must ignore (.git/info/exclude)
#
# TensorFlow is too large to carry and not needed. On the machine with the GPU, in the project:
#
#   OUT=FOLDER benchmarks/gpu.sh      # the last line is one JSON object, also in $OUT/gpu.json
#
# Variables: WHEELS (.whl), SITE (a new folder, where they are installed), PYTHON (python3), OUT, and
# those that benchmarks/gpu.py names, such as HBAC_ARCHITECTURE=compact HBAC_EEGS=12.
set -euo pipefail
cd "$(dirname "$0")/.."

wheels=${WHEELS:-.whl}
site=${SITE:-$(mktemp -d)}
python=${PYTHON:-python3}
names="
alembic annotated-types appdirs arrow audioread binaryornot blinker cachetools cffi cookiecutter
cryptography databricks-sdk decorator dynaconf executing fastapi flask gitdb gitpython
google-auth graphene graphql-core graphql-relay importlib-metadata itsdangerous kedro
kedro-datasets keras librosa mako mlflow mlflow-skinny mlflow-tracing more-itertools namex omegaconf
opentelemetry-api opentelemetry-proto opentelemetry-sdk opentelemetry-semantic-conventions optree
parse pathlib-abc platformdirs pooch prettytable pyasn1 pyasn1-modules pycparser pydantic
pydantic-core python-dotenv python-slugify pywavelets skops smmap soundfile soxr sqlalchemy sqlparse
starlette text-unidecode tomli-w typing-inspection tzdata universal-pathlib wcwidth"

if [ "${1:-}" = wheels ]; then
    platforms=()
    for tag in 2_28 2_27 2_24 2_17 2014 2_12 2_5 1; do
        case $tag in 2014 | 1) name=manylinux$tag ;; *) name=manylinux_$tag ;; esac
        platforms+=(--platform "${name}_x86_64")
    done
    # shellcheck disable=SC2086
    "$python" -m pip download --no-deps --only-binary=:all: --python-version 3.12 \
        --implementation cp "${platforms[@]}" -c constraints.txt -d "$wheels" $names
    # There is no wheel of it to download.
    "$python" -m pip wheel --no-deps -c constraints.txt -w "$wheels" antlr4-python3-runtime
    du -sh "$wheels"
    exit
fi

if [ -d "$wheels" ]; then
    "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade \
        --target "$site" "$wheels"/*.whl
fi
out=${OUT:-$(mktemp -d)}
export PYTHONPATH=$PWD/src:$site${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
export KERAS_BACKEND=jax MLFLOW_TRACKING_URI=sqlite:///$out/mlflow.db
# jax would take three quarters of the GPU's memory in each of several processes.
export XLA_PYTHON_CLIENT_PREALLOCATE=${XLA_PYTHON_CLIENT_PREALLOCATE:-false}
"$python" benchmarks/gpu.py | tee "$out/gpu.log"
tail -n 1 "$out/gpu.log" > "$out/gpu.json"
