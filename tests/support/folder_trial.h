/* What tests of the conversion of folders share. A failure fails the test that runs. */
#ifndef QUERN_TESTS_FOLDER_TRIAL_H
#define QUERN_TESTS_FOLDER_TRIAL_H

#include "convert.h"
#include "folder_maker.h"
#include "model_maker.h"

/* Paths: all others lie in work. */
extern struct folder_trial {
    char work[32], folder[64], model[64], output[64];
} trial;

/* Makes the folder `work`, and removes it: for cmocka_run_group_tests. */
int folder_begin(void **state);
int folder_end(void **state);

/* Runs a command, which must succeed. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A model file of a tiny recipe. Each is made only once, because every file is synced to disk, which is slow. */
const char *folder_model(uint32_t type, bool head);

/* Makes trial.folder of a tiny model of the type F32. recipe NULL: the usual one. */
void folder_make(const struct quern_folder_recipe *recipe, bool head);

/* Converts trial.folder to trial.output. */
struct quern_convert_result folder_convert(const char *type);

/* Runs a command inside trial.folder, which changes it. Then its conversion fails with this code and with a message
 * that contains `says`, and leaves no file. type NULL: the usual one. */
void folder_expect_refused(int code, const char *says, const char *type, const char *command);

#endif
