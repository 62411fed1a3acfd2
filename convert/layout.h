/* How the folders of an architecture spell what its model files have: one description for each, constant data and a
 * reader of config.json. The names and shapes in model files are those of src/arch/. */
#ifndef QUERN_CONVERT_LAYOUT_H
#define QUERN_CONVERT_LAYOUT_H

#include "arch/arch.h"
#include "settings.h"

#include <stddef.h>

enum quern_layout_kind { QUERN_LAYOUT_SIZE, QUERN_LAYOUT_NUMBER };

/* A key of the model file, and the field of struct quern_settings, an int or a double, that it gets. A size of 0 is not
 * written. */
struct quern_layout_key {
    const char *name; /* behind "ARCHITECTURE." */
    enum quern_layout_kind kind;
    size_t offset;
};

struct quern_layout {
    const struct quern_arch *arch;
    const char *class_name;                  /* in "architectures" of config.json */
    const char *prefixes[3];                 /* which the names of all tensors may have; NULL: no more */
    const char *layers;                      /* stands before the number of a layer: "layers." */
    const char *tensors[QUERN_TENSORS];      /* without ".weight" and ".bias"; NULL: not in the checkpoint */
    const char *left_out[2];                 /* beginnings of names of tensors that no vector needs; NULL: no more */
    bool lacks_one;                          /* vectors are stored minus 1 */
    const char *tokenizer;                   /* tokenizer.ggml.model */
    const struct quern_layout_key *keys;
    int key_count;

    /* Reads config.json, and refuses what a model file of this architecture cannot express. */
    int (*read)(struct quern_settings *settings, const struct quern_json *config, quern_error *error);
};

/* The layout of the architecture that config.json names. QUERN_EUNSUPPORTED when there is none. */
int quern_layout_find(const struct quern_layout **layout, const struct quern_json *config, quern_error *error);

/* The layouts; layout.c lists them. */
extern const struct quern_layout quern_layout_bert, quern_layout_gemma;

#endif
