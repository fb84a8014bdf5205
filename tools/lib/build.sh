# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/run, tools/test and tools/check from the top of the checkout: configure and build one directory.

# configure DIR COMPILER MESON-ARGUMENT...: sets up build/DIR, anew only when compiler or arguments have changed.
# COMPILER is a command such as g++ or clang++-19; it goes through ccache where that is installed.
configure() {
    local dir=build/$1 compiler=$2
    shift 2
    command -v ccache >/dev/null && compiler="ccache $compiler"
    local setup="$compiler $*"
    [ -f "$dir/build.ninja" ] && [ "$(cat "$dir/.setup" 2>/dev/null)" = "$setup" ] && return 0
    rm -rf "$dir"
    mkdir -p "$dir"
    if ! CXX=$compiler meson setup "$dir" "$@" >"$dir/setup.log" 2>&1; then
        cat "$dir/setup.log" >&2
        echo "configuring $dir failed" >&2
        rm -f build/.bootstrap-*  # look at the packages again next time
        return 1
    fi
    echo "$setup" >"$dir/.setup"
}

# build DIR TARGET...: brings build/DIR up to date; one line on stderr, and the compiler's words only on failure.
build() {
    local dir=build/$1
    shift
    local log=$dir/build.log
    ninja -C "$dir" -n "$@" 2>/dev/null </dev/null | grep -q 'no work to do' && return 0
    echo "building $dir ..." >&2
    ninja -C "$dir" "$@" >"$log" 2>&1 </dev/null && return 0
    grep -v '^\[[0-9]*/[0-9]*\] \(Compiling\|Linking\)' "$log" >&2
    echo "building $dir failed (log: $log)" >&2
    return 1
}

# run_suite DIR MESON-TEST-ARGUMENT...: runs the tests of build/DIR and ends with the line 'N passed, N failed'.
# Fails when a test failed, timed out or passed although it should not, or when none ran.
run_suite() {
    local dir=build/$1
    shift
    local log=$dir/suite.log status=0
    meson test -C "$dir" --no-rebuild --print-errorlogs "$@" </dev/null 2>&1 | tee "$log" || status=1
    count() { awk -v name="$1" -F: '$1 == name { n += $2 } END { print n + 0 }' "$log"; }
    local passed failed skipped
    passed=$(($(count Ok) + $(count 'Expected Fail')))
    failed=$(($(count Fail) + $(count 'Unexpected Pass') + $(count Timeout)))
    skipped=$(count Skipped)
    [ "$skipped" -eq 0 ] || echo "$skipped skipped"
    echo "$passed passed, $failed failed"
    [ $status -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
