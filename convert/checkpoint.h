/* The tensors of a folder: model.safetensors, in one file or in several with an index. */
#ifndef QUERN_CONVERT_CHECKPOINT_H
#define QUERN_CONVERT_CHECKPOINT_H

#include "safetensors.h"

#define QUERN_SHARDS 48 /* most files; all of them are mapped at once */

struct quern_checkpoint {
    struct quern_safetensors files[QUERN_SHARDS];
    int count;
};

int quern_checkpoint_open(struct quern_checkpoint *checkpoint, const char *folder, quern_error *error);
void quern_checkpoint_close(struct quern_checkpoint *checkpoint); /* a zeroed one is allowed */

/* Finds a tensor by its name, and the file that it is in. NULL: there is no such tensor. */
const struct quern_safetensor *quern_checkpoint_find(const struct quern_checkpoint *checkpoint, const char *name,
                                                     const struct quern_safetensors **file);

#endif
