# coursebase: make && make install && make installcheck (PostgreSQL 15 to 18; PG_CONFIG chooses which)

# ---- What is built ---------------------------------------------------------------------------
EXTENSION  = coursebase
RELEASE   := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" coursebase.control)
SLICES      = core json install identity records catalog sales billing access allowance media discounts store \
              programs sync account
slice_files = $(wildcard $(SLICES:%=sql/%/$(1).sql))
# Files live by slice and are executed by kind: functions and checks (functions that verify a slice's
# data) are members of the extension, the rest are the steps that install() runs.
sources   := $(foreach kind,functions checks tables policies,$(call slice_files,$(kind)))

MODULE_big  = coursebase
OBJS        = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
PG_CPPFLAGS = -Isrc -DCOURSEBASE_VERSION='"$(RELEASE)"'
PG_CFLAGS   = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare $(WERROR)
# What SQL names is exported and nothing else; before 16 the server's own macro exports nothing.
PG_CFLAGS  += -fvisibility=hidden -DPGDLLEXPORT='__attribute__((visibility("default")))'
SHLIB_LINK  = -lcrypto

frozen     := $(filter-out $(RELEASE),$(patsubst sql/release/coursebase--%.sql,%,$(wildcard sql/release/*.sql)))
DATA        = $(frozen:%=sql/release/coursebase--%.sql)
DATA_built  = build/coursebase--$(RELEASE).sql $(frozen:%=build/coursebase--%--$(RELEASE).sql)
EXTRA_CLEAN = build stage results output_iso tmp_check

# ---- How it is tested ------------------------------------------------------------------------
REGRESS     = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
ISOLATION   = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
REGRESS_OPTS   = --inputdir=test --load-extension=coursebase
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=coursebase

# ---- For developers --------------------------------------------------------------------------
scripts = check bench bench-readme fuzz valgrind ubsan memory coverage check-full
ifneq ($(filter $(scripts),$(MAKECMDGOALS)),)
.PHONY: $(scripts)
$(filter-out check bench%,$(scripts)):
	test/tools/$@
check:
	test/check
bench:
	test/bench/run
bench-readme:
	test/bench/run --readme
else
# Bitcode would serve the inlining of small functions into expressions: not worth a second compiler.
override with_llvm = no
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
endif
endif

.PHONY: format
format:
	clang-format -i $$(git ls-files '*.c' '*.h')

$(OBJS): $(wildcard src/*/*.h) coursebase.control Makefile

build/coursebase--$(RELEASE).sql: sql/script.awk coursebase.control $(sources)
	@mkdir -p build
	awk -v version=$(RELEASE) -f sql/script.awk $(sources) >$@.part && mv $@.part $@

# An update is the new code over the old, what only this step needs, and install().
build/coursebase--%--$(RELEASE).sql: build/coursebase--$(RELEASE).sql $(wildcard sql/update/*.sql)
	awk -v version=$(RELEASE) -v from=$* -f sql/script.awk $(sources) >$@.part && mv $@.part $@
