/* Makes model files: from a sentence-transformers folder, from another model file, or by attaching the dense head.
 *
 * Inputs are mapped and checked in full before anything is written; tensors are converted a few megabytes at a time, by
 * several threads. The output is written as PATH.part, which is locked, and renamed when it is complete. A PATH.part
 * that a killed process has left is overwritten. */
#ifndef QUERN_CONVERT_H
#define QUERN_CONVERT_H

#include "quern.h"

#include <stdbool.h>

/* The types that weights are written in, the default first. */
#define QUERN_CONVERT_TYPES "q8_0|q4_0|bf16|f16|f32"

/* Whether this is the name of one of them, in upper or lower case. */
bool quern_convert_has_type(const char *name);

struct quern_convert_job {
    const char *name; /* what messages call the file that is written; NULL: its path */
    const char *type; /* one of QUERN_CONVERT_TYPES, in upper or lower case; NULL: see each function */
    int threads;      /* threads that convert; 0: the CPU budget of this process */
    /* Called from time to time with the bytes of tensors that are written, and their total. The job stops when it
     * returns false. NULL: not called. */
    bool (*proceed)(void *state, uint64_t done, uint64_t total);
    void *state;
};

struct quern_convert_result {
    uint64_t bytes; /* size of the file */
    int tensors;
    bool has_head;
    char types[96];   /* "Q8_0 x 171, F32 x 145" */
    char notice[252]; /* one line that the user must see; "": there is none */
};

/* Converts a folder. job->type NULL: q8_0. Norms are written as F32; with q4_0 the token embeddings and the head are
 * written as Q8_0. */
int quern_convert_folder(const char *folder, const char *path, const struct quern_convert_job *job,
                         struct quern_convert_result *result, quern_error *error);

/* Changes the types of a model file, with the same rules. job->type must be given. path may be that of the input. */
int quern_convert_quantize(const char *input, const char *path, const struct quern_convert_job *job,
                           struct quern_convert_result *result, quern_error *error);

/* Adds the dense head to a model file. dense_2 and dense_3: safetensors files, as in the folders 2_Dense and
 * 3_Dense, or GGUF files with a head. job->type NULL: the type of the model's layers if that is a float type, else
 * q8_0. */
int quern_convert_attach_head(const char *input, const char *dense_2, const char *dense_3, const char *path,
                              const struct quern_convert_job *job, struct quern_convert_result *result,
                              quern_error *error);

#endif
