#include "index_job.h"

#include "failure.h"
#include "hits.h"
#include "json_text.h"
#include "server_clock.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static int fail_without_memory(quern_error *error)
{
    return quern_server_fail(error, QUERN_ENOMEM, "there is no memory for a search");
}

/* ---------------------------------------------------------------- the list */

static void put_index(FILE *out, const struct quern_served_index *index, bool is_open)
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
    putc('}', out);
}

/* An index that cannot be read is listed, too. */
static int list(struct quern_index_job *job, FILE *out)
{
    fputs("{\"indexes\":[", out);
    for (size_t i = 0; i < job->index_count; i++) {
        quern_error unwanted;
        fputs(i > 0 ? "," : "", out);
        put_index(out, &job->indexes[i],
                  quern_followed_index_look(&job->indexes[i].followed, &unwanted) == QUERN_OK);
    }
    fputs("]}\n", out);
    return QUERN_OK;
}

/* ---------------------------------------------------------------- search */

/* Makes of a vector of the model what the index has. */
static void finish_query(const struct quern_index_job *job, float *query)
{
    const int width = job->indexes->dimensions;
    if (job->centred_cut && width < job->full)
        quern_centre(query, job->full, query);
    quern_finish(query, width, 0, query);
}

static int search_one(struct quern_index_job *job, size_t i, struct quern_shown_hit *hits, FILE *out)
{
    const struct quern_followed_index *index = &job->indexes->followed;
    float *query = job->queries + i * (size_t)job->full;
    quern_search_result result;
    size_t count = 0;
    finish_query(job, query);
    const struct quern_hit_search search = {
        .searcher = index->searcher, .index = index->index, .query = query,
        .words = job->words != NULL ? job->words[i] : (quern_text){0},
        .options = {.size = sizeof search.options, .hits = job->hits, .space = job->space, .least = job->least,
                    .has_least = job->has_least}};
    const int code = quern_find_hits(&search, hits, &count, &result, &job->error);
    if (code != QUERN_OK)
        return code;
    fputs("\"hits\":[", out);
    for (size_t k = 0; k < count; k++) {
        fputs(k > 0 ? "," : "", out);
        quern_put_hit(out, &hits[k], index->info.ids == QUERN_INDEX_NAMES, false);
        if (ftell(out) > QUERN_SEARCH_MOST_ANSWER)
            return quern_server_fail(&job->error, QUERN_EINVAL, "the hits have more than %d MiB of text: ask for fewer",
                                     QUERN_SEARCH_MOST_ANSWER >> 20);
    }
    fprintf(out, "],\"certified\":%s,\"rescored\":%llu", result.certified ? "true" : "false",
            (unsigned long long)result.scored);
    return QUERN_OK;
}

static int search(struct quern_index_job *job, FILE *out)
{
    struct quern_served_index *index = job->indexes;
    int code = quern_followed_index_look(&index->followed, &job->error);
    if (code == QUERN_OK && index->followed.info.dimensions != index->dimensions)
        code = quern_server_fail(&job->error, QUERN_EIO, "its vectors have %d dimensions now, not %d: start the server "
                                 "again", index->followed.info.dimensions, index->dimensions);
    struct quern_shown_hit *hits = code == QUERN_OK ? calloc(job->hits, sizeof *hits) : NULL;
    if (code == QUERN_OK && hits == NULL)
        code = fail_without_memory(&job->error);
    fputs("{\"index\":", out);
    quern_json_put_string(out, (quern_text){index->name, strlen(index->name)});
    fputs(job->is_list ? ",\"results\":[" : ",", out);
    for (size_t i = 0; code == QUERN_OK && i < job->count; i++) {
        fputs(!job->is_list ? "" : i > 0 ? ",{" : "{", out);
        code = search_one(job, i, hits, out);
        fputs(job->is_list ? "}" : "", out);
    }
    fputs(job->is_list ? "]}\n" : "}\n", out);
    free(hits);
    return code;
}

/* ---------------------------------------------------------------- jobs */

static void run_index_job(struct quern_background_job *background)
{
    struct quern_index_job *job =
        (struct quern_index_job *)(void *)((char *)background - offsetof(struct quern_index_job, background));
    const int64_t begin = quern_clock_ns();
    FILE *out = open_memstream(&job->json, &job->length);
    job->code = out == NULL                        ? fail_without_memory(&job->error)
                : job->work == QUERN_INDEX_SEARCH ? search(job, out)
                                                  : list(job, out);
    if (out != NULL && fclose(out) != 0 && job->code == QUERN_OK)
        job->code = fail_without_memory(&job->error);
    job->ns = quern_clock_ns() - begin;
    job->is_done = true;
}

void quern_index_job_submit(struct quern_index_job *job, struct quern_background *background, void *owner)
{
    job->background = (struct quern_background_job){.run = run_index_job, .owner = owner};
    quern_background_submit(background, &job->background);
}

void quern_index_job_free(struct quern_index_job *job)
{
    free(job->queries);
    free(job->words);
    free(job->json);
    *job = (struct quern_index_job){.work = QUERN_INDEX_NO_WORK};
}
