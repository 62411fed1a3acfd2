#include "checkpoint.h"

#include "base/error.h"
#include "json_file.h"

#include <stdlib.h>
#include <string.h>

#define MOST_INDEX (16u << 20) /* bytes */

/* Opens a file, unless it is open already. */
static int add_file(struct quern_checkpoint *checkpoint, const char *folder, const char *name, quern_error *error)
{
    char *path = quern_path_join(folder, name, error);
    int code = path != NULL ? QUERN_OK : QUERN_ENOMEM;
    for (int i = 0; i < checkpoint->count && path != NULL; i++)
        if (strcmp(checkpoint->files[i].path, path) == 0)
            goto out;
    if (code == QUERN_OK && checkpoint->count == QUERN_SHARDS)
        code = quern_fail(error, QUERN_EUNSUPPORTED, "%s: more than %d safetensors files", folder, QUERN_SHARDS);
    if (code == QUERN_OK)
        code = quern_safetensors_open(&checkpoint->files[checkpoint->count], path, error);
    if (code == QUERN_OK)
        checkpoint->count++;
out:
    free(path);
    return code;
}

static int read_index(struct quern_checkpoint *checkpoint, const char *folder, const struct quern_json *index,
                      quern_error *error)
{
    const char *tensor;
    json_t *entry, *map = json_object_get(index->root, "weight_map");
    if (json_object_size(map) == 0)
        return quern_fail(error, QUERN_EFORMAT, "%s names no tensors", index->path);
    json_object_foreach(map, tensor, entry) {
        const char *name = json_string_value(entry);
        if (name == NULL || name[0] == '.' || strchr(name, '/') != NULL)
            return quern_fail(error, QUERN_EFORMAT, "%s: tensor %.80s is in no file beside it", index->path, tensor);
        QUERN_TRY(add_file(checkpoint, folder, name, error));
    }
    return QUERN_OK;
}

/* Refuses a tensor that is in two files, because nothing says which of them is right. */
static int check_names(const struct quern_checkpoint *checkpoint, quern_error *error)
{
    for (int a = 1; a < checkpoint->count; a++)
        for (size_t i = 0; i < checkpoint->files[a].count; i++)
            for (int b = 0; b < a; b++) {
                const char *name = checkpoint->files[a].tensors[i].name;
                if (quern_safetensors_find(&checkpoint->files[b], name) != NULL)
                    return quern_fail(error, QUERN_EFORMAT, "tensor %.80s is in both %s and %s", name,
                                      checkpoint->files[b].path, checkpoint->files[a].path);
            }
    return QUERN_OK;
}

int quern_checkpoint_open(struct quern_checkpoint *checkpoint, const char *folder, quern_error *error)
{
    static const char whole[] = "model.safetensors";
    struct quern_json index = {0};
    *checkpoint = (struct quern_checkpoint){0};
    char *path = quern_path_join(folder, whole, error);
    if (path == NULL)
        return QUERN_ENOMEM;
    int code = QUERN_OK;
    if (!quern_path_exists(path))
        code = quern_json_open(&index, folder, "model.safetensors.index.json", JSON_OBJECT, MOST_INDEX, true, error);
    if (code == QUERN_OK)
        code = index.root != NULL ? read_index(checkpoint, folder, &index, error)
                                  : add_file(checkpoint, folder, whole, error);
    if (code == QUERN_OK)
        code = check_names(checkpoint, error);
    if (code != QUERN_OK)
        quern_checkpoint_close(checkpoint);
    quern_json_close(&index);
    free(path);
    return code;
}

void quern_checkpoint_close(struct quern_checkpoint *checkpoint)
{
    for (int i = 0; i < checkpoint->count; i++)
        quern_safetensors_close(&checkpoint->files[i]);
    *checkpoint = (struct quern_checkpoint){0};
}

const struct quern_safetensor *quern_checkpoint_find(const struct quern_checkpoint *checkpoint, const char *name,
                                                     const struct quern_safetensors **file)
{
    for (int i = 0; i < checkpoint->count; i++) {
        const struct quern_safetensor *tensor = quern_safetensors_find(&checkpoint->files[i], name);
        *file = &checkpoint->files[i];
        if (tensor != NULL)
            return tensor;
    }
    return NULL;
}
