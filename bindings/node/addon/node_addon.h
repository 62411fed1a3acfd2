/* quern for Node.js: what the files of the addon share. The addon has plain functions; the classes that people use are
 * in JavaScript, which also checks arguments in its own words. What is wrong for C is a TypeError here, never a crash.
 *
 * Threads. All functions run in the thread of their environment (the main thread or a worker thread of Node.js), except
 * quern_node_work.execute. Environments share open models (quern_node_share_model), and nothing else. */
#ifndef QUERN_NODE_ADDON_H
#define QUERN_NODE_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <quern_index.h>
#include <stdbool.h>
#include <stddef.h>

/* ---------------------------------------------------------------- values.c: values of JavaScript */

/* Reads the arguments of a call. Returns whether there are exactly count; else throws. */
bool quern_node_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments);

/* Throws a TypeError, unless an exception is on its way already. Returns NULL, as a function that throws does. */
napi_value quern_node_throw(napi_env env, const char *text);

/* Zeroed memory, for free(). Returns NULL with an exception when there is none. */
void *quern_node_take(napi_env env, size_t bytes);

/* A buffer for a path, with its terminator. */
#define QUERN_NODE_PATH_SIZE 4097

/* Writes a string in UTF-8 to out[capacity] with a terminator. Returns false without an exception for what is no
 * string, has a NUL, or is too long. */
bool quern_node_word(napi_env env, napi_value value, char *out, size_t capacity);

/* Makes a string; null for NULL. */
napi_value quern_node_string(napi_env env, const char *text);

/* Sets a property of an object. value may be NULL, which is not set. */
void quern_node_set(napi_env env, napi_value object, const char *name, napi_value value);
void quern_node_set_number(napi_env env, napi_value object, const char *name, double number);

/* Sets an error that is no single text's fault. */
void quern_node_set_error(quern_error *error, int code, const char *text);

/* Makes {code, text, index} of an error; code is a string such as "QUERN_EINVAL", index a number or null. */
napi_value quern_node_error(napi_env env, const quern_error *error);

/* Makes an ArrayBuffer with a copy of the bytes, or returns NULL with an exception. */
napi_value quern_node_bytes(napi_env env, const void *bytes, size_t count);

/* Sets *data and *count to the elements of a typed array of a type; they stay until JavaScript runs again. Returns
 * false without an exception for anything else. */
bool quern_node_elements(napi_env env, napi_value array, napi_typedarray_type type, void **data, size_t *count);

/* ---------------------------------------------------------------- works.c: work in another thread */

struct quern_node_work;

enum quern_node_kind { QUERN_NODE_MODEL, QUERN_NODE_INDEX, QUERN_NODE_WRITER };

/* What is open, a model, an index or a writer, with the works that wait for it. Works take turns, one after another, so
 * no thread of Node.js waits for a context. Others begin with this structure; an object of JavaScript owns them. */
struct quern_node_owner {
    enum quern_node_kind kind;
    void (*close)(struct quern_node_owner *owner); /* frees what is open; NULL: that was done */
    const char *closed; /* the text of the error after that */
    int64_t bytes;      /* of memory that JavaScript's garbage collector is told of */
    struct quern_node_work *first, *last; /* the first one runs */
    bool is_closed;     /* no work begins any more: those that wait are refused */
    bool is_collected;  /* the object of JavaScript is gone: there will be no more works than those that wait */
};

/* Something that is done in another thread, and the function that is told of it. Others begin with this structure. */
struct quern_node_work {
    void (*execute)(struct quern_node_work *work); /* in another thread: sets code, and error if it failed */
    napi_value (*result)(napi_env env, struct quern_node_work *work); /* what was found; NULL with an exception */
    void (*release)(struct quern_node_work *work); /* frees it, with all that it holds */
    struct quern_node_owner *owner;                /* whose turn it needs; NULL: none's */
    struct quern_node_work *next;
    napi_async_work handle;
    napi_ref callback; /* callback(error, result): error is null or as quern_node_error makes it */
    int code;
    quern_error error;
};

/* Starts a work, or lets it wait for its turn. Owns the work from then on, also if it fails with an exception. */
void quern_node_start(napi_env env, struct quern_node_work *work, napi_value callback);

/* For works that find nothing: null for `result`, and free() for `release`. */
napi_value quern_node_nothing(napi_env env, struct quern_node_work *work);
void quern_node_free_work(struct quern_node_work *work);

/* The function of JavaScript (handle, callback) that starts such a work on what is open. */
napi_value quern_node_start_plain(napi_env env, napi_callback_info info, enum quern_node_kind kind,
                                  void (*run)(struct quern_node_work *work));

/* Sets the code and the error of a work, and returns the code. May be called in another thread, by execute. */
int quern_node_fail(struct quern_node_work *work, int code, const char *text);

/* Frees an owner that is closed or collected, as soon as no work uses it. */
void quern_node_tidy(napi_env env, struct quern_node_owner *owner);

/* ---------------------------------------------------------------- owners.c: objects that hold what is open */

/* Makes the object of an owner. Returns NULL with an exception when it fails; then the owner stays the caller's. */
napi_value quern_node_own(napi_env env, struct quern_node_owner *owner);

/* Returns the owner of an object, which must be of a kind; NULL with an exception for another one. */
struct quern_node_owner *quern_node_owner_of(napi_env env, napi_value object, enum quern_node_kind kind);

/* ---------------------------------------------------------------- shared_models.c: models of the process */

struct quern_node_shared_model;

/* Opens a file, or takes it again from another environment that has it open. Any thread may call these functions. */
int quern_node_share_model(struct quern_node_shared_model **shared, const char *path,
                           const quern_model_options *options, quern_error *error);
quern_model *quern_node_shared_model_of(const struct quern_node_shared_model *shared);
void quern_node_unshare_model(struct quern_node_shared_model *shared); /* NULL is allowed */

/* ---------------------------------------------------------------- models.c, texts.c: what JavaScript calls */

/* An open model with one context. */
struct quern_node_model {
    struct quern_node_owner owner; /* first */
    struct quern_node_shared_model *shared;
    quern_context *context;
};

napi_value quern_node_open_model(napi_env env, napi_callback_info info);
napi_value quern_node_space_of(napi_env env, napi_callback_info info);
napi_value quern_node_embed(napi_env env, napi_callback_info info);
napi_value quern_node_tokenize(napi_env env, napi_callback_info info);
napi_value quern_node_close(napi_env env, napi_callback_info info); /* of what is open of any kind */

/* ---------------------------------------------------------------- index_rows.c: rows on their way to the library */

struct quern_node_rows {
    quern_index_row *rows; /* [count] */
    size_t count;
    char *bytes; /* of names and payloads */
};

/* Copies rows from five arguments: numbers, names, nameLengths, payloads, payloadLengths. numbers: BigUint64Array of
 * ids; null when they are names. names, payloads: Uint8Array of all of them, one after another, with a Uint32Array of
 * their lengths; null: none. Returns false when they are wrong or there is no memory; then nothing is to be freed. */
#define QUERN_NODE_ROW_ARGUMENTS 5
bool quern_node_copy_rows(napi_env env, const napi_value arguments[QUERN_NODE_ROW_ARGUMENTS],
                          struct quern_node_rows *rows);
void quern_node_free_rows(struct quern_node_rows *rows);

/* Copies the vectors [first, first + count) of a Float32Array of vectors of so many dimensions. Returns NULL without an
 * exception when they are not there, or there is no memory. */
float *quern_node_copy_vectors(napi_env env, napi_value array, size_t dimensions, int64_t first, size_t count);

/* ---------------------------------------------------------------- found_rows.c: rows on their way to JavaScript */

struct quern_node_found {
    quern_index_row *rows; /* [count], whose texts belong to the index */
    size_t count;
    size_t name_bytes, payload_bytes; /* of all of them */
};

/* Makes room for so many rows. False: there is no memory. */
bool quern_node_take_found(struct quern_node_found *found, size_t most);
void quern_node_free_found(struct quern_node_found *found);

/* Adds the row at a place; there must be room for it. Returns a code of the library. */
int quern_node_find(struct quern_node_found *found, const quern_index *index, uint64_t place, quern_error *error);

/* Makes an ArrayBuffer of so many bytes; *data: where they are. Returns NULL with an exception. */
napi_value quern_node_buffer(napi_env env, napi_value result, const char *name, size_t bytes, void **data);

/* Sets what the rows are: numbers (uint64), names, payloads (bytes), and their lengths (uint32). False: with an
 * exception. */
bool quern_node_set_found(napi_env env, napi_value result, const struct quern_node_found *found);

/* ---------------------------------------------------------------- indexes.c, search.c, index_changes.c */

struct quern_node_index {
    struct quern_node_owner owner; /* first */
    quern_index *index;
    quern_searcher *searcher; /* NULL: not made yet */
    size_t most_hits, most_scored; /* of the searcher */
    int threads;
    quern_index_info info;
};

napi_value quern_node_open_index(napi_env env, napi_callback_info info);
napi_value quern_node_search(napi_env env, napi_callback_info info);
napi_value quern_node_read_rows(napi_env env, napi_callback_info info); /* in found_rows.c */
napi_value quern_node_check_index(napi_env env, napi_callback_info info);

napi_value quern_node_write_index(napi_env env, napi_callback_info info);
napi_value quern_node_add_rows(napi_env env, napi_callback_info info);
napi_value quern_node_remove_rows(napi_env env, napi_callback_info info);
napi_value quern_node_commit(napi_env env, napi_callback_info info);
napi_value quern_node_resume(napi_env env, napi_callback_info info);
napi_value quern_node_compact_index(napi_env env, napi_callback_info info);

#endif
