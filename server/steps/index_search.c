#include "index_search.h"

#include "failure.h"
#include "hits.h"
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

static int fail_without_memory(quern_error *error)
{
    return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for a search");
}

/* ---------------------------------------------------------------- the list */

static void put_index(FILE *out, const struct quern_served_index *index, bool is_open, bool is_writable)
{
    const quern_index_info *info = &index->followed.info;
    fputs("{\"name\":", out);
    quern_json_put_string(out, (quern_text){index->name, strlen(index->name)});
    if (!is_open) {
        fputs(",\"status\":\"unreadable\"}", out);
        return;
    }
    fprintf(out, ",\"status\":\"ready\",\"rows\":%llu,\"dimensions\":%d,\"dtype\":\"%s\",\"bytes\":%llu,\"space\":",
            (unsigned long long)info->count, info->dimensions, quern_dtype_name(info->rows),
            (unsigned long long)info->bytes);
    quern_json_put_string(out, (quern_text){info->space, strlen(info->space)});
    fprintf(out, ",\"writable\":%s}", is_writable ? "true" : "false");
}

int quern_index_job_list(struct quern_index_job *job, FILE *out)
{
    fputs("{\"indexes\":[", out);
    for (size_t i = 0; i < job->index_count; i++) {
        quern_error unwanted;
        fputs(i > 0 ? "," : "", out);
        put_index(out, &job->indexes[i],
                  quern_followed_index_look(&job->indexes[i].followed, &unwanted) == QUERN_OK, job->is_writable);
    }
    fputs("]}\n", out);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- search */

void quern_index_job_finish_vectors(struct quern_index_job *job)
{
    const int width = job->indexes->dimensions;
    for (size_t i = 0; i < job->count; i++) {
        float *vector = job->vectors + i * (size_t)job->full;
        if (job->centred_cut && width < job->full)
            quern_centre(vector, job->full, vector);
        quern_finish(vector, width, 0, vector);
        memmove(job->vectors + i * (size_t)width, vector, (size_t)width * sizeof *vector);
    }
}

/* Writes what was found for one query. */
static int put_hits(struct quern_index_job *job, const struct quern_shown_hit *hits, const quern_search_result *result,
                    FILE *out)
{
    const bool named = job->indexes->followed.info.ids == QUERN_INDEX_NAMES;
    fputs("\"hits\":[", out);
    for (size_t k = 0; k < result->hits; k++) {
        fputs(k > 0 ? "," : "", out);
        quern_put_hit(out, &hits[k], named, false);
        if (ftell(out) > QUERN_SEARCH_MOST_ANSWER)
            return quern_server_fail(&job->error, QUERN_EINVAL, "the hits have more than %d MiB of text: ask for fewer",
                                     QUERN_SEARCH_MOST_ANSWER >> 20);
    }
    fprintf(out, "],\"certified\":%s,\"rescored\":%llu", result->certified ? "true" : "false",
            (unsigned long long)result->scored);
    return QUERN_OK;
}

/* Searches for all queries at once. hits[count * job->hits], results[count]. */
static int find(struct quern_index_job *job, struct quern_shown_hit *hits, quern_search_result *results, FILE *out)
{
    const struct quern_followed_index *index = &job->indexes->followed;
    const struct quern_hit_search search = {
        .searcher = index->searcher, .index = index->index, .queries = job->vectors, .words = job->words,
        .count = job->count, .threads = index->options.threads, .filter = job->is_filtered ? &job->filter : NULL,
        .options = {.size = sizeof search.options, .hits = job->hits, .space = job->space, .least = job->least,
                    .has_least = job->has_least}};
    quern_index_job_finish_vectors(job);
    int code = quern_find_hits(&search, hits, results, &job->error);
    fputs("{\"index\":", out);
    quern_json_put_string(out, (quern_text){job->indexes->name, strlen(job->indexes->name)});
    fputs(",\"model\":", out);
    quern_json_put_string(out, (quern_text){job->model_name, strlen(job->model_name)});
    fputs(job->is_list ? ",\"results\":[" : ",", out);
    for (size_t i = 0; code == QUERN_OK && i < job->count; i++) {
        fputs(!job->is_list ? "" : i > 0 ? ",{" : "{", out);
        code = put_hits(job, hits + i * job->hits, &results[i], out);
        fputs(job->is_list ? "}" : "", out);
    }
    fputs(job->is_list ? "]}\n" : "}\n", out);
    return code;
}

int quern_index_job_search(struct quern_index_job *job, FILE *out)
{
    struct quern_served_index *index = job->indexes;
    int code = quern_followed_index_look(&index->followed, &job->error);
    if (code == QUERN_OK && index->followed.info.dimensions != index->dimensions)
        code = quern_server_fail(&job->error, QUERN_EIO, "its vectors have %d dimensions now, not %d: start the server "
                                 "again", index->followed.info.dimensions, index->dimensions);
    if (code != QUERN_OK)
        return code;
    struct quern_shown_hit *hits = calloc(job->count * job->hits, sizeof *hits);
    quern_search_result *results = calloc(job->count, sizeof *results);
    code = hits != NULL && results != NULL ? find(job, hits, results, out) : fail_without_memory(&job->error);
    free(hits);
    free(results);
    return code;
}
