#!/bin/sh
# Installs into an empty folder, uses what is there from another folder, uninstalls, and finds nothing left. Speaks TAP.
# usage: test_install.sh SOURCE-ROOT BUILD-ROOT
set -u
root=$(realpath "$1")
build=$(realpath "$2")
work=$(mktemp -d)
log=$build/meson-logs/install-log.txt
[ ! -f "$log" ] || cp "$log" "$work/kept-log" # of an installation of the user's
finish() {
    rm -f "$log"
    [ ! -f "$work/kept-log" ] || cp "$work/kept-log" "$log"
    rm -rf "$work"
}
trap finish EXIT
unset QUERN_MODEL QUERN_CPU
export XDG_CACHE_HOME="$work/cache" LC_ALL=C
# shellcheck source=tests/support/tap.sh
. "$root/tests/support/tap.sh"
: >"$work/out"
: >"$work/err"

# ------------------------------------------------------------------ install
DESTDIR="$work/package" meson install -C "$build" --no-rebuild --quiet >"$work/out" 2>"$work/err"
check "meson install" [ $? = 0 ]
there=$(find "$work/package" -path '*/bin/quern')
there=${there%/bin/quern}
pkgconfig=$(dirname "$(find "$there" -name quern.pc)")
for file in bin/quern include/quern.h include/quern_index.h share/man/man1/quern.1 share/bash-completion/completions/quern \
    share/zsh/site-functions/_quern share/fish/vendor_completions.d/quern.fish include/quern_sqlite.h; do
    check "$file is there" [ -s "$there/$file" ]
done
for file in libquern.so libquern.a libquern0.a quern0.so pkgconfig/quern.pc; do
    check "$file is there" [ -e "$pkgconfig/../$file" ]
done
if [ -f "$build/server/quern.service" ]; then
    check "the units are there" [ -s "$there/lib/systemd/system/quern.socket" ]
    check "and start the installed command" grep -q "^ExecStart=${there#"$work/package"}/bin/quern serve" \
        "$there/lib/systemd/system/quern.service"
fi

# ------------------------------------------------------------------ use
mkdir "$work/elsewhere"
cd "$work/elsewhere" || exit 1
quern=$there/bin/quern
if [ -f "$there/share/quern/starter.gguf" ]; then
    run embed -d 4 'how do plants drink'
    check "the command finds the installed starter model" prints '"embedding":\['
    sqlite3 :memory: ".load $pkgconfig/../quern0" "SELECT length(embed('how do plants drink'))" >"$work/out" 2>"$work/err"
    check "and so does the extension of SQLite" grep -q '^1792$' "$work/out"
fi
cat >static.c <<'END'
#include <quern_sqlite.h>
#include <sqlite3.h>
#include <stdio.h>

int main(void)
{
    sqlite3 *db;
    sqlite3_auto_extension((void (*)(void))sqlite3_quern_init);
    int code = sqlite3_open(":memory:", &db);
    code = code == SQLITE_OK ? sqlite3_exec(db, "SELECT embed_tokens('x', 'qery')", NULL, NULL, NULL) : code;
    puts(sqlite3_errmsg(db));
    return code != SQLITE_ERROR || sqlite3_close(db) != SQLITE_OK;
}
END
${CC:-cc} static.c -I"$there/include" "$pkgconfig/../libquern0.a" "$pkgconfig/../libquern.a" -lsqlite3 -lm -lpthread \
    -o static >"$work/out" 2>"$work/err" && ./static >"$work/out" 2>"$work/err"
check "a program can link the extension" grep -q "^embed_tokens: there is no task 'qery'" "$work/out"
awk '/^```c$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$root/README.md" >program.c
flags=$(PKG_CONFIG_PATH="$pkgconfig" PKG_CONFIG_SYSROOT_DIR="$work/package" pkg-config --cflags --libs quern)
# shellcheck disable=SC2086 # words are meant to be split
${CC:-cc} program.c $flags -o program >"$work/out" 2>"$work/err"
check "the README's program compiles with pkg-config" [ $? = 0 ]
LD_LIBRARY_PATH=$pkgconfig/.. ./program >"$work/out"
check "and runs: without its model it says so" grep -q 'embeddinggemma-300M-Q8_0.gguf' "$work/out"

completes() { # completes WORD... -- CANDIDATE: what bash offers for these words, of which the last is not complete
    cat >ask.bash <<'END'
source "$1"
shift
while [ "$1" != -- ]; do COMP_WORDS+=("$1"); shift; done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_quern "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
for offered in "${COMPREPLY[@]}"; do [ "$offered" = "$2" ] && exit 0; done
exit 1
END
    bash ask.bash "$there/share/bash-completion/completions/quern" "$quern" "$@"
}

if ! lacks bash; then
    check "bash completes a verb" completes emb -- embed
    check "version, which is no verb" completes vers -- version
    check "a verb behind help" completes help quan -- quantize
    check "an option" completes serve --max-b -- --max-body
    check "a task" completes embed -t '' -- question-answering
    check "a task behind =" completes embed --task = q -- query
    check "a word" completes embed -f n -- npy
    check "but no option in the place of a value" sh -c "! $quern --complete embed -t --e | grep -q ."
fi
for verb in $("$quern" --complete help '' | cut -f 1); do
    for option in $("$quern" "$verb" --help | sed -n 's/^  .*--\([a-z0-9-]*\) .*/\1/p'); do
        "$quern" --complete "$verb" -- | grep -q "^--$option	" || echo "$verb --$option"
    done
done >"$work/out"
check "every option of every verb is offered" [ ! -s "$work/out" ]
if ! lacks fish; then
    PATH="$there/bin:$PATH" HOME="$work" fish -c "source $there/share/fish/vendor_completions.d/quern.fish
        complete -C 'quern embed --tas'" >"$work/out" 2>"$work/err"
    check "fish completes an option" grep -q '^--task' "$work/out"
fi
if ! lacks zsh; then
    check "zsh can read its completion" zsh -n "$there/share/zsh/site-functions/_quern"
fi

# ------------------------------------------------------------------ uninstall
sh "$root/tools/uninstall.sh" "$build" >"$work/out" 2>"$work/err"
check "uninstall" [ $? = 0 ]
check "nothing is left" [ ! -e "$work/package" ]
sh "$root/tools/uninstall.sh" "$build" >"$work/out" 2>"$work/err"
check "there is nothing to uninstall twice" grep -q "Nothing was installed from $build" "$work/err"

# ------------------------------------------------------------------ make
make -n -C "$root" install BUILD="$build" PREFIX=/opt/quern DESTDIR=/tmp/package >"$work/out" 2>"$work/err"
check "make install builds only what is installed" \
    grep -q "^meson compile .* installed$" "$work/out"
check "takes PREFIX" grep -q '^tools/prefix.sh .* "/opt/quern"$' "$work/out"
check "takes DESTDIR" grep -q '^DESTDIR="/tmp/package" meson install' "$work/out"

# A meson that says what it is asked for.
mkdir "$work/bin" "$work/made"
cat >"$work/bin/meson" <<'END'
#!/bin/sh
case $1 in
introspect) echo '[{"name": "libdir", "value": "lib"}, {"name": "prefix", "value": "/usr/local", "type": "string"}]' ;;
*) echo "$*" ;;
esac
END
chmod +x "$work/bin/meson"
prefix() { # prefix BUILD PREFIX: what tools/prefix.sh asks of meson
    (cd "$work/elsewhere" && PATH="$work/bin:$PATH" sh "$root/tools/prefix.sh" "$@")
}
: >"$work/made/build.ninja"
check "a prefix is given to a new build directory" [ "$(prefix "$work/new" /opt/q)" = "setup $work/new --prefix=/opt/q" ]
check "no prefix is the build system's" [ "$(prefix "$work/new" '')" = "setup $work/new" ]
check "another prefix is set" [ "$(prefix "$work/made" /opt/q)" = "configure $work/made -Dprefix=/opt/q" ]
check "a relative one is made absolute" \
    [ "$(prefix "$work/made" q)" = "configure $work/made -Dprefix=$work/elsewhere/q" ]
check "the same prefix changes nothing" [ -z "$(prefix "$work/made" /usr/local)" ]
check "and no prefix neither" [ -z "$(prefix "$work/made" '')" ]
echo "1..$number"
