#!/bin/sh
# usage: build.sh FOLDER   builds libselfrewarding_torch.so into FOLDER, compiling only what changed.
set -eu
sources=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)

fail() {
    echo "native : error SRT001: $1" >&2
    exit 1
}

command -v cmake > /dev/null || fail "shared/Torch needs cmake: apt-get install --no-install-recommends cmake make g++ libtorch-dev libopenblas0-pthread"
command -v make > /dev/null || fail "shared/Torch needs make: apt-get install --no-install-recommends make"
command -v c++ > /dev/null || fail "shared/Torch needs a C++ compiler: apt-get install --no-install-recommends g++"

# Two builds of the solution at once take turns.
exec 9> "$folder/lock"
if command -v flock > /dev/null; then flock 9; fi

# cmake refuses a build folder that was made elsewhere: in a tree that was moved or copied it begins anew.
if [ -f "$folder/build/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$sources" "$folder/build/CMakeCache.txt"; then
    rm -rf "$folder/build"
fi

log="$folder/cmake.log"
if ! cmake -S "$sources" -B "$folder/build" -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$folder" > "$log" 2>&1; then
    if grep -q "libtorch was not found" "$log"; then
        fail "shared/Torch needs libtorch: apt-get install --no-install-recommends libtorch-dev libopenblas0-pthread, or set CMAKE_PREFIX_PATH to another libtorch"
    fi
    fail "cmake could not configure shared/Torch/native, see $log"
fi
if ! cmake --build "$folder/build" --parallel "$(nproc)" > "$log" 2>&1; then
    grep -E "error|undefined reference" "$log" | head -n 20 >&2 || true
    fail "shared/Torch/native did not compile, see $log"
fi
# cmake leaves an unchanged library alone; a new time tells MSBuild that it is up to date.
touch "$folder/libselfrewarding_torch.so"
