/* What tests of whole models share: tiny models in temporary files, opened with each kernel table. A failure fails the
 * test that runs. */
#ifndef QUERN_TESTS_TRIAL_H
#define QUERN_TESTS_TRIAL_H

#include "model_maker.h"

#include "quern.h"

#define TRIAL_PATH 32
#define TRIAL_WIDTH 64    /* of the tiny model: dimensions of a vector */
#define TRIAL_LAYERS 6
#define TRIAL_CONTEXT 256 /* most tokens of a text */

/* Makes a model file in /tmp and writes its name to path. The caller unlinks it. */
void trial_make(char path[TRIAL_PATH], const struct quern_recipe *recipe);

/* The tiny recipe, changed by the arguments. type: enum quern_type. */
struct quern_recipe trial_recipe(uint32_t type, bool head);

/* Opens a file, with at most kernel table cpu; NULL: the best. */
quern_model *trial_open(const char *path, const char *cpu);

/* Cuts off a file that is mapped. The test is skipped where the system keeps such a file whole. */
void trial_cut_off(const char *path, long bytes);

/* A model of the tiny recipe, whose file has been removed. */
quern_model *trial_model(uint32_t type, bool head, const char *cpu);

/* threads and step_tokens as in quern_context_options. */
quern_context *trial_context(quern_model *model, int path, int threads, int step_tokens);

/* Fails unless code is the expected one, and the error has it too and says fragment. */
void trial_expect_error(const quern_error *error, int code, int expected, const char *fragment);

/* The same, in a test whose error is a variable of that name. */
#define expect_error(code, expected, fragment) trial_expect_error(&error, code, expected, fragment)

/* The name of kernel table number i that this CPU runs; NULL when there are no more. With QUERN_TEST_TABLE=NAME in the
 * environment there is no other table. */
const char *trial_kernels(int i);

/* ids[i] = (37 i + 11 count) mod 640, for i < count: so the ids are spread over the tiny vocabulary. */
void trial_ids(int32_t *ids, int count);

#endif
