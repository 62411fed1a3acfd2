/* Changing the server's indexes: /index/add and /index/remove. */
#include "array_count.h"
#include "requests/body.h"
#include "requests/dialect.h"
#include "requests/index_fields.h"

#include <string.h>

enum {
    TEXTS_AT_MOST = 256,
    TEXT_AT_MOST = 1 << 20,                                     /* bytes: cutting it takes up to a second */
    ID_AT_MOST = QUERN_INDEX_MOST_NAME - QUERN_PASSAGE_NUMBER   /* bytes */
};

/* The index that is to be changed. NULL: refused. */
static struct quern_served_index *find_writable(struct quern_request *request)
{
    struct quern_served_index *index = quern_index_named(request);
    if (index == NULL || request->service->options->index_writable)
        return index;
    quern_refuse(request, QUERN_FAULT_FORBIDDEN, NULL, "the indexes of this server cannot be changed: it is started "
                 "without --index-writable");
    return NULL;
}

/* ---------------------------------------------------------------- adding */

/* Whether an id of a text is good. It must not be taken for a file's, or for that of one of its passages. */
static bool is_good_id(quern_text id)
{
    return id.length > 0 && id.length <= ID_AT_MOST && id.data[0] != '/' && memchr(id.data, '\0', id.length) == NULL &&
           quern_passage_path(id).length == id.length;
}

/* Reads the id of a text, which it need not have, or that of a passage. */
static bool read_id(struct quern_request *request, struct quern_text_cut *cut, const struct quern_value *id, size_t i)
{
    const bool is_number = request->index_job.indexes->ids == QUERN_INDEX_NUMBERS;
    cut->id = quern_value_text(id);
    cut->number = (uint64_t)quern_value_integer(id);
    if (!cut->is_passage)
        return id == NULL || is_good_id(cut->id) ||
               quern_refuse(request, QUERN_FAULT_VALUE, "texts", "the id in item %zu of texts must be a string of 1 to "
                            "%d bytes that neither begins with '/' nor ends in '#' and digits", i, ID_AT_MOST);
    if (is_number ? quern_value_is(id, QUERN_VALUE_INTEGER) && quern_value_integer(id) >= 0
                  : cut->id.length > 0 && cut->id.length <= QUERN_INDEX_MOST_NAME)
        return true;
    return quern_refuse(request, QUERN_FAULT_VALUE, "passages", "the id in item %zu of passages must be %s, as the ids "
                        "of the index are", i, is_number ? "an integer from 0" : "a string");
}

/* Refuses an id that another text of the request has. Of passages the last one counts. */
static bool check_unique(struct quern_request *request, size_t i)
{
    const quern_text id = request->cuts[i].id;
    for (size_t k = 0; !request->cuts[i].is_passage && id.length > 0 && k < i; k++)
        if (request->cuts[k].id.length == id.length && memcmp(request->cuts[k].id.data, id.data, id.length) == 0)
            return quern_refuse(request, QUERN_FAULT_VALUE, "texts", "items %zu and %zu of texts have one id", k, i);
    return true;
}

/* A passage is as it is. */
static bool set_passage(struct quern_request *request, struct quern_text_cut *cut)
{
    cut->passages = quern_request_new_list(request, 1, sizeof *cut->passages);
    if (cut->passages == NULL)
        return false;
    cut->count = cut->capacity = 1;
    cut->passages[0] = (struct quern_passage){.title = quern_passage_title(cut->title_read, cut->title),
                                              .text = cut->text};
    return true;
}

/* Reads one of the texts, a string or an object with a text and perhaps an id and a title; or one of the passages, an
 * object with an id and a text and perhaps a title. */
static bool read_item(struct quern_request *request, const struct quern_value *item, size_t i, const char *list)
{
    struct quern_text_cut *cut = &request->cuts[i];
    const bool is_object = quern_value_is(item, QUERN_VALUE_OBJECT), is_passage = strcmp(list, "passages") == 0;
    const struct quern_value *text = is_object || is_passage ? quern_body_field(item, "text") : item,
                             *title = quern_body_field(item, "title");
    *cut = (struct quern_text_cut){.is_passage = is_passage, .text = quern_value_text(text),
                                   .title = quern_value_text(title), .embed = {.size = sizeof cut->embed}};
    if (!quern_value_is(text, QUERN_VALUE_TEXT))
        return quern_refuse(request, QUERN_FAULT_FIELD, list, "item %zu of %s must be %san object with a string in "
                            "text", i, list, is_passage ? "" : "a string, or ");
    if (cut->text.length > TEXT_AT_MOST)
        return quern_refuse(request, QUERN_FAULT_BODY, list, "item %zu of %s has %zu bytes, but at most %d are taken: "
                            "add it in parts", i, list, cut->text.length, TEXT_AT_MOST);
    if (!quern_has_words(cut->text))
        return quern_refuse(request, QUERN_FAULT_EMPTY, list, "item %zu of %s has no words", i, list);
    if (title != NULL && !quern_value_is(title, QUERN_VALUE_TEXT))
        return quern_refuse(request, QUERN_FAULT_FIELD, list, "the title in item %zu of %s must be a string", i, list);
    return read_id(request, cut, quern_body_field(item, "id"), i) && check_unique(request, i) &&
           (!is_passage || set_passage(request, cut));
}

/* Reads what is added: texts, which are cut, or passages, which are not. */
static bool read_texts(struct quern_request *request)
{
    const struct quern_value *texts = quern_body_field(request->object, "texts"),
                             *passages = quern_body_field(request->object, "passages"),
                             *list = texts != NULL ? texts : passages;
    const bool is_list = quern_value_is(list, QUERN_VALUE_ARRAY);
    const size_t most = texts != NULL ? TEXTS_AT_MOST : QUERN_INPUTS;
    const size_t count = is_list ? quern_value_size(list) : quern_value_is(texts, QUERN_VALUE_TEXT);
    if ((texts != NULL && passages != NULL) || count < 1 || count > most)
        return quern_refuse(request, QUERN_FAULT_FIELD, "texts", "send either texts, a list of 1 to %d strings or "
                            "objects with text and perhaps id and title, or passages, a list of 1 to %d objects with "
                            "id and text and perhaps title", TEXTS_AT_MOST, QUERN_INPUTS);
    request->cuts = quern_request_new_list(request, count, sizeof *request->cuts);
    if (request->cuts == NULL)
        return false;
    request->cut_count = count;
    const struct quern_value *item = is_list ? quern_value_first(list) : list;
    for (size_t i = 0; i < count; i++, item = quern_value_next(item))
        if (!read_item(request, item, i, texts != NULL ? "texts" : "passages"))
            return false;
    return request->index_job.indexes->ids == QUERN_INDEX_NAMES || texts == NULL ||
           quern_refuse(request, QUERN_FAULT_VALUE, "index", "the ids of the index are numbers: it takes passages, but "
                        "no texts");
}

static bool parse_add(struct quern_request *request)
{
    struct quern_served_index *index = find_writable(request);
    if (index == NULL)
        return false;
    request->index_job.indexes = index;
    if (!read_texts(request) || !quern_index_set_vectors(request, index, QUERN_TASK_DOCUMENT))
        return false;
    for (size_t i = 0; i < request->cut_count; i++) {
        struct quern_text_cut *cut = &request->cuts[i];
        const size_t most = (size_t)request->served->info.context_length;
        cut->chunk = index->chunk;
        if (cut->chunk.tokens > most)
            cut->chunk.tokens = most;
        cut->embed.task = QUERN_TASK_DOCUMENT; /* also of a model without prompts: then it says nothing */
        cut->embed.flags = QUERN_TRUNCATE;
    }
    request->options.loads_model = true;
    request->index_job.work = QUERN_INDEX_ADD;
    return true;
}

/* ---------------------------------------------------------------- removing */

static bool parse_remove(struct quern_request *request)
{
    struct quern_index_job *job = &request->index_job;
    const struct quern_value *ids = quern_body_field(request->object, "ids");
    struct quern_served_index *index = find_writable(request);
    if (index == NULL)
        return false;
    job->filter.by_id = true;
    job->filter.ids = quern_index_ids_read(request, ids, "ids", "ids");
    job->filter.id_count = quern_value_size(ids);
    job->work = QUERN_INDEX_REMOVE;
    job->indexes = index;
    return job->filter.ids != NULL;
}

/* ---------------------------------------------------------------- the answer */

static void write_change(struct quern_request *request, const struct quern_job *vectors, struct quern_answer *answer)
{
    (void)vectors;
    if (!quern_index_take_answer(request, answer))
        quern_refuse(request, QUERN_FAULT_UNAVAILABLE, NULL, "the index cannot be changed now: perhaps another program "
                     "is changing it, or the disk is full; the server's log says more");
}

static const struct quern_route routes[] = {
    {"POST", "/index/add", QUERN_ROUTE_VECTORS, parse_add, write_change, NULL},
    {"POST", "/index/remove", QUERN_ROUTE_KEYED, parse_remove, write_change, NULL},
};

const struct quern_dialect quern_dialect_index_changes = {.prefix = "/index/", .routes = routes,
                                                          .route_count = QUERN_COUNT(routes),
                                                          .write_error = quern_answer_put_error};
