/* Makes a model file from a sentence-transformers folder. */
#include "folder.h"

#include "base/error.h"
#include "convert.h"
#include "layout.h"
#include "piece_files.h"

static int convert(struct quern_folder *folder, const char *path, const struct quern_convert_job *job,
                   struct quern_convert_result *result)
{
    struct quern_gguf_writer *writer;
    QUERN_TRY(quern_weight_type_find(job->type != NULL ? job->type : "q8_0", &folder->type, folder->error));
    QUERN_TRY(quern_settings_read(&folder->settings, folder->path, folder->error));
    QUERN_TRY(quern_checkpoint_open(&folder->checkpoint, folder->path, folder->error));
    QUERN_TRY(quern_folder_add_tensors(folder));
    QUERN_TRY(quern_pieces_read(&folder->pieces, folder->path, folder->settings.layout->tokenizers,
                                (size_t)folder->settings.vocabulary, folder->error));
    QUERN_TRY(quern_gguf_writer_new(&writer, path, job->name, folder->error));
    quern_folder_put_keys(writer, folder);
    const int code = quern_weights_write(&folder->weights, writer, job, result, folder->error);
    quern_folder_give_notice(folder, result);
    return quern_weights_finish(writer, code, path, result, folder->error);
}

int quern_convert_folder(const char *folder, const char *path, const struct quern_convert_job *job,
                         struct quern_convert_result *result, quern_error *error)
{
    struct quern_folder work = {.path = folder, .error = error};
    *result = (struct quern_convert_result){0};
    int code = convert(&work, path, job, result);
    quern_weights_free(&work.weights);
    quern_pieces_free(&work.pieces);
    quern_checkpoint_close(&work.checkpoint);
    for (int i = 0; i < QUERN_DENSE; i++)
        quern_safetensors_close(&work.dense[i]);
    quern_settings_free(&work.settings);
    return code;
}
