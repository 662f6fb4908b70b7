# coursebase: make && make install && make installcheck (PostgreSQL 15 to 19; PG_CONFIG chooses which)
# In another folder: make -f /path/to/Makefile VPATH=/path/to, as pg_buildext does; the tree is then only read.

# ---- What is built ---------------------------------------------------------------------------
EXTENSION  = coursebase
tree      := $(or $(VPATH),$(dir $(firstword $(MAKEFILE_LIST))))
root      := $(if $(filter-out $(realpath .),$(realpath $(tree))),$(realpath $(tree))/)
RELEASE   := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(root)coursebase.control)
SLICES      = core json install cells identity records catalog sales billing access allowance media discounts store \
              notifications programs events sync account
slice_files = $(wildcard $(SLICES:%=$(root)sql/%/$(1).sql))
# Files live by slice and are executed by kind: functions and checks (functions that verify a slice's
# data) are members of the extension, the rest are the steps that install() runs.
sources   := $(foreach kind,functions checks tables policies,$(call slice_files,$(kind)))

MODULE_big  = coursebase
OBJS        = $(patsubst $(root)%.c,%.o,$(sort $(wildcard $(root)src/*.c $(root)src/*/*.c)))
PG_CPPFLAGS = -I$(root)src -Ibuild -I$(libpq_srcdir)
PG_CFLAGS   = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare $(WERROR)
# What SQL names is exported and nothing else; before 16 the server's own macro exports nothing.
PG_CFLAGS  += -fvisibility=hidden -DPGDLLEXPORT='__attribute__((visibility("default")))'
SHLIB_LINK  = -lcrypto

frozen     := $(patsubst $(root)sql/release/coursebase--%.sql,%,$(wildcard $(root)sql/release/*.sql))
frozen     := $(filter-out $(RELEASE),$(frozen))
DATA        = $(frozen:%=sql/release/coursebase--%.sql)
DATA_built  = build/coursebase--$(RELEASE).sql $(frozen:%=build/coursebase--%--$(RELEASE).sql)
EXTRA_CLEAN = build stage results output_iso tmp_check $(OBJS:.o=.d)

# ---- How it is tested ------------------------------------------------------------------------
REGRESS     = $(patsubst $(root)test/sql/%.sql,%,$(sort $(wildcard $(root)test/sql/*.sql)))
ISOLATION   = $(patsubst $(root)test/specs/%.spec,%,$(sort $(wildcard $(root)test/specs/*.spec)))
REGRESS_OPTS   = --inputdir=$(root)test --load-extension=coursebase
ISOLATION_OPTS = --inputdir=$(root)test --outputdir=. --load-extension=coursebase

# ---- For developers --------------------------------------------------------------------------
scripts = check bench bench-doc fuzz sqlsmith mutate analyze valgrind ubsan memory coverage check-full dev dev-stop docs dist \
          check-package
ifneq ($(filter $(scripts),$(MAKECMDGOALS)),)
.PHONY: $(scripts)
$(filter-out check check-package bench% dev-stop,$(scripts)):
	$(root)test/tools/$@
dev-stop:
	$(root)test/tools/dev --stop
check:
	$(root)test/check
check-package:
	$(root)test/tools/package
bench:
	$(root)test/bench/run
bench-doc:
	$(root)test/bench/run --doc
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
	cd $(or $(root),.) && clang-format -i $$(git ls-files --cached --others --exclude-standard '*.c' '*.h')

# The compiler writes which headers an object was made from. PGXS's own rule would put that into one folder
# by the name of the file alone, and two slices may have a file of the same name.
$(OBJS): %.o: $(root)%.c $(root)Makefile
	@mkdir -p $(@D)
	$(COMPILE.c) -MMD -MP $(defines) -o $@ $<
-include $(OBJS:.o=.d)
versioned := $(patsubst $(root)%.c,%.o,$(shell grep -l COURSEBASE_VERSION $(root)src/*.c $(root)src/*/*.c))
$(versioned): defines = -DCOURSEBASE_VERSION='"$(RELEASE)"'
$(versioned): $(root)coursebase.control

# The HTTP statuses, for http_errors.c: a line {SQLSTATE, status} of each line of errors.h.
src/core/http_errors.o: build/http_status.h
build/http_status.h: $(root)src/core/errors.h
	@mkdir -p build
	sed -e ':join' -e '/\\$$/{N;s/\\\n//;b join' -e '}' $< | sed -n \
	    's|^#define ERRCODE_CB_.*CB_SQLSTATE\(([^)]*)\) */\* *\([0-9]*\) .*|{CB_SQLSTATE\1, \2},|p' >$@.part && mv $@.part $@

build/coursebase--$(RELEASE).sql: $(root)sql/script.awk $(root)coursebase.control $(sources)
	@mkdir -p build
	awk -v version=$(RELEASE) -f $< $(sources) >$@.part && mv $@.part $@

# An update is the new code over the old, what only this step needs, and install().
build/coursebase--%--$(RELEASE).sql: $(root)sql/update/%.sql build/coursebase--$(RELEASE).sql
	awk -v version=$(RELEASE) -v from=$* -f $(root)sql/script.awk $< $(sources) >$@.part && mv $@.part $@

ifneq ($(root),)
# What an earlier build left in the tree must not pass for this one's: no search there, but for the control file.
srcdir := $(root)
override VPATH =
vpath %.control $(srcdir)
# The server's tests look for what they expect in the folder where they write.
installcheck: expected
expected:
	ln -s $(root)expected $@
EXTRA_CLEAN += expected
endif
