# Forwards to Meson, which is the build system. tools/setup.sh installs what is missing (Debian packages).
BUILD = build
FUZZ_SECONDS ?= 150
PARTS ?=
PREFIX ?=
DESTDIR ?=
export FUZZ_SECONDS

.PHONY: all check check-long demo deb dist npm npm-tools tarball wheel windows install prefix uninstall clean

all:
	@tools/setup.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@meson compile -C $(BUILD) $(TARGETS)

# All tests twice: as the program is shipped, and with clang's address and undefined-behaviour sanitizers.
check: all
	@tools/setup.sh check
	@tools/sanitized.sh $(BUILD)-asan address,undefined
	@status=0; for dir in $(BUILD) $(BUILD)-asan; do \
	    meson test -C $$dir --no-rebuild --print-errorlogs || status=1; done; exit $$status

# What takes up to an hour: thread sanitizer, Arm tables under qemu, damaged files, fuzzing for FUZZ_SECONDS a target.
# PARTS='fuzz-* valgrind' runs only these parts of it; build/check-long/ keeps what each part printed.
check-long: all
	@tools/setup.sh check
	@set -f; tools/check-long.sh $(BUILD) $(PARTS)

# The command, and what makes a model when there is no starter; not the tests.
demo: TARGETS = quern:executable mkmodel
demo: all
	@tools/demo.sh $(BUILD)

# The Debian packages in dist/: the command, the library, its files for development, the extension of SQLite.
deb:
	@tools/setup.sh build
	@tools/setup.sh deb
	@tools/deb.sh dist

# The command, linked statically, for any Linux: for x86-64 and for AArch64, in dist/.
tarball:
	@tools/setup.sh build
	@tools/setup.sh tarball
	@for architecture in x86_64 aarch64; do tools/release/tarball.sh $$architecture dist || exit; done

# All packages in dist/, for all machines, with what is in them (SPDX) and SHA256SUMS.
dist:
	@for task in build deb npm tarball wheel windows; do tools/setup.sh $$task || exit; done
	@tools/release/dist.sh dist

# The Python package as a wheel in dist/, with the library and the starter model in it.
wheel: TARGETS = python
wheel: all
	@tools/setup.sh wheel
	@tools/wheel.sh $(BUILD) dist

# For Windows on x86-64, as a zip in dist/: the command with the starter model, the library and its headers.
windows:
	@tools/setup.sh windows
	@tools/release/zip.sh $(BUILD)-windows dist

# The Node.js package as tarballs in dist/: quern, and the one with the library and the starter model.
npm: TARGETS = node
npm: npm-tools all
	@tools/npm.sh $(BUILD) dist

# A build directory that was made without Node.js looks for it again.
npm-tools:
	@tools/setup.sh build
	@tools/setup.sh npm
	@! test -f $(BUILD)/build.ninja || grep -q quern.node $(BUILD)/build.ninja || meson setup --reconfigure $(BUILD)

# make install PREFIX=/opt/quern DESTDIR=/tmp/package. PREFIX is where it will be used; without it, it is the one that
# the build directory has, /usr/local at first. Builds only what is installed.
install: TARGETS = installed
install: prefix all
	@DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --no-rebuild
	@test -n "$(DESTDIR)" || test "$$(id -u)" != 0 || ldconfig

prefix:
	@tools/setup.sh build
	@tools/prefix.sh $(BUILD) "$(PREFIX)"

# Removes what the last make install from this build directory installed.
uninstall:
	@tools/uninstall.sh $(BUILD)

clean:
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz $(BUILD)-windows $(BUILD)-windows-libraries build-release
