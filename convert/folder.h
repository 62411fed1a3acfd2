/* A folder that is converted, and the steps of its conversion. For folder.c and folder_*.c. */
#ifndef QUERN_CONVERT_FOLDER_H
#define QUERN_CONVERT_FOLDER_H

#include "checkpoint.h"
#include "pieces.h"
#include "settings.h"
#include "weights.h"

struct quern_folder {
    const char *path;
    struct quern_settings settings;
    struct quern_checkpoint checkpoint;
    struct quern_safetensors dense[QUERN_DENSE];
    struct quern_pieces pieces;
    struct quern_weights weights;
    uint32_t type;      /* that the caller asked for */
    const char *prefix; /* of the checkpoint's tensors: one of the layout's */
    quern_error *error;
};

/* Lists all tensors to write, with the shapes that settings ask for. Opens the files of the dense layers. */
int quern_folder_add_tensors(struct quern_folder *folder);

/* Writes the keys of the model, of its tokenizer and of its prompts. */
void quern_folder_put_keys(struct quern_gguf_writer *writer, const struct quern_folder *folder);

/* Sets the notice of the result to the first that there is. */
void quern_folder_give_notice(const struct quern_folder *folder, struct quern_convert_result *result);

#endif
