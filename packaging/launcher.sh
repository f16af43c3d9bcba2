#!/bin/sh
# Starts svcnet with the first Python that is new enough. krew links to this file, so links are
# followed first; readlink has no -f on older macOS.
self=$0
while [ -L "$self" ]; do
    link=$(readlink "$self")
    case $link in
        /*) self=$link ;;
        *) self=$(dirname "$self")/$link ;;
    esac
done
here=$(CDPATH='' cd -P "$(dirname "$self")" && pwd)

# The check prints, since a `python` that is something else may exit 0 as well.
check='import sys; print("new enough" if sys.version_info >= (3, 10) else "too old")'
for python in "${SVCNET_PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    if [ "$("$python" -I -S -c "$check" 2>/dev/null)" = "new enough" ]; then
        # -I: neither PYTHONPATH nor the working directory can put other modules in the way.
        exec "$python" -I "$here/lib" "$@"
    fi
done
echo "error: kubectl svcnet needs Python 3.10 or newer, and neither python3 nor python3.10 to python3.14 is; set SVCNET_PYTHON to one" >&2
exit 3
