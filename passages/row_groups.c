#include "row_groups.h"

#include "jobs_error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 30, TOGETHER = 256 }; /* rows that are compared with the centres together */

struct grouping {
    struct quern_row_groups *out;
    int dimensions, threads;
    const char *scratch;
    float *vectors;  /* [rows][dimensions], of length 1 */
    float *centres;  /* [groups][dimensions], of length 1 */
    double *sums;    /* [groups][dimensions] */
};

static const float *vector_of(const struct grouping *work, uint64_t row)
{
    return work->vectors + row * (size_t)work->dimensions;
}

static float *centre_of(const struct grouping *work, int group)
{
    return work->centres + (size_t)group * (size_t)work->dimensions;
}

static int load(struct grouping *work, const quern_index *index, uint64_t places, quern_error *error)
{
    struct quern_row_groups *out = work->out;
    for (uint64_t place = 0; place < places; place++) {
        float *vector = work->vectors + out->rows * (size_t)work->dimensions;
        const int code = quern_index_vector(index, place, vector, error);
        if (code == QUERN_EINVAL) /* it was removed */
            continue;
        if (code != QUERN_OK)
            return code;
        quern_finish(vector, work->dimensions, 0, vector);
        out->places[out->rows++] = place;
    }
    return QUERN_OK;
}

/* The first centres: rows that are far from those that were taken before (k-means++), by a fixed row of numbers. */
static void choose_centres(struct grouping *work)
{
    const struct quern_row_groups *out = work->out;
    uint64_t state = 0x9e3779b97f4a7c15u, row = 0;
    for (uint64_t i = 0; i < out->rows; i++)
        out->score[i] = -1;
    for (int group = 0; group < out->groups; group++) {
        double sum = 0;
        memcpy(centre_of(work, group), vector_of(work, row), (size_t)work->dimensions * sizeof(float));
        for (uint64_t i = 0; i < out->rows; i++) {
            const double score = quern_dot(vector_of(work, i), centre_of(work, group), work->dimensions);
            if (score > out->score[i])
                out->score[i] = score;
            sum += out->score[i] < 1 ? 1 - out->score[i] : 0; /* half the square of the distance */
        }
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double left = (double)(state >> 11) / 9007199254740992.0 * sum;
        for (row = 0; row + 1 < out->rows && left >= 0; row++)
            left -= out->score[row] < 1 ? 1 - out->score[row] : 0;
        row = row > 0 && left < 0 ? row - 1 : row;
    }
}

/* Makes an index of the centres, whose ids are the groups. */
static int write_centres(const struct grouping *work, quern_error *error)
{
    const quern_index_options options = {.size = sizeof options, .dimensions = work->dimensions};
    quern_index_writer *writer = NULL;
    int code = quern_index_create(&writer, work->scratch, &options, error);
    for (int group = 0; code == QUERN_OK && group < work->out->groups; group++) {
        const quern_index_row row = {.number = (uint64_t)group};
        code = quern_index_add(writer, &row, centre_of(work, group), 1, error);
    }
    if (code == QUERN_OK)
        code = quern_index_commit(writer, error);
    quern_index_writer_free(writer);
    return code;
}

/* Gives each row to the group with the nearest centre. *moved: rows that were in another one. */
static int assign(struct grouping *work, uint64_t *moved, quern_error *error)
{
    struct quern_row_groups *out = work->out;
    const quern_searcher_options options = {.size = sizeof options, .threads = work->threads, .most_hits = 1,
                                            .most_queries = TOGETHER};
    const quern_search_options with = {.size = sizeof with, .hits = 1};
    quern_index *index = NULL;
    quern_searcher *searcher = NULL;
    quern_hit hits[TOGETHER];
    int code = write_centres(work, error);
    if (code == QUERN_OK)
        code = quern_index_open(&index, work->scratch, error);
    if (code == QUERN_OK)
        code = quern_searcher_new(&searcher, index, &options, error);
    *moved = 0;
    for (uint64_t row = 0; code == QUERN_OK && row < out->rows; row += TOGETHER) {
        const size_t count = out->rows - row < TOGETHER ? (size_t)(out->rows - row) : TOGETHER;
        code = quern_search(searcher, vector_of(work, row), count, &with, hits, NULL, error);
        for (size_t i = 0; code == QUERN_OK && i < count; i++) {
            *moved += out->group[row + i] != hits[i].place; /* the places of a new index are its groups */
            out->group[row + i] = (uint32_t)hits[i].place;
            out->score[row + i] = hits[i].score;
        }
    }
    quern_searcher_free(searcher);
    quern_index_close(index);
    return code;
}

static void count_sizes(struct quern_row_groups *out)
{
    memset(out->sizes, 0, (size_t)out->groups * sizeof *out->sizes);
    for (uint64_t i = 0; i < out->rows; i++)
        out->sizes[out->group[i]]++;
}

/* Gives a group without rows the row that is farthest from its centre. False: every row is at its centre. */
static bool fill_group(struct grouping *work, uint32_t group)
{
    struct quern_row_groups *out = work->out;
    uint64_t farthest = out->rows;
    for (uint64_t i = 0; i < out->rows; i++)
        if (out->sizes[out->group[i]] > 1 && out->score[i] < 1 - 1e-6 &&
            (farthest == out->rows || out->score[i] < out->score[farthest]))
            farthest = i;
    if (farthest == out->rows)
        return false;
    out->sizes[out->group[farthest]]--;
    out->sizes[group] = 1;
    out->group[farthest] = group;
    out->score[farthest] = 1;
    return true;
}

/* Moves each centre to the mean of its rows. */
static void move_centres(struct grouping *work)
{
    struct quern_row_groups *out = work->out;
    const size_t width = (size_t)work->dimensions;
    memset(work->sums, 0, (size_t)out->groups * width * sizeof *work->sums);
    for (uint64_t i = 0; i < out->rows; i++)
        for (size_t k = 0; k < width; k++)
            work->sums[out->group[i] * width + k] += vector_of(work, i)[k];
    for (int group = 0; group < out->groups; group++) {
        float *centre = centre_of(work, group);
        for (size_t k = 0; k < width; k++)
            centre[k] = (float)(work->sums[(size_t)group * width + k] / (double)(out->sizes[group] + 1));
        quern_finish(centre, work->dimensions, 0, centre);
    }
}

/* Numbers the groups by their sizes, and leaves out those without rows. */
static int sort_groups(struct quern_row_groups *out, quern_error *error)
{
    uint32_t *number = calloc((size_t)out->groups, sizeof *number);
    uint64_t *sizes = calloc((size_t)out->groups, sizeof *sizes);
    int kept = 0;
    if (number == NULL || sizes == NULL) {
        free(number);
        free(sizes);
        return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %d groups", out->groups);
    }
    for (; kept < out->groups; kept++) {
        int largest = 0;
        for (int group = 1; group < out->groups; group++)
            largest = out->sizes[group] > out->sizes[largest] ? group : largest;
        if (out->sizes[largest] == 0)
            break;
        number[largest] = (uint32_t)kept;
        sizes[kept] = out->sizes[largest];
        out->sizes[largest] = 0;
    }
    for (uint64_t i = 0; i < out->rows; i++)
        out->group[i] = number[out->group[i]];
    free(number);
    free(out->sizes);
    out->sizes = sizes;
    out->groups = kept;
    return QUERN_OK;
}

static int divide(struct grouping *work, quern_error *error)
{
    struct quern_row_groups *out = work->out;
    uint64_t moved = 1;
    int code = QUERN_OK;
    choose_centres(work);
    memset(out->group, 0xff, out->rows * sizeof *out->group);
    for (int round = 0; code == QUERN_OK && moved > 0 && round < MOST_ROUNDS; round++) {
        code = assign(work, &moved, error);
        if (code != QUERN_OK)
            return code;
        count_sizes(out);
        for (int group = 0; group < out->groups; group++)
            if (out->sizes[group] == 0)
                moved += fill_group(work, (uint32_t)group);
        move_centres(work);
    }
    return code == QUERN_OK ? sort_groups(out, error) : code;
}

int quern_row_groups_make(struct quern_row_groups *groups, const quern_index *index, int count, int threads,
                          const char *scratch, quern_error *error)
{
    quern_index_info info = {.size = sizeof info};
    struct grouping work = {.out = groups, .threads = threads, .scratch = scratch};
    *groups = (struct quern_row_groups){.rows = 0};
    int code = quern_index_describe(index, &info, error);
    if (code != QUERN_OK)
        return code;
    if (info.count == 0)
        return quern_jobs_fail(error, QUERN_EINVAL, "the index has no vectors");
    const size_t rows = (size_t)info.count, width = (size_t)info.dimensions;
    groups->groups = info.count < (uint64_t)count ? (int)info.count : count;
    work.dimensions = info.dimensions;
    groups->places = calloc(rows, sizeof *groups->places);
    groups->group = calloc(rows, sizeof *groups->group);
    groups->score = calloc(rows, sizeof *groups->score);
    groups->sizes = calloc((size_t)groups->groups, sizeof *groups->sizes);
    work.vectors = calloc(rows, width * sizeof *work.vectors);
    work.centres = calloc((size_t)groups->groups, width * sizeof *work.centres);
    work.sums = calloc((size_t)groups->groups, width * sizeof *work.sums);
    if (groups->places == NULL || groups->group == NULL || groups->score == NULL || groups->sizes == NULL ||
        work.vectors == NULL || work.centres == NULL || work.sums == NULL)
        code = quern_jobs_fail(error, QUERN_ENOMEM, "no memory for %zu vectors", rows);
    if (code == QUERN_OK)
        code = load(&work, index, info.places, error);
    if (code == QUERN_OK)
        code = divide(&work, error);
    free(work.vectors);
    free(work.centres);
    free(work.sums);
    if (code != QUERN_OK)
        quern_row_groups_free(groups);
    return code;
}

void quern_row_groups_free(struct quern_row_groups *groups)
{
    free(groups->places);
    free(groups->group);
    free(groups->score);
    free(groups->sizes);
    *groups = (struct quern_row_groups){.rows = 0};
}
