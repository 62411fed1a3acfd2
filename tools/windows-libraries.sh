#!/bin/sh
# Builds the libraries that the command needs for Windows, which Debian has for Linux only: from Debian's own sources,
# which apt-get checks, with Debian's patches. What is there is not built again. FOLDER gets include/, lib/,
# lib/pkgconfig/, licences/SOURCE, and built/SOURCE with the version. SOURCE: the name of a source package below;
# without any, all are built.
# usage: tools/windows-libraries.sh FOLDER [SOURCE...]
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- jansson libmd lz4 libzstd zlib cmocka libevent curl
missing=
for source in "$@"; do
    [ -e "$folder/built/$source" ] || missing="$missing $source"
done
[ -n "$missing" ] || exit 0
cc=x86_64-w64-mingw32-gcc-posix
ar=x86_64-w64-mingw32-gcc-ar-posix
[ -z "$(command -v ccache)" ] || cc="ccache $cc"
work=$folder/sources
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/parts" "$folder/built" "$folder/include" "$folder/lib/pkgconfig"

# The same mirrors that the machine has, for sources.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    [ -e "$list" ] || continue
    case $list in
    *.sources) sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/parts/${list##*/}" ;;
    *.list) sed -n 's/^deb /deb-src /p' "$list" >"$work/parts/${list##*/}" ;;
    esac
done
cd "$work"
cat >apt.conf <<EOF
Dir::Etc::sourcelist "-";
Dir::Etc::sourceparts "$work/parts";
Dir::State::lists "$work/lists";
Acquire::Languages "none";
APT::Sandbox::User "root";
EOF
export APT_CONFIG=$work/apt.conf
apt-get -q update || echo "some lists of sources could not be read" >&2
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
for source in $missing; do # the newest; a mirror may lack it
    apt-get -qq source "$source" >unpacked || apt-get -qq source "$source/$release" >unpacked
done

mkdir empty # headers that a configure script would write: flags stand for them
touch empty/config.h empty/jansson_private_config.h

# library NAME HEADER-OR-FOLDER... -- FLAG-OR-SOURCE...: makes a library, and pkg-config's file of this name. What is
# linked with it needs the flags -l, and what includes its headers those that end in _STATICLIB.
library() {
    name=$1
    shift
    while [ "$1" != -- ]; do
        cp -R "$1" "$folder/include/"
        shift
    done
    shift
    flags=-I$work/empty
    libs=
    cflags=
    sources=
    for word in "$@"; do
        case $word in
        *.c) sources="$sources $PWD/$word" ;;
        -l*) libs="$libs $word" ;;
        -D*_STATICLIB) cflags="$cflags $word" ;;
        -I*) flags="$flags -I$PWD/${word#-I}" ;;
        *) flags="$flags $word" ;;
        esac
    done
    rm -rf "$work/objects"
    mkdir "$work/objects"
    # shellcheck disable=SC2086 # flags are meant to be split
    (cd "$work/objects" && printf '%s\n' $sources | xargs -n 1 -P "$(nproc)" $cc -O2 -c $flags $cflags)
    "$ar" rcs "$folder/lib/lib${name#lib}.a" "$work"/objects/*.o
    printf 'Name: %s\nDescription: %s\nVersion: %s\nLibs: -L%s -l%s%s\nCflags: -I%s%s\n' "$name" "$name" "$version" \
        "$folder/lib" "${name#lib}" "$libs" "$folder/include" "$cflags" >"$folder/lib/pkgconfig/$name.pc"
}

build_jansson() {
    library jansson src/jansson.h android/jansson_config.h -- \
        -DHAVE_STDINT_H -DHAVE_UNISTD_H -DHAVE_GETPID -Iandroid -Isrc src/*.c
}

build_libmd() {
    library libmd include/sha2.h -- -Iinclude -include stdint.h -include sys/types.h -D'u_int8_t=uint8_t' \
        -D'u_int16_t=uint16_t' -D'u_int32_t=uint32_t' -D'u_int64_t=uint64_t' src/sha2.c src/sha256hl.c
}

build_lz4() {
    library liblz4 lib/lz4.h lib/lz4frame.h -- lib/*.c
}

build_libzstd() {
    library libzstd lib/zstd.h lib/zstd_errors.h -- -DZSTD_DISABLE_ASM -DXXH_NAMESPACE=ZSTD_ \
        lib/common/*.c lib/compress/*.c lib/decompress/*.c
}

build_zlib() {
    library zlib zlib.h zconf.h -- *.c
}

build_cmocka() {
    library cmocka include/cmocka.h -- -Iinclude -DHAVE_INTTYPES_H -DHAVE_MALLOC_H -DHAVE_SIGNAL_H \
        -DHAVE_STRUCT_TIMESPEC -DHAVE_GCC_THREAD_LOCAL_STORAGE src/cmocka.c
}

# HTTP and HTTPS, by the TLS and the certificates of Windows. config-win32.h is its own.
build_curl() {
    library libcurl include/curl -- -DBUILDING_LIBCURL -DCURL_STATICLIB -DHTTP_ONLY -DCURL_DISABLE_CRYPTO_AUTH \
        -DUSE_SCHANNEL -DUSE_WINDOWS_SSPI -DUNICODE -D_UNICODE -DENABLE_IPV6 -Iinclude -Ilib lib/*.c lib/*/*.c \
        -lws2_32 -lcrypt32 -lbcrypt
}

build_libevent() {
    library libevent_core include/event2 WIN32-Code/nmake/event2 -- -include stdint.h -Iinclude -IWIN32-Code \
        -IWIN32-Code/nmake -Icompat buffer.c buffer_iocp.c bufferevent.c bufferevent_async.c bufferevent_filter.c \
        bufferevent_pair.c bufferevent_ratelim.c bufferevent_sock.c event.c event_iocp.c evmap.c evthread.c \
        evthread_win32.c evutil.c evutil_rand.c evutil_time.c listener.c log.c signal.c strlcpy.c win32select.c \
        -lws2_32 -liphlpapi
}

for source in $missing; do
    cd "$work/$source"-*
    version=${PWD##*-}
    version=${version%%+*}
    "build_$source"
    install -D -m 644 debian/copyright "$folder/licences/$source"
    sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog >"$folder/built/$source" # the version
done
