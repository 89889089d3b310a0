#!/bin/sh
# Finds a Python 3.6, makes the environment of 2018 in .venv-original/ once, and runs the program in it.
# $PYTHON36 names the interpreter, $COMMAND the program's command; see README.md beside this file.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-original

is_36() {
  "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 6))' >/dev/null 2>&1
}

if ! cmp -s original/requirements.txt "$venv/ready"; then
  found=
  for python in ${PYTHON36:+"$PYTHON36"} python3.6 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.6.*/bin/python; do
    if is_36 "$python"; then
      found=$python
      break
    fi
  done
  if [ -z "$found" ]; then
    cat >&2 <<'END'
make original needs a Python 3.6, which TensorFlow 1.4.1 was built for, and finds none. Either of these remedies it:
- conda:     conda create --prefix .python36 --channel conda-forge python=3.6 && make original PYTHON36=.python36/bin/python
- pyenv:     pyenv install 3.6.15 && make original
- container: the image tensorflow/tensorflow:1.4.1-py3 has TensorFlow; in it, with this folder mounted:
             pip install keras==2.1.2 scikit-learn==0.19.1 && python -m original
END
    exit 1
  fi
  echo "making the environment of 2018 in $venv/ (about a minute, once)"
  "$found" -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet pip==21.3.1
  "$venv/bin/python" -m pip install --quiet --requirement original/requirements.txt
  cp original/requirements.txt "$venv/ready"
fi
exec "$venv/bin/python" -W ignore::RuntimeWarning -m original "${COMMAND:-train}"
