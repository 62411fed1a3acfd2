/* How the folders of an architecture spell what its model files have: one description for each, constant data and a
 * reader of config.json. The names and shapes in model files are those of src/arch/. */
#ifndef QUERN_CONVERT_LAYOUT_H
#define QUERN_CONVERT_LAYOUT_H

#include "arch/arch.h"
#include "settings.h"

#include <stddef.h>

/* What the field of struct quern_settings is that a key of the model file gets. */
enum quern_layout_kind {
    QUERN_LAYOUT_SIZE,   /* an int; 0 is not written */
    QUERN_LAYOUT_NUMBER, /* a double */
    QUERN_LAYOUT_NAME,   /* a const char *; NULL is not written */
    QUERN_LAYOUT_SIZES,  /* int32_t [layers] */
    QUERN_LAYOUT_FLAGS,  /* bool [layers] */
    QUERN_LAYOUT_ZERO,   /* there is no field: the number is 0 */
    QUERN_LAYOUT_FALSE   /* there is no field */
};

struct quern_layout_key {
    const char *name; /* behind "ARCHITECTURE." */
    enum quern_layout_kind kind;
    size_t offset; /* of the field */
};

struct quern_layout {
    const struct quern_arch *arch;
    const char *class_names[2];         /* one of them is in "architectures" of config.json; NULL: no more */
    const char *prefixes[3];            /* which the names of all tensors may have; NULL: no more */
    const char *layers;                 /* stands before the number of a layer: "layers." */
    const char *const *tensors; /* [QUERN_TENSORS], without ".weight" and ".bias"; NULL: not in the checkpoint */
    const char *left_out[4];            /* beginnings of names of tensors that no vector needs; NULL: no more */
    bool lacks_one;                     /* vectors are stored minus 1 */
    const char *tokenizers[2];          /* tokenizer.ggml.model: which tokenizer.json may have; NULL: no more */
    const struct quern_layout_key *keys; /* behind those that every architecture has (folder_keys.c) */
    int key_count;

    /* Reads config.json, and refuses what a model file of this architecture cannot express. */
    int (*read)(struct quern_settings *settings, const struct quern_json *config, quern_error *error);
};

/* The layout of the architecture that config.json names. QUERN_EUNSUPPORTED when there is none. */
int quern_layout_find(const struct quern_layout **layout, const struct quern_json *config, quern_error *error);

/* The layouts; layout.c lists them. */
extern const struct quern_layout quern_layout_bert, quern_layout_gemma, quern_layout_gemma2, quern_layout_modern_bert,
    quern_layout_nomic_bert, quern_layout_qwen3, quern_layout_xlm_roberta;

#endif
