/* quern for Node.js: what the files of the addon share. The addon has plain functions; the classes that people use are
 * in JavaScript, which also checks arguments in its own words. What is wrong for C is a TypeError here, never a crash.
 *
 * Threads. All functions run in the thread of their environment (the main thread or a worker thread of Node.js), except
 * quern_node_work.execute. An environment shares nothing with another. */
#ifndef QUERN_NODE_ADDON_H
#define QUERN_NODE_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <quern.h>
#include <stdbool.h>
#include <stddef.h>

/* ---------------------------------------------------------------- values.c: values of JavaScript */

/* Reads the arguments of a call. Returns whether there are exactly count; else throws. */
bool quern_node_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments);

/* Throws a TypeError, unless an exception is on its way already. Returns NULL, as a function that throws does. */
napi_value quern_node_throw(napi_env env, const char *text);

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
#define QUERN_NODE_CLOSED "the model was closed"

/* Makes {code, text, index} of an error; code is a string such as "QUERN_EINVAL", index a number or null. */
napi_value quern_node_error(napi_env env, const quern_error *error);

/* Makes an ArrayBuffer with a copy of the bytes, or returns NULL with an exception. */
napi_value quern_node_bytes(napi_env env, const void *bytes, size_t count);

/* ---------------------------------------------------------------- works.c: work in another thread */

struct quern_node_work;

/* An open model with one context, and the works that wait for it. Works take turns, one after another, so no thread of
 * Node.js waits for a context. */
struct quern_node_model {
    quern_model *model; /* NULL: closed */
    quern_context *context;
    int64_t bytes;      /* of memory that JavaScript's garbage collector was told of */
    struct quern_node_work *first, *last; /* the first one runs */
    bool is_closed;     /* no work begins any more: those that wait are told that the model was closed */
    bool is_collected;  /* the object of JavaScript is gone: there will be no more works than those that wait */
};

/* Something that is done in another thread, and the function that is told of it. Others begin with this structure. */
struct quern_node_work {
    void (*execute)(struct quern_node_work *work); /* in another thread: sets code, and error if it failed */
    napi_value (*result)(napi_env env, struct quern_node_work *work); /* what was found; NULL with an exception */
    void (*release)(struct quern_node_work *work); /* frees it, with all that it holds */
    struct quern_node_model *model;                /* whose turn it needs; NULL: none's */
    struct quern_node_work *next;
    napi_async_work handle;
    napi_ref callback; /* callback(error, result): error is null or as quern_node_error makes it */
    int code;
    quern_error error;
};

/* Starts a work, or lets it wait for its turn. Owns the work from then on, also if it fails with an exception. */
void quern_node_start(napi_env env, struct quern_node_work *work, napi_value callback);

/* Sets the code and the error of a work, and returns the code. May be called in another thread, by execute. */
int quern_node_fail(struct quern_node_work *work, int code, const char *text);

/* Frees a model that is closed or collected, as soon as no work uses it. */
void quern_node_tidy(napi_env env, struct quern_node_model *model);

/* ---------------------------------------------------------------- models.c, texts.c: what JavaScript calls */

/* Returns the model of an object that open has made, or NULL with an exception. */
struct quern_node_model *quern_node_model_of(napi_env env, napi_value object);

napi_value quern_node_open_model(napi_env env, napi_callback_info info);
napi_value quern_node_close_model(napi_env env, napi_callback_info info);
napi_value quern_node_space_of(napi_env env, napi_callback_info info);
napi_value quern_node_embed(napi_env env, napi_callback_info info);
napi_value quern_node_tokenize(napi_env env, napi_callback_info info);

#endif
