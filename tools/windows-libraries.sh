#!/bin/sh
# Builds the libraries that the command needs for Windows, which Debian has for Linux only: from Debian's own sources,
# which apt-get checks. When they are there it does nothing. FOLDER gets include/, lib/ and lib/pkgconfig/.
# usage: tools/windows-libraries.sh FOLDER
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cc=x86_64-w64-mingw32-gcc-posix
ar=x86_64-w64-mingw32-gcc-ar-posix
[ ! -e "$folder/complete" ] || exit 0
work=$folder/sources
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/parts" "$folder/include" "$folder/lib/pkgconfig"

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
for source in jansson libmd lz4 libzstd zlib cmocka; do # the newest; a mirror may lack it
    apt-get -qq source --download-only "$source" || apt-get -qq source --download-only "$source/$release"
done
for archive in ./*.orig.tar.gz ./*.orig.tar.xz ./*.orig.tar.bz2; do
    tar xf "$archive"
done

mkdir empty # headers that a configure script would write: flags stand for them
touch empty/config.h empty/jansson_private_config.h

library() { # library NAME VERSION HEADER... -- FLAG-OR-SOURCE...: pkg-config's name
    name=$1
    version=$2
    shift 2
    while [ "$1" != -- ]; do
        cp "$1" "$folder/include/"
        shift
    done
    shift
    flags=-I$work/empty
    rm -rf "$work/objects"
    mkdir "$work/objects"
    for word in "$@"; do
        case $word in
        *.c) # shellcheck disable=SC2086 # flags are meant to be split
            "$cc" -O2 -c $flags -o "$work/objects/$(basename "$word" .c).o" "$word"
            ;;
        *) flags="$flags $word" ;;
        esac
    done
    "$ar" rcs "$folder/lib/lib${name#lib}.a" "$work"/objects/*.o
    printf 'Name: %s\nDescription: %s\nVersion: %s\nLibs: -L%s -l%s\nCflags: -I%s\n' "$name" "$name" "$version" \
        "$folder/lib" "${name#lib}" "$folder/include" >"$folder/lib/pkgconfig/$name.pc"
}

in_source() { # in_source PATTERN: goes into the unpacked folder of a source
    cd "$work"/$1
    version=${PWD##*-}
}

in_source 'jansson-*'
library jansson "$version" src/jansson.h android/jansson_config.h -- -DHAVE_STDINT_H -DHAVE_UNISTD_H -DHAVE_GETPID -Iandroid -Isrc src/*.c
in_source 'libmd-*'
library libmd "$version" include/sha2.h -- -Iinclude -include stdint.h -include sys/types.h \
    -D'u_int8_t=uint8_t' -D'u_int16_t=uint16_t' -D'u_int32_t=uint32_t' -D'u_int64_t=uint64_t' src/sha2.c src/sha256hl.c
in_source 'lz4-*'
library liblz4 "$version" lib/lz4.h lib/lz4frame.h -- lib/*.c
in_source 'zstd-*'
library libzstd "$version" lib/zstd.h lib/zstd_errors.h -- -DZSTD_DISABLE_ASM -DXXH_NAMESPACE=ZSTD_ \
    lib/common/*.c lib/compress/*.c lib/decompress/*.c
in_source 'zlib-*'
library zlib "$version" zlib.h zconf.h -- ./*.c
in_source 'cmocka-*'
library cmocka "$version" include/cmocka.h -- -Iinclude -DHAVE_INTTYPES_H -DHAVE_MALLOC_H -DHAVE_SIGNAL_H -DHAVE_STRUCT_TIMESPEC \
    -DHAVE_GCC_THREAD_LOCAL_STORAGE src/cmocka.c
touch "$folder/complete"
