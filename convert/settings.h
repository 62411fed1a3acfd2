/* Reads what the JSON files of a sentence-transformers folder say about the model. */
#ifndef QUERN_CONVERT_SETTINGS_H
#define QUERN_CONVERT_SETTINGS_H

#include "arch/arch.h"
#include "json_file.h"

#define QUERN_DENSE 2 /* layers of the head */

struct quern_layout;

struct quern_settings {
    const struct quern_layout *layout; /* of the architecture that the folder names */
    int pooling, token_types;
    int most_tokens; /* of a text, to which sentence-transformers cuts; at most context */
    int context, width, layers, ffn, heads, kv_heads, head, window, vocabulary;
    int position_offset; /* rows of the table of positions before that of the first token */
    int dimensions;      /* of a vector; 0: the width */
    int layer_input;     /* width of the input that each layer has for itself */
    int global_head;     /* elements of a head in global layers; 0: head and kv_heads are those of all layers */
    bool is_local[QUERN_MOST_LAYERS];            /* where layers are listed one by one, which are local, */
    int32_t layer_kv_heads[QUERN_MOST_LAYERS];   /* and their heads of keys and values */
    int period; /* of layers: in each period, the last layer (ModernBERT: the first one) sees the whole text; 0: as
                   readers take it for granted */
    double epsilon, rope_base, rope_base_local;
    const char *activation, *rope_scaling; /* NULL: not told */
    int head_hidden; /* width between the dense layers; 0: there is no head */
    char *dense[QUERN_DENSE]; /* folders of the dense layers, without the folder of the model; NULL: there is no head */
    bool normalizes; /* modules.json ends with vectors of length 1 */
    struct quern_json prompts; /* config_sentence_transformers.json; its root is NULL if there is none */
    json_t *prompt_texts;      /* its prompts: an object of strings; NULL if there are none */
};

/* Refuses what a model file cannot express: another architecture, pooling or head. */
int quern_settings_read(struct quern_settings *settings, const char *folder, quern_error *error);
void quern_settings_free(struct quern_settings *settings); /* a zeroed one is allowed */

#endif
