#include "eval.h"

int quern_cli_rows_embed(struct quern_cli_rows *rows, const quern_text *texts, size_t count,
                         const quern_embed_options *options, float *vectors)
{
    struct quern_cli_progress *progress = &rows->progress;
    const int dimensions = options->dimensions > 0 ? options->dimensions : rows->session->info.dimensions;
    const size_t width = (size_t)dimensions;
    for (size_t at = 0; at < count;) {
        const size_t some = count - at < QUERN_CLI_BATCH ? count - at : QUERN_CLI_BATCH;
        quern_result results[QUERN_CLI_BATCH];
        quern_error error;
        if (quern_embed(rows->session->context, texts + at, some, options, vectors + at * width, some * width, results,
                        &error) != QUERN_OK) {
            quern_cli_progress_clear(progress);
            quern_cli_say("%s, after %llu texts: %s", rows->file, (unsigned long long)progress->texts, error.text);
            return QUERN_CLI_FAILED;
        }
        for (size_t i = 0; i < some; i++) {
            progress->tokens += results[i].tokens;
            rows->cut += results[i].truncated > 0;
        }
        at += some;
        progress->texts += some;
        quern_cli_progress_update(progress, progress->texts, rows->total);
    }
    return QUERN_CLI_DONE;
}
