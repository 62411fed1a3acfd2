#include "complete_run.h"

#include "jobs_error.h"
#include "manifest.h"

#include <stdlib.h>

/* Reads what a manifest says of the rows. */
static int read_shape(struct quern_complete *complete, quern_error *error)
{
    const json_t *manifest = complete->manifest, *keep = json_object_get(manifest, "keep");
    struct quern_vector_shape *shape = &complete->shape;
    const int dtype = quern_dtype_find(json_string_value(json_object_get(manifest, "dtype")));
    const int format = quern_vector_format_find(json_string_value(json_object_get(manifest, "format")));
    const json_int_t dims = json_integer_value(json_object_get(manifest, "dims"));
    const json_int_t part_records = json_integer_value(json_object_get(manifest, "part_rows"));
    if (dtype < 0 || format < 0 || dims < 1 || dims > 65536 || part_records < 1 ||
        json_array_size(keep) > QUERN_RECORD_COLUMNS)
        return quern_jobs_fail(error, QUERN_EFORMAT, "%s/manifest.json is not what quern wrote there",
                               complete->folder);
    complete->format = (enum quern_vector_format)format;
    complete->part_records = (uint64_t)part_records;
    *shape = (struct quern_vector_shape){.dtype = (quern_dtype)dtype, .dimensions = (int)dims,
                                         .has_ids = json_is_string(json_object_get(manifest, "id")),
                                         .is_chunked = json_is_true(json_object_get(manifest, "chunked")),
                                         .is_cut = json_is_true(json_object_get(manifest, "truncate"))};
    for (; shape->keep_count < (int)json_array_size(keep); shape->keep_count++) {
        const char *name = json_string_value(json_array_get(keep, (size_t)shape->keep_count));
        shape->keep[shape->keep_count] = name != NULL ? name : "";
    }
    return QUERN_OK;
}

/* Reads what .done says of each part. */
static int read_parts(struct quern_complete *complete, quern_error *error)
{
    size_t capacity = 0;
    for (uint64_t i = 0; i < complete->parts; i++) {
        if (i == capacity) { /* grows with the parts that are there: their number is only what a file says */
            capacity = 2 * capacity + 64;
            struct quern_part_done *more = realloc(complete->done, capacity * sizeof *more);
            if (more == NULL)
                return quern_jobs_fail(error, QUERN_ENOMEM, "no memory for a list of %zu parts", capacity);
            complete->done = more;
        }
        const int code = quern_part_read_done(&complete->done[i], complete->folder, i, error);
        if (code < 0)
            return code;
        if (code == 0)
            return quern_jobs_fail(error, QUERN_EINVAL, "%s is not complete: part %llu of %llu is not done",
                                   complete->folder, (unsigned long long)i, (unsigned long long)complete->parts);
        complete->shape.rows += complete->done[i].state.rows;
    }
    return QUERN_OK;
}

int quern_complete_open(struct quern_complete *complete, const char *folder, quern_error *error)
{
    *complete = (struct quern_complete){.folder = folder};
    int code = quern_manifest_read(&complete->manifest, folder, error);
    if (code == QUERN_OK)
        code = read_shape(complete, error);
    if (code == QUERN_OK)
        code = quern_end_read(folder, &complete->records, &complete->parts, error);
    if (code < 0)
        return code;
    if (code == 0)
        return quern_jobs_fail(error, QUERN_EINVAL, "%s is not complete: no run has come to the end of the input yet",
                               folder);
    return read_parts(complete, error);
}

void quern_complete_close(struct quern_complete *complete)
{
    json_decref(complete->manifest);
    complete->manifest = NULL;
    free(complete->done);
    complete->done = NULL;
}
