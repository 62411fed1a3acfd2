# Checks of the packages for Node.js and Python, beside the command of Linux. tests/windows/run sources this file: work is
# its folder, linux and build are the build directories. Node.js for Windows comes from npm; Python for Windows cannot be
# had from there, so what it would load is only looked at.
# shellcheck shell=sh disable=SC2154

# npm refuses programs for other systems without --force.
get_node() {
    [ -e "$build/bindings/node/quern.node" ] || { echo "the headers of Node.js were missing"; return 77; }
    [ -d tests/windows/node_modules/node-usual ] ||
        npm ci --prefix tests/windows --force --ignore-scripts --no-audit --no-fund ||
        { echo "Node.js for Windows cannot be had from npm"; return 77; }
    win winecfg -v win10 # which Node.js asks for
}

node_exe() { # node_exe VERSION ARGUMENT...
    version=$1
    shift
    win "tests/windows/node_modules/node-$version/bin/node.exe" "$@" </dev/null
}

node_test() {
    QUERN_BUILD="Z:$build" QUERN_TEST_WINE=1 node_exe usual --expose-gc --test "tests/node/test_$1.mjs"
}

# The tarballs, as npm installs them on Windows.
install_tarballs() {
    tools/npm.sh "$build" "$work/npm" >"$work/tarballs" &&
    mkdir "$work/installed" &&
    xargs npm install --prefix "$work/installed" --offline --force --no-audit --no-fund <"$work/tarballs" &&
    [ -e "$work/installed/node_modules/@quern/win32-x64/quern.node" ] &&
    [ -s "$work/installed/node_modules/@quern/win32-x64/linked/mingw-w64-x86-64-dev" ] &&
    cat >"$work/installed/vector.cjs" <<'END'
require("quern").open("starter").then(async (model) =>
    require("fs").writeFileSync("vector.f32", Buffer.from((await model.embed("how do plants drink")).data.buffer)));
END
}

# same_vector PROGRAM: the vector that the package gives, beside the command's.
same_vector() {
    rm -f "$work/installed/vector.f32"
    QUERN_CPU=avx2 "$linux/quern" embed -q -m models/starter.gguf -f f32 'how do plants drink' >"$work/expected.f32" &&
    (cd "$work/installed" && QUERN_CPU=avx2 win "$1" vector.cjs </dev/null) &&
    cmp "$work/installed/vector.f32" "$work/expected.f32"
}

# Python declares the structures once, for all systems; a test compares them with those of Linux.
layouts() {
    x86_64-w64-mingw32-gcc-posix -Iinclude tests/python/print_layouts.c -o "$work/layouts.exe" &&
    win "$work/layouts.exe" | tr -d '\r' >"$work/layouts" && "$linux/tests/python/print_layouts" >"$work/layouts-linux" &&
    [ -s "$work/layouts" ] && cmp "$work/layouts" "$work/layouts-linux"
}

# The library in the package has every function that it calls.
functions() {
    PYTHONPATH=$linux/bindings/python python3 -c 'from quern import _library; print(*_library._FUNCTIONS, sep="\n")' |
        LC_ALL=C sort >"$work/called"
    x86_64-w64-mingw32-objdump -p "$build/bindings/python/quern/quern.dll" |
        sed -n 's/^\t\[ *[0-9]*\] \([A-Za-z_0-9]*\)$/\1/p' | LC_ALL=C sort >"$work/exported"
    [ -s "$work/called" ] && [ -z "$(LC_ALL=C comm -23 "$work/called" "$work/exported")" ]
}

check_bindings() {
    part 'Python'
    check 'the layouts of structures are those of Linux' layouts
    check 'quern.dll has what the package calls' functions
    part 'Node.js'
    check 'Node.js for Windows' get_node
    [ "$code" = 0 ] || return 0
    for name in embed index model_files processes refusals shims; do
        check "node-$name" node_test $name
    done
    check 'npm installs the tarballs' install_tarballs
    cp tests/windows/node_modules/node-usual/bin/node.exe "$work/program.exe"
    check 'the vector of the command' same_vector "$PWD/tests/windows/node_modules/node-usual/bin/node.exe"
    check 'the same with the oldest Node.js' same_vector "$PWD/tests/windows/node_modules/node-oldest/bin/node.exe"
    check 'the same when the program has another name' same_vector "$work/program.exe"
}
